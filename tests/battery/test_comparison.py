"""Solvers side by side: whose figures stand where, what is best, and what is not compared."""

import json
from dataclasses import replace

import pytest
from items import cases_of, node_id

from irgate_battery.cases.run_spec import RunSpec
from irgate_battery.report.comparison.case_by_case import case_by_case, letter_of
from irgate_battery.report.comparison.run_set import RunSet
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
    rest = "--suite contract,base,conditions,recovery,gradient,consistency$"
    with pytest.raises(NotComparableError, match=rf"seed 0, other\.json with seed 7.*{rest}"):
        compare([first, other])


def test_another_seed_does_not_matter_where_nothing_is_drawn_and_is_said():
    compared = compare([saved("a", GOOD), replace(saved("b", GOOD), seed=7)])
    assert any("different seeds" in note and "7: b.json" in note for note in compared.notes)
    assert compared.heading == "2 solvers on base (battery 1, seeds 0, 7)"


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


@pytest.mark.parametrize(("factor", "same"), [(1 + 0.9e-6, True), (1 + 1.1e-6, False)])
@pytest.mark.parametrize("place", ["truth_rmse", "identity_rmse"])
def test_images_are_the_same_to_a_millionth(place, factor, same):
    """Rounding moves the RMSE at the true transform by 1e-12, one pixel's change by more."""
    figures = {"truth_rmse": None, "identity_rmse": None}
    suite, where = (
        ("base", "at its true transform") if place == "truth_rmse" else ("pair", "unmoved")
    )

    def one(name, rmse):
        return saved(name, [row(suite, BASE[0], **{**figures, place: rmse})])

    for reports in (
        [one("a", 0.01), one("b", 0.01 * factor)],
        [one("b", 0.01 * factor), one("a", 0.01)],
    ):
        if same:
            compare(reports)
            continue
        with pytest.raises(NotComparableError) as refused:
            compare(reports)
        assert str(refused.value).startswith(f"{BASE[0]} has RMSE 0.01 {where} in ")
        assert str(refused.value).endswith(": these are not the same images")


def test_a_case_that_a_report_lacks_is_a_dash():
    table = compare([saved("all", GOOD), saved("part", GOOD[:2])]).cases
    assert texts(table, "base", BASE[4]) == ["0.0100", "0.0200", "-"]


def test_a_row_without_figures_hides_none_of_those_after_it():
    first = skipped("base", BASE[0])
    moved = [first, *(replace(each, truth_rmse=0.02) for each in GOOD[1:])]
    with pytest.raises(NotComparableError, match=f"{BASE[1]} has RMSE 0.01 .* and 0.02 in b"):
        compare([saved("a", [first, *GOOD[1:]]), saved("b", moved)])
    other = [first, *(replace(each, oracle_rmse=0.02) for each in GOOD[1:])]
    notes = compare([saved("a", [first, *GOOD[1:]]), saved("b", other)]).notes
    assert any("differs between the runs on 4 cases, by up to 1.0e+00" in note for note in notes)


def test_the_number_of_cases_of_a_suite_that_is_not_compared_does_not_matter():
    more = saved("more", GOOD, run_spec=RunSpec(seed=0, count=5))
    notes = compare([saved("a", GOOD), more]).notes
    assert not [note for note in notes if "numbers of battery cases" in note]


def test_distances_are_shown_unless_ratios_are_asked_for():
    sections = list(case_by_case(RunSet([saved("a", GOOD)])))
    assert sections[0].title == "base: px to the truth, mean over the image"


def test_what_is_zero_in_both_is_the_same():
    """The fixed image itself as the moving one: no RMSE where nothing is moved."""
    still = [row("base", case, truth_rmse=0.0, oracle_rmse=0.0) for case in BASE]
    notes = compare([saved("a", still), saved("b", still)]).notes
    assert not [note for note in notes if "oracle's RMSE differs" in note]
    other = [replace(each, oracle_rmse=0.01) for each in still]
    notes = compare([saved("a", still), saved("b", other)]).notes
    assert any("on 5 cases, by up to inf relative" in note for note in notes)


