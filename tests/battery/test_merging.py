"""Parts of one run: merged in any order they are the whole run, and a lost part is missing."""

import itertools
import json
from dataclasses import replace

import pytest
from saved_runs import BASE, BATTERY, RUN_SPEC, row

from irgate_battery.cases.run_spec import RunSpec
from irgate_battery.report.conclusion import conclude
from irgate_battery.report.merging import NO_PART_HAS_IT, NotMergeableError, merged
from irgate_battery.report.provenance import Provenance
from irgate_battery.report.saved_report import SavedReport
from irgate_battery.results.solver_identity import SolverIdentity

WHO = SolverIdentity("mine.py:f", "f", "1", "process")
ROWS = [*(row("base", case) for case in BASE), *(row("battery", case) for case in BATTERY)]
SUITES = ("base", "battery")


def run(rows, *, started="2026-01-01T00:00:00+00:00", spec=RUN_SPEC, solver=WHO, **more):
    provenance = Provenance(started, "a" * 40, "main", False)
    return conclude(rows, solver, spec, **{"suites": SUITES, "provenance": provenance, **more})


def part(rows, name="part.json", **more):
    return SavedReport.read(run(rows, **more).to_json(), name)


def four():
    return [
        part(ROWS[n::4], f"{9 - n}.json", started=f"2026-01-01T00:00:0{n}+00:00") for n in range(4)
    ]


def test_in_all_orders_it_is_the_whole_run():
    whole = run(ROWS).to_json()
    orders = list(itertools.permutations(four()))
    assert len(orders) == 24
    for order in orders:
        found = merged(order)
        assert replace(found, provenance=run(ROWS).provenance).to_json() == whole
        assert found.provenance.started.endswith(":00+00:00")


def test_a_failure_in_one_part_fails_the_whole():
    bad = replace(ROWS[0], status="failed", message="m")
    parts = [part([bad, *ROWS[1:4]]), part(ROWS[4:])]
    assert merged(parts).exit_status == 1
    assert merged(parts).to_json() == run([bad, *ROWS[1:]]).to_json()


def test_a_part_that_is_lost_is_missing_and_fails():
    for left_out in range(4):
        parts = four()
        del parts[left_out]
        found = merged(parts)
        lost = [each for each in found.rows if each.status == "missing"]
        assert {each.id for each in lost} == {each.id for each in ROWS[left_out::4]}
        assert {each.message for each in lost} == {NO_PART_HAS_IT}
        assert found.exit_status == 1
        assert not found.passed


def test_a_part_that_was_interrupted_has_said_what_it_lacks():
    cut = replace(ROWS[3], status="missing", message="did not report")
    parts = [part([*ROWS[:3], cut], exit_status=2), part(ROWS[4:])]
    assert merged(parts).exit_status == 2
    # 3 is pytest's for an error of its own.
    assert merged([part([*ROWS[:3], cut], exit_status=3), part(ROWS[4:])]).exit_status == 3
    assert [each.message for each in merged(parts).rows if each.status == "missing"] == [
        "did not report"
    ]


def test_a_part_that_failed_for_another_reason_fails_the_whole():
    """Its own tests failed beside the gate, or a file could not be written."""
    parts = [part(ROWS[:4], exit_status=1), part(ROWS[4:])]
    assert merged(parts).exit_status == 1
    unknown = replace(part(ROWS[:4]), exit_status=None)
    assert merged([unknown, part(ROWS[4:])]).exit_status == 0
    # That a verdict lacks the other parts' items is no such reason.
    parts = [part(each, require_verdict=True) for each in (ROWS[:4], ROWS[4:])]
    assert [each.exit_status for each in parts] == [1, 1]
    assert merged(parts).exit_status == run(ROWS, require_verdict=True).exit_status


def test_parts_by_suite_are_parts_too():
    parts = [
        part([each for each in ROWS if each.suite == suite], f"{suite}.json", suites=(suite,))
        for suite in SUITES
    ]
    assert merged(parts).to_json() == run(ROWS).to_json()


def test_a_part_in_which_nothing_was_called_knows_the_spec_alone():
    idle = SolverIdentity("mine.py:f", None, None)
    rows = [replace(each, status="skipped") for each in ROWS[4:]]
    for order in itertools.permutations([part(ROWS[:4]), part(rows, solver=idle)]):
        assert merged(order).solver == WHO


def test_items_in_two_parts_are_refused():
    with pytest.raises(NotMergeableError, match=r"is in a\.json and in b\.json"):
        merged([part(ROWS[:4], "a.json"), part(ROWS[3:], "b.json")])


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"spec": RunSpec(seed=1, count=3)}, "seed is 0 in one and 1"),
        ({"spec": RunSpec(seed=0, count=4)}, "what was asked for"),
        ({"strict": True}, "what was asked for"),
        ({"solver": SolverIdentity("other.py:f", "f", "1", "process")}, "solver"),
        ({"solver": SolverIdentity("mine.py:f", "f", "2", "process")}, "solver"),
        ({"provenance": Provenance(commit="b" * 40)}, "commit"),
    ],
)
def test_parts_of_different_runs_are_refused(change, what):
    with pytest.raises(NotMergeableError, match=what) as refused:
        merged([part(ROWS[:4], "a.json"), part(ROWS[4:], "b.json", **change)])
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(("key", "value"), [("irgate", "0.0.0"), ("battery", "0")])
def test_another_version_would_judge_otherwise(key, value):
    parts = [replace(each, **{key: value}) for each in four()]
    with pytest.raises(NotMergeableError, match="would evaluate other verdicts"):
        merged(parts)


def test_a_report_of_an_earlier_version_does_not_say_what_was_asked_for():
    data = json.loads(run(ROWS).to_json())
    del data["asked"]
    with pytest.raises(NotMergeableError, match="does not say what was asked for"):
        merged([SavedReport.read(json.dumps(data), "old.json")])


def test_a_row_of_no_item_is_refused():
    strange = replace(ROWS[0], id="irgate/base.py::test_case[nobody]")
    with pytest.raises(NotMergeableError, match=r"nobody\] \(base \w+\) is no item of a run"):
        merged([part([strange])])
    other = replace(ROWS[0], case=ROWS[1].case)
    with pytest.raises(NotMergeableError, match="is no item of a run"):
        merged([part([other])])
