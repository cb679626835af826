"""Runs side by side: which may be compared, who is who, and what a reader must know."""

import json
from dataclasses import replace

import pytest
from items import cases_of
from saved_runs import BASE, BATTERY, GOOD, best, row, saved, texts

from irgate_battery.cases.run_spec import RunSpec
from irgate_battery.report.comparison.side_by_side import NotComparableError, compare, labels_of
from irgate_battery.results.result_row import ResultRow
from irgate_battery.results.solver_identity import SolverIdentity


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


def test_the_number_of_cases_of_a_suite_that_is_not_compared_does_not_matter():
    more = saved("more", GOOD, run_spec=RunSpec(seed=0, count=5))
    notes = compare([saved("a", GOOD), more]).notes
    assert not [note for note in notes if "numbers of battery cases" in note]


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
