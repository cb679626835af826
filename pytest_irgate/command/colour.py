"""Colour: whether a stream is to be coloured, with what, and how wide it is."""

import os
import shutil
from collections.abc import Callable
from typing import TextIO

_CODES = {"good": "32", "bad": "31", "open": "33", "head": "1"}
"""ANSI codes of the tones that have a colour."""


def paint_for(stream: TextIO | None) -> Callable[[str, str], str]:
    """Return what colours a text by its tone: nothing unless the stream is a terminal.

    `NO_COLOR` (any text) and a terminal that calls itself dumb keep colours off.
    """
    coloured = (
        is_terminal(stream) and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    )

    def paint(text: str, tone: str) -> str:
        code = _CODES.get(tone)
        return f"\x1b[{code}m{text}\x1b[0m" if coloured and code and text.strip() else text

    return paint


def is_terminal(stream: TextIO | None) -> bool:
    """Whether somebody may look at a stream; one that the process was started without is `None`."""
    return stream is not None and stream.isatty()


def width() -> int:
    """Return how many characters a line may have: some terminals wrap one that is full."""
    return shutil.get_terminal_size().columns - 1
