"""A run against an earlier one: what is worse, what is better, and what is neither."""

from dataclasses import replace

import pytest
from saved_runs import BASE, BATTERY, GOOD, row, saved, skipped

from irgate_battery.report.comparison.against_baseline import against_baseline
from irgate_battery.report.comparison.rules import DEFAULT_RULES, Rule, RuleError, Rules
from irgate_battery.report.comparison.side_by_side import NotComparableError
from irgate_battery.report.provenance import Provenance

DEFAULT = Rules.parse(DEFAULT_RULES)
WHOLE = [
    replace(GOOD[0], landmark_mean_px=0.02),
    *GOOD[1:],
    *(row("battery", case) for case in BATTERY),
]


def changed(**figures):
    """Return the whole run with one base row changed."""
    return [row("base", BASE[0], **{"landmark_mean_px": 0.02} | figures), *WHOLE[1:]]


def directions(found):
    return [change.direction for change in found.changes]


def held(old, new, rules=DEFAULT):
    return against_baseline(saved("mine", old), saved("mine", new), rules)


@pytest.mark.parametrize(
    ("new", "expected"),
    [
        (WHOLE, []),
        # Relative and absolute: 20 % and 0.005 px over 0.02 px.
        (changed(tre_px=0.0249), []),
        (changed(tre_px=0.0251), ["worse"]),
        (changed(tre_px=0.0149), ["better"]),
        (changed(landmark_mean_px=0.0251), ["worse"]),
        (changed(landmark_mean_px=0.0249), []),
        (changed(ratio=1.019), []),
        (changed(ratio=1.021), ["worse"]),
        # A time is never worse by itself.
        (changed(seconds=500.0), []),
        (changed(status="failed", message="over its limit", rmse=0.9), ["worse"] * 3),
        (changed(status="skipped"), ["worse", "worse", "worse"]),
        (changed(tre_px=None), []),
        (WHOLE[1:], ["worse", "worse", "worse"]),
        (changed(tre_px=0.03, ratio=0.9), ["worse", "better"]),
    ],
)
def test_what_changed(new, expected):
    found = held(WHOLE, new)
    # What passed and does not takes verdicts with it.
    rows = [change for change in found.changes if not change.what.startswith("verdict")]
    assert len(rows) == (1 if expected.count("worse") == 3 else len(expected))
    assert found.is_worse == ("worse" in expected)
    assert {change.direction for change in rows} == set(expected)


def test_relative_alone_and_absolute_alone():
    new = changed(tre_px=0.0251)
    assert held(WHOLE, new, Rules.parse("tre_px:30%")).is_worse is False
    assert held(WHOLE, new, Rules.parse("tre_px:25%")).is_worse is True
    assert held(WHOLE, new, Rules.parse("tre_px:0.0052")).is_worse is False
    assert held(WHOLE, new, Rules.parse("tre_px:0.005")).is_worse is True
    assert held(WHOLE, changed(seconds=0.7), Rules.parse("seconds:20%+0.1")).is_worse is True


def test_a_rule_over_figures_alone_lets_a_failure_pass_and_says_it():
    found = held(WHOLE, changed(status="failed", message="m"), Rules.parse("tre_px:20%"))
    assert directions(found) == ["other"]
    assert found.is_worse is False
    assert found.changes[0].message == "m"


def test_the_other_way_round_it_is_better():
    found = held(changed(status="failed", message="m"), WHOLE)
    assert "worse" not in directions(found)
    assert "better" in directions(found)


def test_a_case_that_is_new_is_neither():
    found = held(WHOLE[1:], WHOLE)
    assert [c.direction for c in found.changes if not c.what.startswith("verdict")] == ["other"]


def test_only_the_suites_of_the_run_are_held():
    """A pull request that runs the base fixtures alone has not lost the battery."""
    base = replace(saved("mine", GOOD), asked=None)
    assert against_baseline(saved("mine", WHOLE), base, DEFAULT).changes == ()


def test_a_suite_that_was_asked_for_and_gave_no_row_is_lost():
    found = held(WHOLE, GOOD)
    assert sum(c.now == "not in the report" for c in found.changes) == len(BATTERY)
    assert found.is_worse


def test_verdicts_are_held_too():
    found = held(WHOLE, changed(rmse=0.5, status="failed", message="m"))
    told = {change.what: str(change) for change in found.changes}
    assert told["verdict: hard gate"] == "pass -> fail"
    assert told[f"base {BASE[0]}"] == "passed -> failed"


def verdicts_of(**statuses):
    """Return a saved run whose verdicts are these, where they are named."""
    run = saved("mine", WHOLE)
    named = {name: replace(run.verdicts[name], status=status) for name, status in statuses.items()}
    return replace(run, verdicts={**run.verdicts, **named})


@pytest.mark.parametrize(
    ("was", "now", "direction"),
    [
        ("pass", "fail", "worse"),
        ("pass", "not_evaluated", "worse"),
        ("fail", "pass", "better"),
        ("not_evaluated", "pass", "better"),
        ("fail", "not_evaluated", "other"),
        ("not_evaluated", "fail", "other"),
    ],
)
def test_a_verdict_that_passed_passes(was, now, direction):
    found = against_baseline(verdicts_of(agreement=was), verdicts_of(agreement=now), DEFAULT)
    (change,) = [each for each in found.changes if each.what == "verdict: agreement"]
    assert change.direction == direction
    assert str(change) == f"{was} -> {now}".replace("_", " ")


