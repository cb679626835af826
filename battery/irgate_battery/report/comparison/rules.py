"""When is a run worse than an earlier one? Rules that are relative and absolute at once."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from irgate_battery.results.result_row import ResultRow

STATUS = "status"
"""The rule over statuses: what passed passes, of items and of verdicts."""

DEFAULT_RULES = "status,tre_px:20%+0.005,landmark_mean_px:20%+0.005,ratio:2%"
"""Distances to a truth, be it a transform or landmarks. Times are never in it: they are the
machine's."""

FIGURES: Mapping[str, str] = {
    "tre_px": "px",
    "tre_max_px": "px",
    "landmark_mean_px": "px",
    "ratio": "",
    "rmse": "",
    "rmse_vs_oracle": "",
    "oracle_distance_px": "px",
    "folded": "",
    "relative_error": "",
    "inconsistency_px": "px",
    "seconds": "s",
}
"""Figures that a rule may name, with their units. Of each, larger is worse."""

_RULE = re.compile(
    r"(?P<figure>\w+):(?:(?P<percent>[0-9.]+(?:e-?[0-9]+)?)%)?\+?(?P<absolute>[0-9.]+(?:e-?[0-9]+)?)?"
)

FORM = "expected status, or FIGURE:20%, FIGURE:0.005 or FIGURE:20%+0.005, comma-separated"


class RuleError(ValueError):
    """A text is no rule; the message is one line."""


@dataclass(frozen=True)
class Rule:
    """A figure that has grown by more than both is worse; one that has shrunk so is better.

    Attributes:
        figure: of `FIGURES`.
        relative: 0.2 for 20 %.
        absolute: in the figure's unit.
    """

    figure: str
    relative: float = 0.0
    absolute: float = 0.0

    def grew(self, old: float, new: float) -> bool:
        """Whether a figure grew by more than the rule lets it."""
        return new > old * (1.0 + self.relative) and new > old + self.absolute

    def values(self, old: "ResultRow", new: "ResultRow") -> tuple[float, float] | None:
        """Return the figure of two rows, where both have it."""
        was, now = getattr(old, self.figure), getattr(new, self.figure)
        return None if was is None or now is None else (was, now)

    def __str__(self) -> str:
        unit = FIGURES[self.figure]
        parts = []
        if self.relative:
            parts.append(f"{100 * self.relative:g} %")
        if self.absolute or not parts:
            parts.append(f"{self.absolute:g} {unit}".strip())
        return f"{self.figure} +{' and +'.join(parts)}"


@dataclass(frozen=True)
class Rules:
    """What makes a run worse.

    Attributes:
        status: whether what passed must pass.
        figures: the rules over figures.
    """

    status: bool
    figures: tuple[Rule, ...]

    @classmethod
    def parse(cls, text: str) -> "Rules":
        """Read rules, `status,tre_px:20%+0.005`. Raises: RuleError."""
        words = [word.strip() for word in text.split(",") if word.strip()]
        if not words:
            raise RuleError(f"{text!r}: {FORM}")
        figures = tuple(_rule(word) for word in words if word != STATUS)
        named = [rule.figure for rule in figures]
        twice = next((name for name in named if named.count(name) > 1), None)
        if twice:
            raise RuleError(f"{text}: {twice} has two rules; {FORM}")
        return cls(STATUS in words, figures)

    def __str__(self) -> str:
        words = ["passed -> not passed"] if self.status else []
        return "; ".join([*words, *map(str, self.figures)])


def _rule(word: str) -> Rule:
    match = _RULE.fullmatch(word)
    if match is None or (match["percent"] is None and match["absolute"] is None):
        raise RuleError(f"{word}: no rule; {FORM}")
    if match["figure"] not in FIGURES:
        raise RuleError(f"{word}: no figure {match['figure']!r}; there are {', '.join(FIGURES)}")
    try:
        relative, absolute = (float(match[part] or 0) for part in ("percent", "absolute"))
    except ValueError:
        raise RuleError(f"{word}: no number; {FORM}") from None
    return Rule(match["figure"], relative / 100, absolute)
