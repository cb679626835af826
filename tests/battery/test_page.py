"""The report's page as a file: what stands in it, and that nothing of it can do harm."""

import base64
import hashlib
import json
import re
import zlib
from dataclasses import replace
from html.parser import HTMLParser
from importlib import resources

import numpy as np
import pytest
from page_runs import CASES, judged, off_by, run_of

from irgate_battery.cases.run_spec import RunSpec
from irgate_battery.judge.acceptance import battery_fault, fixture_fault
from irgate_battery.judge.measure import measure
from irgate_battery.report.comparison.side_by_side import NotComparableError
from irgate_battery.report.conclusion import conclude
from irgate_battery.report.page.image_code import LEVELS, coded
from irgate_battery.report.page.images import COARSE, COARSEST, Images
from irgate_battery.report.page.page import is_page, page_of
from irgate_battery.report.page.saved_run import SavedRun
from irgate_battery.report.row_figures import figures
from irgate_battery.report.saved_report import SavedReportError
from irgate_battery.results.result_row import ResultRow
from irgate_battery.results.solver_identity import SolverIdentity
from pytest_irgate.output_file import PAGE_HEAD, PAGE_MARK

BASE = ("synth_translate_2d", "lena_affine_2d", "brain_mri_real")
HOSTILE = "</script><img src=x onerror=alert(1)><!--<script>\"'&\x1b[2J\u202e"


class Read(HTMLParser):
    """The elements of a page, its texts, and the content of its scripts by their type."""

    def __init__(self, page):
        super().__init__()
        self.elements, self.texts, self.scripts = [], [], []
        self._inside = []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag in ("script", "style"):
            self._inside.append((tag, dict(attributes)))
            self.scripts.append([tag, dict(attributes), ""])

    def handle_endtag(self, tag):
        if self._inside and self._inside[-1][0] == tag:
            self._inside.pop()

    def handle_data(self, data):
        if self._inside:
            self.scripts[-1][2] += data
        else:
            self.texts.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.texts).split())

    @property
    def data(self):
        (found,) = (body for _, known, body in self.scripts if known.get("id") == "data")
        return json.loads(found)

    def case(self, key):
        (found,) = (case for case in self.data["cases"] if case["key"] == key)
        return found


@pytest.fixture(scope="module")
def page():
    rows = [judged(name) for name in BASE]
    rows.append(judged("lena_affine_2d-rot15", off_by("lena_affine_2d-rot15", 0.4, 0.0)))
    rows[-1] = replace(
        rows[-1], status="failed", message="lena_affine_2d-rot15: off", diagnosis="x"
    )
    rows.append(ResultRow("irgate/base.py::test_case[a]", "base", "a", status="missing"))
    return page_of([run_of(rows)])


def decoded(code):
    """An image back from its text, as the page's docstring says, number by number."""
    planes = zlib.decompress(base64.b64decode(code.text))
    size = code.width * code.height
    folded = [256 * high + low for high, low in zip(planes[:size], planes[size:], strict=True)]
    levels = np.zeros((code.height + 2, code.width + 2), dtype=np.int64)
    second = (1, -2, 1)
    for place, number in enumerate(folded):
        y, x = place // code.width + 2, place % code.width + 2
        residual = -(number + 1) // 2 if number % 2 else number // 2
        left, above, across = levels[y, x - 1], levels[y - 1, x], levels[y - 1, x - 1]
        plane = left + above - across
        if code.predictor == "plane":
            expected = plane
        elif code.predictor == "median":
            expected = sorted((left, above, plane))[1]
        else:
            expected = -sum(
                second[i] * second[j] * levels[y - i, x - j] for i in range(3) for j in range(3)
            )
        levels[y, x] = (expected + residual) % LEVELS
    return code.offset + code.step * levels[2:, 2:]


