"""Several runs side by side: the cases that they are about, and each run's rows of them."""

from collections.abc import Mapping, Sequence
from functools import cached_property

from irgate_battery.cases.catalogue import BATTERY_VERSION
from irgate_battery.cases.run_spec import RunSpec
from irgate_battery.report.saved_report import SavedReport
from irgate_battery.results.result_row import RAN, ResultRow
from irgate_battery.suites.registry import default_names, expected_items, suites


class Run:
    """One report's rows of the suites that are compared, by suite and case."""

    def __init__(self, saved: SavedReport, names: Sequence[str] | None) -> None:
        self.saved = saved
        self.rows = [row for row in saved.rows if names is None or row.suite in names]
        self._by_name = {(row.suite, row.case): row for row in self.rows}

    def row(self, suite: str, case: str) -> ResultRow | None:
        """Return the row of a case, or `None`."""
        return self._by_name.get((suite, case))

    def of(self, *names: str) -> list[ResultRow]:
        """Return the rows of these suites."""
        return [row for row in self.rows if row.suite in names]

    def ran(self, *names: str) -> list[ResultRow]:
        """Return those on which the solver was called."""
        return [row for row in self.of(*names) if row.status in RAN]


class RunSet:
    """Several runs of the same cases.

    Attributes:
        runs: one a solver.
        suites: the names of those that any of them has, in the order of a run.

    """

    def __init__(self, saved: Sequence[SavedReport], names: Sequence[str] | None = None) -> None:
        self.runs = [Run(each, names) for each in saved]
        there = dict.fromkeys(row.suite for run in self.runs for row in run.rows)
        known = [name for name in default_names() if name in there]
        self.suites = [*known, *(name for name in there if name not in known)]

    @cached_property
    def names(self) -> Mapping[str, list[str]]:
        """For each suite, the cases of a complete run, and whatever else one of the runs has."""
        first = self.runs[0].saved
        whole: dict[str, dict[str, None]] = {suite: {} for suite in self.suites}
        if first.battery == BATTERY_VERSION:
            count = max(case_count(run.saved) for run in self.runs)
            for item in expected_items(RunSpec(first.seed, count), self.suites):
                whole[item.suite][item.case] = None
        for suite, cases in whole.items():
            for run in self.runs:
                cases.update(dict.fromkeys(row.case for row in run.of(suite)))
        return {suite: list(cases) for suite, cases in whole.items()}

    @property
    def same_machine(self) -> bool:
        """Whether all times were measured on one kind of machine."""
        return len({machine_of(run.saved) for run in self.runs}) == 1

    def oracle_row(self, suite: str, case: str) -> ResultRow | None:
        """Return the first row that holds the oracle's figures on a case."""
        rows = (run.row(suite, case) for run in self.runs)
        return next((row for row in rows if row and row.oracle_rmse is not None), None)

    def oracle_rows(self, *names: str) -> list[ResultRow]:
        """Return such a row of each case that has one."""
        rows = (
            self.oracle_row(suite, case)
            for suite in names
            if suite in self.names
            for case in self.names[suite]
        )
        return [row for row in rows if row]


def case_count(saved: SavedReport) -> int:
    """Return how many drawn cases a complete run with a report's options has."""
    counts = (suite.chosen_count(saved.verdicts) for suite in suites())
    return next((count for count in counts if count is not None), 0)


def machine_of(saved: SavedReport) -> tuple[str | None, int | None]:
    """Return the platform and the number of its cores."""
    return saved.platform, saved.cpu_count
