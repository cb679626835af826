"""Each broken solver fails with words that name what is wrong, and the run goes on to its end."""

import re
from fnmatch import fnmatch

import pytest

FAULTS = {
    "identity": "*base.py*nothing was moved*",
    "inverse": "*your transform is inverted: it maps moving to fixed*",
    "swapped": "*your transform has x and y swapped*",
    "image": "*that is an image, and the gate warps images itself: return the transform*",
    "not_a_number": "*6 of 6 numbers that are NaN*",
    "raising": "*raised ValueError: singular matrix, at *raising.py:5 in register*",
    "nothing": "*returned None*Is a `return` missing*",
    "sleeping": "*did not return within 0.2 s*--irgate-timeout*",
    "writing": "*wrote into its input: * pixels of fixed changed*",
    "drawing": "*a different answer on each call*",
    "printing": "*printed 19 characters to standard output*",
    "seeding": "*changed global state: numpy's global random generator*",
    "float64_default": "*changed global state: torch's default dtype*",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_named(gate, report_of, fault):
    timeout = "0.2" if fault == "sleeping" else "60"
    result = gate("--irgate-timeout", timeout, "--irgate-json", "r.json", solver=fault)
    assert result.ret == 1
    # Messages are broken between words, to the width of the terminal.
    said = " ".join(result.stdout.str().split())
    assert fnmatch(said, FAULTS[fault].replace("*base.py*", "*"))
    result.stdout.fnmatch_lines(["irgate: FAIL: *"])
    rows = report_of("r.json")["cases"]
    assert len(rows) == 16
    assert {row["status"] for row in rows} <= {"passed", "failed", "skipped"}
    failed = [row for row in rows if row["status"] == "failed"]
    assert failed
    assert all(row["message"] and "\n" not in row["message"] for row in failed)
    assert all(row["message"] == "" for row in rows if row["status"] == "passed")


@pytest.mark.parametrize("fault", ["inverse", "swapped"])
def test_the_run_names_what_most_failures_share(gate, report_of, fault):
    """A pure shift alone cannot tell an inverse from a wrong sign; all fixtures together can."""
    name = {"inverse": "inverse", "swapped": "x and y swapped"}[fault]
    result = gate("--irgate-json", "r.json", solver=fault)
    said = " ".join(line.strip() for line in result.outlines)
    words = {"inverse": "is inverted: it maps moving to fixed", "swapped": "has x and y swapped"}
    assert f"; diagnosis: your transform {words[fault]}" in said
    assert re.search(rf"This \({name}\) explains \d+ of \d+ failed items", said)
    # With -q, too, in one line.
    quiet = gate("-q", solver=fault)
    quiet.stdout.fnmatch_lines(
        [f"irgate: FAIL: *; diagnosis: your transform {words[fault]}*({name}) *"]
    )
    report = report_of("r.json")
    assert report["diagnosis"]["fault"] == name
    base = [row for row in report["cases"] if row["suite"] == "base"]
    assert all(name in row["explanations"].split("; ") for row in base)
    assert all(row["undone_px"] < 0.5 < row["tre_px"] for row in base)


def test_the_solvers_own_traceback_is_shown_and_none_of_ours(gate):
    result = gate("irgate/base.py::test_case[brain_mri_real]", solver="raising")
    result.stdout.fnmatch_lines(["|     raise ValueError(*", "| ValueError: singular matrix"])
    result.stdout.no_fnmatch_line("*irgate_battery*")


def test_a_model_that_it_does_not_have_is_a_skip_that_says_so(gate):
    result = gate("-rs", solver="translation_only")
    assert result.ret == 0
    result.assert_outcomes(passed=10, skipped=6)
    result.stdout.fnmatch_lines(
        ["hard gate*not evaluated (1 of 5 ran)", "irgate: NOT EVALUATED: *1 of 5 ran*"]
    )
    result.stdout.fnmatch_lines(["SKIPPED*has no rigid model*"])
