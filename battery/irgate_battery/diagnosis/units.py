"""Mistakes of unit and rounding (angles, normalised coordinates, pyramid levels), each undone.

Each function yields what is left for each variant of its mistake.
"""

import math
from collections.abc import Callable, Iterator
from itertools import product

import numpy as np

from irgate_battery.diagnosis.answer_on_grid import AnswerOnGrid, Array
from irgate_battery.diagnosis.undone import Undone

POWERS = (2.0, 4.0, 8.0, 16.0, 0.5, 0.25, 0.125, 0.0625)
"""Factors of a shift that was carried over one to four pyramid levels in the wrong units."""

TIE_PX = 0.05
"""A shift this near to the middle of two whole pixels may be rounded either way, px."""

VARYING_SHARE = 0.25
"""A displacement varies where it differs from its mean by this part of its length, on average."""

LEAST_FACTOR = 0.05
"""Of a displacement; a smaller one is no factor but an answer that did not move."""


def angle_times(factor: float) -> Callable[[AnswerOnGrid], Iterator[Undone]]:
    """Return the misreading of an angle as `factor` times itself.

    Angles are known only up to whole turns, so what the truth becomes is compared with the answer.
    """

    def distances(on_grid: AnswerOnGrid) -> Iterator[Undone]:
        truth = on_grid.pair.truth.matrix
        if truth is None or on_grid.pair.model != "rigid" or on_grid.matrix is None:
            return
        linear, shift = on_grid.parts(truth)
        angle = math.atan2(linear[1, 0], linear[0, 0]) * factor
        c, s = math.cos(angle), math.sin(angle)
        mistaken = on_grid.built(np.array([[c, -s], [s, c]]), shift)
        mapped = on_grid.points @ mistaken[:2, :2].T + mistaken[:2, 2]
        yield Undone(on_grid.mean_length(mapped - on_grid.answer), "", on_grid.off_matrix(mistaken))

    return distances


def normalised(on_grid: AnswerOnGrid) -> Iterator[Undone]:
    """The answer is in normalised coordinates."""
    # Half the size, for coordinates from -1 to 1 at the outer edges or at the outer pixel centres;
    # the whole size, for coordinates from 0 to 1.
    for corners, part in product((0.0, 1.0), (0.5, 1.0)):
        variant = f"{'centres' if corners else 'edges'}, {part:g}"
        meant = on_grid.points + on_grid.moved * (on_grid.size - corners) * part
        yield Undone(on_grid.off(meant), f"displacement, {variant}")
        if on_grid.whole is None:
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
        whole = np.linalg.inv(out_of) @ on_grid.whole @ into
        yield Undone(on_grid.off_matrix(whole), f"matrix, {variant}")


def _normalised_origin(size: Array, corners: float, part: float) -> Array:
    """Return the normalised coordinate of the first pixel's centre."""
    first: Array = (1 - corners) / 2 / ((size - corners) * part) - (1.0 if part == 0.5 else 0.0)
    return first


def turned_in_square(on_grid: AnswerOnGrid) -> Iterator[Undone]:
    """A was applied to coordinates divided by the half sides: a shear wherever W and H differ."""
    if on_grid.matrix is not None:
        linear, shift = on_grid.parts(on_grid.matrix)
        for sides, name in ((on_grid.size - 1, "centres"), (on_grid.size, "edges")):
            ratio = np.outer(1 / sides, sides)
            for meant, way in ((linear * ratio, "into"), (linear / ratio, "out of")):
                yield Undone(on_grid.off_matrix(on_grid.built(meant, shift)), f"{name}, {way}")


def other_side(on_grid: AnswerOnGrid) -> Iterator[Undone]:
    """Dx was divided by the height and dy by the width, or multiplied."""
    ratio = on_grid.size / on_grid.size[::-1]
    yield Undone(on_grid.off(on_grid.points + on_grid.moved / ratio), "divided")
    yield Undone(on_grid.off(on_grid.points + on_grid.moved * ratio), "multiplied")