SCENES = {
    "smooth": ("double", lambda x, y: np.sin(x / 9) * np.cos(y / 11), 1e-4),
    "noise": ("median", lambda x, y: np.random.RandomState(5).normal(size=x.shape), 1 / 256),
    "ramp": (None, lambda x, y: x / 7 - y / 3, 1 / 512),
    "constant": (None, lambda x, y: 0 * x + 0.3, 1 / 256),
    "wide": (None, lambda x, y: 1e4 * np.random.RandomState(6).uniform(size=x.shape), 1e-4),
}


@pytest.mark.parametrize(("predictor", "scene", "step"), SCENES.values(), ids=SCENES)
def test_an_image_comes_back_to_half_a_step(predictor, scene, step):
    y, x = np.mgrid[:23, :31].astype(float)
    code = coded(scene(x, y), step)
    assert predictor in (None, code.predictor)
    assert code.step == max(step, np.ptp(scene(x, y)) / (LEVELS - 1))
    apart = np.abs(decoded(code) - scene(x, y)).max()
    # Half a step, and the rounding of float64.
    assert apart <= code.step / 2 * (1 + 1e-6) + 1e-12


def test_an_image_stands_there_once_in_the_finest_step_that_is_asked_for():
    images, one = Images(), np.random.RandomState(0).uniform(size=(16, 16))
    assert images.add(one, None) == images.add(one.copy(), 1e-3) == images.add(one, 1.0) == 0
    assert images.add(1 - one, None) == 1
    # A mask and an image of the same values are two.
    assert images.add_mask(one > 2) == 2
    text, left_out = images.markup()
    steps = [float(step) for step in re.findall(r'data-step="([^"]+)"', text)]
    assert (steps, left_out) == ([1e-3 / 4, COARSE, 1.0], frozenset())


def test_where_there_is_no_room_images_are_coarse_and_then_left_out():
    images = Images()
    for seed in range(4):
        images.add(np.random.RandomState(seed).uniform(size=(40, 40)), 1e-4)
    fine, _ = images.markup()
    coarse, left_out = images.markup(len(fine) * 3 // 4)
    assert set(re.findall(r'data-step="([^"]+)"', coarse)) == {repr(COARSE)}
    texts = re.findall(r">([^<]+)</script>", coarse)
    coarse, left_out = images.markup(sum(map(len, texts)) - 1)
    assert set(re.findall(r'data-step="([^"]+)"', coarse)) == {repr(COARSEST)}
    assert not left_out
    few, left_out = images.markup(len(coarse) // 2)
    assert left_out
    assert len(few) <= len(coarse) // 2 + 500
    assert {f"image-{number}" for number in left_out}.isdisjoint(re.findall(r'id="([^"]+)"', few))


def test_a_case_whose_images_have_no_room_says_so(monkeypatch):
    monkeypatch.setattr(Images, "markup", lambda self: ("", frozenset({0})))
    read = Read(page_of([run_of([judged(name) for name in BASE])]))
    whys = [case["drawing"].get("why") for case in read.data["cases"]]
    assert sum(why is not None and "left out" in why for why in whys) == 1


def test_the_policy_forbids_all_but_the_one_style_and_the_one_script(page):
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]+)"', page)
    read = Read(page)
    for tag, name in (("style", "style-src"), ("script", "script-src")):
        (body,) = (
            text for kind, known, text in read.scripts if kind == tag and "type" not in known
        )
        digest = base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()
        assert (
            f"{name} &#x27;sha256-{digest}&#x27;" in policy or f"{name} 'sha256-{digest}'" in policy
        )
    assert "default-src 'none'" in policy.replace("&#x27;", "'")


def test_nothing_is_fetched(page):
    told = re.sub(r'xmlns="[^"]+"', "", page)
    assert "http:" not in told
    assert "https:" not in told
    for tag, attributes in Read(page).elements:
        assert tag not in ("link", "img", "iframe", "object", "embed", "audio", "video")
        assert not {"src", "srcset", "style"} & set(attributes), (tag, attributes)
        assert not [name for name in attributes if name.startswith("on")]
        if tag == "a":
            assert attributes["href"].startswith("#")


def test_a_page_is_known_as_one(page):
    assert is_page(page)
    assert PAGE_MARK in page[:PAGE_HEAD]


