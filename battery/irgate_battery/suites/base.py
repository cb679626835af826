"""Suite `base`: the five base fixtures, over which the hard gate stands."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from irgate_battery.cases.catalogue import Case, base_cases
from irgate_battery.cases.run_spec import RunSpec
from irgate_battery.judge.acceptance import base_limit, fixture_fault
from irgate_battery.judge.limits import AGREEMENT_TARGET, BASE_FACTOR, BASE_SLACK
from irgate_battery.judge.measure import Measurement
from irgate_battery.results.compared import Cell, Compared, SavedVerdicts
from irgate_battery.results.result_row import ResultRow
from irgate_battery.results.row_table import RATIO, RMSE, TIMES, Column, table
from irgate_battery.results.suite_results import SuiteResults
from irgate_battery.results.text import Line, number
from irgate_battery.results.verdict import Verdict, VerdictStatus
from irgate_battery.suites.case_suite import CaseSuite


@dataclass(frozen=True, kw_only=True)
class HardGate(Verdict):
    """max(rmse) <= 1.1 max(oracle_rmse) + 1e-4 over the five; a lost row fails it as missing."""

    name = "hard_gate"
    title = "hard gate"
    effect = "run"
    needs = "all fixtures"
    since_first = True

    max_rmse: float | None
    max_oracle_rmse: float | None
    limit: float | None
    ran: int
    expected: int
    missing: int
    waived: int

    @property
    def held(self) -> str:
        """The two figures, and over how many fixtures they stand."""
        return (
            f"the hard gate holds ({self.max_rmse:.4g} <= {self.limit:.4g}, "
            f"{self.ran} of {self.expected} ran)"
        )


@dataclass(frozen=True, kw_only=True)
class EachFixture(Verdict):
    """The same rule for each fixture alone: a maximum hides one under the noise of another."""

    name = "each_fixture"
    title = "each fixture"

    passed: int
    ran: int
    expected: int


AGREEMENT_BAND = (1e-5, 1e-3)
"""From agreement to the digits that a report prints, to what an eye may see; the target is within.
RMSE, intensity."""


@dataclass(frozen=True, kw_only=True)
class Agreement(Verdict):
    """How far from SimpleITK's the warped images are at most."""

    name = "agreement"
    title = "agreement"
    effect = "none"
    headline = "rmse_vs_simpleitk_max"

    max_rmse_vs_oracle: float | None
    target: float
    band: list[float]
    ran: int
    expected: int

    @property
    def rmse_vs_simpleitk_max(self) -> float | None:
        """The project's headline metric: the maximum over all five; none over fewer."""
        return None if self.status == "not_evaluated" else self.max_rmse_vs_oracle


_COLUMNS = (
    *RMSE,
    RATIO,
    Column("to truth, px", "ours", 12, lambda row: number(row.tre_px, ".4f"), 0),
    Column("to truth, px", "oracle", 8, lambda row: number(row.oracle_tre_px, ".4f"), 3),
    Column("warps", "apart", 8, lambda row: number(row.rmse_vs_oracle, ".1e"), 4),
    *TIMES,
)
"""To truth: mean distance to the true transform; warps apart: RMSE between the two warped
images."""


class BaseSuite(CaseSuite):
    """The base fixtures."""

    heading = "irgate/base.py::test_case[ID]; the hard gate stands over these"
    verdict_types = (HardGate, EachFixture, Agreement)
    holds_distance = False

    def cases(self, spec: RunSpec) -> Iterable[Case]:
        """Return the five."""
        return base_cases()

    def fault_of(self, measured: Measurement, near_px: float) -> str | None:
        """Hold rmse <= 1.1 x oracle_rmse + 1e-4, finite, not escaped."""
        return fixture_fault(measured)

    def verdicts(self, results: SuiteResults) -> tuple[Verdict, ...]:
        """Return the hard gate, each fixture, and the agreement with SimpleITK."""
        return hard_gate(results), each_fixture(results), agreement(results)

    def section(self, rows: Sequence[ResultRow], width: int) -> Iterable[Line]:
        """Return a table of the five."""
        return table("base fixture", rows, _COLUMNS, width)

    def compared(self, rows: Sequence[ResultRow], verdicts: SavedVerdicts) -> tuple[Compared, ...]:
        """Return whether the hard gate holds."""
        gate = verdicts[HardGate.name]
        if gate.status == "not_evaluated":
            cell = Cell(f"{gate.ran or 0} of {gate.expected or 0} ran", tone="open")
        else:
            passed = gate.status == "pass"
            cell = Cell("PASS" if passed else "FAIL", tone="plain" if passed else "bad")
        return (Compared(HardGate.title, cell),)


