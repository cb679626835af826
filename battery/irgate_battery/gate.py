"""The verdicts: what a set of rows says, as a pure function of the rows.

A verdict over cases of which some did not run is *not evaluated*, never a pass. A row that
should be there and is not makes the hard gate fail.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal

from irgate_battery.judge import Measurement
from irgate_battery.row import Row

VerdictStatus = Literal["pass", "fail", "not_evaluated"]

BASE_FACTOR = 1.1
"""How much larger than the oracle's RMSE a base fixture's may be."""

BASE_SLACK = 1e-4
"""What is added to it, intensity: on a smooth pair the floor itself is of that size."""

AGREEMENT_TARGET = 1e-4
"""RMSE between two warped images at which two solvers are taken to agree, intensity."""

MEAN_RATIO_LIMIT = 1.10
RATIO_CAP = 2.0
"""A single case counts for no more than this in the mean ratio, and fails by itself above it."""

RECOVERY_LIMIT = 0.9


def base_limit(oracle_rmse: float) -> float:
    """Return the largest RMSE that passes beside this one of the oracle's, intensity."""
    return BASE_FACTOR * oracle_rmse + BASE_SLACK


def fixture_fault(measured: Measurement) -> str | None:
    """Return what is wrong with a result on a base fixture, or `None` where nothing is.

    The rule: rmse <= 1.1 x oracle_rmse + 1e-4, finite, not escaped. Where the oracle itself has
    diverged, the RMSE at the true transform stands in for it.
    """
    if measured.rmse is None:
        return "no pixel of the fixed image lands inside the moving image: there is no RMSE"
    if measured.escaped:
        return (
            f"escaped: it covers {measured.coverage:.0%} of the fixed image where the true "
            f"transform covers {measured.truth_coverage:.0%}"
        )
    name, reference = "oracle", measured.oracle_rmse
    if measured.oracle_diverged or reference is None:
        name, reference = "truth (the oracle diverged)", measured.truth_rmse
    if reference is None:
        return "neither the oracle nor the true transform has an RMSE to compare with"
    limit = base_limit(reference)
    if measured.rmse > limit:
        return (
            f"RMSE {measured.rmse:.3g} is over its limit {limit:.3g} = {BASE_FACTOR} x {name} "
            f"{reference:.3g} + {BASE_SLACK:g}"
        )
    return None


