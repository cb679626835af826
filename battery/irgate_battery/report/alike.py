"""Failures that are alike: those with one fault, or whose words differ in numbers only."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from irgate_battery.diagnosis.pattern import NO_ANSWER
from irgate_battery.interface.outside_text import without_numbers
from irgate_battery.results.result_row import ResultRow

MOST_NAMED = 6
"""Items that stand behind the first one by name."""


@dataclass(frozen=True)
class AlikeFailures:
    """Failures with something in common.

    Attributes:
        rows: the items, in the order of the run; the first speaks for all.
        detail: the solver's traceback in the first, or empty.
    """

    rows: tuple[ResultRow, ...]
    detail: str

    @property
    def first(self) -> ResultRow:
        """The one that is told in full."""
        return self.rows[0]

    @property
    def more(self) -> str:
        """Name the others; empty where there are none."""
        others = [f"{row.suite} {row.case}" for row in self.rows[1:]]
        if not others:
            return ""
        named = ", ".join(others[:MOST_NAMED])
        left = len(others) - MOST_NAMED
        rest = f" and {left} others" if left > 0 else ""
        return f"and {len(others)} more like it: {named}{rest}"


def alike(failures: Iterable[tuple[ResultRow, str]]) -> Sequence[AlikeFailures]:
    """Gather failures that are alike.

    Args:
        failures: rows, each with the solver's traceback or an empty text.
    """
    groups: dict[tuple[str, ...], list[tuple[ResultRow, str]]] = {}
    for row, detail in failures:
        groups.setdefault(_key(row, detail), []).append((row, detail))
    return [AlikeFailures(tuple(row for row, _ in group), group[0][1]) for group in groups.values()]


def _key(row: ResultRow, detail: str) -> tuple[str, ...]:
    if row.diagnosis and row.diagnosis not in NO_ANSWER:
        return (row.status, row.diagnosis)
    # An exception's message names its line; the way there may differ.
    return (row.status, without_numbers(row.message))
