"""pytest's own section of failures: what is alike is told once, and all of it with `-v`."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any

import pytest

from irgate_battery.report.alike import alike
from irgate_battery.report.report import Report
from irgate_battery.results.result_row import ResultRow

LISTS_ONLY = ("no", "line")
"""Styles of `--tb` in which the list of failures is all that is shown of them."""

INDENT = "  "
LISTED = "f"
"""pytest's sign for the list of failures below them."""


class AlikeFailuresOnce:
    """Shortens what pytest shows of the gate's failures; other tests' stay as they are."""

    def __init__(self, is_item: Callable[[str], bool], report: Callable[[], Report | None]) -> None:
        self._is_item = is_item
        self._report = report

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_terminal_summary(
        self, terminalreporter: pytest.TerminalReporter
    ) -> Generator[None, None, None]:
        """Hide all but the first of those that are alike, while pytest shows its failures."""
        report = self._report()
        option = terminalreporter.config.option
        if report is None or option.verbose > 0 or option.tbstyle in LISTS_ONLY:
            yield
            return
        failed = terminalreporter.stats.get("failed", [])
        mine = {each.nodeid: each for each in failed if self._is_item(each.nodeid)}
        width = terminalreporter._tw.fullwidth - 1
        found = report.diagnosis()
        if found is not None:
            # What they have in common goes before them, and after them once more.
            terminalreporter.write_line("")
            terminalreporter.write_line(_folded(found.text, width), bold=True)
        # What broke in the gate keeps its traceback.
        rows = [row for row in report.rows if row.id in mine and row.status == "failed"]
        _shorten(mine, rows, width)
        chars = terminalreporter.reportchars
        if len(mine) == len(failed) and LISTED not in _asked_for(terminalreporter.config):
            # The same ids once more.
            terminalreporter.reportchars = chars.replace(LISTED, "")
        try:
            yield
        finally:
            terminalreporter.reportchars = chars


def _shorten(reports: Mapping[str, Any], rows: Sequence[ResultRow], width: int) -> None:
    """Let the first of those that are alike speak for all.

    Args:
        reports: pytest's, by node id.
        rows: of those among them that a solver failed.
        width: of the terminal.
    """
    failures = ((row, dict(reports[row.id].sections).get("traceback", "")) for row in rows)
    for group in alike(failures):
        told = [group.first.message, *filter(None, [group.more])]
        lines = [_folded(text, width) for text in told]
        reports[group.first.id].longrepr = "\n".join(lines)
        for row in group.rows[1:]:
            # pytest leaves out what a debugger has shown already.
            reports[row.id]._pdbshown = True


def _folded(text: str, width: int) -> str:
    """Fold what may hold a solver's words: none of its lines begins as one of the run's own."""
    return textwrap.fill(text, width, break_long_words=False, subsequent_indent=INDENT)


def _asked_for(config: pytest.Config) -> str:
    """Return the signs that a user gave with `-r`; pytest's default is nobody's wish."""
    signs = str(config.option.reportchars)
    return "" if signs == "fE" else signs
