"""Rows sorted by what they can say; a stranger's row stands for none that was expected."""

import pytest

from irgate_battery.report.conclusion import evaluate
from irgate_battery.results.result_row import ResultRow
from irgate_battery.results.suite_results import SuiteResults

CASES = ("a", "b")


def row(case, status="passed", suite="base", **more):
    return ResultRow(f"{suite} {case}", suite, case, status=status, **more)


def results(*rows, expected=CASES):
    return SuiteResults.of(rows, "base", expected)


def test_each_status_has_its_place():
    rows = [row("a"), row("b", "failed"), row("c", "xfailed"), row("d", "missing")]
    rows += [row("e", "error"), row("f", "skipped")]
    found = results(*rows, expected="abcdef")
    assert found.ran == (rows[0], rows[1])
    assert found.waived == (rows[2],)
    assert found.lost == (rows[3], rows[4])
    assert found.skipped == (rows[5],)
    assert (found.expected, found.count, found.how_many) == (6, 3, "3 of 6 ran, waived: 1")
    assert found.failed == ["b"]
    assert found.names_of_lost() == "d, e (error)"


@pytest.mark.parametrize("status", ["passed", "failed", "xfailed"])
def test_a_case_that_nobody_expects_does_not_count_as_run(status):
    """One fixture not run and a stranger in its place is not 2 of 2."""
    found = results(row("a"), row("stranger", status))
    assert [each.case for each in (*found.ran, *found.waived)] == ["a"]
    assert found.undecided() == "not evaluated (1 of 2 ran)"


def test_five_rows_with_a_stranger_are_no_green_gate():
    figures = {"rmse": 0.01, "oracle_rmse": 0.01, "escaped": False, "rmse_vs_oracle": 0.0}
    rows = [row(case, **figures) for case in ("a", "b", "c", "d", "stranger")]
    verdicts = evaluate(rows, {"base": ("a", "b", "c", "d", "e")})
    assert {verdict.status for verdict in verdicts} == {"not_evaluated"}
    assert "4 of 5 ran" in verdicts.hard_gate.reason


@pytest.mark.parametrize("status", ["missing", "error"])
def test_a_lost_row_counts_under_whatever_name_but_in_its_suite_only(status):
    assert len(results(row("stranger", status)).lost) == 1
    assert results(row("a", status, suite="battery"), row("a", suite="battery")).lost == ()
    assert results(row("a", suite="battery")).ran == ()


def test_a_case_that_ran_twice_is_one_case():
    found = results(row("a"), row("a", "failed"), row("a", "failed"))
    assert (found.count, len(found.ran), found.failed) == (1, 3, ["a"])


def test_why_nothing_can_be_decided():
    both = [row("a"), row("b")]
    assert results(*both).undecided() is None
    assert results(*both).lost_or_undecided() is None
    assert results(expected=()).undecided() == "not evaluated (0 of 0 ran)"
    waived = [row("a", "xfailed"), row("b", "xfailed")]
    assert results(*waived).undecided() == "not evaluated (every case is waived: 2)"
    assert results(row("a"), waived[1]).undecided() is None
    lost = results(*both, row("c", "error"))
    assert lost.undecided() is None
    assert lost.lost_or_undecided() == "not evaluated (missing: c (error); 2 of 2 ran)"
    assert results(both[0]).lost_or_undecided() == "not evaluated (1 of 2 ran)"


def test_why_the_first_failed_is_its_message_up_to_the_first_stop():
    rows = [
        row("a"),
        row("b", status="failed", message="RMSE 0.2 is over 0.1; 3.5 px off. The mask is ignored."),
        row("c", status="failed", message="flat."),
    ]
    said = results(*rows, expected="abc").first_reason()
    assert said == "; b: RMSE 0.2 is over 0.1; 3.5 px off"
    assert results(rows[2], expected="c").first_reason() == "; c: flat"
    assert results(rows[0], expected="a").first_reason() == ""
    assert results(row("c", "failed"), expected="c").first_reason() == ""


def test_six_are_named_or_five_and_how_many_others():
    rows = [row(case, "failed") for case in "abcdef"]
    found = results(*rows, row("g"), expected="abcdefg")
    assert found.not_those() == "; not: a, b, c, d, e, f"
    found = results(*rows, row("g", "failed"), row("h"), expected="abcdefgh")
    assert found.not_those() == "; not: a, b, c, d, e, 2 others"
    lost = [row(case, "missing") for case in "abcdefgh"]
    assert results(*lost[:7], row("h"), expected="abcdefgh").names_of_lost() == (
        "a, b, c, d, e, 2 others"
    )
    assert results(*lost, expected="abcdefgh").names_of_lost() == "all 8"
    assert results(*lost, expected="abcdefgh").not_those() == "; not: all 8"
    # Where every one of a few failed they are named, of many the count says it.
    assert results(*rows[:2], expected="ab").not_those() == "; not: a, b"
    assert results(*rows, row("g", "failed"), expected="abcdefg").not_those() == ""
