"""Small pictures: how a solver's answer lies over the fixed image, as PNG, without a library."""

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

from irgate_battery.judge.measure import ImagePair, warp

FULL_SCALE = 0.2
"""Difference of intensity with the strongest colour, the same in every picture."""

STEPS = 64
"""Colours from one end to the other."""

NOT_MEASURED = (128, 128, 128)
"""Beyond the valid region."""

LOW, MIDDLE, HIGH = (9, 84, 158), (247, 247, 247), (178, 79, 0)
"""Blue, white, orange: told apart by all kinds of colour vision."""


def difference_picture(images: ImagePair, displacement: NDArray[np.float64]) -> bytes:
    """Return moving(T(x)) - fixed(x) as a PNG of the fixed image's size.

    Args:
        images: what is registered.
        displacement: `(H, W, 2)` px on the fixed image's grid.
    """
    warped = warp(images, displacement)
    share = np.clip((warped.image - images.fixed) / FULL_SCALE, -1.0, 1.0)
    index = np.rint((share + 1.0) / 2.0 * (STEPS - 1)).astype(np.uint8)
    return indexed_png(np.where(warped.valid, index, STEPS).astype(np.uint8), PALETTE)


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
