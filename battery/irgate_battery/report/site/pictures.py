"""Small pictures: how a solver's answer lies over the fixed image, as PNG, without a library."""

import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from irgate_battery.judge.measure import ImagePair, warp

OF_FLOOR = 8.0
"""Difference with the strongest colour, over the RMSE at the truth: the same for all solvers."""

LEAST_FULL = 1 / 255
"""The same where next to nothing is left at the truth, intensity: a grey of a screen."""

STEPS = 64
"""Colours from one end to the other."""

NOT_MEASURED = (128, 128, 128)
"""Beyond the valid region."""

LOW, MIDDLE, HIGH = (9, 84, 158), (247, 247, 247), (178, 79, 0)
"""Blue, white, orange: told apart by all kinds of colour vision."""


ACROSS = 16
"""Pictures side by side in one file, before the next row begins: no browser refuses its width."""


def full_scale(floor: float | None) -> float:
    """Return the difference with the strongest colour, intensity.

    Args:
        floor: the RMSE at the truth.
    """
    return max(OF_FLOOR * (floor or 0.0), LEAST_FULL)


def difference_levels(
    images: ImagePair, displacement: NDArray[np.float64], full: float
) -> NDArray[np.uint8]:
    """Return moving(T(x)) - fixed(x) as entries of `PALETTE`, `(H, W)`.

    Args:
        images: what is registered.
        displacement: `(H, W, 2)` px on the fixed image's grid.
        full: the difference with the strongest colour, intensity.
    """
    warped = warp(images, displacement)
    share = np.clip((warped.image - images.fixed) / full, -1.0, 1.0)
    index = np.rint((share + 1.0) / 2.0 * (STEPS - 1)).astype(np.uint8)
    return np.where(warped.valid, index, STEPS).astype(np.uint8)


@dataclass(frozen=True, eq=False)
class Sheet:
    """Pictures of one size in one file, in rows of `ACROSS`.

    Side by side equal parts of neighbours are near each other in the file, and solvers that agree
    cost little more than one.

    Attributes:
        pictures: entries of `PALETTE`, `(H, W)` each, by name; one at least.
        full: the difference with the strongest colour, intensity.
    """

    pictures: Mapping[str, NDArray[np.uint8]]
    full: float

    @property
    def names(self) -> tuple[str, ...]:
        """In the order of the file."""
        return tuple(self.pictures)

    @property
    def shape(self) -> tuple[int, int]:
        """`(H, W)` of each."""
        first = next(iter(self.pictures.values()))
        return first.shape[0], first.shape[1]

    @property
    def layout(self) -> tuple[int, int]:
        """How many rows there are, and how many pictures in the first of them."""
        return -(-len(self.pictures) // ACROSS), min(len(self.pictures), ACROSS)

    def png(self) -> bytes:
        """Return the file."""
        (rows, across), (height, width) = self.layout, self.shape
        whole = np.full((rows * height, across * width), STEPS, np.uint8)
        for number, picture in enumerate(self.pictures.values()):
            x, y = place_of(number, self.shape)
            whole[y : y + height, x : x + width] = picture
        return indexed_png(whole, PALETTE)


def place_of(number: int, shape: tuple[int, int]) -> tuple[int, int]:
    """Return where a picture of a sheet begins, (x, y) in px.

    Args:
        number: its place among them, from 0.
        shape: `(H, W)` of each.
    """
    row, column = divmod(number, ACROSS)
    return column * shape[1], row * shape[0]


def _palette() -> tuple[tuple[int, int, int], ...]:
    ends = np.array([LOW, MIDDLE, HIGH], dtype=np.float64)
    at = np.linspace(0.0, 2.0, STEPS)
    colours = np.stack([np.interp(at, [0, 1, 2], ends[:, c]) for c in range(3)], axis=-1)
    rows = [(int(r), int(g), int(b)) for r, g, b in np.rint(colours)]
    return (*rows, NOT_MEASURED)


PALETTE = _palette()


def indexed_png(index: NDArray[np.uint8], palette: tuple[tuple[int, int, int], ...]) -> bytes:
    """Return an image of palette entries as a PNG.

    Args:
        index: `(H, W)`.
        palette: red, green and blue of each entry, 0 to 255.
    Source: W3C, Portable Network Graphics, third edition, chapters 5 and 11.
    """
    height, width = index.shape
    head = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    # Each row begins with its filter: none.
    rows = np.hstack([np.zeros((height, 1), np.uint8), index]).tobytes()
    parts = (
        (b"IHDR", head),
        (b"PLTE", bytes(value for colour in palette for value in colour)),
        (b"IDAT", zlib.compress(rows, 9)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, body) for kind, body in parts)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
