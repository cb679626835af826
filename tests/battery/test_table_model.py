"""A table as text of any width, and as Markdown."""

import math
import re

import pytest

from irgate_battery.report.comparison import table_model
from irgate_battery.report.comparison.table_model import (
    Cell,
    Section,
    Table,
    TableRow,
    as_markdown,
    as_text,
    escaped,
)

COLUMNS = ("oracle", *(f"solver-with-a-name-{number}" for number in range(10)))


def table():
    cells = tuple(Cell(f"{number}.5", float(number)) for number in range(len(COLUMNS)))
    return Table(COLUMNS, (Section("suite", (TableRow("a figure", cells),)),), fixed=1)


@pytest.mark.parametrize("width", [40, 79, 159, 400])
def test_no_line_is_wider_than_asked_and_no_column_is_lost(width):
    lines = as_text(table(), width)
    assert max(map(len, lines)) <= width
    assert not any("\t" in line or not line.isascii() for line in lines)
    figures = [re.findall(r"\d+\.5", line) for line in lines if "a figure" in line]
    assert {figure for block in figures for figure in block} == {f"{n}.5" for n in range(11)}
    # The fixed column comes back in each block.
    assert all(block[0] == "0.5" for block in figures)


def test_a_title_stands_over_its_column():
    lines = as_text(Table(("one", "a-long_name here"), table().sections, 0), 100)
    last_of_title = next(number for number, line in enumerate(lines) if "here" in line)
    below = next(line for line in lines if "a figure" in line)
    assert lines[last_of_title].index("here") + 4 == below.index("1.5") + 4


def test_the_best_is_marked_without_colour_and_with_it():
    plain = as_text(table(), 400)
    assert sum(line.count("*") for line in plain) == 1
    painted = as_text(table(), 400, lambda text, tone: f"<{tone}>{text}</>")
    (line,) = [line for line in painted if "a figure" in line]
    assert re.search(r"<good>\s*0\.5\*</>", line)


def test_what_stands_over_fewer_cases_is_in_parentheses_and_never_the_best():
    cells = (Cell("1.0", 1.0), Cell("2.0", 2.0), Cell("0.5", 0.5, partial=True))
    entry = TableRow("x", cells)
    assert entry.best() == {0}
    (line,) = [
        line
        for line in as_text(Table(("a", "b", "c"), (Section("", (entry,)),)), 80)
        if "x" in line
    ]
    assert line.split() == ["x", "1.0*", "2.0", "(0.5)"]


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ([Cell("1", 1.0), Cell("1", 1.0)], set()),
        ([Cell("1", 1.0), Cell("1", 1.0), Cell("2", 2.0)], {0, 1}),
        ([Cell("1", 1.0), Cell()], set()),
        ([Cell("1", 1.0), Cell("9 R", math.inf)], {0}),
        ([Cell("8 R", math.inf), Cell("9 R", math.inf)], set()),
        ([Cell("8/8", -8.0), Cell("6/8", -6.0)], {0}),
    ],
)
def test_the_best(cells, expected):
    assert TableRow("x", tuple(cells)).best() == expected


def test_markdown_is_a_table_whatever_the_names():
    columns = ("a|b", "*c*_d_", "<e>", "`f`\ng")
    cells = tuple(Cell(str(number), float(number)) for number in range(4))
    lines = as_markdown(Table(columns, (Section("s", (TableRow("t|u", cells),)),)))
    table = [line for line in lines if line.startswith("|")]
    assert len(table) == 3
    # Every line has the same number of unescaped bars.
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in table} == {6}
    assert table[1] == "|---|---:|---:|---:|---:|"
    assert "**0**" in table[2]
    assert lines[lines.index(table[0]) - 1] == ""


def test_escaped_text_is_one_line():
    assert escaped("a\nb | c_d") == r"a b \| c\_d"


def test_a_block_holds_as_many_columns_as_fit():
    """3 characters of titles; 6 of the fixed column and 8 of each other, a space before each."""
    row = TableRow("t", (Cell("1"), Cell("22"), Cell("333")))
    two = Table(("oracle", "solver-a", "solver-b"), (Section("s", (row,)),), fixed=1)
    assert as_text(two, 28) == [
        "    oracle solver-a solver-b",
        "s",
        "  t     1       22      333",
    ]
    assert as_text(two, 27) == [
        "    oracle solver-a",
        "s",
        "  t     1       22",
        "",
        "    oracle solver-b",
        "s",
        "  t     1      333",
    ]
    # One column a block is the least, however narrow it is.
    assert as_text(two, 1) == as_text(two, 27)


@pytest.mark.parametrize(("width", "blocks"), [(28, ["a b", "c d"]), (27, ["a", "b", "c", "d"])])
def test_every_block_has_the_same_room(width, blocks):
    names = tuple(f"solver-{letter}" for letter in "abcd")
    row = TableRow("t", tuple(Cell("1") for _ in range(5)))
    lines = as_text(Table(("oracle", *names), (Section("s", (row,)),), fixed=1), width)
    heads = [line.replace("solver-", "").split()[1:] for line in lines if "oracle" in line]
    assert [" ".join(head) for head in heads] == blocks


@pytest.mark.parametrize(("zero", "other", "best"), [(0.0, -1.0, 1), (0.0, 0.5, 0), (0.5, 0.0, 1)])
def test_zero_is_a_figure_like_any_other(zero, other, best):
    """No start that came back is worse than one; no distance is better than some."""
    assert TableRow("t", (Cell("a", zero), Cell("b", other))).best() == {best}


def test_no_column_is_repeated_unless_it_is_asked_for():
    two = Table(("one", "two"), (Section("s", (TableRow("t", (Cell("1"), Cell("2"))),)),))
    assert as_text(two, 1) == ["    one", "s", "  t  1", "", "    two", "s", "  t  2"]


def test_a_column_is_as_wide_as_its_widest_cell_and_titles_stand_on_their_column():
    """A cell leaves room for the star of the best, and is marked where it is partial."""
    rows = (
        TableRow("t", (Cell("123456", 1.0), Cell("2", 2.0))),
        TableRow("u", (Cell("1", 1.0), Cell("12345", 0.5, partial=True))),
    )
    assert as_text(Table(("a", "two-words-of-it"), (Section("s", rows),)), 80) == [
        "            two-words-",
        "          a      of-it",
        "s",
        "  t 123456*         2",
        "  u      1    (12345)",
    ]


@pytest.mark.parametrize(
    ("title", "lines"),
    [
        ("solver-name-two", ["solver-name-", "two"]),
        ("solver-name-", ["solver-name-"]),
        ("abcdefghijklmnop", ["abcdefghijk", "lmnop"]),
        ("two words here", ["two words", "here"]),
        ("a_b c", ["a_b c"]),
        ("abcdefghijk-lm-no", ["abcdefghijk-", "lm-no"]),
    ],
)
def test_a_title_is_broken_at_twelve_characters(title, lines):
    assert table_model._broken(title) == lines
