"""The report as lines of text: facts in, strings out; whoever shows them adds colour.

Plain ASCII, because a log file or a dumb terminal must read the same.
"""

import textwrap
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from irgate_battery.diagnosis.pattern import pattern
from irgate_battery.plan import PAIR
from irgate_battery.row import Row
from irgate_battery.verdict import Verdicts

Tone = Literal["plain", "good", "bad", "open", "head"]


@dataclass(frozen=True)
class Line:
    """One line of the report and its tone: plain, good, bad, open (undecided) or head."""

    text: str
    tone: Tone = "plain"


@dataclass(frozen=True)
class _Column:
    """A column of the fixtures' table.

    Attributes:
        group: what neighbouring columns have in common; stands once above them.
        title: one word.
        width: characters.
        cell: a row's figure as text.
        keep: columns with a larger number go first where the terminal is narrow.
    """

    group: str
    title: str
    width: int
    cell: Callable[[Row], str]
    keep: int


def _number(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)


def _times(row: Row) -> str:
    if row.seconds is None or not row.oracle_seconds:
        return "-"
    return f"{row.seconds / row.oracle_seconds:.3f}x"


_COLUMNS = (
    _Column("RMSE", "ours", 9, lambda row: _number(row.rmse, ".6f"), 0),
    _Column("RMSE", "oracle", 9, lambda row: _number(row.oracle_rmse, ".6f"), 1),
    _Column("RMSE", "ratio", 8, lambda row: _number(row.ratio, ".4f"), 0),
    _Column("to truth, px", "ours", 12, lambda row: _number(row.tre_px, ".4f"), 0),
    _Column("to truth, px", "oracle", 8, lambda row: _number(row.oracle_tre_px, ".4f"), 3),
    _Column("warps", "apart", 8, lambda row: _number(row.rmse_vs_oracle, ".1e"), 4),
    _Column("time, s", "ours", 8, lambda row: _number(row.seconds, ".3f"), 2),
    _Column("time, s", "/oracle", 8, _times, 2),
)
"""RMSE: intensity; to truth: mean distance to the true transform; warps apart: RMSE between the
two warped images; /oracle: the solver's seconds over the oracle's."""

_PAIR_COLUMNS = (
    *_COLUMNS[:2],
    _Column("RMSE", "before", 9, lambda row: _number(row.identity_rmse, ".6f"), 5),
    _COLUMNS[2],
    _Column("to SimpleITK", "px", 8, lambda row: _number(row.oracle_distance_px, ".4f"), 0),
    _Column("to SimpleITK", "mm", 8, lambda row: _number(row.oracle_distance_mm, ".4f"), 1),
    *_COLUMNS[6:],
)
"""Of own pairs. RMSE before: where nothing is moved; to SimpleITK: mean distance to its transform,
for there is no truth."""

_NARROWEST = 40
"""Characters that a reason is given even where the terminal has fewer."""

BAD = ("failed", "error", "missing")
"""Statuses that fail a run."""

_MOST_NAMED = 10
"""Items that a suite's section names one by one; the failures above say the rest."""

_TITLES = {
    "hard_gate": "hard gate",
    "each_fixture": "each fixture",
    "agreement": "agreement",
    "mean_ratio": "mean ratio",
    "recovery": "recovery",
    "gradient": "gradient",
    "pairs": "own pairs",
}
_WORDS = {"pass": "PASS", "fail": "FAIL", "not_evaluated": "-"}
_DIAGNOSTIC = ("agreement", "mean_ratio")
"""Verdicts that fail nothing: missing their target must not look like a failure of the run."""

_TONES: dict[str, Tone] = {"pass": "good", "fail": "bad", "not_evaluated": "open"}


def layout(
    rows: Sequence[Row], verdicts: Verdicts, width: int, *, strict: bool = False
) -> list[Line]:
    """Lay out rows and verdicts for this many characters a line.

    Args:
        rows, verdicts: of the run.
        width: of the terminal.
        strict: whether the mean ratio is a verdict that fails the run.
    """
    lines: list[Line] = []
    for suite in dict.fromkeys(row.suite for row in rows):
        mine = [row for row in rows if row.suite == suite]
        if suite == "base":
            lines += [*_table("base fixture", mine, _COLUMNS, width), Line("")]
        elif suite == PAIR:
            kinds = [
                column
                for column in _PAIR_COLUMNS
                if column.title != "mm" or any(row.spacing_mm is not None for row in mine)
            ]
            lines += [*_table("own pair", mine, kinds, width), *_notes(mine, width)]
            lines += [Line("")]
        elif suite == "battery":
            lines += [*_battery(mine), *_counts(suite, mine), Line("")]
        else:
            lines += [*_counts(suite, mine), Line("")]
    return [*lines, *_verdicts(verdicts, width, strict), *_diagnosis(rows, width)]


def _counts(title: str, rows: Sequence[Row]) -> Iterable[Line]:
    """Say how many passed, and name those that did not, with what they measured."""
    counts = Counter(row.status for row in rows)
    told = ", ".join(f"{number} {status}" for status, number in sorted(counts.items()))
    bad = [row for row in rows if row.status in BAD]
    other = len(rows) - counts["passed"] - len(bad)
    yield Line(f"{title}: {told}", "bad" if bad else "open" if other else "good")
    for row in bad[:_MOST_NAMED]:
        yield Line(f"  {row.case}: {row.status}{_measured(row)}", "bad")
    if len(bad) > _MOST_NAMED:
        yield Line(f"  ... and {len(bad) - _MOST_NAMED} more", "bad")


