"""The verdicts are a pure function of the rows, and green only over what ran."""

import dataclasses
import itertools

import pytest

from irgate_battery.judge.acceptance import base_limit, battery_fault, fixture_fault
from irgate_battery.judge.measure import Measurement
from irgate_battery.report.conclusion import evaluate, has_failed
from irgate_battery.results.result_row import ResultRow

BASE = ("a", "b", "c", "d", "e")


def row(case, rmse=0.01, oracle_rmse=0.01, **more):
    figures = {"rmse": rmse, "oracle_rmse": oracle_rmse, "rmse_vs_oracle": 1e-5, "oracle": "stored"}
    values = {"status": "passed", "escaped": False, **figures, **more}
    return ResultRow(id=f"irgate/base.py::test_case[{case}]", suite="base", case=case, **values)


def unmeasured(case, status):
    return ResultRow(
        id=f"irgate/base.py::test_case[{case}]", suite="base", case=case, status=status
    )


EXPECTED = {"base": BASE}


def gate(rows):
    return evaluate(rows, EXPECTED).hard_gate


GOOD = tuple(row(case) for case in BASE)


def swapped(case, new):
    return tuple(new if r.case == case else r for r in GOOD)


def test_five_good_rows_pass_with_their_numbers():
    verdict = gate(GOOD)
    assert verdict.status == "pass"
    assert verdict.max_rmse == verdict.max_oracle_rmse == 0.01
    assert verdict.limit == pytest.approx(0.0111)
    assert (verdict.ran, verdict.expected) == (5, 5)
    assert "5 of 5 ran" in verdict.reason


@pytest.mark.parametrize(("rmse", "status"), [(0.0110999, "pass"), (0.0111001, "fail")])
def test_the_limit_stands_between(rmse, status):
    assert gate(swapped("c", row("c", rmse))).status == status


def test_what_equals_a_limit_passes():
    assert gate(swapped("c", row("c", float(base_limit(0.01))))).status == "pass"
    apart = swapped("c", row("c", rmse_vs_oracle=1e-4))
    assert evaluate(apart, EXPECTED).agreement.status == "pass"


def test_the_maximum_is_over_all_five_on_both_sides():
    rows = [row("a", 0.02, 0.001), row("b", 0.019, 0.0183), *GOOD[2:]]
    assert gate(rows).status == "pass"
    assert evaluate(rows, EXPECTED).agreement.status == "pass"


def test_the_order_of_the_rows_is_nothing():
    rows = [row("a", 0.3), unmeasured("b", "missing"), *GOOD[2:]]
    assert (
        len(
            {str(evaluate(p, EXPECTED)) for p in itertools.islice(itertools.permutations(rows), 24)}
        )
        == 1
    )


@pytest.mark.parametrize("count", range(5))
def test_what_did_not_run_is_not_evaluated(count):
    verdicts = evaluate(GOOD[:count], EXPECTED)
    for verdict in (verdicts.hard_gate, verdicts.each_fixture, verdicts.agreement):
        assert verdict.status == "not_evaluated"
        assert f"not evaluated ({count} of 5 ran)" in verdict.reason


def test_a_skip_is_not_a_run():
    verdict = gate(swapped("b", unmeasured("b", "skipped")))
    assert (verdict.status, verdict.ran) == ("not_evaluated", 4)


@pytest.mark.parametrize("status", ["missing", "error"])
def test_a_row_that_should_be_there_and_is_not_fails(status):
    verdict = gate(swapped("b", unmeasured("b", status)))
    assert verdict.status == "fail"
    assert verdict.reason.startswith("missing: b")
    assert verdict.missing == 1


def test_a_lost_row_is_lost_under_whatever_name():
    verdict = gate([*GOOD, unmeasured("other-a", "error")])
    assert verdict.status == "fail"
    assert "other-a (error)" in verdict.reason


def test_missing_weighs_more_than_deselected():
    assert gate([unmeasured("a", "missing")]).status == "fail"


@pytest.mark.parametrize(
    "bad", [unmeasured("d", "failed"), row("d", 0.001, status="failed", escaped=True)]
)
def test_a_fixture_without_a_usable_result_fails_whatever_its_rmse(bad):
    verdict = gate(swapped("d", bad))
    assert verdict.status == "fail"
    assert "no usable result on d" in verdict.reason


def test_waived_fixtures_are_counted_aloud():
    verdict = gate(swapped("d", row("d", 0.5, status="xfailed")))
    assert verdict.status == "pass"
    assert "waived: 1" in verdict.reason
    assert verdict.waived == 1
    all_waived = [row(case, status="xfailed") for case in BASE]
    assert gate(all_waived).status == "not_evaluated"


def test_an_oracle_that_diverged_decides_nothing():
    verdicts = evaluate(swapped("a", row("a", 0.01, 5.0, oracle="diverged")), EXPECTED)
    assert verdicts.hard_gate.status == verdicts.agreement.status == "not_evaluated"
    assert "the oracle diverged on a" in verdicts.hard_gate.reason


def test_each_fixture_sees_what_the_maximum_hides():
    """A translate fixture that never moved has a smaller RMSE than the noise of the MRI pair."""
    rows = [row("a", 0.030, 0.0004, status="failed"), row("b", 0.028, 0.028), *GOOD[2:]]
    verdicts = evaluate(rows, EXPECTED)
    assert verdicts.hard_gate.status == "pass"
    assert verdicts.each_fixture.status == "fail"
    assert "not: a" in verdicts.each_fixture.reason


@pytest.mark.parametrize(("apart", "status"), [(9e-5, "pass"), (1.1e-4, "fail")])
def test_agreement_is_the_largest_difference(apart, status):
    verdict = evaluate(swapped("c", row("c", rmse_vs_oracle=apart)), EXPECTED).agreement
    assert (verdict.status, verdict.max_rmse_vs_oracle) == (status, apart)


