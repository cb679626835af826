"""A site's pages, opened from disk: shared images, pictures of a sheet, narrow windows."""

import io

import numpy as np
import pytest
from matplotlib.image import imread

import irgate_fixtures
from irgate_battery import check_solver
from irgate_battery.report.site.site import site

CASE = "lena_affine_2d"
PAGES = ("index.html", "solver/idle/index.html", f"case/{CASE}.html")

STRONG = 0.15
"""Spread of a pixel's colours from which on it is no trace of grey; the full colours have 0.5."""


def idle(fixed, moving):
    return np.eye(3)


def knowing(fixed, moving):
    known = (irgate_fixtures.pair(name) for name in irgate_fixtures.NAMES)
    (truth,) = (pair.truth for pair in known if np.array_equal(pair.fixed.astype("f4"), fixed))
    return truth.displacement(fixed.shape) if truth.matrix is None else truth.matrix


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    for solver in (idle, knowing):
        path = folder / "entries" / solver.__name__ / "1.json"
        path.parent.mkdir(parents=True)
        text = check_solver(solver, suites=["base"]).to_json()
        path.write_text(text, encoding="utf-8")
    for each in site(folder / "entries"):
        path = folder / "public" / each.path
        path.parent.mkdir(parents=True, exist_ok=True)
        content = each.content.encode() if isinstance(each.content, str) else each.content
        path.write_bytes(content)
    return folder / "public"


@pytest.fixture
def opened(browser, pages):
    """Open a page of the site; nothing may be logged, and nothing fetched from elsewhere."""
    windows, troubles = [], []

    def open_page(path, address="", width=1200, at=pages):
        window = browser.new_context(viewport={"width": width, "height": 900})
        windows.append(window)
        page = window.new_page()
        page.set_default_timeout(10_000)
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("console", lambda message: troubles.append(message.text))
        page.requested = []
        page.on("request", lambda request: page.requested.append(request.url))
        page.goto((at / path).as_uri() + address)
        assert all(url.startswith(at.as_uri()) for url in page.requested)
        return page

    yield open_page
    for window in windows:
        window.close()
    assert [said for said in troubles if "willReadFrequently" not in said] == []


def test_a_report_draws_from_the_images_of_the_site(opened, pages):
    page = opened("solver/idle/1.html", f"#case={CASE}&view=slider")
    page.locator("#panels canvas").first.wait_for()
    page.locator("#panels").get_by_text("RMSE 0.").wait_for()
    assert page.requested[1:] == [(pages / "images.js").as_uri()]
    page.get_by_text("All solvers").click()
    assert page.url == (pages / "index.html").as_uri()


def test_a_report_without_them_says_what_is_not_there(browser, pages, tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    alone = tmp_path / "a" / "b" / "1.html"
    alone.write_bytes((pages / "solver/idle/1.html").read_bytes())
    window = browser.new_context()
    page = window.new_page()
    page.goto(f"{alone.as_uri()}#case={CASE}")
    said = page.locator("#undrawn").inner_text()
    window.close()
    assert said == "No pictures: they lie in ../../images.js, which is not there."


def test_a_sheet_shows_each_solver_its_own_picture(opened):
    page = opened(f"case/{CASE}.html")
    shown = {}
    for picture in page.locator("svg[role=img]").all():
        name = picture.get_attribute("aria-label").split(":")[0].split()[-1]
        colours = imread(io.BytesIO(picture.screenshot()))[..., :3]
        shown[name] = np.mean(np.ptp(colours, axis=-1) > STRONG)
    # The better one stands first.
    assert list(shown) == ["knowing", "idle"]
    assert shown["idle"] > 0.3
    assert shown["knowing"] < 0.1
    page.get_by_role("listitem").get_by_role("link", name="idle").click()
    page.locator("#panels canvas").first.wait_for()


@pytest.mark.parametrize("path", PAGES)
def test_a_narrow_window_scrolls_tables_and_not_the_page(opened, path):
    page = opened(path, width=400)
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    assert page.locator("table").first.evaluate("(table) => table.parentElement.tabIndex") == 0
