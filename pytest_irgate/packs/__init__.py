"""Packs that have a name: those that come with this distribution, and those of others.

A name stands for a function of no arguments that returns the folder of a pack. Another
distribution brings one by an entry point:

    [project.entry-points."irgate.packs"]
    teeth = "teeth_pack:folder"
"""

import atexit
import importlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

from irgate_battery.cases.pack_values import PackError
from irgate_battery.interface.outside_text import said_by
from pytest_irgate.user_cache import pack_folder

ENTRY_POINTS = "irgate.packs"


@dataclass(frozen=True)
class NamedPack:
    """A pack of this distribution: it is made of images that a library ships.

    Attributes:
        module: what makes it; `write(folder)` writes its files.
        about: what it holds, in one line.
        needs: the library whose images it uses; the extra `packs` brings it.
    """

    module: str
    about: str
    needs: str


PACKS = {
    "skimage": NamedPack(
        "skimage",
        "nine cases of six contents: retina, cell, brick, grass, gravel, lesions; known transforms",
        "skimage",
    ),
    "landmarks": NamedPack(
        "landmarks",
        "four cases told by points: moon, coffee, a cat's face in two colours, a head in mm",
        "skimage",
    ),
}


def folder_of(text: str, base: Path) -> Path:
    """Return the folder that an option's text means: a pack's own, or that of a name.

    A folder of just that name comes first.

    Args:
        text: as it was given.
        base: what a relative path counts from.
    Raises: PackError, where it is neither.
    """
    if not text.strip():
        raise PackError(f"{text!r}: it is empty; expected a pack's folder or name")
    folder = base / Path(text).expanduser()
    if folder.exists() or not re.fullmatch(r"[\w.-]+", text):
        return folder
    if text in PACKS:
        return _made(text, PACKS[text])
    points = installed_packs()
    if text in points:
        return _of_entry_point(points[text])
    names = ", ".join([*PACKS, *points])
    raise PackError(
        f"{text}: no folder and no pack of that name; expected a folder with a pack.toml, or one "
        f"of {names}; `irgate pack new DIR` makes a folder"
    )


def installed_packs() -> dict[str, EntryPoint]:
    """Return the entry points of other distributions, by name."""
    return {point.name: point for point in entry_points(group=ENTRY_POINTS)}


def _made(name: str, pack: NamedPack) -> Path:
    """Write a pack of this distribution into the user's cache, and return its folder."""
    from pytest_irgate.extras import is_installed

    if not is_installed(pack.needs):
        raise PackError(
            f"{name}: it uses images of {pack.needs}, which is not installed; "
            f'python -m pip install "pytest-irgate[packs]"'
        )
    try:
        write: Callable[[Path], None] = importlib.import_module(f"{__name__}.{pack.module}").write
        try:
            return pack_folder(name, write)
        except PermissionError:
            # A cache that cannot be written is no reason to stop.
            folder = Path(mkdtemp(prefix="irgate-packs-"))
            atexit.register(rmtree, folder, ignore_errors=True)
            return pack_folder(name, write, folder)
    except (OSError, ImportError, ValueError) as error:
        raise PackError(f"{name}: it cannot be made: {said_by(error)}") from None


def _of_entry_point(point: EntryPoint) -> Path:
    try:
        return Path(point.load()())
    except Exception as error:
        raise PackError(
            f"{point.name}: {point.value}, an entry point of {ENTRY_POINTS}, gives no folder: "
            f"{said_by(error)}; expected a function of no arguments that returns one"
        ) from None