def _measured(row: Row) -> str:
    figures = []
    if row.ratio is not None:
        figures.append(f"ratio {row.ratio:.3f}")
    if row.tre_px is not None:
        figures.append(f"{row.tre_px:.3f} px from the truth")
    if row.tolerance_px is not None:
        figures.append(f"tolerance {row.tolerance_px:.3f} px")
    if row.tried:
        figures.append(f"{row.recovered} of {row.tried} came back")
    if row.relative_error is not None:
        figures.append(f"relative error {row.relative_error:.1e}")
    return f" ({', '.join(figures)})" if figures else ""


def _battery(rows: Sequence[Row]) -> Iterable[Line]:
    """One line for each fixture that the cases come from: the mean ratio and the two extremes."""
    fixtures = dict.fromkeys(row.case.partition("-")[0] for row in rows)
    names = max(map(len, fixtures))
    yield Line(f"{'battery':<{names}}  passed  mean ratio  largest ratio    farthest, px", "head")
    for fixture in fixtures:
        mine = [row for row in rows if row.case.partition("-")[0] == fixture]
        passed = sum(row.status == "passed" for row in mine)
        ratios = [(row.ratio, _family(row)) for row in mine if row.ratio is not None]
        distances = [(row.tre_px, _family(row)) for row in mine if row.tre_px is not None]
        mean = sum(ratio for ratio, _ in ratios) / len(ratios) if ratios else None
        yield Line(
            f"{fixture:<{names}} {passed:>4}/{len(mine):<3}{_number(mean, '.4f'):>11}  "
            f"{_extreme(ratios):<17}{_extreme(distances)}".rstrip(),
            "good" if passed == len(mine) else "plain",
        )


def _family(row: Row) -> str:
    return row.case.partition("-")[2]


def _extreme(values: Sequence[tuple[float, str]]) -> str:
    if not values:
        return "-"
    largest, family = max(values)
    return f"{largest:.3f} {family}"


def _table(title: str, rows: Sequence[Row], kinds: Sequence[_Column], width: int) -> Iterable[Line]:
    names = max(len(title), *(len(row.case) for row in rows))
    columns = list(kinds)
    while names + 9 + sum(column.width + 1 for column in columns) > width and len(columns) > 3:
        columns.remove(max(columns, key=lambda column: column.keep))
    yield Line(f"{'':<{names}} {_groups(columns)}".rstrip(), "head")
    head = " ".join(f"{column.title:>{column.width}}" for column in columns)
    yield Line(f"{title:<{names}} {head}", "head")
    for row in rows:
        cells = " ".join(f"{column.cell(row):>{column.width}}" for column in columns)
        good = row.status == "passed"
        tone: Tone = "good" if good else "open" if row.status in ("skipped", "xfailed") else "bad"
        yield Line(f"{row.case:<{names}} {cells} {row.status}", tone)
    origins = sorted({row.oracle for row in rows if row.oracle})
    if origins:
        yield from _wrapped(
            "oracle: ", f"{', '.join(origins)}{_elsewhere(origins)}", "plain", width
        )


def _notes(rows: Sequence[Row], width: int) -> Iterable[Line]:
    """Say of each own pair what was read, and where it is not evaluated, why."""
    for row in rows:
        if row.preparation:
            yield from _wrapped(f"{row.case}: ", f"{row.model}; {row.preparation}", "plain", width)
        if row.status == "skipped":
            yield from _wrapped("  ", row.message.removeprefix(f"{row.case}: "), "open", width)


def _groups(columns: Sequence[_Column]) -> str:
    """Return the line above the titles: each group's name in the middle of its columns."""
    parts = []
    for group, members in groupby(columns, key=lambda column: column.group):
        parts.append(f"{group:^{sum(column.width + 1 for column in members) - 1}}")
    return " ".join(parts)


def _elsewhere(origins: Sequence[str]) -> str:
    """Say where the oracle's seconds come from: a stored time was measured on another machine."""
    return "; its seconds are those of the machine that stored it" if "stored" in origins else ""


def _verdicts(verdicts: Verdicts, width: int, strict: bool) -> Iterable[Line]:
    for name, verdict in verdicts.by_name().items():
        title = _TITLES[name]
        word, tone = _WORDS[verdict.status], _TONES[verdict.status]
        gates = strict and name == "mean_ratio"
        if name in _DIAGNOSTIC and not gates and verdict.status == "fail":
            word, tone = "over", "open"
        yield from _wrapped(f"{title:<13}{word:<5}", verdict.reason, tone, width)


def _diagnosis(rows: Sequence[Row], width: int) -> Iterable[Line]:
    """Say what the failures have in common; nothing where none failed."""
    found = pattern(rows)
    if found:
        yield from _wrapped(f"{'diagnosis':<13}", found.sentence, "head", width)


def _wrapped(head: str, text: str, tone: Tone, width: int) -> Iterable[Line]:
    """Break a text between words, and keep its continuation under its first letter."""
    room = max(width - len(head), _NARROWEST)
    for number, part in enumerate(textwrap.wrap(text, room, break_long_words=False)):
        yield Line(f"{head if number == 0 else ' ' * len(head)}{part}", tone)
