"""A run as the page shows it: a saved report, its verdicts in words, its last line, who and when.

All of it is read from the JSON report, so that the page says what the report says.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from irgate_battery.diagnosis.pattern import pattern
from irgate_battery.interface.outside_text import one_line, said_by
from irgate_battery.report.last_line import as_it_ended, failed_for, is_undecided, last_line
from irgate_battery.report.report import NO_VERDICT
from irgate_battery.report.saved_report import WANTED, SavedReport, SavedReportError
from irgate_battery.results.systematic import Systematic
from irgate_battery.results.text import Line, Tone
from irgate_battery.results.verdict import Verdict, Verdicts
from irgate_battery.suites.registry import suites
from irgate_battery.suites.rows import family_of


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
    """Return the last line of the run's report."""
    deselected = data.get("deselected", 0)
    if type(deselected) is not int:
        raise TypeError("deselected is no whole number")
    strict = saved.asked is not None and saved.asked.strict
    required = saved.asked is not None and saved.asked.require_verdict
    line = last_line(saved.rows, verdicts, strict=strict, deselected=deselected)
    if required and is_undecided(saved.rows, verdicts, strict=strict):
        return failed_for(line, NO_VERDICT)
    return as_it_ended(line, saved.exit_status)


def _about(saved: SavedReport, data: Mapping[str, Any]) -> dict[str, str]:
    machine, origin = data["machine"], saved.provenance
    changed = ", with changes" if origin.modified else ""
    libraries = ("python", "numpy", "torch", "simpleitk")
    told = {
        "Solver": str(saved.solver),
        "Started": origin.started,
        "Commit": f"{origin.commit}{changed}" if origin.commit else None,
        "Branch": origin.branch,
        "Report": saved.source,
        "irgate": saved.irgate,
        "Cases": f"battery {saved.battery}, seed {saved.seed}",
        "Isolation": saved.solver.isolation,
        "Machine": f"{saved.platform}, {saved.cpu_count} cores" if saved.platform else None,
        "With": ", ".join(f"{name} {machine[name]}" for name in libraries if machine.get(name)),
    }
    return {name: one_line(str(value)) for name, value in told.items() if value}
