"""The files that a run writes at its end: the JSON report, the page, today's failures.

Each is written whole or not at all, and one that could not be written fails the run.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from irgate_battery.report.report import Report
from pytest_irgate import expected_failures
from pytest_irgate.output_file import OutputFileError, clear_page, clear_report, write_report
from pytest_irgate.page_file import page_trouble
from pytest_irgate.run_options import RunOptions


class WrittenFiles:
    """What one run writes.

    Attributes:
        troubles: what could not be written, one line each.
    """

    def __init__(self, options: RunOptions) -> None:
        self._options = options
        self._written: dict[str, Path] = {}
        self.troubles: list[str] = []

    @property
    def written(self) -> Mapping[str, Path]:
        """What was written, by what it is: `"report"`, `"page"`."""
        return self._written

    def clear(self) -> None:
        """Take an earlier run's files away, so that they cannot be read as this run's.

        Raises: pytest.UsageError.
        """
        for flag, path, clear in (
            ("--irgate-json", self._options.json, clear_report),
            ("--irgate-html", self._options.html, clear_page),
        ):
            if path is not None:
                try:
                    clear(path)
                except OutputFileError as error:
                    raise pytest.UsageError(f"{flag} {error}") from None
        if self._options.write_xfail is not None:
            expected_failures.refuse_what_is_none(self._options.write_xfail)

    def write(self, report: Report) -> Report:
        """Write all; return the report as it was written: a run that lost a file has failed."""
        self._write_failures(report)
        report = replace(report, exit_status=report.exit_status or int(bool(self.troubles)))
        self._write_json(report)
        report = self._write_page(report)
        return replace(report, exit_status=report.exit_status or int(bool(self.troubles)))

    def _write_json(self, report: Report) -> None:
        path = self._options.json
        if path is None:
            return
        try:
            write_report(path, report.to_json())
            self._written["report"] = path
        except OutputFileError as error:
            self.troubles.append(f"the JSON report could not be written: {error}")

    def _write_page(self, report: Report) -> Report:
        """Write the page, after the JSON, which must not be lost for it."""
        path = self._options.html
        if path is None:
            return report
        trouble = page_trouble(report, path, self._written.get("report"))
        if trouble is None:
            self._written["page"] = path
            return report
        self.troubles.append(f"the page could not be written: {trouble}")
        if not report.exit_status and "report" in self._written:
            # The run fails now, and its JSON says so too.
            report = replace(report, exit_status=1)
            self._write_json(report)
        return report

    def _write_failures(self, report: Report) -> None:
        """Write what failed, where that was asked for."""
        path = self._options.write_xfail
        if path is None:
            return
        day = datetime.datetime.now(datetime.UTC).date().isoformat()
        try:
            expected_failures.write(path, report.rows, str(report.solver), day)
        except OutputFileError as error:
            self.troubles.append(f"the expected failures could not be written: {error}")
