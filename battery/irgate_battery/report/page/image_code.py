"""An image as text: whole numbers, less what their neighbours predict, deflated, in base64.

A browser reads the numbers back exactly, and no colour management comes between. A pixel is
`offset + step q` with a whole `0 <= q < 2^16`. What is stored of `q` is the residual of one of
three predictions from the neighbours above and to the left (zero beyond the border), modulo 2^16:

    plane    q(y, x-1) + q(y-1, x) - q(y-1, x-1)
    median   the median of these three: left, above, plane
    double   that whose residual is the second difference along y of the second difference along x

Smooth scenes in fine steps come to 4 bits a pixel by `double`; photographs, and noise, in coarse
ones are smallest by `median`.

Source: of the median, Weinberger, Seroussi & Sapiro 2000, sec. III-A.
"""

import base64
import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LEVELS = 1 << 16
"""Of a pixel."""

Array = NDArray[np.float64]
Whole = NDArray[np.int64]


@dataclass(frozen=True)
class CodedImage:
    """An image as text.

    Attributes:
        width, height: px.
        offset, step: of its values.
        predictor: `"plane"`, `"median"` or `"double"`.
        text: base64 of the deflated residuals: their high bytes, then their low ones.

    """

    width: int
    height: int
    offset: float
    step: float
    predictor: str
    text: str


def coded(image: NDArray[np.float64], step: float) -> CodedImage:
    """Code an image `(H, W)`, each value to half a step.

    Args:
        image: finite values.
        step: between two levels; a larger one is taken where 2^16 of them do not span the image.
    """
    offset = float(image.min())
    step = max(step, float(image.max() - offset) / (LEVELS - 1))
    whole = np.rint((image - offset) / step).astype(np.int64)
    found = {name: _folded(predict(whole)) for name, predict in _RESIDUALS.items()}
    # The logarithm of a residual is about the bits that it costs.
    name = min(found, key=lambda each: float(np.log2(1.0 + found[each]).sum()))
    residual = found[name]
    planes = (residual >> 8).astype(np.uint8).tobytes() + residual.astype(np.uint8).tobytes()
    text = base64.b64encode(zlib.compress(planes, 9)).decode("ascii")
    return CodedImage(image.shape[1], image.shape[0], offset, step, name, text)


def _folded(residual: Whole) -> NDArray[np.uint16]:
    """Return residuals modulo 2^16 as 0, -1, 1, -2, ... are counted from 0."""
    signed = (residual + LEVELS // 2) % LEVELS - LEVELS // 2
    return np.where(signed >= 0, 2 * signed, -2 * signed - 1).astype(np.uint16)


def _neighbours(whole: Whole) -> tuple[Whole, Whole, Whole]:
    padded = np.pad(whole, ((1, 0), (1, 0)))
    return padded[1:, :-1], padded[:-1, 1:], padded[:-1, :-1]


def _plane(whole: Whole) -> Whole:
    left, above, across = _neighbours(whole)
    return whole - (left + above - across)


def _median(whole: Whole) -> Whole:
    left, above, across = _neighbours(whole)
    low, high = np.minimum(left, above), np.maximum(left, above)
    return np.asarray(whole - np.clip(left + above - across, low, high))


def _double(whole: Whole) -> Whole:
    padded = np.pad(whole, ((2, 0), (2, 0)))
    return np.asarray(np.diff(np.diff(padded, n=2, axis=0), n=2, axis=1))


_RESIDUALS = {"plane": _plane, "median": _median, "double": _double}
