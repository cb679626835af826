"""Rows of a user's own tests: kept, shown, merged, and in no verdict."""

import json
from dataclasses import replace

import pytest
from page_runs import judged, run_of
from saved_runs import BASE, RUN_SPEC, row

from irgate_battery.report.conclusion import conclude
from irgate_battery.report.merging import NotMergeableError, merged
from irgate_battery.report.own_tests import OwnTest, in_order
from irgate_battery.report.page.page import page_of
from irgate_battery.report.page.saved_run import SavedRun
from irgate_battery.report.saved_report import SavedReport, SavedReportError
from irgate_battery.results.solver_identity import SolverIdentity

WHO = SolverIdentity("mine.py:f", "f", "1", "process")
ROWS = [row("base", case) for case in BASE]


def own(solver, case, **figures):
    told = row("base", case, **figures)
    test_id = f"tests/test_mine.py::test_it[{solver}-base-{case}]"
    return OwnTest(SolverIdentity(solver, solver, None, "none"), replace(told, id=test_id))


OWN = in_order(
    [
        own("fast", BASE[0]),
        own("fast", BASE[1], status="failed", message="8 px <from> the truth", tre_px=8.0),
        own("slow", BASE[0], status="xfailed", message="expected to fail"),
    ]
)
PASSED = [test for test in OWN if test.row.status == "passed"]


def run(own_tests, rows=ROWS):
    return conclude(rows, WHO, RUN_SPEC, suites=("base",), own_tests=own_tests)


def test_no_verdict_counts_them():
    with_them, without = run(OWN), run(())
    assert with_them.verdicts == without.verdicts
    assert with_them.exit_status == without.exit_status == 0
    assert with_them.last() == without.last()
    assert with_them.to_dict()["cases"] == without.to_dict()["cases"]
    assert without.to_dict()["own_tests"] == []


def test_the_text_counts_them_for_each_solver():
    (line,) = [line for line in run(OWN).lines() if line.text.startswith("own tests")]
    assert line.text == (
        "own tests    passed, of those that ran: fast 1 of 2, slow 0 of 1; no verdict counts them"
    )
    assert line.tone == "bad"
    (line,) = [line for line in run(PASSED).lines() if line.text.startswith("own tests")]
    assert line.tone == "good"
    assert not any("own tests" in line.text for line in run(()).lines())
    skipped = own("slow", BASE[1], status="skipped", message="no such model")
    (line,) = [line for line in run([skipped]).lines() if line.text.startswith("own tests")]
    assert "slow 0 of 0 (1 skipped)" in line.text
    assert line.tone == "open"


def test_what_was_written_is_read():
    report = run(reversed(OWN))
    assert SavedReport.read(report.to_json(), "r.json").own_tests == OWN
    assert tuple(OwnTest.from_dict(test.to_dict()) for test in OWN) == OWN
    data = report.to_dict()
    del data["own_tests"]
    assert SavedReport.read(json.dumps(data), "old.json").own_tests == ()


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda tests: tests.append(tests[0]), "stands there twice"),
        (lambda tests: tests.append(3), "a test of one's own is int, not dict"),
        (lambda tests: tests[0].pop("solver"), "no 'solver'"),
        (lambda tests: tests[0]["solver"].update(name=3), "something else than text"),
        (lambda tests: tests[0].update(tre_px="far"), "tre_px of "),
    ],
)
def test_a_damaged_one_is_refused_in_one_line(damage, said):
    data = run(OWN).to_dict()
    damage(data["own_tests"])
    with pytest.raises(SavedReportError, match=said) as error:
        SavedReport.read(json.dumps(data), "r.json")
    assert "\n" not in str(error.value)


def test_parts_are_merged_with_theirs():
    parts = [
        SavedReport.read(run(OWN[1:], ROWS[:2]).to_json(), "1.json"),
        SavedReport.read(run(OWN[:1], ROWS[2:]).to_json(), "2.json"),
    ]
    for order in (parts, parts[::-1]):
        assert merged(order).own_tests == OWN
    again = SavedReport.read(run(OWN[:1], ROWS[:2]).to_json(), "3.json")
    with pytest.raises(NotMergeableError, match=r"is in 2\.json and in 3\.json: parts share"):
        merged([parts[1], again])


def test_the_page_shows_them_as_text():
    plain = run_of([judged("lena_affine_2d")])
    assert "Own tests" not in page_of([plain])
    shown = page_of([replace(plain, saved=replace(plain.saved, own_tests=OWN))])
    assert "Own tests (3)" in shown
    assert "8 px &lt;from&gt; the truth" in shown
    assert "8 px <from>" not in shown
    assert isinstance(plain, SavedRun)