def test_other_images_of_a_suite_that_is_not_compared_do_not_matter():
    moved = [replace(each, truth_rmse=0.02) for each in GOOD]
    others = [row("battery", case) for case in BATTERY]
    compare([saved("a", [*GOOD, *others]), saved("b", [*moved, *others])], ["battery"])


@pytest.mark.parametrize(("factor", "said"), [(1 + 0.9e-6, False), (1 + 1.1e-6, True)])
def test_oracles_are_the_same_to_a_millionth(factor, said):
    other = [replace(GOOD[0], oracle_rmse=0.01 * factor), *GOOD[1:]]
    notes = compare([saved("a", GOOD), saved("b", other)]).notes
    told = [note for note in notes if "oracle's RMSE differs" in note]
    assert bool(told) == said
    if said:
        assert "on 1 cases, by up to 1.1e-06 relative; its column is that of the first" in told[0]


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


def test_the_oracle_s_column_is_that_of_the_first_run_that_has_it():
    without = [replace(GOOD[0], oracle_rmse=None, oracle_tre_px=None), *GOOD[1:]]
    other = [replace(GOOD[0], oracle_tre_px=0.5), *GOOD[1:]]
    table = compare([saved("a", without), saved("b", other)]).cases
    assert texts(table, "base", BASE[0]) == ["0.5000", "0.0200", "0.0200"]
    assert texts(table, "base", BASE[1]) == ["0.0100", "0.0200", "0.0200"]


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


def test_another_battery_than_this_version_s_is_compared_without_its_list():
    old = [saved(name, GOOD[:2], battery="0") for name in "ab"]
    compared = compare(old)
    assert texts(compared.summary, "base", "passed / ran, of 2") == ["-", "2/2", "2/2"]
    assert any("battery 0 is not this version's" in note for note in compared.notes)
    assert compared.heading == "2 solvers on base (battery 0, seed 0)"
    assert any("battery 0 is not this version's" in note for note in compare(old[:1]).notes)
    now = compare([saved("a", GOOD)])
    assert now.heading == f"1 solver on base (battery {saved('a', GOOD).battery}, seed 0)"
    assert not [note for note in now.notes if "not this version's" in note]


def test_a_report_that_does_not_say_how_many_cases_it_asked_for_asked_for_none():
    rows = [row("battery", case) for case in BATTERY]
    known = saved("known", rows)
    verdicts = {
        **known.verdicts,
        "mean_ratio": replace(known.verdicts["mean_ratio"], expected=None),
    }
    notes = compare([known, replace(known, source="old.json", verdicts=verdicts)]).notes
    assert "different numbers of battery cases: 3: known.json; 0: old.json" in notes


def test_the_note_on_stored_seconds_is_there_where_they_are():
    words = "the oracle's seconds are those of the machine that stored its results"
    assert words in compare([saved("a", GOOD)]).notes
    live = [replace(each, oracle="live") for each in GOOD]
    assert compare([saved("a", live)]).notes == ()


def test_nothing_to_compare_is_said_with_what_there_is():
    with pytest.raises(NotComparableError, match=r"no item in a\.json; there is nothing"):
        compare([saved("a", [])])
    with pytest.raises(NotComparableError, match=r"suite 'fuzz' in a\.json; there is base"):
        compare([saved("a", GOOD)], ["base", "fuzz", "recovery"])


def test_who_is_who():
    compared = compare([saved("a", GOOD), saved("b", GOOD)])
    assert compared.who == (("a", "a 1", "a.json"), ("b", "b 1", "b.json"))
    assert compared.summary.columns == compared.cases.columns == ("oracle", "a", "b")
    assert compared.summary.fixed == compared.cases.fixed == 1


