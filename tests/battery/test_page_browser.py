"""The report's page in a browser: what it draws, what its controls do, and that it stays inside.

Chromium is driven by Playwright; where either is missing, the tests are skipped.
"""

import base64
import re
import shutil
from importlib import resources

import numpy as np
import pytest
from page_runs import CASES, judged, off_by, run_of
from scipy.spatial import cKDTree

from irgate_battery.judge.measure import folded_fraction, warp
from irgate_battery.report.page.page import page_of
from irgate_battery.results.result_row import ResultRow
from irgate_battery.results.stored_transform import StoredGrid

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
BROWSER = next(filter(None, map(shutil.which, NAMES)), None)
playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
pytestmark = pytest.mark.skipif(BROWSER is None, reason="there is no Chromium on the path")

GREY = 1 / 255
"""One grey of a screen: what a difference that is read back may be off by."""

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(1)>"

DRAWN = {
    "bspline_random_2d": (0.3, -0.2, 0.8),
    "homography": (0.4, 0.3, 0.0),
    "lena_affine_2d-occlusion25": (0.213, 0.107, 0.0),
    "brain_mri_real": (0.5, -0.5, 1.5),
    "lena_affine_2d": (0.0, 0.0, 0.0),
}
"""Cases whose pictures are read back: a free-form deformation, a homography, a mask, two
acquisitions under a wavy answer (whose grid is finer), and a right answer."""


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as driver:
        found = driver.chromium.launch(executable_path=BROWSER)
        yield found
        found.close()


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """The pages that the tests open, by name."""
    folder = tmp_path_factory.mktemp("pages")
    rows = [judged(name, off_by(name, *error)) for name, error in DRAWN.items()]
    fails = {"status": "failed", "message": "off by 3 px", "diagnosis": "inverted"}
    rows.append(judged("synth_rotate_2d", off_by("synth_rotate_2d", 3, 0), **fails))
    rows.append(judged("synth_translate_2d", off_by("synth_translate_2d", 2, 1), **fails))
    rows.append(judged("moving_mask"))
    hostile = ResultRow("irgate/base.py::x", "base", HOSTILE, None, "failed", HOSTILE * 99)
    runs = [run_of(rows)]
    made = {
        "one": runs,
        "three": [*runs, run_of(rows[2:], "other"), run_of(rows[:3], "third")],
        "hostile": [run_of([rows[0], hostile], HOSTILE, source=HOSTILE)],
    }
    for name, which in made.items():
        (folder / f"{name}.html").write_text(page_of(which), encoding="utf-8")
    return folder


@pytest.fixture
def opened(browser, pages):
    """Open a page in a window of its own; nothing may be logged, and nothing fetched."""
    windows, troubles = [], []

    def heard(text):
        # This is about the tests' own reading back.
        if "willReadFrequently" not in text:
            troubles.append(text)

    def open_page(name="one", address="", **how):
        window = browser.new_context(
            **{"viewport": {"width": 1200, "height": 900}, "reduced_motion": "reduce", **how}
        )
        windows.append(window)
        page = window.new_page()
        page.set_default_timeout(10_000)
        page.on("console", lambda message: heard(message.text))
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("dialog", lambda dialog: (troubles.append("a dialog"), dialog.dismiss()))
        page.on("request", lambda request: requests.append(request.url))
        requests = []
        page.goto((pages / f"{name}.html").as_uri() + address)
        assert requests == [page.url.partition("#")[0]] or requests == [page.url]
        page.requested = requests
        return page

    yield open_page
    for window in windows:
        for page in window.pages:
            assert len(page.requested) == 1
        window.close()
    assert troubles == []


def picture(page, panel=0):
    """Wait for a panel's picture; return its pixels, one a pixel of the fixed image, and its data.

    Read back from the canvas that the user sees, at the middle of each image pixel.
    """
    canvas = page.locator("#panels canvas:not([aria-hidden])").nth(panel)
    canvas.and_(page.locator("[data-scale]")).wait_for()
    found = canvas.evaluate(
        """(canvas) => {
          const [scale, left, top, end] = ['scale', 'left', 'top', 'end'].map(
            (name) => Number(canvas.dataset[name]));
          const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
          const [columns, rows] = [canvas.width, canvas.height].map((side) => side / scale);
          let seen = '';
          for (let y = 0; y < rows; y += 1) {
            for (let x = 0; x < columns; x += 1) {
              const [cy, cx] = [y, x].map((place) => Math.floor((place + 0.5) * scale));
              const i = 4 * (cy * canvas.width + cx);
              seen += String.fromCharCode(data[i], data[i + 1], data[i + 2]);
            }
          }
          return { scale, left, top, end, shape: [rows, columns, 3], seen: btoa(seen) };
        }"""
    )
    assert (found["left"], found["top"]) == (0, 0)
    seen = np.frombuffer(base64.b64decode(found.pop("seen")), dtype=np.uint8)
    return seen.reshape(found["shape"]).astype(float), found


