"""Where a run stands in a GitHub workflow: its summary there, and its failures as annotations."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from irgate_battery.report.report import Report

SUMMARY = "GITHUB_STEP_SUMMARY"
"""The environment variable with the file that GitHub shows on the run's page."""


def asked_for(mode: str) -> Path | None:
    """Return the file that a summary goes to, if one does, for a mode of `--irgate-github`."""
    named = os.environ.get(SUMMARY, "").strip()
    return Path(named).absolute() if named and mode == "auto" else None


def written(path: Path, report: Report) -> list[str]:
    """Write the summary, and return the lines that are printed besides."""
    from irgate_battery.report.github import annotations, summary

    try:
        # GitHub's other steps write there too.
        with open(path, "a", encoding="utf-8") as file:
            file.write(summary(report))
    except (OSError, ValueError) as error:
        return [f"irgate: {SUMMARY}: it cannot be written: {error}", *annotations(report)]
    return list(annotations(report))
