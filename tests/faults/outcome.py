"""Which layers of the gate caught a solver, and what the gate said of it: read from its rows.

Only what fails a run counts as caught.
"""

from collections import Counter
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from irgate_battery.diagnosis import pattern
from irgate_battery.report.report import Report
from irgate_battery.results.result_row import ResultRow
from irgate_battery.suites.rows import family_of

from .fault import LAYERS

OTHER_SUITES = ("conditions", "recovery", "gradient", "contract", "consistency")
"""Suites that are one layer each."""

RATIO_LIMIT = 2.0
"""The ratio over which a battery case fails."""


@dataclass
class Outcome:
    """What one run of the gate over one solver came to.

    Attributes:
        name: of the fault or the good solver.
        layers: those that caught it, in the order of `LAYERS`.
        exit_status: of the run.
        failed: how many items failed.
        skipped: how many were skipped.
        ran: how many items there were in all.
        suites: of which suites.
        diagnosis: what the report says is wrong, or None.
        diagnoses: how often each row says what.
        beyond_noise: how far answers moved from the good solver's, in units of the case's noise, on
            the case where that is most; "inf" where no transform came; None where not measured.
        beyond_tolerance: the same in units of the case's tolerance, over the battery.
        change_px: the first distance in px, mean over the image.
        changed_case: that case.
        ended: how the process ended: "whole", "crashed" or "hung".
        seconds: wall time.
        messages: of the failed rows, by id.
    """

    name: str
    layers: tuple[str, ...] = ()
    exit_status: int = 0
    failed: int = 0
    skipped: int = 0
    ran: int = 0
    suites: tuple[str, ...] = ()
    diagnosis: str | None = None
    diagnoses: dict[str, int] = field(default_factory=dict)
    beyond_noise: float | str | None = None
    beyond_tolerance: float | str | None = None
    change_px: float | str | None = None
    changed_case: str | None = None
    ended: str = "whole"
    seconds: float = 0.0
    messages: dict[str, str] = field(default_factory=dict)

    @property
    def caught(self) -> bool:
        return bool(self.exit_status)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, kept: dict[str, Any]) -> "Outcome":
        known = {entry.name: kept[entry.name] for entry in fields(cls)}
        return cls(**{**known, "layers": tuple(kept["layers"]), "suites": tuple(kept["suites"])})


def outcome_of(name: str, report: Report) -> Outcome:
    """Return what a report says."""
    bad = [row for row in report.rows if row.status in ("failed", "error", "missing")]
    named = Counter(filter(None, (row.diagnosis for row in bad)))
    return Outcome(
        name=name,
        layers=caught_by(report),
        exit_status=report.exit_status,
        failed=len(bad),
        skipped=sum(row.status == "skipped" for row in report.rows),
        ran=len(report.rows),
        suites=tuple(dict.fromkeys(row.suite for row in report.rows)),
        diagnosis=said(report, named),
        diagnoses=dict(named.most_common()),
        messages={row.id: row.message for row in bad},
    )


def caught_by(report: Report) -> tuple[str, ...]:
    """Return the layers that fail this run; each is asked by itself."""
    rows = [row for row in report.rows if row.status in ("failed", "error", "missing")]
    layers = {
        "maximum gate": report.verdicts.hard_gate.status == "fail",
        "each fixture": any(row.suite == "base" for row in rows),
        "ratio": any(_over_ratio(row) for row in rows if row.suite == "battery"),
        "truth": any(_over_tolerance(row) for row in rows if row.suite == "battery"),
        **{suite: any(row.suite == suite for row in rows) for suite in OTHER_SUITES},
    }
    return tuple(layer for layer in LAYERS if layers[layer])


def _over_ratio(row: ResultRow) -> bool:
    """Whether there is no usable result, or a ratio over the limit."""
    return row.rmse is None or bool(row.escaped) or (row.ratio or 0.0) > RATIO_LIMIT


def _over_tolerance(row: ResultRow) -> bool:
    return row.tre_px is not None and row.tolerance_px is not None and row.tre_px > row.tolerance_px


def said(report: Report, named: Counter[str]) -> str | None:
    """Return the one thing that a reader of the report is told is wrong, or None.

    The run's own diagnosis; where it names none, what most rows say.
    """
    whole = pattern(report.rows, family_of)
    if whole is not None and whole.fault is not None:
        return whole.fault
    if named:
        return named.most_common(1)[0][0]
    return None
