"""`--irgate-pair`: a user's own images under pytest, with a verdict beside the gate's."""

import json
import re

import moved
import numpy as np
import pytest

from irgate_battery.interface.quiet_simpleitk import simpleitk

sitk = simpleitk()

NEAR_MM = 0.02
"""Between SimpleITK and the known motion: 64x48 px, linear lookups in waves of 9 px."""

ONLY = {"suites": "pair", "solver": "moved"}
PICTURES = ("--irgate-pair", "fixed.png,moving.png,same")
THIN = ("--irgate-pair", "thin.nii.gz#1,thick.nii.gz#1,same")
MASKED = ("--irgate-pair", '"spoilt, left.png",moving.png,mask.png,same')


@pytest.fixture(autouse=True)
def pictures(pytester):
    """Two pictures, a slice of 0.5 x 1.5 mm out of a volume, and a picture that needs its mask."""
    fixed, moving = (np.rint(65535 * image) for image in moved.images())
    mask = np.ones(fixed.shape)
    mask[:, :9] = 0
    spoilt = np.where(mask, fixed, 65535 - fixed)
    for name, values in (("fixed", fixed), ("moving", moving), ("spoilt, left", spoilt)):
        write(f"{name}.png", values.astype(np.uint16))
    write("mask.png", mask.astype(np.uint8))
    for name, values in zip(("thin", "thick"), moved.images((0.5, 1.5)), strict=True):
        write(f"{name}.nii.gz", np.stack([0 * values, values]), (0.5, 1.5, 4.0))


def write(path, array, spacing=None):
    image = sitk.GetImageFromArray(array)
    if spacing:
        image.SetSpacing(spacing)
    sitk.WriteImage(image, path)


def test_pairs_alone_have_a_verdict_and_a_last_line_of_their_own(gate, pytester):
    result = gate(*PICTURES, *THIN, *MASKED, "--irgate-json", "r.json", **ONLY)
    result.assert_outcomes(passed=3)
    assert result.ret == 0
    rule = "3 of 3 within 1.1 x SimpleITK's RMSE + 0.0001"
    result.stdout.fnmatch_lines(
        [
            "own pair *",
            "fixed *passed",
            "thin-slice1 *passed",
            "spoilt-left *passed",
            "hard gate*not evaluated (0 of 5 ran)",
            f"own pairs    PASS {rule}",
            f"irgate: OWN PAIRS PASS: {rule}; the gate itself did not run",
        ]
    )
    result.stdout.no_fnmatch_line("irgate: PASS*")
    report = json.loads((pytester.path / "r.json").read_text())
    assert report["verdicts"]["pairs"]["status"] == "pass"
    assert report["verdicts"]["hard_gate"]["status"] == "not_evaluated"
    picture, thin, masked = report["cases"]
    assert picture["id"] == "irgate/pair.py::test_case[fixed]"
    assert (picture["spacing_mm"], picture["oracle_distance_mm"]) == (None, None)
    # The solver knows the motion in mm: so SimpleITK, on resampled pixels, has found it in mm.
    assert thin["spacing_mm"] == 0.5
    for distance in (
        thin["oracle_distance_mm"],
        picture["oracle_distance_px"],
        masked["oracle_distance_px"],
    ):
        assert 0 < distance < NEAR_MM
    for row in report["cases"]:
        assert (row["suite"], row["truth_rmse"], row["tre_px"]) == ("pair", None, None)


def test_workers_in_another_folder_report_the_same(gate, report_of):
    """Where warnings are errors too: SimpleITK 2.4 warns while a worker imports it, and dies."""
    options = (*PICTURES, *MASKED, "--irgate-oracle", "live", "-W", "error", "--irgate-json")
    gate(*options, "serial.json", "-p", "no:xdist", **ONLY)
    gate(*options, "parallel.json", "-d", "--tx", "2*popen//chdir=elsewhere", **ONLY)
    serial = report_of("serial.json")
    assert [row["status"] for row in serial["cases"]] == ["passed", "passed"]
    assert report_of("parallel.json") == serial


