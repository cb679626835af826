"""Runs side by side over whole suites: each figure, what it stands on, and which is best."""

from dataclasses import replace

import pytest
from items import cases_of, node_id
from saved_runs import BASE, BATTERY, GOOD, NEAR, RUN_SPEC, best, cells, row, saved, skipped, texts

from irgate_battery.report.comparison.side_by_side import compare
from irgate_battery.report.comparison.table_model import as_text
from irgate_battery.results.result_row import ResultRow


def test_each_figure_is_that_of_its_solver_and_the_oracle_has_a_column():
    table = compare([saved("good", GOOD), saved("near", NEAR)]).summary
    assert table.columns == ("oracle", "good", "near")
    assert texts(table, "base", "passed") == ["-", "5/5", "5/5"]
    assert texts(table, "base", "hard gate") == ["-", "PASS", "PASS"]
    assert texts(table, "base", "px to the truth, median") == ["0.0100", "0.0200", "0.0050"]
    assert texts(table, "time", "median, s") == ["2", "0.5", "0.1"]
    assert texts(table, "time", "median / oracle") == ["1", "0.25", "0.05"]


def test_the_best_is_marked_and_the_oracle_is_none_of_the_solvers():
    table = compare([saved("good", GOOD), saved("near", NEAR)]).summary
    assert best(table, "base", "px to the truth, median") == {2}
    better_oracle = [replace(each, oracle_tre_px=0.0) for each in GOOD]
    table = compare([saved("good", better_oracle), saved("near", NEAR)]).summary
    assert best(table, "base", "px to the truth, median") == {2}


def test_what_shows_the_same_is_equal():
    close = [replace(each, tre_px=each.tre_px + 1e-7) for each in GOOD]
    reports = [saved("good", GOOD), saved("close", close)]
    assert best(compare(reports).summary, "base", "px to the truth, median") == set()
    table = compare([*reports, saved("identity", [replace(x, tre_px=9.0) for x in GOOD])]).summary
    assert best(table, "base", "px to the truth, median") == {1, 2}


def test_what_did_not_run_is_said_and_is_no_pass():
    some = [NEAR[0], *(skipped("base", case) for case in BASE[1:])]
    table = compare([saved("good", GOOD), saved("some", some)]).summary
    assert texts(table, "base", "passed / ran, of 5") == ["-", "5/5", "1/1"]
    assert texts(table, "base", "skipped") == ["-", "-", "4"]
    assert texts(table, "base", "hard gate") == ["-", "PASS", "1 of 5 ran"]
    # Over one easy case it is nearer; that does not make it the best.
    assert best(table, "base", "px to the truth, median") == set()
    lines = as_text(table, 100)
    assert any(line.split()[-1] == "(0.0050)" for line in lines if "median" in line)


def test_a_part_of_a_suite_counts_against_the_whole_of_it():
    table = compare([saved("part", GOOD[:2])]).summary
    assert texts(table, "base", "passed / ran, of 5") == ["-", "2/2"]
    assert texts(table, "base", "not in the report") == ["-", "3"]


def test_a_part_of_the_battery_counts_against_the_whole_of_it():
    table = compare([saved("part", [row("battery", BATTERY[0])])]).summary
    assert texts(table, "battery", "passed / ran, of 3") == ["-", "1/1"]
    assert texts(table, "battery", "not in the report") == ["-", "2"]


def test_a_mean_ratio_over_failures_is_over_no_fewer_cases():
    good = [row("battery", case) for case in BATTERY]
    bad = [replace(good[0], status="failed", ratio=5.0), *good[1:]]
    table = compare([saved("good", good), saved("bad", bad)]).summary
    assert texts(table, "battery", "mean ratio") == ["1.0000", "1.0000", "1.3333"]
    assert best(table, "battery", "mean ratio") == {1}


def test_a_suite_that_one_of_them_left_out():
    both = [*GOOD, *(row("battery", case) for case in BATTERY)]
    table = compare([saved("both", both), saved("good", GOOD)]).summary
    assert texts(table, "battery", "passed") == ["-", "3/3", "not run"]
    assert texts(table, "battery", "mean ratio") == ["1.0000", "1.0000", "-"]


def test_a_suite_of_skips_is_not_zero_of_zero():
    all_skipped = [skipped("base", case) for case in BASE]
    table = compare([saved("good", GOOD), saved("skips", all_skipped)]).summary
    assert texts(table, "base", "passed") == ["-", "5/5", "none ran"]


def test_being_wrong_quickly_is_no_merit():
    wrong = [replace(each, status="failed", seconds=1e-6) for each in GOOD]
    table = compare([saved("good", GOOD), saved("wrong", wrong)]).summary
    assert texts(table, "time", "median, s") == ["2", "0.5", "-"]


def test_recovery_and_gradient():
    names = {suite: cases_of(RUN_SPEC, suite) for suite in ("recovery", "gradient")}
    recovery = [
        ResultRow(node_id("recovery", case), "recovery", case, recovered=9, tried=10)
        for case in names["recovery"]
    ]
    raised = [
        ResultRow(node_id("recovery", case), "recovery", case, status="failed", message="raised")
        for case in names["recovery"]
    ]
    gradient = [
        ResultRow(node_id("gradient", case), "gradient", case, relative_error=1e-7 * (1 + number))
        for number, case in enumerate(names["gradient"])
    ]
    table = compare([saved("good", [*recovery, *gradient]), saved("raises", raised)]).summary
    assert texts(table, "recovery", "starts") == ["-", "135/150", "0/150"]
    assert texts(table, "gradient", "largest") == ["-", "5.0e-07", "-"]