def scaled(on_grid: AnswerOnGrid) -> Iterator[Undone]:
    """Every displacement is too large or too small by one factor, u = f v; the f that fits best.

    A displacement that hardly varies over the image cannot tell a factor from a shift, so a truth
    of that kind is asked nothing.
    """
    true = on_grid.truth - on_grid.points
    varying = on_grid.mean_length(true - true.mean(axis=(0, 1)))
    if varying < VARYING_SHARE * on_grid.mean_length(true):
        return
    factor = float(np.sum(on_grid.moved * true)) / float(np.sum(true**2))
    if not LEAST_FACTOR < factor < 1 / LEAST_FACTOR:
        return
    left = on_grid.off(on_grid.points + on_grid.moved / factor)
    yield Undone(left, f"{factor:.3g}", abs(factor - 1) * on_grid.mean_length(true))


def level_scale(on_grid: AnswerOnGrid) -> Iterator[Undone]:
    """A shift was carried over pyramid levels in the wrong units."""
    true = on_grid.mean_length(on_grid.truth - on_grid.points)
    truth = on_grid.pair.truth.matrix
    shift, column = (0.0, 0.0) if truth is None else _lengths_of_shift(on_grid, truth)
    for power in POWERS:
        times = f"{power:g}" if power > 1 else f"1/{1 / power:g}"
        grown = abs(power - 1)
        left = on_grid.off(on_grid.points + on_grid.moved / power)
        yield Undone(left, f"{times}, everywhere", grown * true)
        if on_grid.matrix is not None:
            linear, found = on_grid.parts(on_grid.matrix)
            left = on_grid.off_matrix(on_grid.built(linear, found / power))
            yield Undone(left, f"{times}, at the centre", grown * shift)
            columns = on_grid.matrix.copy()
            columns[:2, 2] /= power
            yield Undone(on_grid.off_matrix(columns), f"{times}, at the origin", grown * column)


def level_perspective(on_grid: AnswerOnGrid) -> Iterator[Undone]:
    """A homography's last row was carried over pyramid levels in the wrong units."""
    if on_grid.matrix is None and on_grid.whole is not None:
        for power in POWERS:
            other = on_grid.whole.copy()
            other[2, :2] /= power
            times = f"{power:g}" if power > 1 else f"1/{1 / power:g}"
            yield Undone(on_grid.off_matrix(other), times)


def _lengths_of_shift(on_grid: AnswerOnGrid, truth: Array) -> tuple[float, float]:
    """Return how far the truth moves the centre and the origin, px."""
    _, shift = on_grid.parts(truth)
    return float(np.linalg.norm(shift)), float(np.linalg.norm(truth[:2, 2]))


def rounded(on_grid: AnswerOnGrid) -> Iterator[Undone]:
    """The answer was rounded to whole pixels.

    The truth so rounded is set beside the answer. A shift within `TIE_PX` of the middle may be
    rounded either way by an answer that is nearly right.
    """
    true = on_grid.truth - on_grid.points
    truth = on_grid.pair.truth.matrix
    yield _rounded_to(on_grid, on_grid.points + _whole(true, on_grid.moved), "every displacement")
    if truth is not None and on_grid.matrix is not None:
        linear, shift = on_grid.parts(truth)
        _, found = on_grid.parts(on_grid.matrix)
        centred = on_grid.built(linear, _whole(shift, found))
        mapped = on_grid.points @ centred[:2, :2].T + centred[:2, 2]
        yield _rounded_to(on_grid, mapped, "the shift at the centre")
        column = truth.copy()
        column[:2, 2] = _whole(truth[:2, 2], on_grid.matrix[:2, 2])
        mapped = on_grid.points @ column[:2, :2].T + column[:2, 2]
        yield _rounded_to(on_grid, mapped, "the shift at the origin")


def _whole(true: Array, found: Array) -> Array:
    """Return `true` rounded, the way that `found` went where it is a tie."""
    tie = np.abs(np.round(found) - true) <= 0.5 + TIE_PX
    return np.where(tie, np.round(found), np.round(true))


def _rounded_to(on_grid: AnswerOnGrid, mapped: Array, variant: str) -> Undone:
    return Undone(on_grid.mean_length(mapped - on_grid.answer), variant, on_grid.off(mapped))


def wrapped(on_grid: AnswerOnGrid) -> Iterator[Undone]:
    """The shift is off by the size of the image, as that of a periodic transform is."""
    for turns in product((-1, 0, 1), repeat=2):
        if any(turns):
            yield Undone(on_grid.off(on_grid.answer + turns * on_grid.moving_size), f"{turns}")
