"""The picture of a case: what its panels hold, not which pixels."""

import numpy as np
import pytest
from matplotlib.colors import LogNorm
from page_runs import judged, off_by

from irgate_battery.cases.catalogue import all_cases, base_cases
from irgate_battery.cases.own_pairs import PreparedPair
from irgate_battery.judge.measure import warp
from irgate_battery.report.figure import FigureInput, draw
from irgate_battery.report.figure_panels import BLUE, ORANGE, REFERENCE

CASES = {case.id: case for case in all_cases()}


def drawn(name, displacement=None, **more):
    case = CASES[name]
    answer = {} if displacement is None else {"displacement": displacement, "who": "mine"}
    answer |= more
    figure = draw(FigureInput(case.pair(), case.id, case.purpose, **answer))
    figure.canvas.draw()
    return figure


def panel(figure, beginning):
    found = [axes for axes in figure.axes if axes.get_title().startswith(beginning)]
    assert len(found) == 1, [axes.get_title() for axes in figure.axes]
    return found[0]


def words(figure):
    """The text of the picture, its lines joined again."""
    said = [text.get_text() for axes in figure.axes for text in axes.texts]
    return " ".join(" ".join(said).split())


def image(axes):
    return np.ma.asarray(axes.get_images()[0].get_array())


def colourful(axes):
    """How much orange and blue an overlay shows: the distance of its channels from each other."""
    rgb = image(axes).astype(float)
    return float(np.abs(rgb[..., 0] - rgb[..., 2]).mean())


def test_orange_and_blue_add_up_to_white():
    assert np.allclose(np.add(ORANGE, BLUE), 1)


@pytest.mark.parametrize(
    "name", [*(case.id for case in base_cases()), "lena_affine_2d-rot75", "brain_mri_real-bias30"]
)
def test_every_panel_is_there_and_shows_something(name):
    figure = drawn(name)
    for beginning in ("fixed", "moving", "before", "after the true", "grid", "valid region"):
        assert np.ptp(image(panel(figure, beginning))) > 0.3
    for when in ("before", "after\n", "after, its own scale"):
        assert np.ma.count(image(panel(figure, f"difference {when}"))) > 1000
    # After, the images lie over each other: the overlay loses its colours, the difference its size.
    before, after = panel(figure, "before"), panel(figure, "after")
    assert colourful(after) < colourful(before)
    differences = [image(panel(figure, f"difference {when}")) for when in ("before", "after\n")]
    assert np.ma.std(differences[1]) < 0.6 * np.ma.std(differences[0])
    assert name in figure.get_suptitle()
    # What a case is for is no property of its images.
    assert CASES[name].purpose not in figure.get_suptitle()
    assert f"This case is there to show: {CASES[name].purpose}" in words(figure)


def test_the_fixed_image_is_orange_and_the_moving_one_blue():
    pair = CASES["lena_affine_2d"].pair()
    overlay = image(panel(drawn("lena_affine_2d"), "before"))
    assert (overlay[..., 3] == 1).all()
    assert np.allclose(overlay[..., 0], pair.fixed.clip(0, 1))
    # Unmoved, the judge's lookup at pixel centres is the image itself.
    assert np.allclose(overlay[..., 2], pair.moving.clip(0, 1))


def test_numbers_are_the_judge_s():
    pair = CASES["lena_affine_2d"].pair()
    truth = pair.truth.displacement(pair.fixed.shape)
    answer = truth + np.array([0.25, 0.0])
    figure = drawn("lena_affine_2d", answer)
    assert f"RMSE {warp(pair, answer).rmse:.4f}, 0.25 px from the truth" in (
        panel(figure, "after mine").get_title()
    )
    unmoved = warp(pair, np.zeros_like(truth))
    off = np.linalg.norm(truth, axis=-1)[unmoved.valid].mean()
    assert f"RMSE {unmoved.rmse:.4f}, {off:.3g} px" in panel(figure, "before").get_title()
    assert f"RMSE at the truth: {warp(pair, truth).rmse:.4f}" in words(figure)
    distance = image(panel(figure, "distance to the truth\nlargest 0.25 px"))
    assert np.allclose(distance.compressed(), 0.25)


def test_the_difference_is_moving_less_fixed_on_one_symmetric_scale():
    pair = CASES["lena_affine_2d"].pair()
    figure = drawn("lena_affine_2d")
    panels = [
        panel(figure, f"difference {when}").get_images()[0]
        for when in ("before", "after\n", "after, its own scale")
    ]
    assert panels[0].get_clim() == panels[1].get_clim()
    assert np.ma.allequal(panels[1].get_array(), panels[2].get_array())
    # A good result is white on the common scale.
    assert panels[2].get_clim()[1] < 0.1 * panels[1].get_clim()[1]
    for each in panels:
        low, high = each.get_clim()
        assert low == -high
    unmoved = warp(pair, np.zeros((*pair.fixed.shape, 2)))
    expected = (unmoved.image - pair.fixed)[unmoved.valid]
    assert np.allclose(image(panel(figure, "difference before")).compressed(), expected)
    labels = [axes.get_xlabel() for axes in figure.axes]
    assert "moving(T(x)) - fixed(x)" in labels


def test_the_grid_is_moved_by_the_transform_and_y_points_down():
    figure = drawn("synth_translate_2d")
    axes = panel(figure, "grid moved by 4.15 px")
    first = axes.get_lines()[0].get_xydata()
    # The grid's first row is the image's, 3.5 px to the right and 2.23 px up.
    assert np.allclose(first[0], (3.5, -2.23))
    assert np.allclose(first[-1], (199 + 3.5, -2.23))
    for each in figure.axes:
        if each.get_images():
            bottom, top = each.get_ylim()
            assert bottom > top


