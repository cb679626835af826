"""Packs: every kind of truth read alike, judged by it alone, and each mistake told in one line."""

import importlib.util
import json
import shlex
from dataclasses import replace

import numpy as np
import pytest
from items import evaluate, node_id
from own_pack import KINDS, MATRIX, SHAPE, SIDE_MM, TOLERANCE, answers, edited, write_pack

from irgate_battery.cases.own_pairs import own_pairs
from irgate_battery.cases.pack_values import PackError
from irgate_battery.cases.packs import Pack, case_of, read_packs
from irgate_battery.cases.run_spec import RunSpec
from irgate_battery.cases.truth import Landmarks
from irgate_battery.judge.landmark_error import LandmarkError
from irgate_battery.report.merging import merged
from irgate_battery.report.page.page_case import again
from irgate_battery.report.page.saved_run import SavedRun
from irgate_battery.report.remade import remade
from irgate_battery.report.saved_report import SavedReport
from irgate_battery.run import check_solver
from irgate_fixtures import pixel_grid

READ_PX = 1e-6
"""Between a truth and what was read: text of 17 digits, ITK's of 6 to 17, float64 fields."""

FIELD_PX = 2e-3
"""Between a projective map and the line between its pixels."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The pack, never changed."""
    return write_pack(tmp_path_factory.mktemp("own"))


@pytest.fixture
def pack(tmp_path):
    """One of one's own."""
    return write_pack(tmp_path / "own")


