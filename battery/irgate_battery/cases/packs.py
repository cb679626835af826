"""Packs: folders of image pairs whose truth is known, listed in a file `pack.toml`.

    name = "teeth"                      # default: the folder's name
    licence = "CC0-1.0"                 # of every case that states none of its own
    source = "our scanner, 2026"

    [[cases]]
    id = "molar"
    fixed = "molar-a.png"               # every path counts from the pack's folder
    moving = "molar-b.png"
    model = "rigid"
    intensity = "varying"
    truth = "molar.tfm"                 # or [[1, 0, 3.5], [0, 1, -2]], or landmarks:
                                        # { fixed = "a.csv", moving = "b.csv" }
    unit = "px"                         # or "mm"
    tolerance = 0.2                     # px, mean distance to the truth

Whatever is wrong is one line: the file, the case, the key, what came, what was expected.
"""

import difflib
import math
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from irgate_battery.cases.image_file import ImageName
from irgate_battery.cases.own_pairs import (
    DEFAULT_INTENSITY,
    DEFAULT_MODEL,
    INTENSITIES,
    OwnPair,
    PairError,
    PreparedPair,
)
from irgate_battery.cases.truth import UNITS, GivenTruth, Points
from irgate_battery.interface.declaration import MODELS, OPTIONAL_MODELS
from irgate_battery.interface.outside_text import one_line, said_by

FILE = "pack.toml"

PACK_KEYS = ("name", "licence", "source", "cases")
CASE_KEYS = (
    "id",
    "fixed",
    "moving",
    "mask",
    "moving_mask",
    "model",
    "intensity",
    "truth",
    "unit",
    "tolerance",
    "licence",
    "source",
    "purpose",
)
NEEDED = ("id", "fixed", "moving", "truth")

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?")
_OF_NAMES = "ASCII letters, digits, - _ . between them"

ECHOED = 60
"""Characters of a wrong value that a message repeats."""


class PackError(PairError):
    """A pack that cannot be used; its text is one line that says which, where and why."""

    def __init__(self, message: str) -> None:
        super().__init__(one_line(message))


@dataclass(frozen=True)
class PackCase:
    """One case of a pack.

    Attributes:
        id: stable, ASCII: the pack's name and the case's, `teeth-molar`.
        own_id: the case's alone.
        pack: the pack's file, absolute.
        pair: images, model, intensity, truth and tolerance.
        licence, source: of its images, in words; empty where nobody says.
        purpose: what it is there to show; empty where nobody says.
    """

    id: str
    own_id: str
    pack: Path
    pair: OwnPair
    licence: str
    source: str
    purpose: str

    @property
    def files(self) -> str:
        """What a row says of it, and `case_of` reads."""
        return f"{self.pack}#{self.own_id}"

    def read(self) -> PreparedPair:
        """Read its files. Raises: PackError."""
        try:
            return self.pair.read()
        except PairError as error:
            said = str(error).removeprefix(f"{self.pair.id}: ")
            raise PackError(f"{self.pack}: case {self.own_id!r}: {said}") from None


@dataclass(frozen=True)
class Pack:
    """A pack.

    Attributes:
        name: ASCII; begins the ids of its cases.
        file: its `pack.toml`, absolute.
        cases: at least one.
    """

    name: str
    file: Path
    cases: tuple[PackCase, ...]

    @property
    def folder(self) -> Path:
        """Its folder."""
        return self.file.parent

    @classmethod
    def read(cls, folder: Path) -> "Pack":
        """Read a pack's file; its images are read only when asked for. Raises: PackError."""
        folder = folder.absolute()
        file = folder / FILE
        table = _toml(folder, file)
        _refuse_unknown(table, PACK_KEYS, f"{file}")
        name = _text(table, "name", f"{file}") or folder.name
        if not _NAME.fullmatch(name):
            raise PackError(
                f"{file}: name: {_echo(name)}; expected {_OF_NAMES}; give the pack one: "
                'name = "teeth"'
            )
        listed = table.get("cases")
        if not isinstance(listed, list) or not listed:
            came = "none" if listed is None or listed == [] else _echo(listed)
            raise PackError(
                f"{file}: cases: {came}; expected at least one; begin each with a line [[cases]]"
            )
        cases: dict[str, PackCase] = {}
        for number, entry in enumerate(listed, 1):
            case = _case(entry, number, name, file, table)
            if case.own_id in cases:
                raise PackError(
                    f"{file}: case {case.own_id!r}: id: it stands there twice; expected an id of "
                    "its own for each case"
                )
            cases[case.own_id] = case
        return cls(name, file, tuple(cases.values()))


