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

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from irgate_battery.cases.own_pairs import (
    DEFAULT_INTENSITY,
    DEFAULT_MODEL,
    INTENSITIES,
    OwnPair,
    PairError,
    PreparedPair,
)
from irgate_battery.cases.pack_values import (
    IMAGES,
    WANTED,
    PackError,
    echo,
    image_of,
    one_of,
    refuse_unknown,
    text_of,
    tolerance_of,
    truth_of,
)
from irgate_battery.interface.declaration import MODELS, OPTIONAL_MODELS
from irgate_battery.interface.outside_text import said_by

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
        refuse_unknown(table, PACK_KEYS, f"{file}")
        name = text_of(table, "name", f"{file}") or folder.name
        if not _NAME.fullmatch(name):
            raise PackError(
                f"{file}: name: {echo(name)}; expected {_OF_NAMES}; give the pack one: "
                'name = "teeth"'
            )
        listed = table.get("cases")
        if not isinstance(listed, list) or not listed:
            came = "none" if listed is None or listed == [] else echo(listed)
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
        raise PackError(f"{where}: {echo(entry)}; expected a table, begun by a line [[cases]]")
    own_id = entry.get("id")
    if not isinstance(own_id, str) or not _NAME.fullmatch(own_id):
        came = "it has none" if own_id is None else echo(own_id)
        raise PackError(f'{where}: id: {came}; expected {_OF_NAMES}; write id = "molar"')
    where = f"{file}: case {own_id!r}"
    refuse_unknown(entry, CASE_KEYS, where)
    for key in NEEDED:
        if key not in entry:
            raise PackError(f"{where}: {key}: it is not there; expected {WANTED[key]}; add it")
    images = {key: image_of(entry, key, where, file.parent) for key in IMAGES}
    fixed, moving = images["fixed"], images["moving"]
    assert fixed is not None
    assert moving is not None
    pair = OwnPair(
        id=own_id,
        fixed=fixed,
        moving=moving,
        mask=images["mask"],
        model=one_of(entry, "model", (*MODELS, *OPTIONAL_MODELS), DEFAULT_MODEL, where),
        intensity=one_of(entry, "intensity", INTENSITIES, DEFAULT_INTENSITY, where),
        moving_mask=images["moving_mask"],
        truth=truth_of(entry, where, file.parent),
        tolerance_px=tolerance_of(entry, where),
    )
    told = {
        key: text_of(entry, key, where) or text_of(defaults, key, f"{file}")
        for key in ("licence", "source")
    }
    purpose = text_of(entry, "purpose", where)
    return PackCase(f"{pack}-{own_id}", own_id, file, pair, **told, purpose=purpose)