def solver_of(pack, folder, off=0.0):
    path, _, name = answers(pack, folder, off).rpartition(":")
    spec = importlib.util.spec_from_file_location("knowing_all", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    register = getattr(module, name)
    register.models = ("translation", "rigid", "affine", "ffd", "homography")
    return register


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_of_truth_is_the_transform_that_made_the_pair(whole, name):
    (case,) = [case for case in whole.cases if case.own_id == name]
    prepared = case.read()
    known, truth = KINDS[name].transform, prepared.truth
    if isinstance(truth, Landmarks):
        assert known(truth.fixed) == pytest.approx(truth.moving, abs=READ_PX)
        assert len(truth.fixed) == 6
    else:
        expected = known(pixel_grid(SHAPE)) - pixel_grid(SHAPE)
        assert truth.displacement(SHAPE) == pytest.approx(expected, abs=READ_PX)


def test_who_knows_passes_and_half_a_pixel_off_fails_every_case(whole, tmp_path):
    spec = RunSpec(packs=(whole,))
    for off, status in ((0.0, "passed"), (0.5, "failed")):
        register = solver_of(whole, tmp_path, off)
        report = check_solver(register, suites=["pack"], run_spec=spec)
        assert {row.case: row.status for row in report.rows} == {
            f"own-{name}": status for name in KINDS
        }
        assert report.verdicts.packs.status == ("fail" if off else "pass")
        for row in report.rows:
            far = row.tre_px if row.landmarks is None else row.landmark_mean_px
            assert far == pytest.approx(off * np.sqrt(2), abs=FIELD_PX)
            assert row.tolerance_px == TOLERANCE
            assert row.licence == "CC0-1.0"
            assert (row.spacing_mm == SIDE_MM) == (KINDS[row.case[4:]].form == "mha")
            if row.landmarks and row.spacing_mm:
                assert row.landmark_mean_mm == pytest.approx(far * SIDE_MM)


def test_the_truth_decides_and_simpleitk_is_not_asked(whole, tmp_path):
    row = evaluate(
        "pack",
        "own-itk",
        solver_of(whole, tmp_path, 0.5),
        run_spec=RunSpec(packs=(whole,)),
    ).row
    assert row.id == node_id("pack", "own-itk")
    assert (row.oracle, row.oracle_rmse, row.oracle_transform) == (None, None, None)
    assert row.message.startswith("0.707 px from the truth on average is over")


def test_a_wrong_direction_is_named_beside_points_too(whole):
    inverse = np.linalg.inv(MATRIX.matrix)
    for case in ("own-points", "own-text"):
        row = evaluate(
            "pack", case, lambda fixed, moving: inverse, run_spec=RunSpec(packs=(whole,))
        ).row
        assert row.diagnosis == "inverse"


def test_nothing_that_did_not_run_is_green(whole):
    def shifts(fixed, moving):
        return np.eye(3)

    shifts.models = ("translation",)
    report = check_solver(shifts, suites=["pack"], run_spec=RunSpec(packs=(whole,)))
    assert report.verdicts.packs.status == "fail"  # the one shift that it was asked for
    kept = replace(whole, cases=tuple(c for c in whole.cases if c.pair.model == "rigid"))
    report = check_solver(shifts, suites=["pack"], run_spec=RunSpec(packs=(kept,)))
    assert report.verdicts.packs.status == "not_evaluated"
    assert report.sentence().tone != "good"


def test_three_figures_of_landmarks():
    at = np.array([[0.0, 0], [4, 4], [8, 0], [0, 8], [8, 8]])
    landmarks = Landmarks(at, at + np.array([[1, 0], [2, 0], [3, 0], [4, 0], [0, 10]]))
    error = LandmarkError.of(landmarks, np.zeros((9, 9, 2)))
    assert (error.count, error.mean, error.median) == (5, 4.0, 3.0)
    assert error.p95 == pytest.approx(np.percentile([1, 2, 3, 4, 10], 95))


MISTAKES = {
    "a key": ("tolerance = 0.1", "tolerence = 0.1", "'tolerence'.*expected some of.*tolerance$"),
    "no truth": ('truth = "text.txt"\n', "", "truth: it is not there; expected a file"),
    "a model": ('model = "rigid"', 'model = "rigit"', "model: 'rigit'; expected one of transl"),
    "a tolerance": ("tolerance = 0.1", "tolerance = 0", "tolerance: 0; expected px over 0"),
    "too large": ("tolerance = 0.1", f"tolerance = 1{'0' * 400}", "tolerance: 1000*.*expected px"),
    "too long": ('"text.txt"', f'"{"x" * 300}"', "truth: 'x.*expected a file of the pack"),
    "not finite": ("tolerance = 0.1", "tolerance = nan", "tolerance: nan; expected px over 0"),
    "a file": ('"text.txt"', '"texd.txt"', "truth: 'texd.txt' does not exist"),
    "outside": ('"text.txt"', '"../text.txt"', "truth: '../text.txt' lies outside the pack"),
    "absolute": ('"text-fixed.npy"', '"/fixed.npy"', "fixed: '/fixed.npy' lies outside"),
    "home": ('"text-fixed.npy"', '"~/fixed.npy"', "fixed: '~/fixed.npy' lies outside"),
    "a matrix": ('"text.txt"', "[[1, 0], [0, 1]]", "truth:.*two or three rows of three numbers"),
    "points": ('"text.txt"', "{ fixed = [[1, 2]], moving = 3 }", "truth.moving: 3; expected"),
    "a truth": ('"text.txt"', "true", "truth: True; expected a file"),
    "a unit": ('unit = "px"', 'unit = "cm"', "unit: 'cm'; expected one of px, mm"),
    "a text": ('unit = "px"', "licence = 3", "licence: 3; expected text"),
    "an id": ('id = "text"', 'id = "t/x"', "case 1: id: 't/x'; expected ASCII"),
    "twice": ('id = "two-rows"', 'id = "text"', "case 'text': id: it stands there twice"),
    "a name": ('name = "own"', 'name = "o wn"', "name: 'o wn'; expected ASCII"),
    "toml": ('id = "text"', "id = text", "no TOML: .*line 5"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_line_that_names_file_case_and_key(pack, mistake):
    before, after, said = MISTAKES[mistake]
    edited(pack.folder, before, after)
    with pytest.raises(PackError, match=said) as told:
        Pack.read(pack.folder)
    message = str(told.value)
    assert message.startswith(f"{pack.file}: ")
    assert "\n" not in message
    if mistake not in ("a name", "toml", "an id"):
        assert message.startswith(f"{pack.file}: case 'text': ")


UNREADABLE = {
    "columns": ("text.txt", "1 2 3 4 5\n", "numbers of shape \\(1, 5\\); expected a matrix"),
    "words": ("text.txt", "one two\n", "expected a 3x3 matrix as text"),
    "singular": ("text.txt", "1 0 0\n1 0 0\n0 0 1\n", "has no inverse"),
    "empty": ("field.npy", "", "case 'field-npy': truth: .*expected a 3x3 matrix"),
    "quotes": ("points.csv", '"1,2\n', "expected a 3x3 matrix as text"),
    "infinite": ("text.txt", "1 0 inf\n0 1 0\n0 0 1\n", "numbers that are not finite"),
    "outside": (
        "points.csv",
        "x,y,u,v\n90,3,4,5\n",
        r"landmark 1 of 1, \(90, 3\) px, lies outside",
    ),
    "fewer": ("moving-mm.csv", "x,y\n3,4\n", "6 landmarks of the fixed image and 1 of the moving"),
    "no points": ("moving-mm.csv", "a,b,c\n3,4,5\n", "3 columns; expected two columns, x and y"),
}


@pytest.mark.parametrize("fault", UNREADABLE)
def test_a_file_that_holds_no_truth_is_one_line(pack, fault):
    name, text, said = UNREADABLE[fault]
    (pack.folder / name).write_text(text, "utf-8")
    with pytest.raises(PackError, match=said) as told:
        [case.read() for case in pack.cases]
    assert str(told.value).startswith(f"{pack.file}: case ")
    assert "\n" not in str(told.value)


def test_mm_without_a_spacing_is_refused(pack):
    edited(pack.folder, 'unit = "px"', 'unit = "mm"')
    with pytest.raises(PackError, match="case 'text': truth: it is in mm, and the images have no"):
        Pack.read(pack.folder).cases[0].read()


def test_a_folder_without_a_pack_says_what_to_do(tmp_path):
    for folder in (tmp_path, tmp_path / "none"):
        with pytest.raises(PackError, match=r"expected one.*irgate pack new"):
            Pack.read(folder)
    (tmp_path / "pack.toml").write_text("", "utf-8")
    with pytest.raises(PackError, match=r"cases: none; expected at least one; .*\[\[cases\]\]"):
        Pack.read(tmp_path)


def test_a_link_out_of_the_pack_is_refused(pack, tmp_path):
    np.save(tmp_path / "elsewhere.npy", np.zeros(SHAPE))
    (pack.folder / "linked.npy").symlink_to(tmp_path / "elsewhere.npy")
    edited(pack.folder, '"text-fixed.npy"', '"linked.npy"')
    with pytest.raises(PackError, match=r"fixed: 'linked\.npy' lies outside the pack"):
        Pack.read(pack.folder)


def test_two_packs_of_one_name_are_refused_and_one_given_twice_is_one(pack, tmp_path):
    assert read_packs([pack.folder, pack.folder]) == (pack,)
    other = write_pack(tmp_path / "other")
    with pytest.raises(PackError, match="has a case 'own-text' too"):
        read_packs([pack.folder, other.folder])


def test_a_pair_takes_a_truth_as_its_sixth_field(whole, tmp_path):
    register = solver_of(whole, tmp_path)
    for name in ("text", "points", "field-npy"):
        kind = KINDS[name]
        text = f"{name}-fixed.npy,{name}-moving.npy,,{kind.model},same,{kind.truth}"
        (pair,) = own_pairs([text], whole.folder)
        assert own_pairs([str(pair)], whole.folder) == (pair,)
        spec = RunSpec(pairs=(pair,))
        report = check_solver(register, suites=["pair"], oracle="stored", run_spec=spec)
        (row,) = report.rows
        assert row.status == "passed"
        assert row.tolerance_px is not None
        assert report.verdicts.pairs.reason == "1 of 1 within their tolerance of the truth"


def test_a_report_remakes_its_images_and_parts_are_merged(whole, tmp_path):
    register = solver_of(whole, tmp_path)
    spec = RunSpec(packs=(whole,))
    report = check_solver(register, suites=["pack"], run_spec=spec)
    saved = SavedReport.read(report.to_json(), "a.json")
    assert json.loads(report.to_json())["asked"]["packs"] == [str(whole.folder)]
    for row in saved.rows:
        pair = remade([row], None, saved.battery)
        assert (pair.truth is None) == (row.landmarks is not None)
        assert case_of(row.files).id == row.case
        command = shlex.split(again(row, SavedRun.read(report.to_json(), "a.json")))
        assert command[command.index("--irgate-pack") + 1] == str(whole.folder)
    whole_again = merged([saved])
    assert whole_again.verdicts.packs == report.verdicts.packs
