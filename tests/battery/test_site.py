"""A leaderboard believes no entry: figures and outcomes are those of its transforms."""

import io
import json
import re

import numpy as np
import pytest
from matplotlib.image import imread

from irgate_battery import check_solver
from irgate_battery.cases.catalogue import Case
from irgate_battery.report.saved_report import SavedReportError
from irgate_battery.report.site.entries import EntryError, case_items, checked, read_entries
from irgate_battery.report.site.pages import index_page
from irgate_battery.report.site.pictures import (
    ACROSS,
    HIGH,
    LOW,
    NOT_MEASURED,
    PALETTE,
    Sheet,
    difference_levels,
    full_scale,
    place_of,
)
from irgate_battery.report.site.site import site
from irgate_fixtures import Pair, pair, translation

FULL = 0.2
"""Difference with the strongest colour, in the tests' own pictures."""


@pytest.fixture(scope="module")
def told(solvers):
    """Return the JSON of a good and of an idle solver, on the base fixtures."""
    return {
        name: json.loads(check_solver(f"{solvers / name}.py:register", suites=["base"]).to_json())
        for name in ("knowing", "identity")
    }


@pytest.fixture
def folder(told, tmp_path):
    """Write entries, and return where; `write` changes one or adds a version."""

    def write(name, report, version="1"):
        path = tmp_path / name / f"{version}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(report), encoding="utf-8")

    for name, report in told.items():
        write(name, report)
    return tmp_path, write


def entry_of(folder, name):
    (found,) = [entry for entry in read_entries(folder) if entry.name == name]
    return checked(found)


def changed(report, **values):
    other = json.loads(json.dumps(report))
    other["cases"][2].update(values)
    return other


def test_an_honest_entry_holds(folder, told):
    where, _ = folder
    good, idle = entry_of(where, "knowing"), entry_of(where, "identity")
    assert (good.passed, good.broken) == (5, ())
    assert all(row.holds for row in idle.cases)
    assert idle.passed == sum(row["status"] == "passed" for row in told["identity"]["cases"])
    assert good.verdicts().hard_gate.status == "pass"
    assert idle.verdicts().hard_gate.status == "fail"


@pytest.mark.parametrize(
    ("change", "trouble"),
    [
        ({"tre_px": 0.0, "ratio": 1.0}, "other figures when judged anew: ratio, tre_px"),
        ({"status": "passed"}, "it says passed, and RMSE"),
        ({"status": "passed", "transform": None}, "it says passed, and holds no transform"),
        ({"transform": {"matrix": [[1, 0, 9], [0, 1, 0], [0, 0, 1]]}}, "other figures"),
        ({"case": "nobody"}, "its row is named base nobody"),
        ({"truth_rmse": 0.5}, "not those that were judged"),
    ],
)
def test_a_forged_entry_does_not(folder, told, change, trouble):
    where, write = folder
    honest = entry_of(where, "identity").passed
    write("identity", changed(told["identity"], message="", **change))
    entry = entry_of(where, "identity")
    assert entry.passed == honest
    assert [row.trouble.startswith(trouble) or trouble in row.trouble for row in entry.broken] == [
        True
    ]
    assert entry.verdicts().hard_gate.status == "fail"
    page = index_page([entry], case_items(), "t")
    assert "1 do not hold" in page


def test_what_is_left_out_is_not_passed(folder, told):
    where, write = folder
    some = {**told["knowing"], "cases": told["knowing"]["cases"][:3]}
    write("knowing", some)
    entry = entry_of(where, "knowing")
    assert entry.passed == 3
    assert entry.verdicts().hard_gate.status == "not_evaluated"
    # Of all that a complete run has, and not of what it brought.
    assert f">3 of {len(case_items())}<" in index_page([entry], case_items(), "t")


def test_no_case_counts_twice(folder, told):
    where, write = folder
    first = told["knowing"]["cases"][0]
    again = [{**first, "id": f"irgate/base.py::test_case[copy{n}]"} for n in range(9)]
    write("knowing", {**told["knowing"], "cases": [*told["knowing"]["cases"], *again]})
    assert entry_of(where, "knowing").passed == 5


def test_an_entry_with_a_false_oracle_does_not_hold(folder, told):
    where, write = folder
    false = {"matrix": [[1, 0, 0], [0, 1, 0], [0, 0, 1]]}
    write("identity", changed(told["identity"], oracle="live", oracle_transform=false))
    (row,) = entry_of(where, "identity").broken
    assert "from the one that the package holds" in row.trouble


def test_the_files_and_how_they_are_linked(folder, told):
    where, write = folder
    write("knowing", {**told["knowing"], "started": "2020-01-01T00:00:00+00:00"}, "0.9")
    files = {each.path: each.content for each in site(where, "Mine <b>")}
    assert {"index.html", "site.css", "solver/knowing/index.html"} <= set(files)
    assert {"solver/knowing/0.9.html", "solver/knowing/1.html"} <= set(files)
    assert {"images.js", "case/lena_affine_2d.png"} <= set(files)
    assert "<h1>Mine &lt;b&gt;</h1>" in files["index.html"]
    # The good one stands first, and its newest version is the one that counts.
    order = re.findall(r'href="solver/(\w+)/', files["index.html"])
    assert order == ["knowing", "identity"]
    history = files["solver/knowing/index.html"]
    assert history.index('href="1.html"') < history.index('href="0.9.html"')
    for path, content in files.items():
        if path.endswith(".html"):
            depth = path.count("/")
            for address in re.findall(r'(?:href|src)="([^"#]+)', content):
                parts = [*path.split("/")[:depth], *address.split("/")]
                while ".." in parts:
                    at = parts.index("..")
                    del parts[at - 1 : at + 1]
                assert "/".join(parts) in files, (path, address)


