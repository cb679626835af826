"""The rows of one suite, sorted by what they can say."""

from collections.abc import Sequence
from dataclasses import dataclass

from irgate_battery.results.result_row import ResultRow
from irgate_battery.results.verdict import VerdictStatus

MOST_NAMED = 6
"""Failed or lost cases that a verdict names."""


@dataclass(frozen=True)
class SuiteResults:
    """One suite's rows.

    Attributes:
        expected: how many items a complete run has.
        ran: those that passed or failed.
        waived: those that failed as expected.
        beyond: those that lie beyond what the solver claims, and were not asked.
        lost: those that should be there and are not, or broke for another reason than the solver.
        skipped: those that the solver cannot be asked.
    """

    expected: int
    ran: tuple[ResultRow, ...]
    waived: tuple[ResultRow, ...]
    beyond: tuple[ResultRow, ...]
    lost: tuple[ResultRow, ...]
    skipped: tuple[ResultRow, ...] = ()

    @classmethod
    def of(cls, rows: Sequence[ResultRow], suite: str, expected: Sequence[str]) -> "SuiteResults":
        """Sort the rows of a suite.

        Args:
            rows: of any suites, in any order.
            suite: which one.
            expected: the cases that a complete run of it has.
        """
        known = frozenset(expected)
        # A lost row counts whatever its name is; any other row must be of an expected case.
        mine = [
            row
            for row in rows
            if row.suite == suite and (row.case in known or row.status in ("missing", "error"))
        ]
        # A case may have several rows, where the user's own fixture parametrises the suite.
        return cls(
            expected=len(known),
            ran=tuple(row for row in mine if row.status in ("passed", "failed")),
            waived=tuple(row for row in mine if row.status == "xfailed"),
            beyond=tuple(row for row in mine if row.beyond_reach),
            lost=tuple(row for row in mine if row.status in ("missing", "error")),
            skipped=tuple(row for row in mine if row.status == "skipped"),
        )

    @property
    def count(self) -> int:
        """How many of the expected cases have run, waived ones among them."""
        return len({row.case for row in (*self.ran, *self.waived)})

    @property
    def how_many(self) -> str:
        """Say `n of 5 ran`, how many were waived, and what the solver does not claim."""
        waived = f", waived: {len(self.waived)}" if self.waived else ""
        beyond = (
            f", {len(self.beyond)} beyond its reach: it claims {self.beyond[0].beyond_reach}"
            if self.beyond
            else ""
        )
        return f"{self.count} of {self.expected} ran{waived}{beyond}"

    def undecided(self) -> str | None:
        """Return why a verdict over all cases cannot be given, or `None` where it can."""
        if self.count < self.expected or not self.expected:
            return f"not evaluated ({self.how_many})"
        if not self.ran:
            return f"not evaluated (every case is waived: {len(self.waived)})"
        return None

    def lost_or_undecided(self) -> str | None:
        """Return the same, where a lost row leaves nothing to decide either."""
        if self.lost:
            return f"not evaluated (missing: {self.names_of_lost()}; {self.how_many})"
        return self.undecided()

    def settled(self, told: str, undecided: str | None) -> tuple[VerdictStatus, str]:
        """Return status and reason of a verdict that every case must pass.

        Args:
            told: what passed, in words.
            undecided: why nothing can be decided, where no case failed; or `None`.
        """
        if self.failed or self.lost:
            return "fail", f"{told}{self.not_those()}"
        return ("not_evaluated", undecided) if undecided else ("pass", told)

    def not_those(self) -> str:
        """Name the cases that failed and those that are lost, after what is said of the others.

        Empty where none failed, or every one of many did: the count says that.
        """
        every_one = len(self.failed) == self.expected > MOST_NAMED
        failed = [] if every_one else _first(self.failed)
        names = [*failed, *filter(None, [self.names_of_lost()])]
        return f"; not: {', '.join(names)}" if names else ""

    def first_reason(self) -> str:
        """Say why the first case failed, up to its first full stop; empty where none did."""
        failed = (row for row in self.ran if row.status == "failed" and row.message)
        first = next(failed, None)
        if first is None:
            return ""
        return f"; {first.case}: {first.message.partition('. ')[0].rstrip('.')}"

    @property
    def failed(self) -> list[str]:
        """The cases that failed, by name."""
        return sorted({row.case for row in self.ran if row.status == "failed"})

    def names_of_lost(self) -> str:
        """Name the lost cases, and which of them broke rather than vanished."""
        gone = [row.case for row in self.lost if row.status == "missing"]
        if len(gone) == self.expected and gone:
            return f"all {len(gone)}"
        broke = [f"{row.case} (error)" for row in self.lost if row.status == "error"]
        return ", ".join([*_first(gone), *_first(broke)])


def _first(names: list[str]) -> list[str]:
    """Return so many names as one reads, and how many others there are."""
    if len(names) <= MOST_NAMED:
        return names
    return [*names[: MOST_NAMED - 1], f"{len(names) - MOST_NAMED + 1} others"]