def test_a_mean_ratio_over_fewer_cases_is_not_ranked():
    """A solver that skipped the hard case is no better than one that took it."""
    good = [row("battery", case, ratio=1.2) for case in BATTERY]
    worse = [row("battery", case, ratio=1.3) for case in BATTERY]
    easy = [
        *(row("battery", case, ratio=1.0) for case in BATTERY[:2]),
        skipped("battery", BATTERY[2]),
    ]
    table = compare([saved("good", good), saved("worse", worse), saved("easy", easy)]).summary
    assert texts(table, "battery", "mean ratio") == ["1.0000", "1.2000", "1.3000", "1.0000"]
    assert best(table, "battery", "mean ratio") == {1}
    (found,) = [section for section in table.sections if section.title == "battery"]
    assert [cell.partial for cell in cells(found, "mean ratio").cells] == [
        False,
        False,
        False,
        True,
    ]
    assert any("(1.0000)" in line for line in as_text(table, 100) if "mean ratio" in line)


def test_what_is_waived_ran():
    """It failed as expected: it counts among those that ran, and not among those that passed."""
    waived = [replace(GOOD[0], status="xfailed"), *GOOD[1:]]
    table = compare([saved("good", GOOD), saved("waived", waived)]).summary
    assert texts(table, "base", "passed / ran, of 5") == ["-", "5/5", "4/5"]
    assert best(table, "base", "passed / ran") == {1}
    (found,) = [section for section in table.sections if section.title == "base"]
    assert [cell.tone for cell in cells(found, "passed").cells] == ["plain", "plain", "bad"]
    assert not [each for each in found.table_rows if each.title in ("skipped", "not in the report")]


def test_part_of_a_suite_that_passed_is_neither_good_nor_bad():
    table = compare([saved("part", GOOD[:2])]).summary
    (found,) = [section for section in table.sections if section.title == "base"]
    assert cells(found, "passed").cells[1].tone == "open"
    assert cells(found, "not in the report").cells[1].tone == "open"
    assert cells(found, "hard gate").cells[1].tone == "open"


@pytest.mark.parametrize(
    ("status", "title"), [("error", "error, not the solver's"), ("missing", "missing")]
)
def test_what_is_lost_is_counted_in_a_line_of_its_own(status, title):
    lost = [ResultRow(node_id("base", BASE[0]), "base", BASE[0], status=status), *GOOD[1:]]
    table = compare([saved("good", GOOD), saved("lost", lost)]).summary
    assert texts(table, "base", title) == ["-", "-", "1"]
    assert texts(table, "base", "passed / ran") == ["-", "5/5", "4/4"]
    assert texts(table, "base", "hard gate") == ["-", "PASS", "FAIL"]
    (found,) = [section for section in table.sections if section.title == "base"]
    assert [cell.tone for cell in cells(found, "hard gate").cells] == ["plain", "plain", "bad"]


def test_a_suite_that_was_left_out_altogether_lacks_no_case():
    others = [row("battery", case) for case in BATTERY]
    table = compare([saved("part", GOOD[:2]), saved("none", others)]).summary
    assert texts(table, "base", "passed / ran, of 5") == ["-", "2/2", "not run"]
    assert texts(table, "base", "not in the report") == ["-", "3", "-"]


def test_more_starts_that_came_back_are_better():
    names = cases_of(RUN_SPEC, "recovery")

    def run(name, recovered):
        rows = [
            ResultRow(node_id("recovery", case), "recovery", case, recovered=recovered, tried=10)
            for case in names
        ]
        return saved(name, rows)

    reports = [run("ten", 10), run("nine", 9)]
    assert best(compare(reports).summary, "recovery", "starts that came back") == {1}
    table = compare(reports).cases
    assert texts(table, "recovery: starts that came back, of 10", names[0]) == ["-", "10", "9"]
    assert best(table, "recovery", names[0]) == {1}


def test_times_are_medians_over_what_passed_and_beside_the_oracle_s():
    times = (0.1, 0.2, 0.4, 0.8, 1.6)
    rows = [
        replace(each, seconds=time, oracle_seconds=4 * time)
        for each, time in zip(GOOD, times, strict=True)
    ]
    rows[4] = replace(rows[4], status="failed")
    table = compare([saved("a", rows)]).summary
    assert texts(table, "time", "median, s") == ["1.6", "0.3"]
    assert texts(table, "time", "median / oracle") == ["1", "0.25"]
    without = [replace(each, oracle_seconds=None) for each in rows]
    table = compare([saved("a", without)]).summary
    assert texts(table, "time", "median, s") == ["-", "0.3"]
    assert texts(table, "time", "median / oracle") == ["-", "-"]
    timeless = [replace(each, seconds=None) for each in GOOD]
    titles = [section.title for section in compare([saved("a", timeless)]).summary.sections]
    assert titles == ["base"]
