"""Several runs side by side: the cases that they are about, and each run's rows of them."""

from collections.abc import Mapping, Sequence
from functools import cached_property

from irgate_battery.catalogue import BATTERY_VERSION
from irgate_battery.comparison.record import Record
from irgate_battery.plan import SUITES, Plan
from irgate_battery.row import Row

RAN = ("passed", "failed", "xfailed")
"""Statuses of an item on which the solver was really called."""


class Run:
    """One record's rows of the suites that are compared, by suite and case."""

    def __init__(self, record: Record, suites: Sequence[str] | None) -> None:
        self.record = record
        self.rows = [row for row in record.rows if suites is None or row.suite in suites]
        self._by_name = {(row.suite, row.case): row for row in self.rows}

    def row(self, suite: str, case: str) -> Row | None:
        """Return the row of a case, or `None`."""
        return self._by_name.get((suite, case))

    def of(self, *suites: str) -> list[Row]:
        """Return the rows of these suites."""
        return [row for row in self.rows if row.suite in suites]

    def ran(self, *suites: str) -> list[Row]:
        """Return those on which the solver was called."""
        return [row for row in self.of(*suites) if row.status in RAN]


class Several:
    """Several runs of the same cases.

    Attributes:
        runs: one a solver.
        suites: those that any of them has, in the order of a run.

    """

    def __init__(self, records: Sequence[Record], suites: Sequence[str] | None = None) -> None:
        self.runs = [Run(record, suites) for record in records]
        named = dict.fromkeys(row.suite for run in self.runs for row in run.rows)
        known = [suite for suite in SUITES if suite in named]
        self.suites = [*known, *(suite for suite in named if suite not in known)]

    @cached_property
    def names(self) -> Mapping[str, list[str]]:
        """For each suite, the cases of a complete run, and whatever else one of the runs has."""
        return {suite: self._names(suite) for suite in self.suites}

    def _names(self, suite: str) -> list[str]:
        first = self.runs[0].record
        named: dict[str, None] = {}
        if first.battery == BATTERY_VERSION and suite in SUITES:
            count = max(battery_count(run.record) for run in self.runs)
            named = dict.fromkeys(Plan(first.seed, count).expected()[suite])
        for run in self.runs:
            named |= dict.fromkeys(row.case for row in run.of(suite))
        return list(named)

    @property
    def same_machine(self) -> bool:
        """Whether all times were measured on one kind of machine."""
        return len({machine_of(run.record) for run in self.runs}) == 1

    def oracle_row(self, suite: str, case: str) -> Row | None:
        """Return the first row that holds the oracle's figures on a case."""
        rows = (run.row(suite, case) for run in self.runs)
        return next((row for row in rows if row and row.oracle_rmse is not None), None)

    def oracle_rows(self, *suites: str) -> list[Row]:
        """Return such a row of each case that has one."""
        rows = (
            self.oracle_row(suite, case)
            for suite in suites
            if suite in self.names
            for case in self.names[suite]
        )
        return [row for row in rows if row]


def battery_count(record: Record) -> int:
    """Return how many battery cases a complete run with a record's settings has."""
    return int(record.verdicts["mean_ratio"].get("expected") or 0)


def machine_of(record: Record) -> tuple[object, object]:
    """Return the platform and the number of its cores."""
    return record.machine.get("platform"), record.machine.get("cpu_count")