def colour_of(t):
    """The colour of a difference: purple under zero, white at it, green over it; not rounded."""
    half, end = ((158, 104, 190), (40, 0, 70)) if t < 0 else ((84, 168, 104), (0, 50, 24))
    return [
        np.interp(abs(t), (0, 0.25, 1), stops) for stops in zip((250,) * 3, half, end, strict=True)
    ]


LEVELS = np.linspace(-1, 1, 4001)
COLOURS = cKDTree([colour_of(t) for t in LEVELS])


def difference_in(colours, end):
    """Differences from their colours, which must be the map's but for rounding."""
    apart, nearest = COLOURS.query(colours)
    assert apart.max() <= 1.0
    return end * LEVELS[nearest]


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


def test_the_keyboard_goes_from_failure_to_failure(opened):
    page = opened()
    titles = []
    for _ in range(3):
        page.keyboard.press("e")
        titles.append(page.locator("#case-title").inner_text())
    assert titles == ["synth_rotate_2d", "synth_translate_2d", "synth_rotate_2d"]
    assert page.locator("#case-outcomes").inner_text().startswith("✗ failed")
    page.keyboard.press("Escape")
    assert page.locator("#report").is_visible()
    assert page.evaluate("document.activeElement.textContent") == "synth_rotate_2d"
    page.go_back()
    assert page.locator("#case-title").inner_text() == "synth_rotate_2d"
    # Two keys at once: the second counts from where the first led.
    page.evaluate(
        "for (const key of 'np') document.body.dispatchEvent("
        "new KeyboardEvent('keydown', { key, bubbles: true }))"
    )
    assert page.locator("#case-title").inner_text() == "synth_rotate_2d"
    assert "case=synth_rotate_2d" in page.url
    page.keyboard.press("?")
    assert page.get_by_role("dialog", name="Keyboard").is_visible()
    page.keyboard.press("Escape")
    assert page.locator("#case-title").is_visible()


def test_keys_that_are_typed_are_text(opened):
    page = opened()
    page.keyboard.press("/")
    page.keyboard.type("ne")
    assert page.locator("#search").input_value() == "ne"
    assert page.locator("#report").is_visible()


def shown_rows(page):
    return page.locator("#case-table tbody tr:visible th").all_inner_texts()


def test_the_table_is_narrowed_and_sorted(opened):
    page = opened()
    assert len(shown_rows(page)) == 8
    page.get_by_label("Status").select_option("failed")
    assert [text.splitlines()[0] for text in shown_rows(page)] == [
        "synth_rotate_2d",
        "synth_translate_2d",
    ]
    assert "status=failed" in page.url
    assert page.locator("#shown").inner_text() == "2 of 8 cases"
    page.get_by_role("button", name="Clear").click()
    page.locator("#search").fill("MRI")
    assert shown_rows(page) == ["brain_mri_real"]
    page.locator("#search").fill("")
    page.get_by_role("button", name="To truth, px").click()
    cells = page.locator("#case-table tbody tr td:nth-child(6)")
    numbers = [float(text) for text in cells.all_inner_texts()]
    assert numbers == sorted(numbers)
    page.get_by_role("button", name="To truth, px").click()
    assert [float(text) for text in cells.all_inner_texts()] == sorted(numbers, reverse=True)
    assert page.locator("th[aria-sort=descending]").inner_text().startswith("To truth")
    again = opened(address=page.url[page.url.index("#") :])
    assert again.locator("th[aria-sort=descending]").count() == 1


def test_a_mark_of_a_chart_opens_its_case(opened):
    page = opened()
    page.locator("#distance-chart path[data-case=brain_mri_real]").click()
    # A link is followed after the click, not within it.
    page.locator("#case-title", has_text="brain_mri_real").wait_for()


def test_an_address_that_tells_nonsense_opens_the_report(opened):
    page = opened(address="#case=__proto__&view=constructor&part=x&sort=99&under=%22%5D&scale=1")
    assert page.locator("#report").is_visible()
    page = opened(address="#case=lena_affine_2d&view=constructor&under=%22%5D,x&arrows=7")
    picture(page)


def test_solvers_stand_side_by_side(opened):
    page = opened("three", "#case=lena_affine_2d-occlusion25&view=difference")
    picture(page, 2)
    assert page.locator("#panels figcaption strong").all_inner_texts() == [
        "one",
        "other",
        "third",
    ] or (page.locator("#panels figcaption strong").all_inner_texts() == ["mine", "other", "third"])
    same = [picture(page, panel)[0] for panel in range(3)]
    assert np.array_equal(same[0], same[1])
    page.locator("input[name=under][value=run2]").check()
    page.locator("#panels figure:nth-child(2)").wait_for(state="detached")
    page.keyboard.press("Escape")
    page.goto(page.url.partition("#")[0] + "#case=bspline_random_2d")
    picture(page, 1)
    assert page.locator("#panels figure").count() == 2
    assert "not in this run" in page.locator("#case-outcomes").inner_text()


