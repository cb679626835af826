"""What the suites of cases with a known truth share: fixtures, battery and conditions."""

from abc import abstractmethod
from collections.abc import Iterable
from dataclasses import replace
from typing import ClassVar

from irgate_battery.cases.catalogue import Case
from irgate_battery.cases.run_spec import RunSpec
from irgate_battery.interface.protocol import Solver
from irgate_battery.judge.acceptance import battery_fault
from irgate_battery.judge.measure import Measurement
from irgate_battery.results.result_row import ResultRow
from irgate_battery.suites.case_evaluation import evaluate_case
from irgate_battery.suites.evaluation import Draft
from irgate_battery.suites.suite import EvaluationSetup, Item, Suite


class CaseSuite(Suite[Case]):
    """A suite whose items are cases of the catalogue, one call of the solver each.

    Attributes:
        holds_distance: whether a case also passes by its distance to the truth, so that its row
            says the largest that does.
    """

    one_call = True
    has_truth = True
    holds_distance: ClassVar[bool] = True

    @abstractmethod
    def cases(self, spec: RunSpec) -> Iterable[Case]:
        """Return the cases of a complete run."""

    def items(self, spec: RunSpec) -> tuple[Item[Case], ...]:
        """Return an item for each case."""
        return tuple(
            self._item(
                case.id,
                case,
                model=case.model,
                intensity=case.intensity,
                purpose=case.purpose,
                pictured=case,
            )
            for case in self.cases(spec)
        )

    def fill(
        self, draft: Draft, item: Item[Case], solver: Solver, setup: EvaluationSetup
    ) -> ResultRow:
        """Let the solver register the case, and hold `fault_of`."""

        def rule(measured: Measurement, near_px: float) -> str | None:
            if self.holds_distance:
                draft.row = replace(draft.row, tolerance_px=near_px)
            return self.fault_of(measured, near_px)

        return evaluate_case(draft, item.subject, solver, setup, rule)

    def fault_of(self, measured: Measurement, near_px: float) -> str | None:
        """Return what is wrong with a measurement, or `None` where nothing is.

        The battery's rule: rmse <= 2 x oracle_rmse, finite, not escaped, near enough to the truth.

        Args:
            measured: the judge's figures.
            near_px: the largest mean distance to the truth that passes.
        """
        return battery_fault(measured, near_px)
