"""A browser for the tests of the report's page, and the pages that it opens.

Chromium is driven by Playwright; where either is missing, these tests are skipped.
"""

import shutil

import pytest
from page_runs import judged, off_by, run_of
from seen_pictures import DRAWN, HOSTILE

from irgate_battery.report.page.page import page_of
from irgate_battery.results.result_row import ResultRow

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
BROWSER = next(filter(None, map(shutil.which, NAMES)), None)


@pytest.fixture(scope="session")
def browser():
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    if BROWSER is None:
        pytest.skip("there is no Chromium on the path")
    with playwright.sync_playwright() as driver:
        found = driver.chromium.launch(executable_path=BROWSER)
        yield found
        found.close()


@pytest.fixture(scope="session")
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
