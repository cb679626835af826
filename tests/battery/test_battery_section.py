"""What the text report and the comparison show of the battery and of the base fixtures."""

import pytest

from irgate_battery.cases.run_spec import RunSpec
from irgate_battery.results.compared import Cell, SavedVerdict
from irgate_battery.results.result_row import ResultRow
from irgate_battery.results.suite_results import SuiteResults
from irgate_battery.suites.base import agreement, each_fixture, hard_gate
from irgate_battery.suites.battery import mean_ratio
from irgate_battery.suites.registry import entry_of

BASE, BATTERY = entry_of("base").suite, entry_of("battery").suite


def row(case, suite="battery", **figures):
    known = {"ratio": 1.0, "tre_px": 0.02, "rmse": 0.01, "oracle": "stored", "escaped": False}
    return ResultRow(f"{suite} {case}", suite, case, **{**known, **figures})


def lines(rows):
    return [(line.text, line.tone) for line in BATTERY.section(rows, 100)]


def test_a_line_for_each_fixture_with_its_extremes_and_then_what_did_not_pass():
    rows = [
        row("lena-rot2", ratio=1.5, tre_px=0.25),
        row("lena-rot75-draw7", ratio=1.25, tre_px=0.5, status="failed", tolerance_px=0.1),
        row("a_longer_name-shift03"),
        row("lena-noise10", ratio=None, tre_px=None, status="skipped"),
    ]
    assert lines(rows) == [
        ("battery        passed  mean ratio  largest ratio    farthest, px", "head"),
        ("lena             1/3       1.3750  1.500 rot2       0.500 rot75-draw7", "plain"),
        ("a_longer_name    1/1       1.0000  1.000 shift03    0.020 shift03", "good"),
        ("battery: 1 failed, 2 passed, 1 skipped", "bad"),
        (
            "  lena-rot75-draw7: failed (ratio 1.250, 0.500 px from the truth, tolerance 0.100 px)",
            "bad",
        ),
        ("  1 skipped: no reason given", "open"),
    ]
    blank = row("lena-rot2", ratio=None, tre_px=None)
    assert lines([blank, row("mri-rot2")])[1][0] == "lena    1/1            -  -                -"
    # A table of dashes says nothing.
    assert lines([blank]) == [("battery: 1 passed", "good")]


def test_a_fixture_whose_every_case_was_skipped_did_not_fail():
    asked = row("mri-rot2")
    skipped = [row(f"lena-{name}", status="skipped", ratio=None, tre_px=None) for name in "ab"]
    assert lines([asked, *skipped])[2] == ("lena    skipped, all 2", "open")


def test_the_family_of_a_case_is_its_perturbation():
    assert BATTERY.family_of(row("lena_affine_2d-rot75")) == "rot75"
    assert BATTERY.family_of(row("lena_affine_2d-rot-draw51")) == "rot"


def means(rows, mean=1.25, expected=4):
    (shown,) = BATTERY.compared(rows, {"mean_ratio": SavedVerdict("pass", 4, expected, mean)})
    return shown


def test_what_is_compared_of_the_battery():
    rows = [
        row("a", oracle_rmse=0.01),
        row("b", status="failed"),
        row("c", status="xfailed"),
        row("d", status="skipped"),
    ]
    shown = means(rows)
    assert shown.title == "mean ratio, capped at 2"
    assert shown.cell == Cell("1.2500", 1.25)
    assert shown.over == {("battery", "a"), ("battery", "b")}
    assert shown.oracle == Cell("1.0000")
    assert means(rows[1:]).oracle == Cell()
    assert means(rows, mean=None).cell == Cell()
    assert BATTERY.chosen_count({"mean_ratio": SavedVerdict("pass", 4, 7)}) == 7
    assert BATTERY.chosen_count({"mean_ratio": SavedVerdict("pass")}) == 0


@pytest.mark.parametrize(
    ("status", "cell"),
    [
        ("pass", Cell("PASS")),
        ("fail", Cell("FAIL", tone="bad")),
        ("not_evaluated", Cell("3 of 5 ran", tone="open")),
    ],
)
def test_what_is_compared_of_the_base_fixtures(status, cell):
    (shown,) = BASE.compared([], {"hard_gate": SavedVerdict(status, 3, 5)})
    assert (shown.title, shown.cell) == ("hard gate", cell)


def test_what_an_old_report_did_not_keep_counts_as_none():
    (shown,) = BASE.compared([], {"hard_gate": SavedVerdict("not_evaluated")})
    assert shown.cell.text == "0 of 0 ran"


def results(rows, suite="base", expected="ab"):
    return SuiteResults.of(rows, suite, tuple(expected))


def base_row(case, **figures):
    return row(case, "base", **{"oracle_rmse": 0.01, "rmse_vs_oracle": 1e-5, **figures})


