"""A table of result rows in the text report: one line a row, columns that fit the terminal."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from irgate_battery.results.result_row import ResultRow
from irgate_battery.results.text import Line, Tone, number, wrapped

_LEAST_COLUMNS = 3
"""Columns that stay however narrow the terminal is."""


@dataclass(frozen=True)
class Column:
    """A column of the table.

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
    cell: Callable[[ResultRow], str]
    keep: int


def _times(row: ResultRow) -> str:
    if row.seconds is None or not row.oracle_seconds:
        return "-"
    return f"{row.seconds / row.oracle_seconds:.3f}x"


RMSE = (
    Column("RMSE", "ours", 9, lambda row: number(row.rmse, ".6f"), 0),
    Column("RMSE", "oracle", 9, lambda row: number(row.oracle_rmse, ".6f"), 1),
)
RATIO = Column("RMSE", "ratio", 8, lambda row: number(row.ratio, ".4f"), 0)
TIMES = (
    Column("time, s", "ours", 8, lambda row: number(row.seconds, ".3f"), 2),
    Column("time, s", "/oracle", 8, _times, 2),
)
"""Columns that tables share. RMSE: intensity; /oracle: the solver's seconds over the oracle's."""


def table(
    title: str, rows: Sequence[ResultRow], kinds: Sequence[Column], width: int
) -> Iterable[Line]:
    """Lay out rows under columns, and say where the oracle's results come from.

    Args:
        title: of the first column, which names the cases.
        rows: one a line.
        kinds: the columns; those that the terminal has no room for are left out.
        width: characters a line.
    """
    names = max(len(title), *(len(row.case) for row in rows))
    columns = list(kinds)
    while (
        names + 9 + sum(column.width + 1 for column in columns) > width
        and len(columns) > _LEAST_COLUMNS
    ):
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
        yield from wrapped("oracle: ", f"{', '.join(origins)}{_elsewhere(origins)}", "plain", width)


def _groups(columns: Sequence[Column]) -> str:
    """Return the line above the titles: each group's name in the middle of its columns."""
    parts = []
    for group, members in groupby(columns, key=lambda column: column.group):
        parts.append(f"{group:^{sum(column.width + 1 for column in members) - 1}}")
    return " ".join(parts)


def _elsewhere(origins: Sequence[str]) -> str:
    """Say where the oracle's seconds come from: a stored time was measured on another machine."""
    return "; its seconds are those of the machine that stored it" if "stored" in origins else ""