def test_rows_of_other_suites_are_no_fixtures():
    contract = ResultRow(id="irgate/contract.py::test_direction", suite="contract", case="a")
    assert gate([contract] * 5).status == "not_evaluated"


def test_suites_that_did_not_run_are_not_evaluated():
    verdicts = evaluate(GOOD, {**EXPECTED, "battery": ("x", "y")}).to_dict()
    assert "0 of 2 ran" in verdicts["mean_ratio"]["reason"]
    for name in ("mean_ratio", "recovery", "gradient"):
        assert verdicts[name]["status"] == "not_evaluated"


@pytest.mark.parametrize("status", ["failed", "error", "missing"])
def test_a_run_fails_by_an_item_or_by_the_gate(status):
    assert not has_failed(GOOD, evaluate(GOOD, EXPECTED))
    other = ResultRow(id="i", suite="contract", case="x", status=status)
    rows = [*GOOD, other]
    assert has_failed(rows, evaluate(rows, EXPECTED))
    # A waived item beside a maximum that does not hold: no item failed, and the run does.
    gate_only = [row("a", 0.5), *GOOD[1:]]
    assert has_failed(gate_only, evaluate(gate_only, EXPECTED))


GOOD_FIGURES = Measurement(
    rmse=0.01,
    truth_rmse=0.01,
    oracle_rmse=0.01,
    ratio=1.0,
    rmse_vs_oracle=0.0,
    tre_px=0.0,
    tre_max_px=0.0,
    oracle_tre_px=0.0,
    oracle_distance_px=0.0,
    coverage=1.0,
    truth_coverage=1.0,
    oracle_coverage=1.0,
    folded=0.0,
    escaped=False,
    oracle_diverged=False,
)


def test_a_fixtures_own_rule():
    def fault(**figures):
        return fixture_fault(dataclasses.replace(GOOD_FIGURES, **figures))

    assert fault() is None
    assert fault(rmse=base_limit(0.01)) is None
    assert "over its limit 0.0111" in fault(rmse=base_limit(0.01) + 1e-9)
    assert "covers 50% of" in fault(escaped=True, coverage=0.5)
    assert "no RMSE" in fault(rmse=None)
    # A diverged oracle would let anything through; the truth's floor stands in for it.
    assert "the oracle diverged" in fault(rmse=0.02, oracle_rmse=0.5, oracle_diverged=True)
    assert fault(rmse=0.011, oracle_rmse=0.5, oracle_diverged=True) is None


def test_a_battery_cases_own_rule():
    def fault(**figures):
        return battery_fault(dataclasses.replace(GOOD_FIGURES, **figures), 0.1)

    assert fault() is None
    assert fault(rmse=0.02, tre_px=0.1) is None
    assert "over 2 x oracle" in fault(rmse=0.020001)
    assert "over the case's tolerance 0.1 px" in fault(tre_px=0.1001)
    assert "covers 50% of" in fault(escaped=True, coverage=0.5)
    assert "no RMSE" in fault(rmse=None, tre_px=None)
    assert "the oracle diverged" in fault(rmse=0.03, oracle_rmse=0.5, oracle_diverged=True)


class TestOwnPairs:
    """A verdict of their own: they never enter the hard gate, and the gate never enters theirs."""

    @staticmethod
    def verdicts(*rows, names=("p", "q")):
        return evaluate([*GOOD, *rows], {**EXPECTED, "pair": names})

    @staticmethod
    def pair(case, **more):
        return dataclasses.replace(row(case, **more), suite="pair", id=f"pair {case}")

    def test_all_good(self):
        verdict = self.verdicts(self.pair("p"), self.pair("q")).pairs
        assert (verdict.status, verdict.passed, verdict.ran) == ("pass", 2, 2)

    def test_a_failed_one_fails_them_and_the_run_and_not_the_gate(self):
        rows = self.pair("p", rmse=0.9, status="failed"), self.pair("q")
        verdicts = self.verdicts(*rows)
        assert verdicts.pairs.status == "fail"
        assert "not: p" in verdicts.pairs.reason
        assert verdicts.hard_gate.status == verdicts.each_fixture.status == "pass"
        assert verdicts.hard_gate == self.verdicts(names=()).hard_gate
        assert has_failed([*GOOD, *rows], verdicts)

    @pytest.mark.parametrize("status", ["missing", "error"])
    def test_a_lost_one_fails_them(self, status):
        lost = dataclasses.replace(unmeasured("q", status), suite="pair")
        verdict = self.verdicts(self.pair("p"), lost).pairs
        assert (verdict.status, verdict.missing) == ("fail", 1)

    @pytest.mark.parametrize("others", [(), ("skipped",)])
    def test_what_did_not_run_is_not_evaluated(self, others):
        rows = [dataclasses.replace(unmeasured("q", each), suite="pair") for each in others]
        verdict = self.verdicts(self.pair("p"), *rows).pairs
        assert (verdict.status, verdict.reason) == (
            "not_evaluated",
            "not evaluated (1 of 2 ran)",
        )

    def test_a_waived_one_is_said(self):
        waived = self.pair("q", status="xfailed", rmse=0.9)
        verdict = self.verdicts(self.pair("p"), waived).pairs
        assert verdict.status == "pass"
        assert "1 of 2" in verdict.reason
        assert "waived: 1" in verdict.reason

    def test_none_named(self):
        verdicts = self.verdicts(names=())
        assert "pairs" not in verdicts.to_dict()
        assert "pairs" in self.verdicts().to_dict()
        with pytest.raises(AttributeError, match="no verdict 'pairs'"):
            _ = verdicts.pairs
