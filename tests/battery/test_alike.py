"""Failures that are alike are told once: one fault, or words that differ in numbers only."""

from irgate_battery.interface.protocol import RAISES
from irgate_battery.report.alike import MOST_NAMED, alike
from irgate_battery.results.result_row import ResultRow


def failed(case, message="", diagnosis=None, suite="base", status="failed"):
    return ResultRow(
        f"irgate/{suite}.py::test_case[{case}]",
        suite,
        case,
        None,
        status,
        message,
        diagnosis=diagnosis,
    )


def groups(*rows, detail=""):
    return [[row.case for row in group.rows] for group in alike((row, detail) for row in rows)]


def test_one_fault_is_told_once_whatever_its_numbers():
    rows = [failed("a", "a: 3 px off", "inverse"), failed("b", "other words", "inverse")]
    assert groups(*rows, failed("c", "c: 3 px off", "negated")) == [["a", "b"], ["c"]]


def test_words_that_differ_in_numbers_only():
    rows = [failed("a-1", "RMSE 0.12 > 1e-3"), failed("b", "RMSE 4 > 2.5e-07")]
    assert groups(*rows, failed("c", "it covers 3 %")) == [["a-1", "b"], ["c"]]


def test_one_exception_is_told_once_whatever_led_there():
    in_f, in_g = "raised ValueError, at s.py:3 in f", "raised ValueError, at s.py:3 in g"
    told = {"a": in_f, "b": in_g, "c": in_f}
    rows = [failed(case, words, RAISES) for case, words in told.items()]
    apart = alike(zip(rows, ["by a", "by b", "by c"], strict=True))
    assert [[row.case for row in group.rows] for group in apart] == [["a", "c"], ["b"]]
    assert [group.detail for group in apart] == ["by a", "by b"]


def test_an_error_of_the_gate_is_no_failure_of_the_solver():
    rows = [failed("a", "m", "inverse"), failed("b", "m", "inverse", status="error")]
    assert groups(*rows) == [["a"], ["b"]]


def test_the_others_are_named_up_to_a_number():
    rows = [failed(f"c{n}", "m") for n in range(MOST_NAMED + 4)]
    (group,) = alike((row, "") for row in rows)
    assert group.more.count("base") == 6
    assert group.first is rows[0]
    assert group.more.startswith(f"and {MOST_NAMED + 3} more like it: base c1, base c2, ")
    assert group.more.endswith(f"base c{MOST_NAMED} and 3 others")
    (whole,) = alike((row, "") for row in rows[: MOST_NAMED + 1])
    assert whole.more.endswith(f"base c{MOST_NAMED}")
    (alone,) = alike([(rows[0], "")])
    assert alone.more == ""