def read_packs(folders: Sequence[Path]) -> tuple[Pack, ...]:
    """Read packs, in this order. Raises: PackError, where two have a case of one id too."""
    packs = tuple(Pack.read(folder) for folder in dict.fromkeys(map(Path.absolute, folders)))
    seen: dict[str, PackCase] = {}
    for case in (case for pack in packs for case in pack.cases):
        other = seen.setdefault(case.id, case)
        if other is not case:
            raise PackError(
                f"{case.pack}: case {case.own_id!r}: id: {other.pack} has a case {case.id!r} too; "
                "expected packs of different names; give one of them another name"
            )
    return packs


def case_of(files: str) -> PackCase | None:
    """Return the case that a row's `files` names; `None` where it names no pack.

    Raises: PackError, where the pack is not there any more or has no such case.
    """
    place, _, own_id = files.rpartition("#")
    if Path(place).name != FILE:
        return None
    for case in Pack.read(Path(place).parent).cases:
        if case.own_id == own_id:
            return case
    raise PackError(f"{place}: it has no case {own_id!r} any more")


def _toml(folder: Path, file: Path) -> dict[str, Any]:
    if not folder.is_dir():
        raise PackError(
            f"{folder}: no folder; expected one that holds {FILE}; `irgate pack new DIR` makes one"
        )
    if not file.is_file():
        raise PackError(
            f"{folder}: no {FILE} in it; expected one; `irgate pack new DIR` writes one"
        )
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise PackError(f"{file}: no TOML: {said_by(error)}; correct that line") from None
    except (OSError, UnicodeDecodeError, RecursionError) as error:
        raise PackError(f"{file}: it cannot be read: {said_by(error)}") from None


def _case(entry: Any, number: int, pack: str, file: Path, defaults: Mapping[str, Any]) -> PackCase:
    where = f"{file}: case {number}"
    if not isinstance(entry, dict):
        raise PackError(f"{where}: {_echo(entry)}; expected a table, begun by a line [[cases]]")
    own_id = entry.get("id")
    if not isinstance(own_id, str) or not _NAME.fullmatch(own_id):
        came = "it has none" if own_id is None else _echo(own_id)
        raise PackError(f'{where}: id: {came}; expected {_OF_NAMES}; write id = "molar"')
    where = f"{file}: case {own_id!r}"
    _refuse_unknown(entry, CASE_KEYS, where)
    for key in NEEDED:
        if key not in entry:
            raise PackError(f"{where}: {key}: it is not there; expected {_WANTED[key]}; add it")
    images = {key: _image(entry, key, where, file.parent) for key in _IMAGES}
    fixed, moving = images["fixed"], images["moving"]
    assert fixed is not None
    assert moving is not None
    pair = OwnPair(
        id=own_id,
        fixed=fixed,
        moving=moving,
        mask=images["mask"],
        model=_one_of(entry, "model", (*MODELS, *OPTIONAL_MODELS), DEFAULT_MODEL, where),
        intensity=_one_of(entry, "intensity", INTENSITIES, DEFAULT_INTENSITY, where),
        moving_mask=images["moving_mask"],
        truth=_truth(entry, where, file.parent),
        tolerance_px=_tolerance(entry, where),
    )
    told = {
        key: _text(entry, key, where) or _text(defaults, key, f"{file}")
        for key in ("licence", "source")
    }
    purpose = _text(entry, "purpose", where)
    return PackCase(f"{pack}-{own_id}", own_id, file, pair, **told, purpose=purpose)


_IMAGES = ("fixed", "moving", "mask", "moving_mask")
_TRUTHS = (
    "a file, the rows of a matrix, or landmarks { fixed = ..., moving = ... }, each a file or a "
    "list of [x, y]"
)
_WANTED = {
    "id": "a name",
    "fixed": "an image file",
    "moving": "an image file",
    "truth": _TRUTHS,
}


