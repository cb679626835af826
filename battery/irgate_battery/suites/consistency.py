"""Suite `consistency`: is a solver consistent with itself where only the view of a pair changes?

Nothing is compared with SimpleITK. On clean pairs whose change has a known effect on the answer,
two answers of the solver are held against each other, to what its own distance to the truth allows.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from irgate_battery.cases.run_spec import RunSpec
from irgate_battery.diagnosis.meanings import INCONSISTENT
from irgate_battery.interface.protocol import Solver
from irgate_battery.results import formatting
from irgate_battery.results.compared import Compared, SavedVerdicts, over_cases
from irgate_battery.results.result_row import ResultRow
from irgate_battery.results.suite_results import SuiteResults
from irgate_battery.results.verdict import Verdict, VerdictStatus
from irgate_battery.suites.consistency_checks.checks import CHECKS
from irgate_battery.suites.consistency_checks.consistency_check import (
    Asking,
    ConsistencyCheck,
    Held,
    worst,
)
from irgate_battery.suites.evaluation import Draft, ItemFailed
from irgate_battery.suites.suite import EvaluationSetup, Item, Suite


@dataclass(frozen=True, kw_only=True)
class ConsistencyVerdict(Verdict):
    """Whether a solver's answers agree with each other."""

    name = "consistency"
    title = "consistency"

    passed: int
    tried: int
    largest_px: float | None


class ConsistencySuite(Suite[ConsistencyCheck]):
    """The consistency suite."""

    heading = "the solver held against itself"
    function = None
    verdict_types = (ConsistencyVerdict,)
    unpictured = "consistency checks use images of their own, not those of a case"

    def items(self, spec: RunSpec) -> tuple[Item[ConsistencyCheck], ...]:
        """Return the checks."""
        return tuple(self._item(check.name, check, purpose=check.about) for check in CHECKS)

    def fill(
        self,
        draft: Draft,
        item: Item[ConsistencyCheck],
        solver: Solver,
        setup: EvaluationSetup,
    ) -> ResultRow:
        """Every two answers that must be the same are; the row holds the worst of them."""
        check = item.subject
        compared: list[Held] = []
        for held in check.run(Asking(solver, setup.timeout)):
            compared.append(held)
            most = worst(compared)
            draft.figures(inconsistency_px=most.apart_px, tolerance_px=most.tolerance_px)
        most = worst(compared)
        if most.share <= 1:
            return draft.row
        raise ItemFailed(
            f"{most.what} stands {most.apart_px:.3g} px from the answer to the pair "
            f"itself; expected {most.tolerance_px:.3g} px at most ({most.because}). Usual causes: "
            f"{check.causes}.",
            # Some checks have the name of a misreading, `transposed`.
            f"{INCONSISTENT}{item.case}",
        )

    def verdicts(self, results: SuiteResults) -> tuple[Verdict, ...]:
        """Return how many of the checks hold."""
        return (consistency(results),)

    def compared(self, rows: Sequence[ResultRow], verdicts: SavedVerdicts) -> tuple[Compared, ...]:
        """Return the largest distance between two answers that must be the same."""
        return (
            over_cases(
                "largest inconsistency, px",
                rows,
                lambda row: row.inconsistency_px,
                max,
                formatting.px,
            ),
        )


SUITE = ConsistencySuite
"""What the registry loads."""


def consistency(results: SuiteResults) -> ConsistencyVerdict:
    """Return whether a solver's answers agree with each other."""
    apart = [row.inconsistency_px for row in results.ran if row.inconsistency_px is not None]
    tried = len(results.ran)
    passed = tried - sum(row.status == "failed" for row in results.ran)
    # Most solvers lack something that a check needs. What failed fails whatever else was skipped.
    undecided = None if results.failed else results.lost_or_undecided()
    status: VerdictStatus = "fail" if results.failed else "not_evaluated" if undecided else "pass"
    largest = f", answers at most {max(apart):.2g} px apart" if apart else ""
    told = f"{passed} of {tried} hold{largest} ({results.how_many}){results.not_those()}"
    return ConsistencyVerdict(
        status=status,
        reason=undecided or told,
        passed=passed,
        tried=tried,
        largest_px=max(apart, default=None),
    )
