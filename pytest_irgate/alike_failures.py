"""pytest's own section of failures: what is alike is told once, and all of it with `-v`."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Generator
from typing import Any

import pytest

from irgate_battery.report.alike import alike
from irgate_battery.report.report import Report
from irgate_battery.results.result_row import ResultRow

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
        if terminalreporter.config.get_verbosity() > 0:
            yield
            return
        failed = terminalreporter.stats.get("failed", [])
        mine = {report.nodeid: report for report in failed if self._is_item(report.nodeid)}
        width = terminalreporter._tw.fullwidth - 1
        report = self._report()
        found = report.diagnosis() if report else None
        if found is not None:
            # What they have in common goes before them, and after them once more.
            terminalreporter.write_line("")
            terminalreporter.write_line(textwrap.fill(found.text, width), bold=True)
        self._shorten(mine, width)
        chars = terminalreporter.reportchars
        if len(mine) == len(failed) and LISTED not in _asked_for(terminalreporter.config):
            # The same ids once more.
            terminalreporter.reportchars = chars.replace(LISTED, "")
        try:
            yield
        finally:
            terminalreporter.reportchars = chars

    def _shorten(self, reports: dict[str, Any], width: int) -> None:
        carried = {
            nodeid: report.irgate["row"]
            for nodeid, report in reports.items()
            if getattr(report, "irgate", None)
        }
        details = {
            nodeid: dict(reports[nodeid].sections).get("traceback", "") for nodeid in carried
        }
        rows = [(ResultRow.from_dict(row), details[nodeid]) for nodeid, row in carried.items()]
        for group in alike(rows):
            told = [group.first.message, *filter(None, [group.more])]
            lines = [textwrap.fill(text, width, break_long_words=False) for text in told]
            reports[group.first.id].longrepr = "\n".join(lines)
            for row in group.rows[1:]:
                # pytest leaves out what a debugger has shown already.
                reports[row.id]._pdbshown = True


def _asked_for(config: pytest.Config) -> str:
    """Return the signs that a user gave with `-r`; pytest's default is nobody's wish."""
    signs = str(config.option.reportchars)
    return "" if signs == "fE" else signs
