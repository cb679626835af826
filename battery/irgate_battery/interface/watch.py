"""What is watched during a call, where the solver lives: its input, its output, global state."""

import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import numpy as np

from irgate_battery.interface.call import Watch
from irgate_battery.interface.process_state import state_watched

FIRST = 60
"""Characters that are kept of what is printed."""


def watching(
    watch: Watch | None, handed: Mapping[str, Any], home: str | None, seen: dict[str, Any]
) -> AbstractContextManager[None]:
    """Return the context that watches a call.

    Args:
        watch: what is watched.
        handed: what the solver is handed, by argument.
        home: the working directory before the solver's first call.
        seen: gets what was seen, see `Outcome`.
    """
    match watch:
        case "input":
            return _input_watched(handed, seen)
        case "output":
            return _output_watched(seen)
        case "state":
            return state_watched(home, seen)
    return nullcontext()


@contextmanager
def _input_watched(handed: Mapping[str, Any], seen: dict[str, Any]) -> Iterator[None]:
    """Count the pixels of each array that a call changes."""
    arrays = {name: value for name, value in handed.items() if isinstance(value, np.ndarray)}
    before = {name: array.copy() for name, array in arrays.items()}
    yield
    for name, array in arrays.items():
        seen[name] = int(np.count_nonzero(array != before[name]))


@contextmanager
def _output_watched(seen: dict[str, Any]) -> Iterator[None]:
    """Catch what is written to standard output, by Python and by compiled code alike."""
    with tempfile.TemporaryFile() as file:
        stream = sys.stdout
        try:
            stream.flush()
            saved = os.dup(1)
        except (OSError, ValueError):
            seen["closed"] = True
            yield
            return
        try:
            os.dup2(file.fileno(), 1)
            with open(os.dup(1), "w", encoding="utf-8", errors="replace") as text:
                sys.stdout = text
                try:
                    yield
                finally:
                    sys.stdout = stream
        finally:
            os.dup2(saved, 1)
            os.close(saved)
            file.seek(0)
            printed = file.read().decode("utf-8", errors="replace")
            lines = printed.strip().splitlines()
            seen["count"] = len(printed)
            seen["first"] = (lines[0] if lines else printed)[:FIRST]
