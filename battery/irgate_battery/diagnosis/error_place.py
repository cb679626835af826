"""Where in the image an answer is wrong, if it is right in most of it.

A field from optical flow often ends right but for a strip along the border, or for one part that
it did not find. The mean distance to the truth does not show that.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BORDER_WIDTH = 0.1
"""Part of each side that is the border."""

BORDER_SHARE = 0.75
"""Part of the summed distance that must lie there. An error that is the same everywhere has .36 of
it there, one that grows from the centre about half."""

NINTH_SHARE = 0.6
"""The same for one of nine parts; an error that is the same everywhere has .11 in each."""

ROWS, COLUMNS = ("upper", "middle", "lower"), ("left", "middle", "right")
"""The nine parts, by name."""

BORDER = "the border"
"""The outermost part of the image."""


@dataclass(frozen=True)
class ErrorPlace:
    """Where most of an error lies.

    Attributes:
        name: the border, or one of the nine parts of the image.
        share: its part of the summed distance to the truth.
    """

    name: str
    share: float


def error_place(distance: NDArray[np.float64], valid: NDArray[np.bool_]) -> ErrorPlace | None:
    """Return where most of the distance to the truth lies; `None` where it lies in no one place.

    Args:
        distance: of each pixel of the fixed image, `(H, W)`, px.
        valid: where it counts, bool `(H, W)`.
    """
    counted = np.where(valid, distance, 0.0)
    whole = float(counted.sum())
    if whole <= 0:
        return None
    height, width = counted.shape
    y, x = round(BORDER_WIDTH * height), round(BORDER_WIDTH * width)
    border = 1 - float(counted[y : height - y, x : width - x].sum()) / whole
    places = [ErrorPlace(BORDER, border)] if border >= BORDER_SHARE else []
    for row, band in zip(ROWS, np.array_split(counted, len(ROWS), axis=0), strict=True):
        for column, part in zip(COLUMNS, np.array_split(band, len(COLUMNS), axis=1), strict=True):
            share = float(part.sum()) / whole
            if share >= NINTH_SHARE:
                name = "the middle" if row == column == "middle" else f"the {row} {column} ninth"
                places.append(ErrorPlace(name, share))
    return max(places, key=lambda place: place.share, default=None)
