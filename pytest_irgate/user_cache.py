"""The cache of `irgate check`: SimpleITK's results on cases that have no stored one, for this user.

pytest's cache belongs to a project; the command has none, and runs in any folder.
"""

import json
import os
from pathlib import Path
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
