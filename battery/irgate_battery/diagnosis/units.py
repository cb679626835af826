"""Mistakes of unit and rounding (angles, normalised coordinates, pyramid levels), each undone.

Each function yields the distance to the truth, px, that is left for each variant of its mistake.
"""

import math
from collections.abc import Callable, Iterator
from itertools import product

import numpy as np

from irgate_battery.diagnosis.view import Array, View

POWERS = (2.0, 4.0, 8.0, 16.0, 0.5, 0.25, 0.125, 0.0625)
"""What a shift is off by when it was carried over one to four pyramid levels in the wrong units."""

WHOLE_PX = 1e-3
"""How far from a whole number a rounded shift may be: float32, and arithmetic about the centre."""


def angle_times(factor: float) -> Callable[[View], Iterator[float]]:
    """Return the misreading of an angle as `factor` times itself.

    Angles are known only up to whole turns, so what the truth becomes is compared with the answer.
    """

    def distances(view: View) -> Iterator[float]:
        truth = view.pair.truth.matrix
        if truth is None or view.pair.model != "rigid" or view.matrix is None:
            return
        linear, shift = view.parts(truth)
        angle = math.atan2(linear[1, 0], linear[0, 0]) * factor
        c, s = math.cos(angle), math.sin(angle)
        mistaken = view.built(np.array([[c, -s], [s, c]]), shift)
        yield float(
            np.linalg.norm(
                view.points @ mistaken[:2, :2].T + mistaken[:2, 2] - view.answer, axis=-1
            ).mean()
        )

    return distances


def normalised(view: View) -> Iterator[float]:
    """The answer is in normalised coordinates."""
    # Half the size, for coordinates from -1 to 1 at the outer edges or at the outer pixel centres;
    # the whole size, for coordinates from 0 to 1.
    for corners, part in product((0.0, 1.0), (0.5, 1.0)):
        yield view.off(view.points + view.moved * (view.size - corners) * part)
        if view.matrix is None:
            continue
        into, out_of = (
            np.array(
                [
                    [1 / ((size[0] - corners) * part), 0.0, origin[0]],
                    [0.0, 1 / ((size[1] - corners) * part), origin[1]],
                    [0.0, 0.0, 1.0],
                ]
            )
            for size in (view.size, view.moving_size)
            for origin in [_normalised_origin(size, corners, part)]
        )
        yield view.off_matrix(np.linalg.inv(out_of) @ view.matrix @ into)


def _normalised_origin(size: Array, corners: float, part: float) -> Array:
    """Return the normalised coordinate of the first pixel's centre."""
    first: Array = (1 - corners) / 2 / ((size - corners) * part) - (1.0 if part == 0.5 else 0.0)
    return first


def turned_in_square(view: View) -> Iterator[float]:
    """A was applied to coordinates divided by the half sides: a shear wherever W and H differ."""
    if view.matrix is not None:
        linear, shift = view.parts(view.matrix)
        for sides in (view.size - 1, view.size):
            ratio = np.outer(1 / sides, sides)
            for meant in (linear * ratio, linear / ratio):
                yield view.off_matrix(view.built(meant, shift))


def scaled(view: View) -> Iterator[float]:
    """Every displacement is too large or too small by one factor, which is the nearest one."""
    true = view.truth - view.points
    length = float(np.sum(view.moved**2))
    if length:
        factor = float(np.sum(view.moved * true)) / length
        if factor > 0:
            yield view.off(view.points + factor * view.moved)


def level_scale(view: View) -> Iterator[float]:
    """A shift was carried over pyramid levels in the wrong units."""
    for power in POWERS:
        yield view.off(view.points + view.moved / power)
        if view.matrix is not None:
            linear, shift = view.parts(view.matrix)
            yield view.off_matrix(view.built(linear, shift / power))
            columns = view.matrix.copy()
            columns[:2, 2] /= power
            yield view.off_matrix(columns)


def rounded(view: View) -> Iterator[float]:
    """Where the answer is whole, it stands for everything that rounds to it."""
    if view.matrix is None:
        whole = view.moved
        true = view.truth - view.points
    else:
        linear, whole = view.parts(view.matrix)
        truth = view.pair.truth.matrix
        if truth is None:
            return
        _, true = view.parts(truth)
        # The linear part must be right by itself; only the shift was rounded.
        if view.off_matrix(view.built(linear, true)) > WHOLE_PX * view.size.max():
            return
    if np.abs(whole - np.round(whole)).max() > WHOLE_PX:
        return
    beyond = np.maximum(np.abs(whole - true) - 0.5, 0.0)
    yield float(np.linalg.norm(beyond, axis=-1).mean())


def wrapped(view: View) -> Iterator[float]:
    """The shift came out of a periodic transform, and lacks a whole image."""
    for turns in product((-1, 0, 1), repeat=2):
        if any(turns):
            yield view.off(view.answer + turns * view.moving_size)