def test_who_fails_and_who_was_not_asked(folder, told):
    where, write = folder
    rows = json.loads(json.dumps(told["identity"]))["cases"]
    rows[0].update(status="skipped", transform=None, message="no such model")
    rows[1].update(status="error", transform=None, message="it raised")
    write("identity", {**told["identity"], "cases": rows})
    entry = entry_of(where, "identity")
    assert (entry.passed, entry.failed) == (0, 4)
    files = {each.path: each.content for each in site(where)}
    assert "(1 of 1)</li>" in files["index.html"].split("synth_translate_2d</a> ")[1][:20]
    assert "(1 of 2)</li>" in files["index.html"].split("synth_rotate_2d</a> ")[1][:20]
    # Who passes stands before who fails, and who was not asked comes last.
    order = re.findall(r'href="\.\./solver/(\w+)/index', files["case/synth_translate_2d.html"])
    assert order == ["knowing", "identity"]


def test_pages_name_no_folder_of_who_made_them(folder, told):
    where, _ = folder
    for each in site(where):
        if isinstance(each.content, str):
            assert str(where) not in each.content


def test_hostile_text_is_text(folder, told):
    where, write = folder
    hostile = "<script>alert(1)</script>"
    report = changed(told["identity"], message=hostile)
    report["solver"]["name"] = hostile
    write("identity", report)
    for each in site(where):
        if each.path.endswith(".html"):
            assert hostile not in each.content


@pytest.mark.parametrize("name", ["a b", "..hidden", "<x>", "a%2f"])
def test_a_name_that_is_no_address_is_refused(folder, told, name):
    where, write = folder
    write(name, told["identity"])
    with pytest.raises(EntryError, match="its name becomes an address"):
        read_entries(where)


def test_what_is_no_entry_is_refused(folder, tmp_path):
    where, write = folder
    write("other", {"schema": 2})
    with pytest.raises(SavedReportError, match="schema 2"):
        read_entries(where)
    with pytest.raises(EntryError, match="no folder"):
        read_entries(where / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(EntryError, match="no entries"):
        read_entries(tmp_path / "empty")


def test_images_are_stored_once_for_all_reports(folder, told):
    where, write = folder
    write("knowing", told["knowing"], "0.9")
    files = {each.path: each.content for each in site(where)}
    shared = json.loads(
        files["images.js"].removeprefix("globalThis.irgateImages = ").removesuffix(";\n")
    )
    # Two of each base fixture, and no mask.
    assert list(shared) == [str(number) for number in range(10)]
    for path in ("solver/knowing/0.9.html", "solver/knowing/1.html", "solver/identity/1.html"):
        assert '<script src="../../images.js">' in files[path]
        assert "image-0" not in files[path]
        assert "'self'" in re.search(r"script-src ([^;]*);", files[path])[1]
        assert '<a href="../../index.html">All solvers</a>' in files[path]


def test_a_case_is_made_once_for_all_solvers(folder, told, monkeypatch):
    where, write = folder
    write("knowing", told["knowing"], "0.9")
    made = []
    monkeypatch.setattr(
        Case, "pair", lambda case, pair=Case.pair: made.append(case.id) or pair(case)
    )
    list(site(where))
    assert sorted(made) == sorted(row["case"] for row in told["knowing"]["cases"])


def decoded(picture):
    return np.rint(255 * imread(io.BytesIO(picture))[..., :3]).astype(int)


def difference_picture(images, displacement):
    return Sheet({"a": difference_levels(images, displacement, FULL)}, FULL).png()


def test_a_sheet_has_each_picture_at_its_place():
    pictures = {str(n): np.full((2, 3), n, np.uint8) for n in range(ACROSS + 2)}
    sheet = Sheet(pictures, FULL)
    shown = decoded(sheet.png())
    assert sheet.layout == (2, ACROSS)
    assert shown.shape[:2] == (4, 3 * ACROSS)
    for number in range(ACROSS + 2):
        x, y = place_of(number, sheet.shape)
        part = shown[y : y + 2, x : x + 3]
        assert np.all(part == np.array(PALETTE[number]))
    assert np.all(shown[2:, 6:] == NOT_MEASURED)
    few = Sheet({name: pictures[name] for name in ("0", "1")}, FULL)
    assert few.layout == (1, 2)
    assert decoded(few.png()).shape[:2] == (2, 6)


def test_a_picture_is_the_difference():
    fixed = np.full((20, 30), 0.5)
    moving = fixed.copy()
    moving[:, :10] += FULL
    moving[:, 20:] -= FULL
    flat = Pair("flat", fixed, moving, None, translation(0, 0), "translation", "same")
    shown = decoded(difference_picture(flat, translation(0, 2).displacement(fixed.shape)))
    assert shown.shape == (20, 30, 3)
    assert tuple(shown[5, 5]) == HIGH
    assert tuple(shown[5, 25]) == LOW
    assert shown[5, 15].min() > 230
    assert tuple(shown[19, 5]) == NOT_MEASURED


@pytest.mark.parametrize(("floor", "full"), [(0.01, 8 * 0.01), (1e-6, 1 / 255), (None, 1 / 255)])
def test_the_strongest_colour_is_that_of_the_case(floor, full):
    assert full_scale(floor) == pytest.approx(full)


def test_at_the_truth_little_is_left():
    known = pair("lena_affine_2d")
    shown = decoded(difference_picture(known, known.truth.displacement(known.shape)))
    grey = np.all(shown == NOT_MEASURED, axis=-1)
    assert np.median(shown[~grey].min(axis=-1)) > 230
