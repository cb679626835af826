"""Suite `conditions`: sizes, ranges, turns, masks and brightness under which real code broke."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from irgate_battery.cases.catalogue import Case, condition_cases
from irgate_battery.cases.run_spec import RunSpec
from irgate_battery.diagnosis.pattern import EVEN, ODD
from irgate_battery.interface.declaration import MODELS, OPTIONAL_MODELS
from irgate_battery.results.result_row import ResultRow
from irgate_battery.results.suite_results import SuiteResults
from irgate_battery.results.verdict import Verdict
from irgate_battery.suites.case_suite import CaseSuite


@dataclass(frozen=True, kw_only=True)
class Conditions(Verdict):
    """How many of the conditions a solver meets.

    A model that the protocol leaves to the solver, and that it does not declare, is not expected.
    """

    name = "conditions"
    title = "conditions"
    needs = "all conditions"

    passed: int
    ran: int
    expected: int
    skipped: int


class ConditionsSuite(CaseSuite):
    """The conditions."""

    heading = "irgate/conditions.py::test_case[ID]; sizes, turns, masks"
    verdict_types = (Conditions,)

    def cases(self, spec: RunSpec) -> Iterable[Case]:
        """Return the table's cases."""
        return condition_cases()

    def verdicts(self, results: SuiteResults) -> tuple[Verdict, ...]:
        """Return how many conditions are met."""
        return (conditions(results),)

    def family_of(self, row: ResultRow) -> str | None:
        """Return whether a pair is one of those that differ in size only, and its sides odd."""
        if row.case.partition("-")[2] not in MODELS or row.case.startswith("clean"):
            return None
        size = next(case.size for case in condition_cases() if case.id == row.case)
        return ODD if any(side % 2 for side in size) else EVEN


SUITE = ConditionsSuite
"""What the registry loads."""


def conditions(results: SuiteResults) -> Conditions:
    """Return how many of the conditions are met, of those that the solver is expected to meet."""
    undeclared = {row.case for row in results.skipped if row.model in OPTIONAL_MODELS}
    results = replace(results, expected=results.expected - len(undeclared))
    passed = len({row.case for row in results.ran} - set(results.failed))
    aside = f"; not asked: {len(undeclared)} of models not declared" if undeclared else ""
    told = f"{passed} of {results.expected} met ({results.how_many}{aside})"
    status, reason = results.settled(told, results.undecided())
    return Conditions(
        status=status,
        reason=reason,
        passed=passed,
        ran=results.count,
        expected=results.expected,
        skipped=len(results.skipped),
    )
