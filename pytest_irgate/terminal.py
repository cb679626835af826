"""The report in the terminal: the report's lines, in colours of pytest's own writer."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from irgate_battery.report.report import Report
from irgate_battery.results.text import Line

_MARKUP: dict[str, dict[str, bool]] = {
    "plain": {},
    "good": {"green": True},
    "bad": {"red": True},
    "open": {"yellow": True},
    "head": {"bold": True},
}


def show(
    reporter: pytest.TerminalReporter,
    report: Report,
    written: Mapping[str, Path],
    notices: list[str],
    last: Line,
) -> None:
    """Print the report; with `-q` only what is wrong and its last line.

    Args:
        reporter: pytest's.
        report: of the run.
        written: the files that were written, by what they are.
        notices: what a person should mend.
        last: the last line.
    """
    if reporter.config.get_verbosity() >= 0:
        reporter.section("irgate", "=")
        reporter.write_line(f"solver: {report.solver}")
        reporter.write_line("")
        # One short of the full width: some terminals wrap a line that fills it.
        for line in report.lines(reporter._tw.fullwidth - 1)[:-1]:
            _write(reporter, line)
        reporter.write_line("")
    for what, path in written.items():
        reporter.write_line(f"{what}: {path}")
    for notice in notices:
        reporter.write_line(f"irgate: {notice}", yellow=True)
    _write(reporter, last, bold=True)


def _write(reporter: pytest.TerminalReporter, line: Line, **more: bool) -> None:
    reporter.write_line(line.text, **_MARKUP[line.tone], **more)
