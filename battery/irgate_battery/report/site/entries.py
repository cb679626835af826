"""What a site shows: for each solver its reports, and what of them holds when judged anew."""

import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median
from typing import Any

from irgate_battery.cases.catalogue import Case
from irgate_battery.cases.run_spec import RunSpec
from irgate_battery.interface.outside_text import one_line
from irgate_battery.report.conclusion import evaluate
from irgate_battery.report.page.saved_run import SavedRun
from irgate_battery.report.rejudging import Rejudged, rejudged
from irgate_battery.report.remade import MadeCases, NotRemadeError
from irgate_battery.report.saved_report import SavedReport
from irgate_battery.results.result_row import ResultRow
from irgate_battery.results.verdict import Verdicts
from irgate_battery.suites.case_evaluation import nearness, told_of_oracle
from irgate_battery.suites.case_suite import CaseSuite
from irgate_battery.suites.registry import entry_of, expected_cases, expected_items
from irgate_battery.suites.suite import Item, Suite

SPEC = RunSpec()
"""A leaderboard is of one battery: that of seed 0 without further draws."""

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,80}")
"""Of a solver's folder and of a version: they become addresses."""


class EntryError(ValueError):
    """A folder holds no entries; the message is one line that begins with its name."""


@dataclass(frozen=True)
class CheckedRow:
    """One row of a case, and what came of judging it anew.

    Attributes:
        row: as it is stored.
        again: measured anew; `None` where it cannot be.
        trouble: why it cannot be, or what of it does not hold; empty where all holds.
    """

    row: ResultRow
    again: Rejudged | None
    trouble: str = ""

    @property
    def holds(self) -> bool:
        """Whether it was measured anew, and is what it says."""
        return self.again is not None and not self.trouble

    @property
    def asked(self) -> bool:
        """Whether the solver was asked it: has its model and what else the case needs."""
        return self.row.status != "skipped"

    @property
    def passed(self) -> bool:
        """Whether it passes, as far as that was checked."""
        return self.row.status == "passed" and self.holds

    @property
    def judged(self) -> ResultRow:
        """The row as it was judged anew; in error where it does not hold."""
        if self.trouble:
            return replace(self.row, status="error", message=self.trouble)
        if self.again is None:
            return self.row
        found = self.again.found
        return replace(
            self.row,
            rmse=found.rmse,
            oracle_rmse=found.oracle_rmse,
            rmse_vs_oracle=found.rmse_vs_oracle,
            escaped=found.escaped,
        )


@dataclass(frozen=True)
class Version:
    """One report of a solver.

    Attributes:
        name: the file's, without its ending.
        run: as it is stored.
    """

    name: str
    run: SavedRun

    @property
    def saved(self) -> SavedReport:
        """Its report."""
        return self.run.saved

    @property
    def passed(self) -> int:
        """How many of its items say that they passed."""
        return sum(row.status == "passed" for row in self.saved.rows)

    @property
    def median_px(self) -> float | None:
        """The median distance to the truth over all cases that have one."""
        there = [row.tre_px for row in self.saved.rows if row.tre_px is not None]
        return median(there) if there else None


@dataclass(frozen=True)
class Entry:
    """One solver.

    Attributes:
        name: its folder's.
        versions: its reports, the oldest first.
        cases: the rows of the latest that are about a case with a known truth, judged anew.
    """

    name: str
    versions: tuple[Version, ...]
    cases: tuple[CheckedRow, ...] = field(default=())

    @property
    def latest(self) -> Version:
        """The one that is ranked."""
        return self.versions[-1]

    @property
    def broken(self) -> tuple[CheckedRow, ...]:
        """The rows that do not hold."""
        return tuple(row for row in self.cases if row.trouble)

    @property
    def passed(self) -> int:
        """How many cases pass and hold."""
        return sum(row.passed for row in self.cases)

    @property
    def failed(self) -> int:
        """How many cases it was asked and does not pass."""
        return sum(row.asked and not row.passed for row in self.cases)

    def verdicts(self) -> Verdicts:
        """Return the verdicts over its cases, judged anew."""
        return evaluate([row.judged for row in self.cases], expected_cases(SPEC))

    def case(self, suite: str, name: str) -> CheckedRow | None:
        """Return the row of a case, or `None`."""
        found = (row for row in self.cases if (row.row.suite, row.row.case) == (suite, name))
        return next(found, None)


