"""What a run says of a whole suite where runs stand side by side: a cell, and what it stands on."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from irgate_battery.results.result_row import RAN, ResultRow
from irgate_battery.results.text import Tone
from irgate_battery.results.verdict import VerdictStatus

Figure: TypeAlias = Callable[[ResultRow], float | None]

CaseName: TypeAlias = tuple[str, str]
"""Suite and case."""


@dataclass(frozen=True)
class Cell:
    """One figure.

    Attributes:
        text: as it is shown; `-` where there is none.
        value: what decides the best of a row, smaller is better; infinite where it is behind all
            others and never the best; `None` takes no part.
        partial: whether it stands over fewer cases than its neighbours: shown in parentheses, and
            never the best.
        tone: for a terminal with colours.

    """

    text: str = "-"
    value: float | None = None
    partial: bool = False
    tone: Tone = "plain"


@dataclass(frozen=True)
class SavedVerdict:
    """What a report keeps of a verdict that a comparison shows.

    Attributes:
        status: pass, fail or not_evaluated.
        ran, expected: how many cases it stands on, and should.
        mean: of a mean ratio.

    """

    status: VerdictStatus
    ran: int | None = None
    expected: int | None = None
    mean: float | None = None


@dataclass(frozen=True)
class Compared:
    """One figure of one run over a whole suite.

    Attributes:
        title: what it is; every run gives the same titles in the same order.
        cell: the figure.
        over: the cases that it stands on. Where another run's figure stands on more, this one is
            partial.
        oracle: the oracle's figure, the same in every run.

    """

    title: str
    cell: Cell = field(default_factory=Cell)
    over: frozenset[CaseName] = frozenset()
    oracle: Cell = field(default_factory=Cell)


SavedVerdicts: TypeAlias = Mapping[str, SavedVerdict]


def over_cases(
    title: str,
    rows: Iterable[ResultRow],
    figure: Figure,
    statistic: Callable[[Sequence[float]], float],
    shown: Callable[[float], str],
    *,
    oracle: Cell | None = None,
    ranked: bool = True,
) -> Compared:
    """Return one statistic of a figure over the cases that a run has it for.

    Args:
        title: what it is.
        rows: of one run.
        figure: takes the figure from a row; smaller is better.
        statistic: of the figures.
        shown: writes it.
        oracle: the oracle's cell.
        ranked: whether it takes part in what is best.
    """
    there = {(row.suite, row.case): figure(row) for row in rows if row.status in RAN}
    measured = {name: value for name, value in there.items() if value is not None}
    value = statistic(list(measured.values())) if measured else None
    return Compared(
        title,
        Cell() if value is None else Cell(shown(value), value if ranked else None),
        frozenset(measured),
        oracle or Cell(),
    )