def test_the_second_run_does_not_ask_simpleitk(gate, pytester, report_of):
    gate(*PICTURES, "--irgate-json", "first.json", **ONLY)
    pytester.makeconftest(
        """
        import irgate_battery.oracle

        def never(*_):
            raise AssertionError("the oracle was asked again")

        irgate_battery.oracle.solve = never
        """
    )
    gate(*PICTURES, "--irgate-json", "again.json", **ONLY).assert_outcomes(passed=1)
    first, again = (report_of(name)["cases"][0] for name in ("first.json", "again.json"))
    assert (first.pop("oracle"), again.pop("oracle")) == ("live", "cached")
    assert first == again
    gate(*PICTURES, "--irgate-oracle", "live", **ONLY).assert_outcomes(failed=1)


def test_a_broken_solver_fails_the_run_and_not_the_gate(gate, pytester, solvers, report_of):
    """It knows the base fixtures, and does nothing with anything else."""
    pytester.makepyfile(
        partial=f"""
        import sys
        sys.path.insert(0, {str(solvers)!r})
        import knowing, numpy

        def register(fixed, moving):
            if fixed.shape == (48, 64):
                return numpy.eye(3)
            return knowing.register(fixed, moving)
        """
    )
    options = ("--irgate-solver", "partial.py:register", "--irgate-json", "r.json")
    result = gate(*PICTURES, *options, suites="base", solver=None)
    result.assert_outcomes(passed=5, failed=1)
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        [
            "RMSE * is over its limit *",
            "hard gate    PASS *",
            "own pairs    FAIL 0 of 1 *; not: fixed;",
            "             *fixed: RMSE * is over its limit*",
            "irgate: FAIL: of 6 items 1 failed (fixed); own pairs: 0 of 1 *; the hard gate h*",
        ]
    )
    verdicts = report_of("r.json")["verdicts"]
    assert verdicts["hard_gate"]["status"] == "pass"
    assert (verdicts["pairs"]["status"], verdicts["pairs"]["passed"]) == ("fail", 0)
    again = gate(*PICTURES, *options, "--lf", suites="base", solver=None)
    again.assert_outcomes(failed=1, deselected=5)


def test_pairs_of_ini_count_from_the_ini_file(gate, pytester, monkeypatch):
    """And the command line wins: over the pairs, and over whether they run."""
    pytester.makeini(
        "[pytest]\nirgate_pair =\n    fixed.png,moving.png,same\n    thin.nii.gz#1,thick.nii.gz#1\n"
    )
    monkeypatch.chdir(pytester.mkdir("sub"))
    ids = re.compile(r"irgate/\S+")

    def collected(*args, suites=None):
        result = gate("--collect-only", "-q", *args, "irgate", suites=suites, solver=None)
        return [line for line in result.outlines if ids.fullmatch(line) and "pair.py" in line]

    pictures, thin = (f"irgate/pair.py::test_case[{name}]" for name in ("fixed", "thin-slice1"))
    assert collected() == [pictures, thin]
    assert collected("-k", "thin") == [thin]
    assert collected(suites="contract") == []
    assert collected("--irgate-pair", "../moving.png,../fixed.png", suites="contract") == [
        "irgate/pair.py::test_case[moving]"
    ]


WRONG = {
    "missing file": (
        ("--irgate-pair", "fixed.png,no.png"),
        "ERROR: --irgate-pair fixed: moving image */no.png does not exist",
    ),
    "no pair": ((), "ERROR: --irgate-suite pair: no pair is named; add --irgate-pair fixed.png,*"),
    "stored": (
        (*PICTURES, "--irgate-oracle", "stored"),
        "ERROR: --irgate-oracle stored: nothing is stored for the pairs of --irgate-pair; *",
    ),
}


@pytest.mark.parametrize(("options", "words"), WRONG.values(), ids=WRONG)
def test_a_wrong_pair_is_one_usage_error_line(gate, options, words):
    result = gate(*options, **ONLY)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([words.replace("[", "?")])
    assert len([line for line in result.errlines if line.strip()]) == 1


def test_a_pair_that_shows_nothing_is_never_green(gate):
    result = gate("--irgate-pair", "fixed.png,fixed.png", **{**ONLY, "solver": "identity"})
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(
        [
            "  not evaluated: *",
            "own pairs    -    not evaluated (0 of 1 ran)",
            "irgate: NOT EVALUATED: own pairs: 0 of 1 ran; the gate itself did not run*",
        ]
    )
    result.stdout.no_fnmatch_line("irgate: *PASS*")