SUITE = BaseSuite
"""What the registry loads."""


def hard_gate(results: SuiteResults) -> HardGate:
    """Return the hard gate's verdict over the rows of the base fixtures."""
    ours = [row.rmse for row in results.ran if row.rmse is not None]
    oracle = [row.oracle_rmse for row in results.ran if row.oracle_rmse is not None]
    most, most_oracle = max(ours, default=None), max(oracle, default=None)
    limit = None if most_oracle is None else base_limit(most_oracle)
    status: VerdictStatus = "pass"
    reason = ""
    undecided = _undecided(results)
    unusable = sorted(row.case for row in results.ran if row.rmse is None or row.escaped)
    if results.lost:
        status = "fail"
        reason = f"missing: {results.names_of_lost()} ({results.how_many})"
    elif undecided:
        status, reason = "not_evaluated", undecided
    elif unusable or most is None or limit is None:
        status = "fail"
        where = "any of them" if len(unusable) == results.expected else ", ".join(unusable)
        reason = f"no usable result on {where}, so no maximum ({results.how_many})"
    else:
        over = most > limit
        status = "fail" if over else "pass"
        reason = (
            f"max RMSE {most:.4g} {'>' if over else '<='} {limit:.4g} = "
            f"{BASE_FACTOR} x oracle's {most_oracle:.4g} + {BASE_SLACK:g} "
            f"({results.how_many})"
        )
    return HardGate(
        status=status,
        reason=reason,
        max_rmse=most,
        max_oracle_rmse=most_oracle,
        limit=limit,
        ran=results.count,
        expected=results.expected,
        missing=len(results.lost),
        waived=len(results.waived),
    )


def each_fixture(results: SuiteResults) -> EachFixture:
    """Return how many of the fixtures pass alone."""
    passed = len({row.case for row in results.ran} - set(results.failed))
    told = f"{passed} of {results.expected} within {BASE_FACTOR} x its oracle + {BASE_SLACK:g}"
    status, reason = results.settled(told, _undecided(results))
    return EachFixture(
        status=status,
        reason=reason,
        passed=passed,
        ran=results.count,
        expected=results.expected,
    )


def agreement(results: SuiteResults) -> Agreement:
    """Return how far from SimpleITK's the warped base images are at most."""
    apart = [row.rmse_vs_oracle for row in results.ran if row.rmse_vs_oracle is not None]
    undecided = results.undecided()
    if undecided is None and any(row.oracle == "diverged" for row in results.ran):
        undecided = "not evaluated (there is no agreement with an oracle that diverged)"
    if undecided is None and len(apart) < len(results.ran):
        undecided = f"not evaluated ({len(apart)} of {results.expected} measured)"
    status: VerdictStatus
    if undecided:
        status, reason = "not_evaluated", undecided
    else:
        status = "pass" if max(apart) <= AGREEMENT_TARGET else "fail"
        low, high = AGREEMENT_BAND
        reason = (
            f"{Agreement.headline} {max(apart):.2g}, between the warped images; "
            f"target {AGREEMENT_TARGET:g}, band {low:g} to {high:g} ({results.how_many})"
        )
    return Agreement(
        status=status,
        reason=reason,
        max_rmse_vs_oracle=max(apart, default=None),
        target=AGREEMENT_TARGET,
        band=list(AGREEMENT_BAND),
        ran=results.count,
        expected=results.expected,
    )


def _undecided(results: SuiteResults) -> str | None:
    """Return why nothing can be decided; an oracle that diverged would let anything through."""
    diverged = sorted(row.case for row in results.ran if row.oracle == "diverged")
    if results.undecided() is None and diverged:
        return f"not evaluated (the oracle diverged on {', '.join(diverged)})"
    return results.undecided()