@dataclass(frozen=True)
class Verdict:
    """One verdict: its status, one sentence that says why, and its numbers.

    Attributes:
        status: pass, fail or not_evaluated.
        reason: a sentence with the numbers and the limit.
        figures: what the JSON report holds besides the status, `None` where there is no number.

    """

    status: VerdictStatus
    reason: str
    figures: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Return status, figures and reason as one flat dict of builtin types."""
        return {"status": self.status, **self.figures, "reason": self.reason}


@dataclass(frozen=True)
class Verdicts:
    """All verdicts of a run, in the order of the report."""

    hard_gate: Verdict
    each_fixture: Verdict
    agreement: Verdict
    mean_ratio: Verdict
    recovery: Verdict
    gradient: Verdict

    def to_dict(self) -> dict[str, dict[str, Any]]:
        """Return the `verdicts` object of the JSON report."""
        return {field.name: getattr(self, field.name).to_dict() for field in fields(self)}


def evaluate(rows: Sequence[Row], base: Sequence[str]) -> Verdicts:
    """Return the verdicts over these rows.

    Args:
        rows: those of the whole run, `missing` ones included, in any order.
        base: the base fixtures that a complete run has.

    """
    tally = _Tally.of(rows, base)
    return Verdicts(
        hard_gate=_hard_gate(tally),
        each_fixture=_each_fixture(tally),
        agreement=_agreement(tally),
        mean_ratio=_not_built(
            "battery",
            mean=None,
            limit=MEAN_RATIO_LIMIT,
            ran=0,
            expected=None,
            capped=None,
            oracle_diverged=None,
        ),
        recovery=_not_built("recovery", recovered=None, tried=0, limit=RECOVERY_LIMIT),
        gradient=_not_built("gradient", passed=None, tried=0, max_relative_error=None),
    )


@dataclass(frozen=True)
class _Tally:
    """The base rows, sorted by what they can say."""

    expected: int
    ran: tuple[Row, ...]
    waived: tuple[Row, ...]
    lost: tuple[Row, ...]

    @classmethod
    def of(cls, rows: Sequence[Row], base: Sequence[str]) -> "_Tally":
        mine = [row for row in rows if row.suite == "base" and row.case in base]
        # A case may have several rows, where the user's own fixture parametrises the suite.
        return cls(
            expected=len(base),
            ran=tuple(row for row in mine if row.status in ("passed", "failed")),
            waived=tuple(row for row in mine if row.status == "xfailed"),
            lost=tuple(row for row in mine if row.status in ("missing", "error")),
        )

    @property
    def count(self) -> int:
        """How many of the expected fixtures have run, waived ones among them."""
        return len({row.case for row in (*self.ran, *self.waived)})

    @property
    def how_many(self) -> str:
        """Say `n of 5 ran`, and how many were waived."""
        waived = f", waived: {len(self.waived)}" if self.waived else ""
        return f"{self.count} of {self.expected} ran{waived}"

    def undecided(self) -> str | None:
        """Return why a verdict over all fixtures cannot be given, or `None` where it can."""
        if self.count < self.expected:
            return f"not evaluated ({self.how_many})"
        if not self.ran:
            return f"not evaluated (every fixture is waived: {len(self.waived)})"
        diverged = sorted(row.case for row in self.ran if row.oracle == "diverged")
        if diverged:
            return f"not evaluated (the oracle diverged on {', '.join(diverged)})"
        return None


def _hard_gate(tally: _Tally) -> Verdict:
    ours = [row.rmse for row in tally.ran if row.rmse is not None]
    oracle = [row.oracle_rmse for row in tally.ran if row.oracle_rmse is not None]
    figures: dict[str, Any] = {
        "max_rmse": max(ours, default=None),
        "max_oracle_rmse": max(oracle, default=None),
        "limit": base_limit(max(oracle)) if oracle else None,
        "ran": tally.count,
        "expected": tally.expected,
        "missing": len(tally.lost),
        "waived": len(tally.waived),
    }
    if tally.lost:
        lost = ", ".join(_says_of(row) for row in tally.lost)
        return Verdict("fail", f"missing: {lost} ({tally.how_many})", figures)
    undecided = tally.undecided()
    if undecided:
        return Verdict("not_evaluated", undecided, figures)
    unmeasured = sorted(row.case for row in tally.ran if row.rmse is None or row.escaped)
    if unmeasured:
        names = ", ".join(unmeasured)
        return Verdict(
            "fail", f"no usable result on {names}, so no maximum ({tally.how_many})", figures
        )
    over = figures["max_rmse"] > figures["limit"]
    comparison = (
        f"max RMSE {figures['max_rmse']:.4g} {'>' if over else '<='} {figures['limit']:.4g} = "
        f"{BASE_FACTOR} x oracle's {figures['max_oracle_rmse']:.4g} + {BASE_SLACK:g} "
        f"({tally.how_many})"
    )
    return Verdict("fail" if over else "pass", comparison, figures)


def _says_of(row: Row) -> str:
    return row.case if row.status == "missing" else f"{row.case} (error)"


def _each_fixture(tally: _Tally) -> Verdict:
    passed = len(
        {row.case for row in tally.ran} - {r.case for r in tally.ran if r.status != "passed"}
    )
    failed = sorted({row.case for row in tally.ran if row.status == "failed"})
    figures = {"passed": passed, "ran": tally.count, "expected": tally.expected}
    rule = f"{BASE_FACTOR} x its oracle + {BASE_SLACK:g}"
    if failed or tally.lost:
        names = ", ".join([*failed, *(_says_of(row) for row in tally.lost)])
        return Verdict("fail", f"{passed} of {tally.expected} within {rule}; not: {names}", figures)
    undecided = tally.undecided()
    if undecided:
        return Verdict("not_evaluated", undecided, figures)
    return Verdict("pass", f"{passed} of {tally.expected} within {rule}", figures)


def _agreement(tally: _Tally) -> Verdict:
    apart = [row.rmse_vs_oracle for row in tally.ran if row.rmse_vs_oracle is not None]
    figures = {
        "max_rmse_vs_oracle": max(apart, default=None),
        "target": AGREEMENT_TARGET,
        "ran": tally.count,
        "expected": tally.expected,
    }
    undecided = tally.undecided()
    if undecided or len(apart) < len(tally.ran):
        reason = undecided or f"not evaluated ({len(apart)} of {tally.expected} measured)"
        return Verdict("not_evaluated", reason, figures)
    return Verdict(
        "pass" if max(apart) <= AGREEMENT_TARGET else "fail",
        f"the warped images differ by at most {max(apart):.2g} RMSE; target {AGREEMENT_TARGET:g}",
        figures,
    )


def _not_built(suite: str, **figures: Any) -> Verdict:
    return Verdict("not_evaluated", f"not evaluated (this version has no {suite} suite)", figures)
