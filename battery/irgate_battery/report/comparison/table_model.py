"""A table: rows of cells under named columns, as aligned ASCII of any width or as Markdown."""

import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from irgate_battery.results.compared import Cell
from irgate_battery.results.text import Tone

Paint = Callable[[str, Tone], str]
"""Colours a text that is already as wide as it will be."""

HEAD_WIDTH = 12
"""Characters at which a column's title is broken, so that ten columns fit a wide terminal."""


@dataclass(frozen=True)
class TableRow:
    """A row of a table: its title, and a cell for each column."""

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
    """Rows with something in common."""

    title: str
    table_rows: tuple[TableRow, ...]


@dataclass(frozen=True)
class Table:
    """Sections under one row of column titles.

    Attributes:
        columns: their titles.
        sections: in order.
        fixed: how many of the first columns are repeated where the table is cut to fit.

    """

    columns: tuple[str, ...]
    sections: tuple[Section, ...]
    fixed: int = 0


def _plain(text: str, tone: Tone) -> str:
    return text


def as_text(table: Table, width: int, paint: Paint = _plain) -> list[str]:
    """Return aligned ASCII lines, cut into as many blocks of columns as the width asks for.

    Args:
        table: what to show.
        width: characters a line; one column a block is the least, even where that is wider.
        paint: adds colours.

    """
    titles = max(
        [len(section.title) for section in table.sections]
        + [len(row.title) + 2 for section in table.sections for row in section.table_rows]
    )
    heads = [_broken(title) for title in table.columns]
    widths = [
        max(
            [len(part) for part in heads[number]]
            + [
                len(_shown(row.cells[number], False)) + 1
                for section in table.sections
                for row in section.table_rows
            ]
        )
        for number in range(len(table.columns))
    ]
    lines: list[str] = []
    for block in _blocks(widths, table.fixed, width - titles):
        if lines:
            lines.append("")
        lines += _head(block, heads, widths, titles, paint)
        for section in table.sections:
            lines.append(paint(section.title, "head"))
            for row in section.table_rows:
                best = row.best()
                cells = " ".join(
                    paint(
                        f"{_shown(row.cells[n], n in best):>{widths[n]}}"
                        if n in best
                        else f"{_shown(row.cells[n], False):>{widths[n] - 1}} ",
                        "good" if n in best else row.cells[n].tone,
                    )
                    for n in block
                )
                lines.append(f"{'  ' + row.title:<{titles}} {cells}".rstrip())
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


def as_markdown(table: Table) -> list[str]:
    """Return a GitHub Markdown table for each section, under a heading; the best is bold."""
    lines: list[str] = []
    for section in table.sections:
        lines += ["", f"### {escaped(section.title)}", ""]
        lines.append(f"| | {' | '.join(escaped(title) for title in table.columns)} |")
        lines.append(f"|---|{'---:|' * len(table.columns)}")
        for row in section.table_rows:
            best = row.best()
            cells = []
            for number, cell in enumerate(row.cells):
                text = escaped(_shown(cell, False))
                cells.append(f"**{text}**" if number in best else text)
            lines.append(f"| {escaped(row.title)} | {' | '.join(cells)} |")
    return lines


def escaped(text: str) -> str:
    """Return a text whose every character Markdown shows as it is, in one line."""
    shown = " ".join(text.split())
    for character in "\\`*_|<>[]~#":
        shown = shown.replace(character, f"\\{character}")
    return shown
