"""Suite `gradient`: is autograd through the solver the derivative of what it computes?"""

from collections.abc import Sequence
from dataclasses import dataclass

from irgate_battery.cases.catalogue import Case, base_cases
from irgate_battery.cases.run_spec import RunSpec
from irgate_battery.interface.protocol import Solver
from irgate_battery.judge.limits import GRADIENT_ERROR
from irgate_battery.results import formatting
from irgate_battery.results.compared import Compared, SavedVerdicts, over_cases
from irgate_battery.results.result_row import ResultRow
from irgate_battery.results.suite_results import SuiteResults
from irgate_battery.results.verdict import Verdict, VerdictStatus
from irgate_battery.suites.derivatives import compare_gradients, gradient_fault
from irgate_battery.suites.evaluation import (
    Draft,
    ItemFailed,
    NotAsked,
    require_model,
    require_reach,
)
from irgate_battery.suites.suite import EvaluationSetup, Item, Suite

PURPOSE = "autograd against differences: a detached input, an approximate Hessian, damping left in"
"""What every item is for: the faults that it shows."""


@dataclass(frozen=True, kw_only=True)
class GradientVerdict(Verdict):
    """Whether autograd agrees with differences of the solver itself."""

    name = "gradient"
    title = "gradient"

    passed: int
    tried: int
    max_relative_error: float | None


class GradientSuite(Suite[Case]):
    """The gradient suite: the base fixtures, for solvers that say that they are differentiable."""

    heading = "for solvers that say that they are differentiable"
    function = "test_gradient"
    verdict_types = (GradientVerdict,)

    def items(self, spec: RunSpec) -> tuple[Item[Case], ...]:
        """Return the base fixtures."""
        return tuple(
            self._item(
                case.id,
                case,
                model=case.model,
                intensity=case.intensity,
                purpose=PURPOSE,
                pictured=case,
            )
            for case in base_cases()
        )

    def fill(
        self, draft: Draft, item: Item[Case], solver: Solver, setup: EvaluationSetup
    ) -> ResultRow:
        """Autograd to fixed and to moving exists and agrees with central differences."""
        require_model(solver, item.subject.model)
        if not solver.differentiable:
            raise NotAsked(f"solver {solver.name!r} does not say that it is differentiable")
        require_reach(solver, item.subject.pair())
        compared = compare_gradients(item.subject, solver, setup.timeout)
        error = max(pair.error for pair in compared)
        draft.figures(relative_error=error)
        if error <= GRADIENT_ERROR:
            return draft.row
        fault, words = gradient_fault(compared)
        raise ItemFailed(
            f"autograd and central differences of the solver itself differ by "
            f"{error:.1e} relative, at most {GRADIENT_ERROR:g} is expected: {words}.",
            fault,
        )

    def verdicts(self, results: SuiteResults) -> tuple[Verdict, ...]:
        """Return how many of the items agree."""
        return (gradient(results),)

    def compared(self, rows: Sequence[ResultRow], verdicts: SavedVerdicts) -> tuple[Compared, ...]:
        """Return the largest relative error."""
        return (
            over_cases(
                "largest relative error",
                rows,
                lambda row: row.relative_error,
                max,
                formatting.error,
            ),
        )


SUITE = GradientSuite
"""What the registry loads."""


def gradient(results: SuiteResults) -> GradientVerdict:
    """Return whether autograd agrees with differences of the solver itself."""
    errors = [row.relative_error for row in results.ran if row.relative_error is not None]
    tried = len(results.ran)
    passed = tried - sum(row.status == "failed" for row in results.ran)
    undecided = results.lost_or_undecided()
    status: VerdictStatus = "not_evaluated" if undecided else "fail" if results.failed else "pass"
    largest = f", relative error at most {max(errors):.1e}" if errors else ""
    told = (
        f"{passed} of {tried} agree with differences{largest} "
        f"({results.how_many}){results.not_those()}"
    )
    return GradientVerdict(
        status=status,
        reason=undecided or told,
        passed=passed,
        tried=tried,
        max_relative_error=max(errors, default=None),
    )