def read_entries(folder: Path) -> tuple[Entry, ...]:
    """Read `NAME/VERSION.json` below a folder; nothing is judged yet.

    Raises: EntryError; SavedReportError.
    """
    if not folder.is_dir():
        raise EntryError(f"{folder}: no folder; expected one with NAME/VERSION.json in it")
    entries = []
    for each in sorted(path for path in folder.iterdir() if path.is_dir()):
        versions = [_version(path) for path in sorted(each.glob("*.json"))]
        if not versions:
            continue
        _refuse_name(each.name, each)
        versions.sort(key=lambda version: (version.saved.provenance.started or "", version.name))
        entries.append(Entry(each.name, tuple(versions)))
    if not entries:
        raise EntryError(f"{folder}: no entries; expected NAME/VERSION.json in it")
    return tuple(entries)


def _version(path: Path) -> Version:
    _refuse_name(path.stem, path)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise EntryError(f"{path}: it cannot be read: {one_line(str(error))}") from None
    # Pages name the report as it lies in the folder, and not where somebody kept that.
    return Version(path.stem, SavedRun.read(text, f"{path.parent.name}/{path.name}"))


def _refuse_name(name: str, path: Path) -> None:
    if not NAME.fullmatch(name):
        raise EntryError(
            f"{path}: its name becomes an address; expected letters, digits and . _ + -"
        )


def case_items() -> tuple[Item[Case], ...]:
    """Return the items that are judged anew: the cases with a known truth, of a complete run.

    A user's own images are nobody else's, and other suites' items take more than one answer.
    """
    return tuple(
        item for item in expected_items(SPEC) if isinstance(_suite_of(item.suite), CaseSuite)
    )


def checked(entry: Entry, made: MadeCases | None = None) -> Entry:
    """Judge the cases of an entry's latest report anew; one that it leaves out has no row.

    Args:
        entry: as it was read.
        made: cases that were made again already; they grow.
    """
    saved = entry.latest.saved
    there = {row.id: row for row in saved.rows}
    rows = [
        _checked(there[item.id], item, saved.battery, made)
        for item in case_items()
        if item.id in there
    ]
    return replace(entry, cases=tuple(rows))


def _checked(row: ResultRow, item: Item[Case], battery: str, made: MadeCases | None) -> CheckedRow:
    if (row.suite, row.case) != (item.suite, item.case):
        return CheckedRow(row, None, f"its row is named {row.suite} {row.case}")
    if row.transform is None:
        claims = row.status == "passed"
        return CheckedRow(row, None, "it says passed, and holds no transform" if claims else "")
    try:
        again = rejudged(row, item.subject, battery, made)
    except (NotRemadeError, ValueError) as error:
        return CheckedRow(row, None, str(error))
    measured = told_of_oracle(item.subject, again.found)
    _, near_px = nearness(item.subject, measured)
    suite = _suite_of(item.suite)
    assert isinstance(suite, CaseSuite)
    fault = suite.fault_of(measured, near_px)
    if row.status == "passed" and fault is not None:
        return CheckedRow(row, again, f"it says passed, and {fault}")
    if again.differs:
        return CheckedRow(row, again, f"other figures when judged anew: {', '.join(again.differs)}")
    return CheckedRow(row, again)


def _suite_of(name: str) -> Suite[Any] | None:
    entry = entry_of(name)
    return entry.suite if entry else None
