"""What the page draws, read back from its canvases, is what the judge says."""

import re
from importlib import resources

import numpy as np
import pytest
from page_runs import CASES, judged, off_by, run_of
from seen_pictures import DRAWN, difference_in, picture

from irgate_battery.judge.measure import folded_fraction, warp
from irgate_battery.report.page.page import page_of
from irgate_battery.results.stored_transform import StoredGrid

GREY = 1 / 255
"""One grey of a screen: what a difference that is read back may be off by."""


@pytest.mark.parametrize("name", DRAWN)
def test_the_difference_is_the_judge_s(opened, name):
    page = opened(address=f"#case={name}&view=difference")
    page.locator("#show-valid").uncheck()
    pair = CASES[name].pair()
    judge = warp(pair, off_by(name, *DRAWN[name]))
    still = warp(pair, np.zeros((*pair.shape, 2)))
    for shown in (judge, still):
        colours, data = picture(page)
        expected = np.clip(judge.image - pair.fixed, -data["end"], data["end"])
        apart = np.abs(difference_in(colours, data["end"]) - expected)[judge.valid]
        assert apart.max() <= GREY, (name, apart.max(), data["end"])
        # Its own scale, or that before: each ends at all but a two-hundredth of the differences.
        tail = np.quantile(np.abs(shown.image - pair.fixed)[shown.valid], 0.995)
        assert data["end"] == pytest.approx(tail, abs=2 * GREY)
        page.keyboard.press("s")


@pytest.mark.parametrize("name", ["lena_affine_2d-occlusion25", "moving_mask"])
def test_what_is_hatched_is_what_the_judge_leaves_out(opened, name):
    page = opened(address=f"#case={name}&view=difference")
    with_hatching, _ = picture(page)
    page.locator("#show-valid").uncheck()
    without, _ = picture(page)
    hatched = np.abs(with_hatching - without).max(axis=-1) > 0
    error = DRAWN.get(name, (0.0, 0.0, 0.0))
    valid = warp(CASES[name].pair(), off_by(name, *error)).valid
    assert not hatched[valid].any()
    assert hatched[~valid].mean() > 0.99


@pytest.mark.parametrize("nodes", [(4, 4), (5, 7), (13, 6), (9, 31)])
def test_between_nodes_the_page_s_spline_is_the_package_s(browser, nodes):
    size = (31, 57)
    values = np.random.RandomState(2).uniform(-9, 9, (*nodes, 2))
    kept = StoredGrid(size, nodes, tuple(map(float, values.ravel())), 0.0)
    source = (resources.files("irgate_battery") / "report/page/assets/spline.js").read_text("utf-8")
    page = browser.new_page()
    for axis in (0, 1):
        numbers = [values[..., axis].ravel().tolist(), *nodes, *size]
        told = page.evaluate(
            f"(given) => {{ {source}; return [...splineOver(...given)]; }}", numbers
        )
        expected = kept.displacement_on(size)[..., axis]
        # Rounding of float64 on numbers of this size.
        assert np.abs(np.reshape(told, size) - expected).max() < 1e-11
    page.close()


def test_the_caption_says_the_report_s_figures(opened):
    page = opened(address="#case=bspline_random_2d")
    row = judged("bspline_random_2d", off_by("bspline_random_2d", *DRAWN["bspline_random_2d"]))
    said = page.locator("#panels figcaption")
    said.get_by_text(f"RMSE {row.rmse:#.4g}").wait_for()
    assert f"{row.tre_px:#.4g} px from the truth" in said.inner_text()
    page.locator("input[name=under][value=oracle]").check()
    said.get_by_text(f"RMSE {row.oracle_rmse:#.4g}").wait_for()


def test_the_slider_shows_the_fixed_image_left_of_its_line(opened):
    page = opened(address="#case=synth_rotate_2d&view=slider&part=100")
    fixed, _ = picture(page)
    page.locator("#part").fill("0")
    moving, _ = picture(page)
    assert "part=0" in page.url
    page.locator("#part").fill("50")
    half, _ = picture(page)
    middle = half.shape[1] // 2
    assert np.array_equal(half[:, : middle - 3], fixed[:, : middle - 3])
    assert np.array_equal(half[:, middle + 3 :], moving[:, middle + 3 :])
    assert np.abs(fixed - moving)[:, 5:-5].max() > 20
    pair = CASES["synth_rotate_2d"].pair()
    low, high = np.quantile(np.concatenate([pair.fixed, pair.moving]), (0.001, 0.999))
    grey = 255 * np.clip((pair.fixed - low) / (high - low), 0, 1)
    assert np.abs(fixed[:, :-3, 0] - grey[:, :-3]).mean() < 2


