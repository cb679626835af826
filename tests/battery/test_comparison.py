"""Solvers side by side: whose figures stand where, what is best, and what is not compared."""

import json
from dataclasses import replace

import pytest
from items import cases_of, node_id

from irgate_battery.cases.run_spec import RunSpec
from irgate_battery.report.comparison.case_by_case import letter_of
from irgate_battery.report.comparison.side_by_side import NotComparableError, compare, labels_of
from irgate_battery.report.comparison.table_model import as_text
from irgate_battery.report.conclusion import conclude
from irgate_battery.report.report import SolverIdentity
from irgate_battery.report.saved_report import SavedReport
from irgate_battery.results.result_row import ResultRow

RUN_SPEC = RunSpec(seed=0, count=3)
BASE = cases_of(RUN_SPEC, "base")
BATTERY = cases_of(RUN_SPEC, "battery")


def row(suite, case, **figures):
    known = {
        "rmse": 0.01,
        "oracle_rmse": 0.01,
        "truth_rmse": 0.01,
        "ratio": 1.0,
        "tre_px": 0.02,
        "oracle_tre_px": 0.01,
        "seconds": 0.5,
        "oracle_seconds": 2.0,
        "escaped": False,
        "oracle": "stored",
    }
    return ResultRow(node_id(suite, case), suite, case, **{**known, **figures})


def skipped(suite, case):
    return ResultRow(node_id(suite, case), suite, case, status="skipped", message="no such model")


def saved(name, rows, run_spec=RUN_SPEC, **changes):
    report = conclude(rows, SolverIdentity(name, name, "1"), run_spec)
    return replace(SavedReport.read(report.to_json(), f"{name}.json"), **changes)


def cells(section, title):
    (entry,) = [entry for entry in section.table_rows if entry.title.startswith(title)]
    return entry


def texts(table, section, title):
    (found,) = [each for each in table.sections if each.title.startswith(section)]
    return [cell.text for cell in cells(found, title).cells]


def best(table, section, title):
    (found,) = [each for each in table.sections if each.title.startswith(section)]
    return cells(found, title).best()


GOOD = [row("base", case) for case in BASE]
NEAR = [row("base", case, tre_px=0.005, seconds=0.1) for case in BASE]


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


def test_other_batteries_and_seeds_are_refused():
    first = saved("first", [row("battery", case) for case in BATTERY])
    with pytest.raises(NotComparableError, match=r"battery 1, later\.json of battery 2"):
        compare([first, replace(first, source="later.json", battery="2")])
    other = replace(first, source="other.json", seed=7)
    with pytest.raises(NotComparableError, match=r"seed 0, other\.json with seed 7.*--suite"):
        compare([first, other])


def test_another_seed_does_not_matter_where_nothing_is_drawn_and_is_said():
    compared = compare([saved("a", GOOD), replace(saved("b", GOOD), seed=7)])
    assert any("different seeds" in note and "7: b.json" in note for note in compared.notes)


def test_other_images_are_refused_whatever_their_names():
    moved = [replace(each, truth_rmse=0.011) for each in GOOD]
    with pytest.raises(NotComparableError, match="not the same images"):
        compare([saved("a", GOOD), saved("b", moved)])


def test_what_differs_is_said():
    machine = {"platform": "elsewhere", "cpu_count": 64}
    slower = [replace(each, oracle_rmse=0.0101, seconds=0.7) for each in GOOD]
    far = saved("far", slower, **machine, irgate="9.9", unknown=("novelty",))
    compared = compare([saved("here", GOOD), far])
    told = "\n".join(compared.notes)
    assert "elsewhere, 64 cores: far.json" in told
    assert "9.9: far.json" in told
    assert "far.json was written by a later version; left out: novelty" in told
    assert "oracle's RMSE differs between the runs on 5 cases" in told
    titles = [section.title for section in compared.summary.sections]
    assert titles[-1].endswith("(different machines: not comparable)")
    assert best(compared.summary, "time", "median, s") == set()


def test_the_number_of_cases_is_said_and_counts():
    more = RunSpec(seed=0, count=5)
    names = cases_of(more, "battery")
    many = saved("many", [row("battery", case) for case in names], run_spec=more)
    few = saved("few", [row("battery", case, tre_px=0.001) for case in BATTERY])
    compared = compare([many, few])
    assert any("numbers of battery cases" in note for note in compared.notes)
    assert texts(compared.summary, "battery", "passed / ran, of 5") == ["-", "5/5", "3/3"]
    assert texts(compared.summary, "battery", "not in the report") == ["-", "-", "2"]
    assert best(compared.summary, "battery", "px to the truth, median") == set()


