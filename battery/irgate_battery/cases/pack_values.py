"""The values of a pack's file: each is read as what its key means, or refused in one line.

A line says which file, which case and which key, what came, what was expected and what to do.
"""

import difflib
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from irgate_battery.cases.image_file import ImageName
from irgate_battery.cases.own_pairs import PairError
from irgate_battery.cases.truth import UNITS, GivenTruth, Points
from irgate_battery.interface.outside_text import one_line, said_by

ECHOED = 60
"""Characters of a wrong value that a message repeats."""


class PackError(PairError):
    """A pack that cannot be used; its text is one line that says which, where and why."""

    def __init__(self, message: str) -> None:
        super().__init__(one_line(message))


IMAGES = ("fixed", "moving", "mask", "moving_mask")
_TRUTHS = (
    "a file, the rows of a matrix, or landmarks { fixed = ..., moving = ... }, each a file or a "
    "list of [x, y]"
)
WANTED = {
    "id": "a name",
    "fixed": "an image file",
    "moving": "an image file",
    "truth": _TRUTHS,
}


def refuse_unknown(table: Mapping[str, Any], known: Sequence[str], where: str) -> None:
    """Raise where a table has a key that is not known. Raises: PackError."""
    for key in table:
        if key not in known:
            near = difflib.get_close_matches(key, known, 1)
            hint = f"; write {near[0]}" if near else "; take it out"
            raise PackError(
                f"{where}: {echo(key)}: no key of that name; expected some of "
                f"{', '.join(known)}{hint}"
            )


def text_of(table: Mapping[str, Any], key: str, where: str) -> str:
    """Return a text; empty where the key is not there. Raises: PackError."""
    value = table.get(key, "")
    if not isinstance(value, str):
        raise PackError(f"{where}: {key}: {echo(value)}; expected text; write it between quotes")
    return one_line(value).strip()


def one_of(
    table: Mapping[str, Any], key: str, known: Sequence[str], default: str, where: str
) -> str:
    """Return one of the known words, or the default. Raises: PackError."""
    value = table.get(key, default)
    if value not in known:
        raise PackError(
            f"{where}: {key}: {echo(value)}; expected one of {', '.join(known)}; write one of these"
        )
    return str(value)


def tolerance_of(table: Mapping[str, Any], where: str) -> float | None:
    """Return a tolerance in px, or `None` where none is given. Raises: PackError."""
    if "tolerance" not in table:
        return None
    value = table["tolerance"]
    number = _number(value)
    if number is None or not 0 < number < math.inf:
        raise PackError(
            f"{where}: tolerance: {echo(value)}; expected px over 0; write the largest mean "
            "distance to the truth that passes, tolerance = 0.2"
        )
    return number


def image_of(table: Mapping[str, Any], key: str, where: str, folder: Path) -> ImageName | None:
    """Return an image's name, or `None` where none is given. Raises: PackError."""
    if key not in table:
        return None
    name = ImageName.parse(_path_text(table[key], key, where), folder)
    _refuse_outside(name.path, table[key], key, where, folder)
    return name


def truth_of(table: Mapping[str, Any], where: str, folder: Path) -> GivenTruth:
    """Return a truth as it is given; its files are there, and not read. Raises: PackError."""
    given, unit = table["truth"], one_of(table, "unit", UNITS, UNITS[0], where)
    if isinstance(given, str):
        return GivenTruth(_file(given, "truth", where, folder), unit=unit)
    if isinstance(given, list):
        rows = _rows(given, 3)
        if rows is None or len(rows) not in (2, 3):
            raise PackError(
                f"{where}: truth: {echo(given)}; expected two or three rows of three numbers; "
                "write [[1, 0, 3.5], [0, 1, -2]]"
            )
        return GivenTruth(rows, unit=unit)
    if isinstance(given, dict) and set(given) == {"fixed", "moving"}:
        fixed, moving = (_list(given[key], key, where, folder) for key in ("fixed", "moving"))
        return GivenTruth(points=(fixed, moving), unit=unit)
    raise PackError(f"{where}: truth: {echo(given)}; expected {_TRUTHS}; write one of these")


def _list(given: Any, role: str, where: str, folder: Path) -> Points:
    key = f"truth.{role}"
    if isinstance(given, str):
        return _file(given, key, where, folder)
    points = _rows(given, 2)
    if not points:
        raise PackError(
            f"{where}: {key}: {echo(given)}; expected a file or a list of points; write "
            "[[x, y], [x, y]]"
        )
    return tuple((x, y) for x, y in points)


def _rows(given: Any, columns: int) -> tuple[tuple[float, ...], ...] | None:
    """Return a list of rows of so many numbers, or `None` where it is none."""
    if not isinstance(given, list) or not all(isinstance(row, list) for row in given):
        return None
    rows = [[_number(value) for value in row] for row in given]
    if any(len(row) != columns or None in row for row in rows):
        return None
    return tuple(tuple(value for value in row if value is not None) for row in rows)


def _number(value: Any) -> float | None:
    """Return a number as a float; `None` where it is none, or larger than a float can be."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        return float(value)
    except OverflowError:
        return None


def _file(given: str, key: str, where: str, folder: Path) -> Path:
    path = folder / _path_text(given, key, where)
    _refuse_outside(path, given, key, where, folder)
    try:
        there = path.is_file()
    except OSError:
        there = False
    if not there:
        raise PackError(
            f"{where}: {key}: {echo(given)} does not exist; expected a file of the pack; put it "
            "there or correct the name"
        )
    return path


def _path_text(given: Any, key: str, where: str) -> str:
    if not isinstance(given, str) or not given.strip() or "\0" in given:
        raise PackError(f"{where}: {key}: {echo(given)}; expected the name of a file of the pack")
    return given


def _refuse_outside(path: Path, given: str, key: str, where: str, folder: Path) -> None:
    """A pack is moved and handed on as one folder: nothing of it lies elsewhere."""
    absolute = Path(given).is_absolute() or given.startswith("~")
    try:
        inside = path.resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError) as error:
        # A loop of links, a name that is too long.
        raise PackError(
            f"{where}: {key}: {echo(given)} cannot be looked up: {said_by(error)}; expected a "
            "file of the pack; give it another name"
        ) from None
    if absolute or not inside:
        raise PackError(
            f"{where}: {key}: {echo(given)} lies outside the pack; expected a path from "
            f"{folder} down; copy the file into the pack"
        )


def echo(value: Any) -> str:
    """Return a wrong value as a message repeats it."""
    said = repr(value)
    return said if len(said) <= ECHOED else f"{said[:ECHOED]}..."