def test_a_solver_s_grid_stands_beside_the_true_one():
    pair = CASES["synth_translate_2d"].pair()
    moved = np.zeros((*pair.fixed.shape, 2))
    axes = panel(drawn("synth_translate_2d", moved), "grid moved by 0 px")
    colours = {line.get_color() for line in axes.get_lines()}
    assert colours == {BLUE, REFERENCE}
    answer = next(line for line in axes.get_lines() if line.get_color() == BLUE)
    assert np.allclose(answer.get_xydata()[0], (0, 0))


def test_what_is_masked_is_hatched_and_not_measured():
    pair = CASES["lena_affine_2d-occlusion25"].pair()
    figure = drawn("lena_affine_2d-occlusion25")
    assert "hatched: masked" in panel(figure, "fixed").get_xlabel()
    difference = image(panel(figure, "difference before"))
    assert np.ma.getmaskarray(difference)[~pair.mask].all()
    assert panel(figure, "difference before").patch.get_hatch()


@pytest.mark.parametrize("size", [1e3, 1e6])
def test_an_answer_that_runs_away_is_drawn_all_the_same(size):
    pair = CASES["brain_mri_real"].pair()
    figure = drawn("brain_mri_real", np.full((*pair.fixed.shape, 2), size))
    assert "nothing lands inside" in panel(figure, "after mine").get_title()
    axes = panel(figure, "grid moved")
    assert axes.get_xlim()[1] < 3 * pair.fixed.shape[1]


def test_no_two_texts_lie_over_each_other_and_none_is_cut():
    figure = drawn("brain_mri_real-overlap40")
    renderer = figure.canvas.get_renderer()
    boxes = [
        text.get_window_extent(renderer)
        for axes in figure.axes
        for text in (axes.title, axes.xaxis.label)
        if text.get_text()
    ]
    for number, box in enumerate(boxes):
        assert box.x0 >= 0
        assert box.y0 >= 0
        assert box.x1 <= figure.bbox.x1
        assert box.y1 <= figure.bbox.y1
        assert not any(box.overlaps(other) for other in boxes[number + 1 :])


def test_the_region_beyond_the_border_is_hatched_and_not_orange():
    pair = CASES["lena_affine_2d-rot75"].pair()
    truth = pair.truth.displacement(pair.shape)
    after = panel(drawn("lena_affine_2d-rot75"), "after the true")
    assert np.array_equal(image(after)[..., 3] == 0, ~warp(pair, truth).valid)
    assert after.patch.get_hatch()


def test_distances_are_on_a_logarithmic_scale_with_the_tolerance_marked():
    name = "lena_affine_2d-rot15"
    pair = CASES[name].pair()
    answer = pair.truth.displacement(pair.shape).copy()
    answer[..., 0] += np.geomspace(1e-5, 0.5, pair.shape[1])
    figure = drawn(name, answer, row=judged(name, answer))
    shown = panel(figure, "distance to the truth")
    norm = shown.get_images()[0].norm
    assert isinstance(norm, LogNorm)
    assert (norm.vmin, norm.vmax) == (1e-4, 1.0)
    (bar,) = [axes for axes in figure.axes if axes.get_xlabel().startswith("px; line: tolerance")]
    assert "0.05 px" in bar.get_xlabel()
    assert {line.get_xdata()[0] for line in bar.get_lines()} >= {0.05}
    # Its contour stands where the distance is the tolerance.
    contour = next(each for each in shown.collections if hasattr(each, "levels"))
    (path,) = [path for path in contour.get_paths() if len(path)]
    assert answer[50, round(path.vertices[:, 0].mean()), 0] - (
        pair.truth.displacement(pair.shape)[50, round(path.vertices[:, 0].mean()), 0]
    ) == pytest.approx(0.05, rel=0.1)


def test_the_verdict_its_limits_and_the_diagnosis_stand_on_the_picture():
    name = "lena_affine_2d-rot15"
    answer = off_by(name, 0.3, 0.0)
    row = judged(name, answer, status="failed", message=f"{name}: it is off", diagnosis="inverted")
    figure = drawn(name, answer, row=row)
    assert figure.get_suptitle().startswith(f"{name}: failed")
    said = words(figure)
    for part in (
        "FAILED: mine",
        "Distance to the truth, mean: 0.3 px, at most 0.05 px (over)",
        "Diagnosis: inverted",
        "it is off",
    ):
        assert part in said


@pytest.mark.parametrize(
    "name", ["synth_translate_2d", "brain_mri_real-overlap40", "moving_larger"]
)
def test_the_panels_of_a_row_stand_level(name):
    figure = drawn(name, np.zeros((*CASES[name].pair().shape, 2)))
    panels = [axes for axes in figure.axes if axes.get_title()]
    tops = [round(axes.get_position().y1, 3) for axes in panels]
    assert len(set(tops[:5])) == len(set(tops[5:])) == 1


def test_an_own_pair_is_held_against_simpleitk():
    pair = CASES["brain_mri_real"].pair()
    truth = pair.truth.displacement(pair.shape)
    own = PreparedPair("mine", pair.fixed, pair.moving, None, None, "as it is", "rigid", "varying")
    figure = draw(FigureInput(own, "mine", "", truth + np.array([0.2, 0.0]), "me", oracle=truth))
    assert "0.2 px from SimpleITK" in panel(figure, "after me").get_title()
    assert "SimpleITK" in panel(figure, "distance to SimpleITK").get_title()
    with pytest.raises(ValueError, match="without SimpleITK's transform"):
        draw(FigureInput(own, "mine", "", truth))
