"""A run as the page shows it: a saved report, its verdicts in words, its last line, who and when.

All of it is read from the JSON report, so that the page says what the report says.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from irgate_battery.diagnosis.pattern import pattern
from irgate_battery.interface.outside_text import one_line, said_by
from irgate_battery.report.last_line import failed_for, last_line
from irgate_battery.report.saved_report import WANTED, SavedReport, SavedReportError
from irgate_battery.results.systematic import Systematic
from irgate_battery.results.text import Line, Tone
from irgate_battery.results.verdict import Verdict, Verdicts
from irgate_battery.suites.registry import suites
from irgate_battery.suites.rows import family_of

ELSEWHERE = (
    "the run ended with status {status} for a reason that stands in no item: another test that "
    "failed, a file that could not be written, or a verdict that was required"
)

ENDS_WELL = (0, 5)
"""Exit statuses of a run in which nothing failed: passed, and nothing judged."""


@dataclass(frozen=True)
class SavedRun:
    """One run.

    Attributes:
        saved: its report.
        verdicts: with their figures and reasons.
        word: `"PASS"`, `"FAIL"`, `"NOT EVALUATED"`.
        reason: the rest of the last line.
        tone: good, bad or open.
        diagnosis: what the failures have in common, or `None`.
        about: when, where and on what, by name.

    """

    saved: SavedReport
    verdicts: Verdicts
    word: str
    reason: str
    tone: Tone
    diagnosis: str | None
    about: Mapping[str, str]

    @property
    def name(self) -> str:
        """The solver's, without the folders of its file."""
        solver = self.saved.solver
        path, colon, attribute = (solver.spec or "").rpartition(":")
        if colon and " " not in path:
            return f"{path.replace(chr(92), '/').rpartition('/')[2]}:{attribute}"
        return solver.spec or solver.name or "unknown"

    @classmethod
    def read(cls, text: str, source: str) -> "SavedRun":
        """Read a JSON report.

        Args:
            text: the file's content.
            source: its name.
        Raises: SavedReportError.
        """
        saved = SavedReport.read(text, source)
        data = json.loads(text)
        try:
            verdicts = _verdicts(data["verdicts"])
            line = _last_line(saved, verdicts, data)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise SavedReportError(
                f"{source}: a damaged report: {said_by(error)}; {WANTED}"
            ) from None
        word, _, reason = line.text.removeprefix("irgate: ").partition(": ")
        found = pattern(saved.rows, family_of)
        return cls(
            saved,
            verdicts,
            word,
            reason,
            line.tone,
            found.sentence if found else None,
            _about(saved, data),
        )


def _verdicts(told: Mapping[str, Any]) -> Verdicts:
    kinds: list[type[Verdict]] = [
        *(kind for suite in suites() for kind in suite.verdict_types),
        Systematic,
    ]
    return Verdicts(tuple(_verdict(kind, told[kind.name]) for kind in kinds if kind.name in told))


def _verdict(kind: type[Verdict], told: Mapping[str, Any]) -> Verdict:
    values: dict[str, Any] = {field.name: told.get(field.name) for field in fields(kind)}
    return kind(**{**values, "reason": one_line(str(told.get("reason") or ""))})


def _last_line(saved: SavedReport, verdicts: Verdicts, data: Mapping[str, Any]) -> Line:
    """Return the last line of the run's report.

    A report does not hold whether the run was strict. One that ended with a failure which the rows
    do not show, and that would fail under `strict`, was.
    """
    status, deselected = data.get("exit_status", 0), data.get("deselected", 0)
    if type(status) is not int or type(deselected) is not int:
        raise TypeError("exit_status or deselected is no whole number")
    line = last_line(saved.rows, verdicts, strict=False, deselected=deselected)
    if status in ENDS_WELL or line.tone == "bad":
        return line
    strict = last_line(saved.rows, verdicts, strict=True, deselected=deselected)
    if strict.tone == "bad":
        return strict
    return failed_for(line, ELSEWHERE.format(status=status))


def _about(saved: SavedReport, data: Mapping[str, Any]) -> dict[str, str]:
    machine = data["machine"]
    libraries = ("python", "numpy", "torch", "simpleitk")
    told: dict[str, Any] = {
        "Solver": str(saved.solver),
        "Started": data.get("started"),
        "Commit": data.get("commit"),
        "Branch": data.get("branch"),
        "Report": saved.source,
        "irgate": saved.irgate,
        "Cases": f"battery {saved.battery}, seed {saved.seed}",
        "Isolation": saved.solver.isolation,
        "Machine": f"{saved.platform}, {saved.cpu_count} cores" if saved.platform else None,
        "With": ", ".join(f"{name} {machine[name]}" for name in libraries if machine.get(name)),
    }
    return {name: one_line(str(value)) for name, value in told.items() if value}