def test_hostile_text_is_shown_as_text(opened):
    page = opened("hostile")
    assert HOSTILE in page.locator("#report").inner_text()
    page.keyboard.press("e")
    assert page.locator("#case-title").inner_text() == HOSTILE
    assert HOSTILE in page.locator("#case-outcomes").inner_text()
    assert page.locator("img").count() == 0
    page.reload()
    assert page.locator("#case-title").inner_text() == HOSTILE
    page.requested.pop()


def test_without_a_script_the_report_reads(opened):
    page = opened(java_script_enabled=False)
    assert page.locator("#case-table tbody tr").count() == 8
    assert page.get_by_text("off by 3 px").first.is_visible()
    assert page.locator("svg").first.is_visible()
    assert page.get_by_text("need JavaScript").is_visible()
    for hidden in ("#filters", "#case", "#help-open"):
        assert not page.locator(hidden).is_visible()


ACCESSIBLE = """() => {
  const wrong = [];
  const visible = (node) => node.checkVisibility({ visibilityProperty: true });
  const nameOf = (node) => (node.getAttribute('aria-label')
    || (node.labels && [...node.labels].map((each) => each.textContent).join(' '))
    || node.textContent || '').trim();
  for (const node of document.querySelectorAll('button, a, input, select, summary')) {
    if (visible(node) && !nameOf(node)) wrong.push(`no name: ${node.outerHTML.slice(0, 80)}`);
  }
  for (const node of document.querySelectorAll('[role=img], [role=region], svg')) {
    if (visible(node) && !node.getAttribute('aria-label')) wrong.push(`no label: ${node.id}`);
  }
  const ids = [...document.querySelectorAll('[id]')].map(({ id }) => id);
  ids.filter((id, place) => ids.indexOf(id) !== place).forEach((id) => wrong.push(`twice: ${id}`));
  for (const node of document.querySelectorAll('[aria-labelledby]')) {
    if (!document.getElementById(node.getAttribute('aria-labelledby'))) wrong.push('label is gone');
  }
  let level = 1;
  for (const node of document.querySelectorAll('h1, h2, h3, h4')) {
    if (!visible(node)) continue;
    const own = Number(node.tagName[1]);
    if (own > level + 1) wrong.push(`a heading is left out before: ${node.textContent}`);
    level = own;
  }
  for (const table of document.querySelectorAll('table')) {
    if (table.querySelector('th:not([scope])')) wrong.push('a head without its scope');
  }
  for (const node of document.querySelectorAll('.scroll')) {
    if (node.tabIndex !== 0) wrong.push('a scrolling region that no key reaches');
  }
  const channel = (value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
  const colour = (text) => (text.match(/[\\d.]+/g) || []).map(Number);
  const light = ([r, g, b]) => 0.2126 * channel(r / 255) + 0.7152 * channel(g / 255)
    + 0.0722 * channel(b / 255);
  const ground = (node) => {
    for (let each = node; each; each = each.parentElement) {
      const found = colour(getComputedStyle(each).backgroundColor);
      if (found.length === 3 || found[3] === 1) return found;
    }
    return [255, 255, 255];
  };
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const node = texts.currentNode.parentElement;
    if (!texts.currentNode.data.trim() || !visible(node) || node.closest('script, .unseen, option')
      || node.closest(':disabled')) continue;
    const style = getComputedStyle(node);
    const ink = colour(node.closest('svg') ? style.fill : style.color);
    const [one, other] = [light(ink), light(ground(node.closest('svg') || node))].sort().reverse();
    const contrast = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    const large = parseFloat(style.fontSize) >= 24;
    if (contrast < (large ? 3 : 4.5)) {
      wrong.push(`contrast ${contrast.toFixed(2)}: ${texts.currentNode.data.trim().slice(0, 40)}`);
    }
  }
  const wide = document.documentElement;
  if (wide.scrollWidth > wide.clientWidth) wrong.push('the page scrolls sideways');
  return wrong;
}"""
"""Rules of WCAG 2.2 AA that a script can hold: names, headings, scopes, contrast, reflow."""


LOOKS = [
    ("one", 360, "dark"),
    ("one", 1280, "light"),
    ("three", 360, "light"),
    ("three", 1280, "dark"),
]


@pytest.mark.parametrize(("name", "width", "scheme"), LOOKS)
def test_it_is_accessible(opened, name, width, scheme):
    how = {"viewport": {"width": width, "height": 900}, "color_scheme": scheme}
    page = opened(name, **how)
    assert page.evaluate(ACCESSIBLE) == []
    page.keyboard.press("e")
    picture(page)
    assert page.evaluate(ACCESSIBLE) == []
    assert page.evaluate("document.activeElement.id") == "case-title"
    page.keyboard.press("5")
    page.keyboard.press("?")
    assert page.evaluate(ACCESSIBLE) == []


def test_it_prints_the_report_without_its_controls(opened):
    page = opened()
    page.emulate_media(media="print")
    for hidden in ("#filters", "#help-open"):
        assert not page.locator(hidden).is_visible()
    assert page.locator("#case-table").is_visible()
