"""Verdicts as data: a status, the numbers, and one sentence that says why."""

from dataclasses import dataclass, fields
from typing import Any, Literal

VerdictStatus = Literal["pass", "fail", "not_evaluated"]


@dataclass(frozen=True)
class Verdict:
    """One verdict.

    Attributes:
        status: pass, fail or not_evaluated.
        reason: a sentence with the numbers and the limit.
        figures: what the JSON report holds besides, `None` where there is no number.
    """

    status: VerdictStatus
    reason: str
    figures: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Return status, figures and reason as one flat dict of builtin types."""
        return {"status": self.status, **self.figures, "reason": self.reason}


@dataclass(frozen=True)
class Verdicts:
    """All verdicts of a run, in the order of the report."""

    hard_gate: Verdict
    each_fixture: Verdict
    agreement: Verdict
    mean_ratio: Verdict
    recovery: Verdict
    gradient: Verdict
    pairs: Verdict

    def by_name(self) -> dict[str, Verdict]:
        """Return them by name; `pairs` only where a pair was named: else nothing was asked."""
        every = {field.name: getattr(self, field.name) for field in fields(self)}
        if not self.pairs.figures["expected"]:
            del every["pairs"]
        return every

    def to_dict(self) -> dict[str, dict[str, Any]]:
        """Return the `verdicts` object of the JSON report."""
        return {name: verdict.to_dict() for name, verdict in self.by_name().items()}
