"""Lines of the text report, and what every section of it is made of.

Facts go in and strings come out; whoever shows them adds colour. Plain ASCII, because a log file
or a dumb terminal must read the same.
"""

import textwrap
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from irgate_battery.results.result_row import BAD, ResultRow

Tone = Literal["plain", "good", "bad", "open", "head"]

_NARROWEST = 40
"""Characters that a text is given even where the terminal has fewer."""

_MOST_NAMED = 5
"""Items that a suite's section names one by one; the failures above say the rest."""


@dataclass(frozen=True)
class Line:
    """One line of the report and its tone: plain, good, bad, open (undecided) or head."""

    text: str
    tone: Tone = "plain"


def number(value: float | None, form: str) -> str:
    """Return a figure in a format, or `-` where there is none."""
    return "-" if value is None else format(value, form)


def counts(title: str, rows: Sequence[ResultRow], width: int) -> Iterable[Line]:
    """Say how many passed, and name those that did not, with what they measured.

    Where every one that ran failed, none is named; what was skipped is told with its reason.
    """
    by_status = Counter(row.status for row in rows)
    told = ", ".join(f"{count} {status}" for status, count in sorted(by_status.items()))
    bad = [row for row in rows if row.status in BAD]
    other = len(rows) - by_status["passed"] - len(bad)
    yield Line(f"{title}: {told}", "bad" if bad else "open" if other else "good")
    if len(bad) <= _MOST_NAMED or by_status["passed"] + by_status["xfailed"]:
        for row in bad[:_MOST_NAMED]:
            yield Line(f"  {row.case}: {row.status}{_measured(row)}", "bad")
        if len(bad) > _MOST_NAMED:
            yield Line(f"  ... and {len(bad) - _MOST_NAMED} more", "bad")
    skips = Counter(row.message for row in rows if row.status == "skipped")
    for reason, count in skips.items():
        yield from wrapped(f"  {count} skipped: ", reason or "no reason given", "open", width)


def _measured(row: ResultRow) -> str:
    figures = []
    if row.ratio is not None:
        figures.append(f"ratio {row.ratio:.3f}")
    if row.tre_px is not None:
        figures.append(f"{row.tre_px:.3f} px from the truth")
    if row.landmark_mean_px is not None:
        figures.append(f"{row.landmark_mean_px:.3g} px from the landmarks")
    if row.inconsistency_px is not None:
        figures.append(f"answers {row.inconsistency_px:.3g} px apart")
    if row.tolerance_px is not None:
        figures.append(f"tolerance {row.tolerance_px:.3f} px")
    if row.tried:
        figures.append(f"{row.recovered} of {row.tried} came back")
    if row.relative_error is not None:
        figures.append(f"relative error {row.relative_error:.1e}")
    return f" ({', '.join(figures)})" if figures else ""


def wrapped(head: str, text: str, tone: Tone, width: int) -> Iterable[Line]:
    """Break a text between words, and keep its continuation under its first letter.

    Args:
        head: stands before the first line, and as many spaces before the others.
        text: what is broken.
        tone: of every line.
        width: characters a line, `head` included.
    """
    room = max(width - len(head), _NARROWEST)
    # A name stays whole, so that it can be searched for.
    parts = textwrap.wrap(text, room, break_long_words=False, break_on_hyphens=False)
    for place, part in enumerate(parts):
        yield Line(f"{head if place == 0 else ' ' * len(head)}{part}", tone)