def test_hostile_text_stays_text():
    rows = [
        judged("lena_affine_2d", message=HOSTILE, diagnosis=HOSTILE, preparation=HOSTILE),
        ResultRow(HOSTILE, HOSTILE, HOSTILE, HOSTILE, "failed", "x" * 1_000_000 + HOSTILE),
        ResultRow("irgate/base.py::y", "base", "__proto__", None, "error", HOSTILE),
    ]
    rows[0] = replace(rows[0], status="failed")
    page = page_of([run_of(rows, HOSTILE, source=f"{HOSTILE}.json")] * 2)
    read = Read(page)
    kinds = {tag for tag, _ in read.elements}
    assert "img" not in kinds
    executed = [
        known for kind, known, _ in read.scripts if kind == "script" and "type" not in known
    ]
    assert len(executed) == 1
    assert not [name for _, known in read.elements for name in known if name.startswith("on")]
    shown = "</script><img src=x onerror=alert(1)><!--<script>\"'&\\x1b[2J\\u202e"
    assert shown in read.text
    assert read.case(shown)["rows"][0]["message"].startswith("xxx")
    assert len(page) < 1_000_000
    assert "\x1b" not in page
    assert "\u202e" not in page


def test_the_table_reads_without_a_script(page):
    text = Read(page).text
    for words in ("FAIL", "Failures (2)", "lena_affine_2d-rot15", "missing", "All cases (5)"):
        assert words in text
    assert "not evaluated" in text


def test_a_status_is_never_told_by_its_colour_alone(page):
    for tone in ("good", "bad", "open"):
        for inner in re.findall(rf'class="toned {tone}">(.*?)</span>(.*?)</span>', page):
            assert inner[0].strip()
            assert inner[1].strip()


def endings():
    passed = [judged(name) for name in BASE]
    failed = [replace(passed[0], status="failed", message="m"), *passed[1:]]
    skipped = [replace(row, status="skipped", message="no") for row in passed]
    own = [replace(row, suite="pair", files="a,b") for row in passed]
    lost = [
        *passed,
        ResultRow("irgate/base.py::test_case[x]", "base", "x", None, "missing", "gone"),
    ]
    return {
        "passed": (passed, {}),
        "failed": (failed, {}),
        "skipped": (skipped, {}),
        "own": (own, {}),
        "missing": (lost, {}),
        "deselected": (passed, {"deselected": 3}),
        "strict": (passed, {"strict": True}),
        "required": (passed, {"require_verdict": True}),
        "interrupted": (lost, {"exit_status": 2}),
    }


@pytest.mark.parametrize("name", endings())
def test_the_page_opens_on_the_report_s_own_last_line(name):
    rows, how = endings()[name]
    report = conclude(rows, SolverIdentity("mine", "mine", "1"), RunSpec(), **how)
    run = SavedRun.read(report.to_json(), "mine.json")
    assert f"irgate: {run.word}: {run.reason}" == report.sentence().text
    assert run.tone == report.sentence().tone


def test_a_run_that_failed_elsewhere_is_not_green():
    report = conclude([judged(name) for name in BASE], SolverIdentity("m", "m", "1"), RunSpec())
    run = SavedRun.read(replace(report, exit_status=1).to_json(), "m.json")
    assert (run.word, run.tone) == ("FAIL", "bad")
    assert "ended with status 1" in run.reason


def test_a_limit_in_words_says_what_the_judge_says():
    """One answer on either side of each rule; the page's marks agree with the judge's verdict."""
    for name in ("lena_affine_2d", "lena_affine_2d-rot15"):
        pair = CASES[name].pair()
        truth = pair.truth.displacement(pair.shape)
        for shift in (0.0, 0.04, 0.07, 0.2, 60.0, 1e4):
            row = judged(name, off_by(name, shift, 0.0))
            measured = measure(pair, off_by(name, shift, 0.0), truth)
            known = {figure.label: figure for figure in figures(row)}
            held = [figure.holds for figure in known.values() if figure.holds is not None]
            if row.tolerance_px is None:
                fault = fixture_fault(measured)
            else:
                fault = battery_fault(measured, row.tolerance_px)
            assert (fault is None) == all(held), (name, shift, known)


