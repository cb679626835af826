"""Mistakes of unit and rounding (angles, normalised coordinates, pyramid levels), each undone.

Each function yields the distance to the truth, px, that is left for each variant of its mistake.
"""

import math
from collections.abc import Callable, Iterator
from itertools import product

import numpy as np

from irgate_battery.diagnosis.answer_on_grid import AnswerOnGrid, Array

POWERS = (2.0, 4.0, 8.0, 16.0, 0.5, 0.25, 0.125, 0.0625)
"""Factors of a shift that was carried over one to four pyramid levels in the wrong units."""

WHOLE_PX = 1e-3
"""Largest distance, px, of a rounded shift from a whole number: float32 and arithmetic about the
centre leave that much."""


def angle_times(factor: float) -> Callable[[AnswerOnGrid], Iterator[float]]:
    """Return the misreading of an angle as `factor` times itself.

    Angles are known only up to whole turns, so what the truth becomes is compared with the answer.
    """

    def distances(on_grid: AnswerOnGrid) -> Iterator[float]:
        truth = on_grid.pair.truth.matrix
        if truth is None or on_grid.pair.model != "rigid" or on_grid.matrix is None:
            return
        linear, shift = on_grid.parts(truth)
        angle = math.atan2(linear[1, 0], linear[0, 0]) * factor
        c, s = math.cos(angle), math.sin(angle)
        mistaken = on_grid.built(np.array([[c, -s], [s, c]]), shift)
        yield float(
            np.linalg.norm(
                on_grid.points @ mistaken[:2, :2].T + mistaken[:2, 2] - on_grid.answer, axis=-1
            ).mean()
        )

    return distances


def normalised(on_grid: AnswerOnGrid) -> Iterator[float]:
    """The answer is in normalised coordinates."""
    # Half the size, for coordinates from -1 to 1 at the outer edges or at the outer pixel centres;
    # the whole size, for coordinates from 0 to 1.
    for corners, part in product((0.0, 1.0), (0.5, 1.0)):
        yield on_grid.off(on_grid.points + on_grid.moved * (on_grid.size - corners) * part)
        if on_grid.matrix is None:
            continue
        into, out_of = (
            np.array(
                [
                    [1 / ((size[0] - corners) * part), 0.0, origin[0]],
                    [0.0, 1 / ((size[1] - corners) * part), origin[1]],
                    [0.0, 0.0, 1.0],
                ]
            )
            for size in (on_grid.size, on_grid.moving_size)
            for origin in [_normalised_origin(size, corners, part)]
        )
        yield on_grid.off_matrix(np.linalg.inv(out_of) @ on_grid.matrix @ into)


def _normalised_origin(size: Array, corners: float, part: float) -> Array:
    """Return the normalised coordinate of the first pixel's centre."""
    first: Array = (1 - corners) / 2 / ((size - corners) * part) - (1.0 if part == 0.5 else 0.0)
    return first


def turned_in_square(on_grid: AnswerOnGrid) -> Iterator[float]:
    """A was applied to coordinates divided by the half sides: a shear wherever W and H differ."""
    if on_grid.matrix is not None:
        linear, shift = on_grid.parts(on_grid.matrix)
        for sides in (on_grid.size - 1, on_grid.size):
            ratio = np.outer(1 / sides, sides)
            for meant in (linear * ratio, linear / ratio):
                yield on_grid.off_matrix(on_grid.built(meant, shift))


def scaled(on_grid: AnswerOnGrid) -> Iterator[float]:
    """Every displacement is too large or too small by one factor; the factor that fits best is
    undone.
    """
    true = on_grid.truth - on_grid.points
    length = float(np.sum(on_grid.moved**2))
    if length:
        factor = float(np.sum(on_grid.moved * true)) / length
        if factor > 0:
            yield on_grid.off(on_grid.points + factor * on_grid.moved)


def level_scale(on_grid: AnswerOnGrid) -> Iterator[float]:
    """A shift was carried over pyramid levels in the wrong units."""
    for power in POWERS:
        yield on_grid.off(on_grid.points + on_grid.moved / power)
        if on_grid.matrix is not None:
            linear, shift = on_grid.parts(on_grid.matrix)
            yield on_grid.off_matrix(on_grid.built(linear, shift / power))
            columns = on_grid.matrix.copy()
            columns[:2, 2] /= power
            yield on_grid.off_matrix(columns)


def rounded(on_grid: AnswerOnGrid) -> Iterator[float]:
    """The answer was rounded to whole pixels; a truth that rounds to it leaves no distance."""
    if on_grid.matrix is None:
        whole = on_grid.moved
        true = on_grid.truth - on_grid.points
    else:
        linear, whole = on_grid.parts(on_grid.matrix)
        truth = on_grid.pair.truth.matrix
        if truth is None:
            return
        _, true = on_grid.parts(truth)
        # The linear part must be right by itself; only the shift was rounded.
        if on_grid.off_matrix(on_grid.built(linear, true)) > WHOLE_PX * on_grid.size.max():
            return
    if np.abs(whole - np.round(whole)).max() > WHOLE_PX:
        return
    beyond = np.maximum(np.abs(whole - true) - 0.5, 0.0)
    yield float(np.linalg.norm(beyond, axis=-1).mean())


def wrapped(on_grid: AnswerOnGrid) -> Iterator[float]:
    """The shift is off by the size of the image, as that of a periodic transform is."""
    for turns in product((-1, 0, 1), repeat=2):
        if any(turns):
            yield on_grid.off(on_grid.answer + turns * on_grid.moving_size)
