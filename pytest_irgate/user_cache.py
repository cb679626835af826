"""The user's cache: SimpleITK's results of `irgate check`, and the packs of this distribution.

pytest's cache belongs to a project; the command has none, and runs in any folder.
"""

import json
import os
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from platformdirs import user_cache_path


class UserCache:
    """Values by key, one JSON file each, in the user's folder for caches.

    What cannot be read or written raises: the oracle's store warns then, and computes.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or user_cache_path("pytest-irgate")

    def get(self, key: str, default: Any) -> Any:
        """Return what was set for `key`, or `default`. Raises: OSError, ValueError."""
        try:
            return json.loads(self._file(key).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return default

    def set(self, key: str, value: Any) -> None:
        """Keep a JSON-able value, whole or not at all. Raises: OSError."""
        file = self._file(key)
        file.parent.mkdir(parents=True, exist_ok=True)
        # Two runs at a time may compute the same case.
        beside = file.with_name(f"{file.name}.{os.getpid()}")
        try:
            beside.write_text(json.dumps(value), encoding="utf-8")
            os.replace(beside, file)
        finally:
            beside.unlink(missing_ok=True)

    def _file(self, key: str) -> Path:
        return self._folder.joinpath(*key.split("/")).with_suffix(".json")


def pack_folder(name: str, write: Callable[[Path], None], folder: Path | None = None) -> Path:
    """Return the folder of a pack that is made of a library's images; it is written anew.

    What is left of an earlier run, of another version or damaged, is never used: the files take a
    second. They are the same bytes each time, so that runs side by side do not disturb each other.

    Args:
        name: the pack's.
        write: writes its files into a folder.
        folder: of all packs; the user's cache if not given.
    Raises: OSError.
    """
    packs = folder or user_cache_path("pytest-irgate") / "packs"
    target = packs / name
    packs.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=packs, prefix=f".{name}-") as fresh:
        write(Path(fresh))
        target.mkdir(exist_ok=True)
        for file in sorted(Path(fresh).iterdir()):
            os.replace(file, target / file.name)
    return target
