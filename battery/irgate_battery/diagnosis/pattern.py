"""What is wrong over a whole run: the fault that explains most failures, and what they share.

One pair often cannot tell two faults apart (a pure shift: inverted or negated). All pairs together
can, so each failed row votes for every fault that fits it.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from irgate_battery.diagnosis.meanings import meaning
from irgate_battery.diagnosis.motion_found import motion_found, places_of_error
from irgate_battery.interface.outside_text import without_numbers
from irgate_battery.interface.protocol import EXPECTED, HANGS, LOST, RAISES
from irgate_battery.results.result_row import ResultRow

MAJORITY = 0.5
"""A fault is named for the whole run where it explains more than this part of the failures."""

SEPARATOR = "; "
"""Between the names in a row's `explanations`."""

UNREPEATABLE = "repeatable"
"""The contract's check whose failure makes every other explanation meaningless: answers differ by
chance."""

NEARER = 0.5
"""What undoing a fault leaves is said where it is less than this part of the error."""

NO_ANSWER = (RAISES, HANGS, LOST)
"""Faults that are told in the words of the failures themselves: those name the exception and its
line."""

ODD, EVEN = "odd size", "even size"
"""Families of pairs that differ in their sides only."""

LEAST_OF_A_SIZE = 2
"""Pairs of either family that must have run."""

_MOST_NAMED = 4
"""Faults or families that one sentence names."""


@dataclass(frozen=True)
class Pattern:
    """What the failures of a run have in common.

    Attributes:
        fault: the one that explains most of them, or `None` where none explains the most.
        explains: how many failures it fits.
        failed: how many failed items there are.
        sentence: in words.

    """

    fault: str | None
    explains: int
    failed: int
    sentence: str

    def to_dict(self) -> dict[str, Any]:
        """Return the `diagnosis` object of the JSON report."""
        return {
            "fault": self.fault,
            "explains": self.explains,
            "failed": self.failed,
            "reason": self.sentence,
        }


FamilyOf = Callable[[ResultRow], str | None]
"""Returns the name of the perturbation that a row is about, or `None`."""


def pattern(rows: Sequence[ResultRow], family_of: FamilyOf) -> Pattern | None:
    """Return what the failed rows say together, or `None` where none failed.

    Args:
        rows: of the run.
        family_of: the perturbation that a row is about.
    """
    failed = [row for row in rows if row.status == "failed"]
    if not failed:
        return None
    votes: Counter[str] = Counter()
    for row in failed:
        votes.update(dict.fromkeys((row.explanations or "").split(SEPARATOR), 1))
    del votes[""]
    if UNREPEATABLE in votes:
        said = f"{meaning(UNREPEATABLE)} ({UNREPEATABLE})"
        return Pattern(UNREPEATABLE, votes[UNREPEATABLE], len(failed), said)
    ranked = votes.most_common()
    where = _families(rows, family_of) + motion_found(rows) + places_of_error(rows)
    odd = _only_odd_sizes(rows, family_of)
    if odd and (not ranked or ranked[0][1] <= MAJORITY * len(failed)):
        said = f"{meaning(ODD)}. This ({ODD}) explains {odd} of {len(failed)} failed items"
        return Pattern(ODD, odd, len(failed), said + where)
    if not ranked:
        said = f"no simple fault explains any of the {len(failed)} failed items"
        return Pattern(None, 0, len(failed), said + where)
    first, most = ranked[0]
    alike = [fault for fault, number in ranked if number == most]
    if most > MAJORITY * len(failed):
        told = _own_words(failed, first) if first in NO_ANSWER else meaning(first)
        said = f"{told}. This ({first}) explains {most} of {len(failed)} failed items"
        if alike[1:]:
            said += f", and so does {' or '.join(alike[1:])}"
        return Pattern(first, most, len(failed), said + _undone(failed, first) + where)
    told = ", ".join(f"{fault} ({number})" for fault, number in ranked[:_MOST_NAMED])
    said = f"no one fault explains most of the {len(failed)} failed items; named were {told}"
    return Pattern(None, most, len(failed), said + where)


def _own_words(failed: Sequence[ResultRow], fault: str) -> str:
    """Return what most of the rows with this fault say, numbers aside, and how many do not."""
    said = [
        row.message.rpartition(EXPECTED)[0] or row.message.rstrip(".")
        for row in failed
        if row.diagnosis == fault
    ]
    alike = Counter(without_numbers(text) for text in said)
    if not alike:
        return meaning(fault)
    most, count = alike.most_common(1)[0]
    words = next(text for text in said if without_numbers(text) == most)
    others = len(said) - count
    return f"{words} (and something else on {others} items)" if others else words


def _undone(failed: Sequence[ResultRow], fault: str) -> str:
    """Say what undoing a misreading leaves, over the rows that it explains."""
    undone = [
        (row.tre_px, row.undone_px)
        for row in failed
        if fault in (row.explanations or "").split(SEPARATOR)
        and row.tre_px is not None
        and row.undone_px is not None
        and row.undone_px < NEARER * row.tre_px
    ]
    if not undone:
        return ""
    before, after = (median(column) for column in zip(*undone, strict=True))
    return f": from {before:.3g} px to {after:.2g} px once it is undone (medians)"


def _only_odd_sizes(rows: Sequence[ResultRow], family_of: FamilyOf) -> int:
    """Return how many failures only an odd size explains: every such pair fails, and each of its
    twins of even sides passes; 0 where that is not so.
    """
    outcomes: dict[str, set[str]] = {ODD: set(), EVEN: set()}
    counted: Counter[str] = Counter()
    for row in rows:
        family = family_of(row)
        if family in outcomes and row.status in ("passed", "failed"):
            outcomes[family].add(row.status)
            counted[family] += 1
    told = outcomes[ODD] == {"failed"} and outcomes[EVEN] == {"passed"}
    return counted[ODD] if told and min(counted.values()) >= LEAST_OF_A_SIZE else 0


def _families(rows: Sequence[ResultRow], family_of: FamilyOf) -> str:
    """Say which perturbations fail, where it is only some of them."""
    ran: Counter[str] = Counter()
    failed: Counter[str] = Counter()
    for row in rows:
        family = family_of(row)
        if family not in (None, ODD, EVEN) and row.status in ("passed", "failed"):
            ran[family] += 1
            failed[family] += row.status == "failed"
    bad = [family for family in ran if failed[family]]
    if not bad or len(bad) > min(_MOST_NAMED, len(ran) - 1):
        return ""
    told = ", ".join(f"{family} ({failed[family]} of {ran[family]})" for family in bad)
    return f"; in the battery only {told} fail"