def test_images_that_are_not_those_that_were_judged_are_not_shown():
    right = judged("lena_affine_2d")
    for changes, words in (
        ({"truth_rmse": right.truth_rmse * 1.001}, "not those that were judged"),
        ({"truth_rmse": None}, "no figure by which"),
    ):
        read = Read(page_of([run_of([replace(right, **changes)])]))
        assert words in read.case("lena_affine_2d")["drawing"]["why"]
        assert read.case("lena_affine_2d")["rows"][0]["figures"]


def test_own_pairs_whose_files_are_gone_have_figures_only(tmp_path):
    files = f"{tmp_path}/a.png,{tmp_path}/b.png,,rigid"
    row = ResultRow(
        "irgate/pair.py::test_case[a]", "pair", "a", "rigid", rmse=0.1, oracle_rmse=0.1, files=files
    )
    case = Read(page_of([run_of([row])])).case("a")
    assert "cannot be read" in case["drawing"]["why"]
    assert ["RMSE", "0.1", "at most 0.1101", True] in case["rows"][0]["figures"]


def test_a_transform_of_another_size_is_not_drawn():
    row = judged("bspline_random_2d")
    other = judged("lena_affine_2d", off_by("lena_affine_2d", 0, 0, bend=1.0))
    read = Read(page_of([run_of([replace(row, transform=other.transform)])]))
    drawing = read.case("bspline_random_2d")["drawing"]
    assert drawing["answers"] == [None]
    assert drawing["truth"]


def test_several_runs_stand_side_by_side():
    good, bad = (
        [judged(name) for name in BASE],
        judged("lena_affine_2d", off_by("lena_affine_2d", 1, 0)),
    )
    runs = [run_of(good, "one"), run_of([bad, *good[:1]], "two")]
    read = Read(page_of(runs))
    assert "Side by side" in read.text
    rows = read.case("lena_affine_2d")["rows"]
    assert [row["tre_px"] < 0.01 for row in rows] == [True, False]
    assert read.case("brain_mri_real")["rows"][1] is None


def test_runs_of_other_images_are_refused():
    row = judged("lena_affine_2d")
    other = replace(row, truth_rmse=2 * row.truth_rmse)
    with pytest.raises(NotComparableError, match="not the same images"):
        page_of([run_of([row]), run_of([other], "other")])


@pytest.mark.parametrize(
    "change",
    [
        {"deselected": "x"},
        {"verdicts": {}},
        {"cases": [{"id": 1}]},
    ],
)
def test_a_damaged_report_is_one_line(change):
    report = conclude([judged("lena_affine_2d")], SolverIdentity("m", "m", "1"), RunSpec())
    with pytest.raises(SavedReportError, match=r"^m\.json: a damaged report") as error:
        SavedRun.read(json.dumps({**report.to_dict(), **change}), "m.json")
    assert "\n" not in str(error.value)


def test_a_report_of_another_battery_has_figures_only():
    report = conclude([judged("lena_affine_2d")], SolverIdentity("m", "m", "1"), RunSpec())
    told = json.dumps({**report.to_dict(), "battery": "0"})
    case = Read(page_of([SavedRun.read(told, "m.json")])).case("lena_affine_2d")
    assert "drawn by battery 0" in case["drawing"]["why"]
    assert case["rows"][0]["figures"]


def test_every_key_and_every_view_stands_in_the_docs(request):
    told = (request.config.rootpath / "docs" / "report-page.md").read_text(encoding="utf-8")
    assets = resources.files("irgate_battery") / "report" / "page" / "assets"
    keys = re.findall(r"^  \['(.+?)', ", (assets / "keys.js").read_text("utf-8"), re.MULTILINE)
    assert len(keys) > 10
    for key in keys:
        assert f"`{'Esc' if key == 'Escape' else key}`" in told, key
    for title in re.findall(r"^    title: '(.+?)'", (assets / "views.js").read_text("utf-8"), re.M):
        assert f"| {title.lower()} |" in told, title
