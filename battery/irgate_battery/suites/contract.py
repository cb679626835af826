"""Suite `contract`: does the solver speak the protocol, whatever its accuracy?"""

from irgate_battery.cases.run_spec import RunSpec
from irgate_battery.interface.protocol import Solver
from irgate_battery.results.result_row import ResultRow
from irgate_battery.suites.contract_checks.answers import (
    axis_order,
    direction,
    identity,
    output_form,
    repeatable,
)
from irgate_battery.suites.contract_checks.arguments import brightness, family
from irgate_battery.suites.contract_checks.contract_check import ContractCheck
from irgate_battery.suites.contract_checks.global_state import global_state_unchanged
from irgate_battery.suites.contract_checks.side_effects import input_unchanged, prints_nothing
from irgate_battery.suites.contract_checks.units import units
from irgate_battery.suites.evaluation import Draft, ItemFailed
from irgate_battery.suites.suite import EvaluationSetup, Item, Suite

CHECKS = tuple(
    ContractCheck.of(run)
    for run in (
        output_form,
        direction,
        axis_order,
        input_unchanged,
        repeatable,
        identity,
        family,
        brightness,
        units,
        prints_nothing,
        global_state_unchanged,
    )
)


class ContractSuite(Suite[ContractCheck]):
    """The contract suite."""

    heading = "does the solver speak the protocol?"
    function = None
    unpictured = "contract checks use the images of synth_translate_2d; show that"

    def items(self, spec: RunSpec) -> tuple[Item[ContractCheck], ...]:
        """Return the checks."""
        return tuple(self._item(check.name, check, purpose=check.about) for check in CHECKS)

    def fill(
        self, draft: Draft, item: Item[ContractCheck], solver: Solver, setup: EvaluationSetup
    ) -> ResultRow:
        """Run a check; a violation that nothing explains is named by the check itself."""
        try:
            item.subject.run(solver, setup.timeout)
        except ItemFailed as violation:
            if violation.reason is None:
                violation.fault = violation.fault or item.case
            raise
        return draft.row


SUITE = ContractSuite
"""What the registry loads."""