def test_what_explains_most_failures_is_said_of_each_solver():
    figures = {"status": "failed", "diagnosis": "inverted", "explanations": "inverted"}
    bad = [replace(each, **figures, tre_px=5.0) for each in GOOD]
    compared = compare([saved("good", GOOD), saved("bad", bad)])
    ((label, sentence),) = compared.faults
    assert label == "bad"
    assert "inverted" in sentence
    silent = [replace(each, diagnosis=None, explanations=None) for each in bad]
    assert compare([saved("silent", silent)]).faults == ()


def test_a_suite_that_this_version_does_not_know_comes_last_and_is_counted():
    stranger = ResultRow("irgate/new.py::test_x", "new", "x", tre_px=0.1)
    compared = compare([saved("a", [stranger, *GOOD])])
    assert [section.title for section in compared.summary.sections][:2] == ["base", "new"]
    assert texts(compared.summary, "new", "passed / ran, of 1") == ["-", "1/1"]


CELLS = {
    "passed": ({}, "0.0200", "plain", 0.02),
    "failed": (
        {"status": "failed", "tre_px": 3.0, "tolerance_px": 0.5},
        "3.0000 T",
        "bad",
        float("inf"),
    ),
    "waived": ({"status": "xfailed"}, "0.0200 w", "open", None),
    "skipped": ({"status": "skipped", "tre_px": None}, "s", "open", None),
    "missing": ({"status": "missing", "tre_px": None}, "m", "bad", None),
    "no figure": ({"tre_px": None}, "ok", "plain", None),
}


@pytest.mark.parametrize("kind", CELLS)
def test_a_case_s_cell(kind):
    figures, text, tone, value = CELLS[kind]
    table = compare([saved("a", [replace(GOOD[0], **figures), *GOOD[1:]])]).cases
    cell = cells(table.sections[0], BASE[0]).cells[1]
    assert (cell.text, cell.tone, cell.value) == (text, tone, value)


def test_a_limit_decides_between_too_far_and_too_large_an_rmse():
    failed = {"status": "failed", "tre_px": 0.6, "tolerance_px": 0.5}
    assert letter_of(row("battery", "x", **failed, rmse=0.02)) == "T"
    assert letter_of(row("battery", "x", **failed, rmse=0.0201)) == "R"
    assert letter_of(row("battery", "x", **{**failed, "tre_px": 0.5}, rmse=0.02)) == "R"
    assert letter_of(row("battery", "x", **{**failed, "tolerance_px": None}, rmse=0.02)) == "R"
    assert letter_of(row("battery", "x", **{**failed, "tre_px": None}, rmse=0.02)) == "R"
    lost = {**failed, "oracle": "diverged", "truth_rmse": 0.03}
    assert letter_of(row("battery", "x", **lost, rmse=0.06)) == "T"
    assert letter_of(row("battery", "x", **lost, rmse=0.0601)) == "R"
    assert letter_of(ResultRow("id", "contract", "x", status="failed")) == "F"
    assert letter_of(ResultRow("id", "base", "x", status="failed")) == "N"
    assert letter_of(ResultRow("id", "base", "x", status="failed", escaped=True)) == "E"


def test_a_suite_without_figures_shows_ok_and_letters():
    rows = [
        ResultRow(node_id("contract", name), "contract", name, status=status)
        for name, status in (("direction", "passed"), ("identity", "failed"))
    ]
    table = compare([saved("a", rows)]).cases
    (section,) = table.sections
    assert section.title == "contract"
    assert texts(table, "contract", "direction") == ["-", "ok"]
    assert texts(table, "contract", "identity") == ["-", "F"]


def test_what_an_equal_cell_is_worth():
    """A diverged oracle stands in the title row of letters where any run has it, else not."""
    assert compare([saved("a", GOOD)]).letters == frozenset()
    lost = [replace(GOOD[0], oracle="diverged", status="skipped"), *GOOD[1:]]
    assert compare([saved("a", GOOD), saved("b", lost)]).letters == {"D", "s"}
