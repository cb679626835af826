"""Verdicts: what the rows of a suite say together, as a status, figures and one sentence.

Each kind of verdict is a subclass with its own figures, in the file of its suite.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Literal, TypeVar

VerdictStatus = Literal["pass", "fail", "not_evaluated"]

Effect = Literal["run", "strict", "items", "none"]
"""What a verdict's failure fails: the run; the run under `--irgate-strict`; nothing beyond the
items that failed already; or nothing at all."""

Kind = TypeVar("Kind", bound="Verdict")


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """One verdict.

    Attributes:
        name: its key in the JSON report.
        title: its name in the text report.
        effect: what its failure fails.
        needs: what must have run for it to be evaluated, `"all fixtures"`.
        headline: the attribute that a report holds at its top, too, by this name; none where empty.
        since_first: whether every report of schema 1 holds it; a later version may add others.
        status: pass, fail or not_evaluated.
        reason: a sentence with the numbers and the limit.

    The fields of a subclass are the figures that the JSON report holds besides; `None` where there
    is no number.

    """

    name: ClassVar[str]
    title: ClassVar[str]
    effect: ClassVar[Effect] = "items"
    needs: ClassVar[str] = "all its items"
    headline: ClassVar[str] = ""
    since_first: ClassVar[bool] = False

    status: VerdictStatus
    reason: str

    def misses_target(self, *, strict: bool = False) -> bool:
        """Whether it fails, and nothing with it: that must not look like a failure of the run.

        Args:
            strict: whether the verdicts that are strict only fail the run.
        """
        return self.status == "fail" and self.effect in (
            ("none",) if strict else ("none", "strict")
        )

    @property
    def held(self) -> str:
        """What the last line of a run that passed says of it."""
        return self.reason

    @property
    def undecided(self) -> str:
        """Why it is not evaluated, without these words themselves."""
        return self.reason.removeprefix("not evaluated ").strip("()")

    def to_dict(self) -> dict[str, Any]:
        """Return status, figures and reason as one flat dict of builtin types."""
        figures = {field.name: _figure(getattr(self, field.name)) for field in fields(self)}
        reason = figures.pop("reason")
        return {"status": figures.pop("status"), **figures, "reason": reason}


def _figure(value: Any) -> Any:
    """Return a figure as JSON may hold it: one that is not finite does not exist."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


@dataclass(frozen=True)
class Verdicts:
    """All verdicts of a run, in the order of the report.

    `verdicts.hard_gate` is the verdict of that name; one over a suite that nobody asked for is not
    there.
    """

    every: tuple[Verdict, ...]

    def __iter__(self) -> Iterator[Verdict]:
        return iter(self.every)

    def __getattr__(self, name: str) -> Verdict:
        for verdict in object.__getattribute__(self, "every"):
            if verdict.name == name:
                found: Verdict = verdict
                return found
        raise AttributeError(f"no verdict {name!r}; there are {[each.name for each in self.every]}")

    def with_effect(self, effect: Effect) -> tuple[Verdict, ...]:
        """Return those whose failure has this effect."""
        return tuple(verdict for verdict in self.every if verdict.effect == effect)

    def to_dict(self) -> dict[str, dict[str, Any]]:
        """Return the `verdicts` object of the JSON report."""
        return {verdict.name: verdict.to_dict() for verdict in self.every}