FAILED = {
    "R": {"rmse": 0.05, "ratio": 5.0},
    "T": {"tre_px": 3.0, "tolerance_px": 0.5},
    "E": {"escaped": True},
    "N": dict.fromkeys(("rmse", "ratio", "tre_px", "escaped")),
}


@pytest.mark.parametrize(("letter", "figures"), FAILED.items())
def test_why_a_case_failed(letter, figures):
    failed = row("battery", BATTERY[0], status="failed", **figures)
    assert letter_of(failed) == letter
    compared = compare([saved("a", [row("battery", BATTERY[0])]), saved("b", [failed])])
    (good, bad) = texts(compared.cases, "battery", BATTERY[0])[1:]
    assert good == "0.0200"
    assert bad.split()[-1] == letter
    assert compared.letters == {letter}
    # What passed is before what failed, which is nearer here or not there at all.
    assert best(compared.cases, "battery", BATTERY[0]) == {1}


@pytest.mark.parametrize(
    ("status", "letter"), [("skipped", "s"), ("xfailed", "w"), ("missing", "m"), ("error", "!")]
)
def test_what_did_not_run_has_a_letter_too(status, letter):
    assert letter_of(ResultRow("id", "base", BASE[0], status=status)) == letter


def test_case_by_case_by_ratio():
    table = compare([saved("a", [replace(GOOD[0], ratio=1.25)])], ratios=True).cases
    assert texts(table, "base: RMSE / oracle", BASE[0]) == ["1.0000", "1.2500"]


def test_an_oracle_that_diverged_is_marked():
    compared = compare([saved("a", [replace(GOOD[0], oracle="diverged")])])
    assert texts(compared.cases, "base", BASE[0]) == ["0.0100 D", "0.0200"]
    assert "D" in compared.letters


def test_solvers_are_named_apart():
    first = saved("a", GOOD)

    def named(source, spec, name="register"):
        return replace(first, source=source, solver=SolverIdentity(spec, name, None))

    assert labels_of([named("x/one.json", "mine.py:register"), named("two.json", "bundled")]) == [
        "one",
        "bundled",
    ]
    assert labels_of([named("old.json", "bundled"), named("new.json", "bundled")]) == ["old", "new"]
    assert labels_of([named("a/r.json", "bundled"), named("b/r.json", "bundled")]) == ["r", "r (2)"]
    assert labels_of([named("r.json", None, "mine")]) == ["mine"]


def test_only_the_suites_that_were_asked_for():
    both = saved("a", [*GOOD, *(row("battery", case) for case in BATTERY)])
    titles = [section.title for section in compare([both], ["base"]).summary.sections]
    assert titles == ["base", "time of a call that passed"]
    with pytest.raises(NotComparableError, match=r"no item of suite 'recovery' in a\.json"):
        compare([both], ["recovery"])


def test_a_user_s_own_pairs_are_compared_by_ratio():
    own = [
        ResultRow(
            f"irgate/pair.py::test_case[{name}]",
            "pair",
            name,
            rmse=0.02,
            ratio=1.5,
            identity_rmse=0.1,
            oracle_distance_px=distance,
        )
        for name, distance in (("head", 0.25), ("hand", 0.75))
    ]
    compared = compare([saved("a", own)])
    assert texts(compared.summary, "pair", "passed / ran, of 2") == ["-", "2/2"]
    assert texts(compared.summary, "pair", "px to the oracle's, largest") == ["-", "0.7500"]
    assert texts(compared.cases, "pair: RMSE / oracle", "head")[1] == "1.5000"
    others = [replace(each, identity_rmse=0.2) for each in own]
    with pytest.raises(NotComparableError, match="not the same images"):
        compare([saved("a", own), saved("b", others)])


def test_every_cell_comes_from_the_json_and_from_nothing_else():
    """The same text read twice gives the same table; a changed figure changes its cell alone."""
    first = saved("a", GOOD)
    changed = replace(GOOD[0], tre_px=0.5)
    before = compare([first]).cases.sections[0].table_rows
    after = compare([saved("a", [changed, *GOOD[1:]])]).cases.sections[0].table_rows
    differing = [one.title for one, two in zip(before, after, strict=True) if one != two]
    assert differing == [BASE[0]]
    assert json.loads(json.dumps(first.rows[0].to_dict())) == first.rows[0].to_dict()