def test_the_pointer_moves_the_divider(opened):
    page = opened(address="#case=synth_rotate_2d")
    picture(page)
    box = page.locator("#panels canvas").first.bounding_box()
    page.mouse.click(box["x"] + box["width"] * 0.25, box["y"] + 20)
    assert page.locator("#part").input_value() in ("25", "25.0")
    assert re.search(r"part=2[45]", page.url)


def test_flicker_shows_one_image_and_then_the_other(opened):
    page = opened(address="#case=synth_rotate_2d&view=flicker")
    assert not page.locator("#flicker-run").is_checked()
    first, _ = picture(page)
    page.keyboard.press("f")
    second, _ = picture(page)
    page.keyboard.press("f")
    third, _ = picture(page)
    assert np.array_equal(first, third)
    assert np.abs(first - second).max() > 20
    page.locator("#flicker-run").check()
    seen = set()
    while len(seen) < 2:
        seen.add(picture(page)[0].tobytes())
        page.wait_for_timeout(100)
    assert seen == {first.tobytes(), second.tobytes()}


def test_onion_skin_and_checkerboard_are_made_of_the_same_two_images(opened):
    page = opened(address="#case=synth_rotate_2d&view=onion&part=0")
    page.locator("#show-valid").uncheck()
    fixed, _ = picture(page)
    page.locator("#part").fill("100")
    moving, _ = picture(page)
    page.locator("#part").fill("40")
    assert np.abs(picture(page)[0] - (0.6 * fixed + 0.4 * moving)).max() <= 1
    page.keyboard.press("4")
    board, _ = picture(page)
    of_fixed, of_moving = (np.abs(board - each).max(axis=-1) == 0 for each in (fixed, moving))
    assert (of_fixed | of_moving).all()
    assert 0.3 < of_fixed.mean() < 0.8


def test_transforms_are_toggled(opened):
    page = opened(address="#case=synth_translate_2d&view=difference&scale=common")
    solver, _ = picture(page)
    seen = {"solver": solver}
    for name in ("oracle", "truth", "identity"):
        page.keyboard.press("t")
        page.locator(f"input[name=under][value={name}]:checked").wait_for()
        assert f"under={name}" in page.url
        seen[name], _ = picture(page)
    assert np.array_equal(seen["oracle"], seen["truth"])
    for one, other in (("solver", "truth"), ("truth", "identity")):
        assert np.abs(seen[one] - seen[other]).max() > 50


def test_zoom_shows_a_part_larger(opened):
    page = opened(address="#case=synth_rotate_2d&view=onion&part=0")
    _, before = picture(page)
    page.keyboard.press("+")
    canvas = page.locator("#panels canvas").first
    scale = float(canvas.get_attribute("data-scale"))
    assert scale == pytest.approx(1.5 * before["scale"])
    assert float(canvas.get_attribute("data-left")) < 0
    page.keyboard.press("0")
    assert picture(page)[1]["scale"] == before["scale"]


def test_arrows_are_as_long_as_the_error(opened):
    """3 px to the right everywhere: short dashes, ten times as long they meet."""
    page = opened(address="#case=synth_rotate_2d&view=onion&part=0")
    page.locator("#show-valid").uncheck()
    plain, _ = picture(page)
    inked = {}
    for factor in ("1", "10", "100"):
        page.keyboard.press("a")
        page.locator(f"input[name=arrows][value='{factor}']:checked").wait_for()
        inked[factor] = (np.abs(picture(page)[0] - plain).max(axis=-1) > 0)[10:-10, 40:-40]
    most = {factor: ink.mean(axis=1).max() for factor, ink in inked.items()}
    least = {factor: ink.mean(axis=1).min() for factor, ink in inked.items()}
    assert 0.2 < most["1"] < 0.7
    assert most["10"] > 0.95
    # The error points along the rows: between them nothing is drawn.
    assert max(least["1"], least["10"]) == 0


def test_folded_pixels_are_the_judge_s(opened, pages):
    fold = off_by("lena_affine_2d", 0, 0, bend=30.0)
    row = judged("lena_affine_2d", fold)
    (pages / "folded.html").write_text(page_of([run_of([row])]), encoding="utf-8")
    page = opened("folded", "#case=lena_affine_2d&view=onion&part=0")
    page.locator("#show-valid").uncheck()
    plain, _ = picture(page)
    page.locator("#show-folded").check()
    marked = np.abs(picture(page)[0] - plain).max(axis=-1) > 0
    assert folded_fraction(fold) > 0.05
    assert marked.mean() == pytest.approx(folded_fraction(fold), abs=2e-3)
