"""Runs case by case: a figure each, and a letter that says why a case did not pass."""

from dataclasses import replace

import pytest
from items import node_id
from saved_runs import BASE, BATTERY, GOOD, best, cells, row, saved, skipped, texts

from irgate_battery.report.comparison.case_by_case import case_by_case, letter_of
from irgate_battery.report.comparison.run_set import RunSet
from irgate_battery.report.comparison.side_by_side import NotComparableError, compare
from irgate_battery.results.result_row import ResultRow

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


def test_distances_are_shown_unless_ratios_are_asked_for():
    sections = list(case_by_case(RunSet([saved("a", GOOD)])))
    assert sections[0].title == "base: px to the truth, mean over the image"


def test_the_oracle_s_column_is_that_of_the_first_run_that_has_it():
    without = [replace(GOOD[0], oracle_rmse=None, oracle_tre_px=None), *GOOD[1:]]
    other = [replace(GOOD[0], oracle_tre_px=0.5), *GOOD[1:]]
    table = compare([saved("a", without), saved("b", other)]).cases
    assert texts(table, "base", BASE[0]) == ["0.5000", "0.0200", "0.0200"]
    assert texts(table, "base", BASE[1]) == ["0.0100", "0.0200", "0.0200"]


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
