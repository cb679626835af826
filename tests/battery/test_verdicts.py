"""The verdicts beside the gate: mean ratio, recovery, gradient."""

import pytest

from irgate_battery.report.conclusion import evaluate, has_failed
from irgate_battery.results.result_row import ResultRow

BATTERY = ("a", "b", "c", "d")


def row(case, suite="battery", **more):
    return ResultRow(id=f"irgate/{suite}.py::test_case[{case}]", suite=suite, case=case, **more)


def mean_ratio(*ratios, **more):
    rows = [
        row(case, ratio=ratio, rmse=0.01, oracle="stored", escaped=False, **more)
        for case, ratio in zip(BATTERY, ratios, strict=False)
    ]
    return evaluate(rows, {"battery": BATTERY}).mean_ratio


def test_the_mean_is_the_mean():
    verdict = mean_ratio(1.0, 1.1, 1.2, 0.9)
    assert (verdict.status, verdict.mean) == ("pass", pytest.approx(1.05))
    assert (verdict.ran, verdict.expected) == (4, 4)


@pytest.mark.parametrize(("last", "status"), [(1.3999, "pass"), (1.4001, "fail")])
def test_the_limit_stands_at_one_and_a_tenth(last, status):
    assert mean_ratio(1.0, 1.0, 1.0, last).status == status


def test_one_case_counts_for_no_more_than_two():
    verdict = mean_ratio(1.0, 1.0, 1.0, 1000.0)
    assert verdict.mean == pytest.approx(1.25)
    assert verdict.capped == 1


def test_failing_is_not_cheaper_than_being_wrong():
    """A case without an answer, or with one that escaped, counts as the cap."""
    good = [row(case, ratio=1.0, oracle="stored", escaped=False) for case in "abc"]
    crashed = row("d", status="failed", oracle="stored")
    escaped = row("d", status="failed", ratio=0.5, oracle="stored", escaped=True)
    for bad in (crashed, escaped):
        verdict = evaluate([*good, bad], {"battery": BATTERY}).mean_ratio
        assert verdict.mean == pytest.approx(1.25)
        assert verdict.status == "fail"


def test_a_diverged_oracle_is_left_out_and_counted():
    good = [row(case, ratio=1.0, oracle="stored", escaped=False) for case in "abc"]
    lost = row("d", ratio=0.1, oracle="diverged", escaped=False)
    verdict = evaluate([*good, lost], {"battery": BATTERY}).mean_ratio
    assert (verdict.mean, verdict.oracle_diverged) == (1.0, 1)
    assert "1 left out" in verdict.reason
    alone = evaluate([row(case, oracle="diverged") for case in BATTERY], {"battery": BATTERY})
    assert alone.mean_ratio.status == "not_evaluated"


@pytest.mark.parametrize("count", [0, 3])
def test_part_of_the_battery_is_not_evaluated(count):
    verdict = mean_ratio(*[1.0] * count)
    assert verdict.status == "not_evaluated"
    assert f"{count} of 4 ran" in verdict.reason


def test_a_missing_case_is_not_evaluated_and_named():
    rows = [row(case, ratio=1.0, escaped=False) for case in "abc"]
    rows.append(row("d", status="missing"))
    verdict = evaluate(rows, {"battery": BATTERY}).mean_ratio
    assert verdict.status == "not_evaluated"
    assert "missing: d" in verdict.reason


def test_strict_lets_the_mean_fail_the_run():
    rows = [row(case, ratio=1.9, rmse=0.01, oracle="stored", escaped=False) for case in BATTERY]
    verdicts = evaluate(rows, {"battery": BATTERY})
    assert verdicts.mean_ratio.status == "fail"
    assert not has_failed(rows, verdicts)
    assert has_failed(rows, verdicts, strict=True)
    # What did not run decides nothing, under strict neither.
    assert not has_failed(rows[:2], evaluate(rows[:2], {"battery": BATTERY}), strict=True)


def test_recovery_counts_starts_and_fails_by_item():
    expected = {"recovery": ("a", "b")}
    good = row("a", "recovery", recovered=10, tried=10)
    both = evaluate([good, row("b", "recovery", recovered=9, tried=10)], expected).recovery
    assert (both.status, both.recovered, both.tried) == ("pass", 19, 20)
    bad = row("b", "recovery", status="failed", recovered=8, tried=10)
    assert evaluate([good, bad], expected).recovery.status == "fail"
    assert "not: b" in evaluate([good, bad], expected).recovery.reason
    assert evaluate([good], expected).recovery.status == "not_evaluated"
    raised = row("b", "recovery", status="failed")
    assert evaluate([good, raised], expected).recovery.tried == 20
    skipped = row("b", "recovery", status="skipped")
    assert evaluate([good, skipped], expected).recovery.status == "not_evaluated"


def test_gradient_names_the_largest_error():
    expected = {"gradient": ("a", "b")}
    rows = [
        row("a", "gradient", relative_error=1e-6),
        row("b", "gradient", status="failed", relative_error=0.2),
    ]
    verdict = evaluate(rows, expected).gradient
    assert verdict.status == "fail"
    assert (verdict.passed, verdict.tried, verdict.max_relative_error) == (1, 2, 0.2)
    assert evaluate(rows[:1], expected).gradient.status == "not_evaluated"
    good = evaluate([rows[0], row("b", "gradient", relative_error=0.0)], expected).gradient
    assert (good.status, good.passed, good.tried) == ("pass", 2, 2)
    assert good.reason == (
        "2 of 2 agree with differences, relative error at most 1.0e-06 (2 of 2 ran)"
    )
    assert verdict.reason.endswith("(2 of 2 ran); not: b")
    assert evaluate(rows[:1], expected).gradient.reason == "not evaluated (1 of 2 ran)"
    none = evaluate([row(case, "gradient", status="failed") for case in "ab"], expected).gradient
    assert (none.max_relative_error, none.reason) == (
        None, "0 of 2 agree with differences (2 of 2 ran); not: a, b",
    )  # fmt: skip