def _refuse_unknown(table: Mapping[str, Any], known: Sequence[str], where: str) -> None:
    for key in table:
        if key not in known:
            near = difflib.get_close_matches(key, known, 1)
            hint = f"; write {near[0]}" if near else "; take it out"
            raise PackError(
                f"{where}: {_echo(key)}: no key of that name; expected some of "
                f"{', '.join(known)}{hint}"
            )


def _text(table: Mapping[str, Any], key: str, where: str) -> str:
    value = table.get(key, "")
    if not isinstance(value, str):
        raise PackError(f"{where}: {key}: {_echo(value)}; expected text; write it between quotes")
    return one_line(value).strip()


def _one_of(
    table: Mapping[str, Any], key: str, known: Sequence[str], default: str, where: str
) -> str:
    value = table.get(key, default)
    if value not in known:
        raise PackError(
            f"{where}: {key}: {_echo(value)}; expected one of {', '.join(known)}; write one of "
            "these"
        )
    return str(value)


def _tolerance(table: Mapping[str, Any], where: str) -> float | None:
    if "tolerance" not in table:
        return None
    value = table["tolerance"]
    number = _number(value)
    if number is None or not 0 < number < math.inf:
        raise PackError(
            f"{where}: tolerance: {_echo(value)}; expected px over 0; write the largest mean "
            "distance to the truth that passes, tolerance = 0.2"
        )
    return number


def _image(table: Mapping[str, Any], key: str, where: str, folder: Path) -> ImageName | None:
    if key not in table:
        return None
    name = ImageName.parse(_path_text(table[key], key, where), folder)
    _refuse_outside(name.path, table[key], key, where, folder)
    return name


def _truth(table: Mapping[str, Any], where: str, folder: Path) -> GivenTruth:
    given, unit = table["truth"], _one_of(table, "unit", UNITS, UNITS[0], where)
    if isinstance(given, str):
        return GivenTruth(_file(given, "truth", where, folder), unit=unit)
    if isinstance(given, list):
        rows = _rows(given, 3)
        if rows is None or len(rows) not in (2, 3):
            raise PackError(
                f"{where}: truth: {_echo(given)}; expected two or three rows of three numbers; "
                "write [[1, 0, 3.5], [0, 1, -2]]"
            )
        return GivenTruth(rows, unit=unit)
    if isinstance(given, dict) and set(given) == {"fixed", "moving"}:
        fixed, moving = (_list(given[key], key, where, folder) for key in ("fixed", "moving"))
        return GivenTruth(points=(fixed, moving), unit=unit)
    raise PackError(f"{where}: truth: {_echo(given)}; expected {_TRUTHS}; write one of these")


def _list(given: Any, role: str, where: str, folder: Path) -> Points:
    key = f"truth.{role}"
    if isinstance(given, str):
        return _file(given, key, where, folder)
    points = _rows(given, 2)
    if not points:
        raise PackError(
            f"{where}: {key}: {_echo(given)}; expected a file or a list of points; write "
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
            f"{where}: {key}: {_echo(given)} does not exist; expected a file of the pack; put it "
            "there or correct the name"
        )
    return path


def _path_text(given: Any, key: str, where: str) -> str:
    if not isinstance(given, str) or not given.strip() or "\0" in given:
        raise PackError(f"{where}: {key}: {_echo(given)}; expected the name of a file of the pack")
    return given


def _refuse_outside(path: Path, given: str, key: str, where: str, folder: Path) -> None:
    """A pack is moved and handed on as one folder: nothing of it lies elsewhere."""
    absolute = Path(given).is_absolute() or given.startswith("~")
    try:
        inside = path.resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError) as error:
        # A loop of links, a name that is too long.
        raise PackError(
            f"{where}: {key}: {_echo(given)} cannot be looked up: {said_by(error)}; expected a "
            "file of the pack; give it another name"
        ) from None
    if absolute or not inside:
        raise PackError(
            f"{where}: {key}: {_echo(given)} lies outside the pack; expected a path from "
            f"{folder} down; copy the file into the pack"
        )


def _echo(value: Any) -> str:
    said = repr(value)
    return said if len(said) <= ECHOED else f"{said[:ECHOED]}..."
