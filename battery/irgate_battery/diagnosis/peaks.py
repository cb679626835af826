"""Shifts read off a correlation in a way that is known to be wrong, computed on the pair itself.

    c(s) = sum_x f(x) m(x + s),    its spectrum F* M, periodic in the size of the image

For pure translations only. Where an answer stands at one of these and not at the truth, it was
found so.
"""

from collections.abc import Iterator
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import fft

Array = NDArray[np.float64]
Spectrum = NDArray[np.complex128]

FINE_PX = 0.01
"""Step of the finest grid on which a peak between pixels is looked for, px."""

SMALLEST = 1e-12
"""Added to a spectrum's magnitude before it is divided by."""


class WrongPeak(NamedTuple):
    """A shift that a wrong estimate gives: its fault, what was done, and `(dx, dy)` in px."""

    fault: str
    words: str
    shift: Array


def wrong_peaks(fixed: Array, moving: Array) -> Iterator[WrongPeak]:
    """Yield the shifts of the usual wrong estimates.

    Args:
        fixed, moving: `(H, W)`, of one size; nothing is yielded for two.
    """
    if fixed.shape != moving.shape:
        return
    for windowed, centred in product((False, True), repeat=2):
        f, m = (_prepared(image, windowed, centred) for image in (fixed, moving))
        product_ = np.conj(fft.fft2(f)) * fft.fft2(m)
        phase = product_ / np.maximum(np.abs(product_), SMALLEST)
        alike = "every frequency counts alike (phase correlation), so that a smooth image's noise "
        for refined in (_whole, _parabola, _between):
            yield WrongPeak(
                "every frequency weighted alike",
                f"{alike}decides: do not divide by the magnitude",
                refined(phase),
            )
        yield WrongPeak(
            "centroid of negative values",
            "the peak is refined by a weighted centroid over values of both signs: fit a parabola",
            _centroid(phase),
        )
        if not centred:
            for refined in (_whole, _parabola, _between):
                yield WrongPeak(
                    "correlation without means",
                    "the images are correlated with their means left in: subtract them",
                    refined(product_),
                )


def _prepared(image: Array, windowed: bool, centred: bool) -> Array:
    """Subtract the mean, then fall off to 0 at the border, as asked."""
    if centred:
        image = image - image.mean()
    if windowed:
        image = image * np.outer(np.hanning(image.shape[0]), np.hanning(image.shape[1]))
    return image


def _values(spectrum: Spectrum) -> Array:
    return np.asarray(fft.ifft2(spectrum).real)


def _place(values: Array) -> tuple[int, int]:
    row, column = np.unravel_index(int(np.argmax(values)), values.shape)
    return int(row), int(column)


def _signed(row: float, column: float, shape: tuple[int, ...]) -> Array:
    """Return the lag as `(dx, dy)`: one in the second half is a negative one."""
    height, width = shape
    return np.array(
        [
            column - width if column > width / 2 else column,
            row - height if row > height / 2 else row,
        ]
    )


def _whole(spectrum: Spectrum) -> Array:
    return _signed(*_place(_values(spectrum)), spectrum.shape)


def _parabola(spectrum: Spectrum) -> Array:
    """Refine the peak by a parabola each way."""
    values = _values(spectrum)
    row, column = _place(values)
    height, width = values.shape

    def vertex(before: float, at: float, after: float) -> float:
        bend = before - 2 * at + after
        return 0.5 * (before - after) / bend if bend else 0.0

    at = values[row, column]
    down = vertex(values[row - 1, column], at, values[(row + 1) % height, column])
    right = vertex(values[row, column - 1], at, values[row, (column + 1) % width])
    return _signed(row + down, column + right, values.shape)


def _between(spectrum: Spectrum) -> Array:
    """Look for the peak of the trigonometric interpolation, to `FINE_PX`."""
    row, column = _place(_values(spectrum))
    height, width = spectrum.shape
    at, reach = np.array([row, column], dtype=float), 1.5
    for step in (0.1, FINE_PX):
        offsets = np.arange(-reach, reach + step / 2, step)
        rows, columns = at[0] + offsets, at[1] + offsets
        left = np.exp(2j * np.pi * np.outer(rows, fft.fftfreq(height)))
        right = np.exp(2j * np.pi * np.outer(fft.fftfreq(width), columns))
        best = _place((left @ spectrum @ right).real)
        at, reach = np.array([rows[best[0]], columns[best[1]]]), step
    row_at, column_at = (float(value) for value in at % (height, width))
    return _signed(row_at, column_at, spectrum.shape)


def _centroid(spectrum: Spectrum) -> Array:
    """Refine the peak by the centroid of the 5x5 values around it."""
    values = fft.fftshift(_values(spectrum))
    height, width = values.shape
    row, column = _place(values)
    row, column = int(np.clip(row, 2, height - 3)), int(np.clip(column, 2, width - 3))
    near = values[row - 2 : row + 3, column - 2 : column + 3]
    total = near.sum()
    down, right = np.mgrid[-2:3, -2:3]
    if abs(total) < SMALLEST:
        return np.array([0.0, 0.0])
    return np.array(
        [
            column + (right * near).sum() / total - width // 2,
            row + (down * near).sum() / total - height // 2,
        ]
    )
