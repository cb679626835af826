"""A sheet: rows of cells under named columns, as aligned ASCII of any width or as Markdown."""

import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from irgate_battery.table import Tone

Paint = Callable[[str, Tone], str]
"""Colours a text that is already as wide as it will be."""

HEAD_WIDTH = 12
"""Characters at which a column's title is broken, so that ten columns fit a wide terminal."""


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
class Entry:
    """A row of a sheet: its title, and a cell for each column."""

    title: str
    cells: tuple[Cell, ...]

    def best(self) -> frozenset[int]:
        """Return the columns of the best cells; none where all that take part are equal.

        Cells that show the same text are equal: what is not seen is not ranked.
        """
        taking = {
            number: cell
            for number, cell in enumerate(self.cells)
            if cell.value is not None and not cell.partial
        }
        if len({cell.text for cell in taking.values()}) < 2:
            return frozenset()
        least, text = min((cell.value or 0.0, cell.text) for cell in taking.values())
        if least == math.inf:
            return frozenset()
        return frozenset(number for number, cell in taking.items() if cell.text == text)


@dataclass(frozen=True)
class Section:
    """Entries with something in common."""

    title: str
    entries: tuple[Entry, ...]


@dataclass(frozen=True)
class Sheet:
    """Sections under one row of column titles.

    Attributes:
        columns: their titles.
        sections: in order.
        fixed: how many of the first columns are repeated where the sheet is cut to fit.

    """

    columns: tuple[str, ...]
    sections: tuple[Section, ...]
    fixed: int = 0


def _plain(text: str, tone: Tone) -> str:
    return text


def as_text(sheet: Sheet, width: int, paint: Paint = _plain) -> list[str]:
    """Return aligned ASCII lines, cut into as many blocks of columns as the width asks for.

    Args:
        sheet: what to show.
        width: characters a line; one column a block is the least, even where that is wider.
        paint: adds colours.

    """
    titles = max(
        [len(section.title) for section in sheet.sections]
        + [len(entry.title) + 2 for section in sheet.sections for entry in section.entries]
    )
    heads = [_broken(title) for title in sheet.columns]
    widths = [
        max(
            [len(part) for part in heads[number]]
            + [
                len(_shown(entry.cells[number], False)) + 1
                for section in sheet.sections
                for entry in section.entries
            ]
        )
        for number in range(len(sheet.columns))
    ]
    lines: list[str] = []
    for block in _blocks(widths, sheet.fixed, width - titles):
        if lines:
            lines.append("")
        lines += _head(block, heads, widths, titles, paint)
        for section in sheet.sections:
            lines.append(paint(section.title, "head"))
            for entry in section.entries:
                best = entry.best()
                cells = " ".join(
                    paint(
                        f"{_shown(entry.cells[n], n in best):>{widths[n]}}"
                        if n in best
                        else f"{_shown(entry.cells[n], False):>{widths[n] - 1}} ",
                        "good" if n in best else entry.cells[n].tone,
                    )
                    for n in block
                )
                lines.append(f"{'  ' + entry.title:<{titles}} {cells}".rstrip())
    return lines


def _shown(cell: Cell, best: bool) -> str:
    if best:
        return f"{cell.text}*"
    return f"({cell.text})" if cell.partial else cell.text


def _broken(title: str) -> list[str]:
    """Break a title after spaces, hyphens and underscores, and where it must be inside of words."""
    lines = [""]
    for part in re.findall(rf"[^ _-]{{1,{HEAD_WIDTH - 1}}}[ _-]?|[ _-]", title):
        if lines[-1] and len(lines[-1]) + len(part.rstrip()) > HEAD_WIDTH:
            lines.append("")
        lines[-1] += part
    return [line.rstrip() for line in lines]


def _blocks(widths: Sequence[int], fixed: int, room: int) -> Iterable[list[int]]:
    """Yield the columns of each block: the fixed ones, and as many others as there is room for."""
    always = list(range(fixed))
    left = room - sum(widths[n] + 1 for n in always)
    block: list[int] = []
    used = 0
    for number in range(fixed, len(widths)):
        if block and used + widths[number] + 1 > left:
            yield [*always, *block]
            block, used = [], 0
        block.append(number)
        used += widths[number] + 1
    yield [*always, *block]


def _head(
    block: Sequence[int],
    heads: Sequence[Sequence[str]],
    widths: Sequence[int],
    titles: int,
    paint: Paint,
) -> Iterable[str]:
    tall = max(len(heads[number]) for number in block)
    for level in range(tall):
        cells = []
        for number in block:
            # Titles stand on the line above their column, whatever the height of the tallest.
            at = level - (tall - len(heads[number]))
            part = heads[number][at] if at >= 0 else ""
            cells.append(f"{part:>{widths[number]}}")
        yield paint(f"{'':<{titles}} {' '.join(cells)}".rstrip(), "head")


def as_markdown(sheet: Sheet) -> list[str]:
    """Return a GitHub Markdown table for each section, under a heading; the best is bold."""
    lines: list[str] = []
    for section in sheet.sections:
        lines += ["", f"### {escaped(section.title)}", ""]
        lines.append(f"| | {' | '.join(escaped(title) for title in sheet.columns)} |")
        lines.append(f"|---|{'---:|' * len(sheet.columns)}")
        for entry in section.entries:
            best = entry.best()
            cells = []
            for number, cell in enumerate(entry.cells):
                text = escaped(_shown(cell, False))
                cells.append(f"**{text}**" if number in best else text)
            lines.append(f"| {escaped(entry.title)} | {' | '.join(cells)} |")
    return lines


def escaped(text: str) -> str:
    """Return a text whose every character Markdown shows as it is, in one line."""
    shown = " ".join(text.split())
    for character in "\\`*_|<>[]~#":
        shown = shown.replace(character, f"\\{character}")
    return shown