@pytest.mark.parametrize(
    ("was", "now", "directions"),
    [
        # Over the suites of one run there may be enough clean cases, and not over another's.
        ("pass", "not_evaluated", []),
        ("pass", "fail", ["worse"]),
        ("fail", "pass", ["better"]),
    ],
)
def test_a_verdict_over_several_suites_is_lost_by_running_fewer(was, now, directions):
    found = against_baseline(verdicts_of(systematic=was), verdicts_of(systematic=now), DEFAULT)
    assert [each.direction for each in found.changes] == directions


def test_a_verdict_that_one_of_them_does_not_have_hides_no_other():
    old, new = verdicts_of(each_fixture="pass"), verdicts_of(each_fixture="fail")
    lacking = {name: verdict for name, verdict in old.verdicts.items() if name != "hard_gate"}
    found = against_baseline(replace(old, verdicts=lacking), new, DEFAULT)
    assert [each.what for each in found.changes] == ["verdict: each fixture"]
    lacking = {name: verdict for name, verdict in new.verdicts.items() if name != "hard_gate"}
    found = against_baseline(old, replace(new, verdicts=lacking), DEFAULT)
    assert [each.what for each in found.changes] == ["verdict: each fixture"]
    both = {"hard_gate": "pass", "each_fixture": "pass", "agreement": "pass"}
    same = against_baseline(
        verdicts_of(**both), verdicts_of(**{**both, "agreement": "fail"}), DEFAULT
    )
    assert [each.what for each in same.changes] == ["verdict: agreement"]


def test_worse_ones_stand_first_and_others_last():
    old = [row("base", BASE[0], tre_px=0.05), row("base", BASE[1]), *WHOLE[3:]]
    new = [row("base", BASE[0]), row("base", BASE[1], tre_px=0.05), *WHOLE[2:]]
    found = against_baseline(saved("mine", old), saved("mine", new), Rules.parse("tre_px:20%"))
    assert directions(found) == ["worse", "better", "other"]


def test_what_failed_and_is_skipped_now_is_not_better():
    bad = changed(status="failed", message="m")
    (change, *_) = [
        each for each in held(bad, changed(status="skipped")).changes if "base" in each.what
    ]
    assert change.direction == "other"


def test_a_figure_that_is_not_there_hides_no_other():
    assert held(WHOLE, changed(tre_px=None, ratio=1.5)).is_worse


def test_a_folder_without_changes_has_no_note():
    clean = saved("mine", WHOLE, provenance=Provenance(modified=False))
    assert against_baseline(clean, clean, DEFAULT).notes == ()


def test_a_rule_lets_what_it_says_and_no_more():
    """The numbers are whole in binary."""
    assert not Rule("ratio", 0.25).grew(1.0, 1.25)
    assert Rule("ratio", 0.25).grew(1.0, 1.25 + 2**-50)
    assert not Rule("ratio", absolute=0.25).grew(1.0, 1.25)
    assert Rule("ratio", absolute=0.25).grew(1.0, 1.25 + 2**-50)
    assert Rule("ratio").grew(1.0, 1.0 + 2**-50)
    assert not Rule("ratio").grew(1.0, 1.0)


def test_a_solver_that_is_skipped_more_is_worse():
    found = held(WHOLE, [skipped("base", BASE[0]), *WHOLE[1:]])
    assert found.is_worse


def test_in_words():
    found = held(WHOLE, changed(tre_px=0.05))
    (change,) = found.changes
    assert change.what == f"base {BASE[0]}, tre_px"
    assert str(change) == "0.02 px -> 0.05 px (+150 %, +0.03 px)"
    told = len(WHOLE) - 1
    assert found.sentence == (
        f"FAIL: 1 worse, 0 better, {told} items as before (passed -> not passed; tre_px +20 % and "
        "+0.005 px; landmark_mean_px +20 % and +0.005 px; ratio +2 %)"
    )


def test_other_images_are_refused():
    with pytest.raises(NotComparableError, match="seed 7"):
        against_baseline(saved("a", WHOLE), saved("a", WHOLE, seed=7), DEFAULT)


def test_what_a_reader_must_know():
    old = saved("other", WHOLE, provenance=Provenance(modified=True), irgate="0.0.1")
    notes = " ".join(against_baseline(old, saved("mine", WHOLE), DEFAULT).notes)
    assert "of another solver: other 1, and not mine 1" in notes
    assert "irgate 0.0.1" in notes
    assert "changes that its commit does not hold" in notes


def test_another_tolerance_of_one_s_own_case_is_said():
    def of(*tolerances):
        rows = [row("pack", f"c{n}", tolerance_px=px) for n, px in enumerate(tolerances)]
        return [*WHOLE, *rows]

    assert not held(of(0.1, 0.2), of(0.1, 0.2)).notes
    (note,) = held(of(0.1, 0.2, 0.3, 0.4, None), of(0.1, 1.0, 0.5, 3.0, 1.0)).notes
    assert note == (
        "3 cases are held to other tolerances, px: pack c1 0.2 -> 1, pack c2 0.3 -> 0.5, ..."
    )


def test_zero_grows_by_what_is_absolute():
    assert Rule("folded", 0.2, 0.01).grew(0.0, 0.02)
    assert not Rule("folded", 0.2, 0.01).grew(0.0, 0.005)


@pytest.mark.parametrize(
    "text",
    ["", "tre_px", "tre:20%", "tre_px:", "tre_px:x", "tre_px:1.2.3%", "tre_px:1,tre_px:2", "-"],
)
def test_what_is_no_rule_is_told_in_one_line(text):
    with pytest.raises(RuleError) as refused:
        Rules.parse(text)
    assert "\n" not in str(refused.value)
    assert "expected" in str(refused.value) or "there are" in str(refused.value)