def test_the_words_of_the_hard_gate():
    good = [base_row("a"), base_row("b", rmse=0.0112, oracle_rmse=0.0105)]
    found = hard_gate(results(good))
    assert found.reason == (
        "max RMSE 0.0112 <= 0.01165 = 1.1 x oracle's 0.0105 + 0.0001 (2 of 2 ran)"
    )
    assert found.held == "the hard gate holds (0.0112 <= 0.01165, 2 of 2 ran)"
    assert (found.max_rmse, found.max_oracle_rmse) == (0.0112, 0.0105)
    over = hard_gate(results([base_row("a", rmse=0.5), base_row("b")]))
    assert over.reason.startswith("max RMSE 0.5 > 0.0111 = 1.1 x oracle's 0.01 + 0.0001 (")
    lost = hard_gate(results([base_row("a", rmse=None), base_row("b", escaped=True)]))
    assert lost.reason == "no usable result on any of them, so no maximum (2 of 2 ran)"
    one = hard_gate(results([base_row("a", rmse=None), base_row("b")]))
    assert one.reason == "no usable result on a, so no maximum (2 of 2 ran)"
    assert (lost.status, lost.limit) == ("fail", pytest.approx(0.0111))
    none = hard_gate(results([base_row(case, oracle_rmse=None) for case in "ab"]))
    assert (none.status, none.limit) == ("fail", None)
    diverged = hard_gate(results([base_row("a", oracle="diverged"), base_row("b", rmse=None)]))
    assert diverged.reason == "not evaluated (the oracle diverged on a)"
    part = hard_gate(results([base_row("a", oracle="diverged")]))
    assert part.reason == "not evaluated (1 of 2 ran)"


def test_the_words_of_each_fixture():
    rule = "within 1.1 x its oracle + 0.0001"
    good = each_fixture(results([base_row("a"), base_row("b")]))
    assert (good.status, good.reason, good.passed) == ("pass", f"2 of 2 {rule}", 2)
    bad = each_fixture(results([base_row("a"), base_row("b", status="failed")]))
    assert (bad.status, bad.reason) == ("fail", f"1 of 2 {rule}; not: b")
    lost = each_fixture(results([base_row("a"), base_row("b", status="missing")]))
    assert (lost.status, lost.reason) == ("fail", f"1 of 2 {rule}; not: b")
    assert each_fixture(results([base_row("a")])).reason == "not evaluated (1 of 2 ran)"
    diverged = each_fixture(results([base_row("a", oracle="diverged"), base_row("b")]))
    assert diverged.status == "not_evaluated"
    # Who failed failed, whatever the oracle did on another.
    both = [base_row("a", oracle="diverged"), base_row("b", status="failed")]
    assert each_fixture(results(both)).status == "fail"


def test_the_words_of_the_agreement():
    found = agreement(results([base_row("a"), base_row("b", rmse_vs_oracle=2e-3)]))
    assert (found.status, found.max_rmse_vs_oracle, found.target) == ("fail", 2e-3, 1e-4)
    assert found.reason == (
        "rmse_vs_simpleitk_max 0.002, between the warped images; target 0.0001, band 1e-05 to "
        "0.001 (2 of 2 ran)"
    )
    some = agreement(results([base_row("a"), base_row("b", rmse_vs_oracle=None)]))
    assert (some.status, some.reason) == ("not_evaluated", "not evaluated (1 of 2 measured)")
    assert agreement(results([])).max_rmse_vs_oracle is None
    lost = agreement(results([base_row("a", oracle="diverged"), base_row("b")]))
    assert lost.reason == "not evaluated (there is no agreement with an oracle that diverged)"


def test_the_words_of_the_mean_ratio():
    rows = [row("a", ratio=3.0), row("b", ratio=1.0)]
    found = mean_ratio(results(rows, "battery"))
    assert found.reason == "1.5000 > 1.10 over the battery (2 of 2 ran, 1 capped at 2)"
    assert (found.limit, found.capped, found.oracle_diverged) == (1.1, 1, 0)
    rows = [row("a", oracle="diverged"), row("b", ratio=1.1)]
    found = mean_ratio(results(rows, "battery"))
    assert (found.status, found.reason) == (
        "pass", "1.1000 <= 1.10 over the battery (2 of 2 ran, 0 capped at 2, 1 left out)",
    )  # fmt: skip
    none = mean_ratio(results([row(case, oracle="diverged") for case in "ab"], "battery"))
    assert (none.mean, none.reason) == (None, "not evaluated (no oracle converged)")


def test_what_front_ends_ask_of_the_suites():
    for suite in (BASE, BATTERY):
        assert (suite.one_call, suite.has_truth, suite.own_data) == (True, True, False)
    assert (BASE.is_drawn, BATTERY.is_drawn) == (False, True)
    (gate, each, agrees), (mean,) = BASE.verdict_types, BATTERY.verdict_types
    assert (gate.effect, each.effect, agrees.effect, mean.effect) == (
        "run", "items", "none", "strict",
    )  # fmt: skip
    assert [kind.since_first for kind in (gate, each, agrees, mean)] == [True, False, False, True]
    items = BATTERY.items(RunSpec(seed=3, count=2))
    assert len(items) == 2
    assert items[0].pictured is items[0].subject
