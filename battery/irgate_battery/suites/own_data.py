"""What the verdicts over a user's own data share: own pairs and packs stand beside the gate."""

from dataclasses import dataclass
from typing import TypeVar

from irgate_battery.results.suite_results import SuiteResults
from irgate_battery.results.verdict import Verdict

Kind = TypeVar("Kind", bound="OwnData")


@dataclass(frozen=True, kw_only=True)
class OwnData(Verdict):
    """How many of the user's own cases are right; they are not in the gate."""

    passed: int
    ran: int
    expected: int
    missing: int
    waived: int

    @classmethod
    def of(cls: type[Kind], results: SuiteResults, rule: str) -> Kind:
        """Return the verdict over a suite's rows, with the reason of the first that failed.

        Args:
            results: the rows.
            rule: what each must be within, in words.
        """
        passed = len({row.case for row in results.ran} - set(results.failed))
        waived = f", waived: {len(results.waived)}" if results.waived else ""
        told = f"{passed} of {results.expected} within {rule}{waived}"
        status, reason = results.settled(told, results.undecided())
        return cls(
            status=status,
            reason=f"{reason}{results.first_reason()}",
            passed=passed,
            ran=results.count,
            expected=results.expected,
            missing=len(results.lost),
            waived=len(results.waived),
        )
