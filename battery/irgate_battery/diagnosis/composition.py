"""Mistakes of putting a matrix together: order, the identity, what is added twice; each undone.

Each function yields what is left for each variant of its mistake.
"""

import math
from collections.abc import Iterator

import numpy as np

from irgate_battery.diagnosis.answer_on_grid import AnswerOnGrid, Array
from irgate_battery.diagnosis.undone import Undone

LEAST_TURN = math.radians(1.0)
"""Below this rotation of the truth, the order in which it is composed cannot be told, radians."""

IDENTITY = np.diag([1.0, 1.0, 0.0])


def shift_first(on_grid: AnswerOnGrid) -> Iterator[Undone]:
    """The shift was applied before A instead of after it."""
    if on_grid.matrix is not None:
        linear, shift = on_grid.parts(on_grid.matrix)
        yield Undone(on_grid.off_matrix(on_grid.built(linear, linear @ shift)), "before")
        if abs(np.linalg.det(linear)) > 1e-6:
            meant = on_grid.built(linear, np.linalg.inv(linear) @ shift)
            yield Undone(on_grid.off_matrix(meant), "after")


def without_identity(on_grid: AnswerOnGrid) -> Iterator[Undone]:
    """The matrix holds A - I."""
    if on_grid.matrix is not None:
        yield Undone(on_grid.off_matrix(on_grid.matrix + IDENTITY))


def without_perspective(on_grid: AnswerOnGrid) -> Iterator[Undone]:
    """The division by w was left out: the last row is (0, 0, 1), about the origin or the centre.

    The truth so mistaken is set beside the answer: what was left out cannot be given back.
    """
    truth = getattr(on_grid.pair.truth, "homography", None)
    if truth is None or on_grid.matrix is None:
        return
    to_centre = np.eye(3)
    to_centre[:2, 2] = on_grid.centre
    for back, variant in ((np.eye(3), "at the origin"), (to_centre, "at the centre")):
        mistaken = np.linalg.inv(back) @ truth @ back
        mistaken = mistaken / mistaken[2, 2]
        mistaken[2, :2] = 0.0
        mistaken = back @ mistaken @ np.linalg.inv(back)
        left = on_grid.mean_length(on_grid.mapped(mistaken) - on_grid.answer)
        yield Undone(left, variant, on_grid.off_matrix(mistaken))


def scale_misapplied(on_grid: AnswerOnGrid) -> Iterator[Undone]:
    """A similarity's scale s came as s^2 or as 1/s, with the shift of the centre or the origin."""
    truth = on_grid.pair.truth.matrix
    if on_grid.pair.model != "similarity" or truth is None or on_grid.matrix is None:
        return
    linear, shift = on_grid.parts(truth)
    scale = math.sqrt(np.linalg.det(linear))
    for times, variant in ((scale, "twice"), (scale**-2, "inverted")):
        column = truth.copy()
        column[:2, :2] *= times
        for mistaken in (on_grid.built(times * linear, shift), column):
            left = on_grid.mean_length(on_grid.mapped(mistaken) - on_grid.answer)
            yield Undone(left, variant, on_grid.off_matrix(mistaken))


def stages_exchanged(on_grid: AnswerOnGrid) -> Iterator[Undone]:
    """T = F G, a first rotation F about the centre and what was found after it, came as G F.

    G F = F^-1 T F. Which part of the truth's rotation F had is not known, so the one that fits
    best is taken, up to the whole rotation.
    """
    truth = on_grid.pair.truth.matrix
    if truth is None or on_grid.matrix is None:
        return
    linear, _ = on_grid.parts(truth)
    whole = math.atan2(linear[1, 0] - linear[0, 1], linear[0, 0] + linear[1, 1])
    if abs(whole) < LEAST_TURN:
        return
    given = on_grid.matrix
    # Slow to import, and only a wrong answer needs it.
    from scipy.optimize import minimize_scalar

    def meant(angle: float) -> Array:
        first = _turn(on_grid, angle)
        return np.asarray(first @ given @ np.linalg.inv(first))

    found = minimize_scalar(
        lambda part: on_grid.off_matrix(meant(part * whole)), bounds=(0.0, 1.0), method="bounded"
    )
    first = _turn(on_grid, float(found.x) * whole)
    mistaken = np.linalg.inv(first) @ truth @ first
    yield Undone(float(found.fun), f"{found.x:.2g} of the turn", on_grid.off_matrix(mistaken))


def fraction_twice(on_grid: AnswerOnGrid) -> Iterator[Undone]:
    """What lies below the whole pixel was added once more: d + (d - round d).

    The truth so mistaken is set beside the answer: rounding cannot be undone.
    """
    truth = on_grid.pair.truth.matrix
    if truth is None:
        return
    linear, shift = on_grid.parts(truth)
    centred = on_grid.built(linear, 2 * shift - np.round(shift))
    column = truth.copy()
    column[:2, 2] += truth[:2, 2] - np.round(truth[:2, 2])
    for mistaken, variant in ((centred, "at the centre"), (column, "at the origin")):
        mapped = on_grid.points @ mistaken[:2, :2].T + mistaken[:2, 2]
        yield Undone(
            on_grid.mean_length(mapped - on_grid.answer), variant, on_grid.off_matrix(mistaken)
        )


def _turn(on_grid: AnswerOnGrid, angle: float) -> Array:
    c, s = math.cos(angle), math.sin(angle)
    return on_grid.built(np.array([[c, -s], [s, c]]), np.zeros(2))
