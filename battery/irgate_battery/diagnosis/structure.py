"""What an answer is made of shows some faults, wherever the optimiser then went with it.

A model that acts in the wrong coordinates is compensated by the optimiser as far as it can, so no
convention brings its answer to the truth. Its form stays.
"""

import numpy as np

from irgate_battery.diagnosis.answer_on_grid import AnswerOnGrid, Array
from irgate_battery.diagnosis.families import family_at
from irgate_battery.diagnosis.found import Explanation

LEAST_SHEAR = 1e-3
"""Largest entry of A^T A - I from which on A is no rotation."""

ORTHOGONAL_SHARE = 0.05
"""Part of that which may be left in the coordinates in which A is a rotation."""

BENT_SHARE = 0.5
"""An answer without a bend is the affine part of the truth where it is nearer to it than this part
of what the truth bends."""

LEAST_SCALE = 2e-3
"""Smallest change of scale that is named; the contract's check of the family sees smaller ones."""

NO_TURN = 1e-9
"""Largest entry of A - I of an answer in which nothing but the shift was estimated."""

NO_SCALE = 1e-6
"""Largest entry of A^T A - I of an answer in which no scale was estimated."""

BEYOND_SHARE = 0.3
"""A field is no member of its model's family where this part of its error is to the nearest one."""

SCALED_SHARE = 0.5
"""A scale explains the error of a rigid answer where the same answer without it leaves less than
this part."""


def structural_fault(on_grid: AnswerOnGrid) -> Explanation | None:
    """Name a fault by the form of the answer, or `None`."""
    return (
        _translation_only(on_grid)
        or _affine_part(on_grid)
        or _turned_in_square(on_grid)
        or _scale_in_rigid(on_grid)
        or _scale_left_out(on_grid)
        or _no_member(on_grid)
    )


def _translation_only(on_grid: AnswerOnGrid) -> Explanation | None:
    """A is the identity to the last bits, where the true one is not: no estimate ends there."""
    truth = on_grid.pair.truth.matrix
    if truth is None or on_grid.matrix is None or on_grid.pair.model == "translation":
        # The truth of landmarks is their affine fit, which turns a little whatever was asked for.
        return None
    unit = np.eye(2)
    if (
        np.abs(on_grid.matrix[:2, :2] - unit).max() > NO_TURN
        or np.abs(np.asarray(truth)[:2, :2] - unit).max() < LEAST_SHEAR
    ):
        return None
    return _found(
        on_grid,
        "translation only",
        f"shifts and does nothing else, where the {on_grid.pair.model} model was asked for: "
        "estimate the other parameters, or declare models = ('translation',)",
    )


def _affine_part(on_grid: AnswerOnGrid) -> Explanation | None:
    """More was asked for, and what came is affine and the nearest such map to the truth."""
    if on_grid.pair.truth.matrix is not None or on_grid.matrix is None:
        return None
    nearest = on_grid.nearest_affine(on_grid.truth)
    mapped = on_grid.points @ nearest[:2, :2].T + nearest[:2, 2]
    bend = on_grid.off(mapped)
    if on_grid.mean_length(mapped - on_grid.answer) > BENT_SHARE * bend:
        return None
    if on_grid.pair.model == "homography":
        return _found(
            on_grid,
            "perspective left out",
            "is affine, where a homography was asked for: the first two numbers of its last row "
            f"did not move, or were not returned; the truth bends by {bend:.2f} px",
        )
    return _found(
        on_grid,
        "affine part only",
        "is affine, where a free-form deformation was asked for: the control points did not move "
        f"(bounds, a step of 0, a stage that was left out); the truth bends by {bend:.2f} px",
    )


def _turned_in_square(on_grid: AnswerOnGrid) -> Explanation | None:
    """A = S R S^-1 with S the sides: a rotation of normalised coordinates."""
    if on_grid.pair.model != "rigid" or on_grid.matrix is None:
        return None
    linear = on_grid.matrix[:2, :2]
    shear = _shear(linear)
    if shear < LEAST_SHEAR:
        return None
    for sides in (on_grid.size, on_grid.size - 1):
        inside = linear * np.outer(1 / sides, sides)
        if _shear(inside) < ORTHOGONAL_SHARE * shear and np.linalg.det(inside) > 0:
            return _found(
                on_grid,
                "turned in normalised units",
                "is a rotation of coordinates that were divided by the sides, and a shear in "
                "pixels; the optimiser made the best of it: turn in pixels",
            )
    return None


def _scale_in_rigid(on_grid: AnswerOnGrid) -> Explanation | None:
    """A = s R where R was asked for."""
    if on_grid.pair.model != "rigid" or on_grid.matrix is None:
        return None
    linear, shift = on_grid.parts(on_grid.matrix)
    scale = float(np.sqrt(abs(np.linalg.det(linear))))
    if scale == 0 or abs(scale - 1) < LEAST_SCALE:
        return None
    rigid = linear / scale
    if _shear(rigid) > ORTHOGONAL_SHARE * _shear(linear):
        return None
    left = on_grid.off_matrix(on_grid.built(rigid, shift))
    if left > SCALED_SHARE * on_grid.off(on_grid.answer):
        return None
    return _found(
        on_grid,
        "scale in a rigid model",
        f"has a scale of {scale:.5g} where a rigid motion was asked for: estimate angle and shift "
        "alone",
    )


def _scale_left_out(on_grid: AnswerOnGrid) -> Explanation | None:
    """A = R where s R was asked for, and s is not 1."""
    truth = on_grid.pair.truth.matrix
    if on_grid.pair.model != "similarity" or truth is None or on_grid.matrix is None:
        return None
    true_scale = float(np.sqrt(abs(np.linalg.det(truth[:2, :2]))))
    if abs(true_scale - 1) < LEAST_SCALE or _shear(on_grid.matrix[:2, :2]) > NO_SCALE:
        return None
    return _found(
        on_grid,
        "scale left out",
        "turns and shifts, and has a scale of 1, where a similarity was asked for: estimate the "
        "scale too, and return s R",
    )


def _no_member(on_grid: AnswerOnGrid) -> Explanation | None:
    """A field of its own for every pixel where a few parameters were asked for."""
    pair = on_grid.pair
    family = family_at(pair)
    if pair.truth.matrix is None or on_grid.whole is not None or family is None:
        return None
    nearest = family.transform(family.nearest(on_grid.displacement))(on_grid.points)
    beyond = on_grid.mean_length(nearest - on_grid.answer)
    if beyond < BEYOND_SHARE * on_grid.off(on_grid.answer):
        return None
    return _found(
        on_grid,
        "family",
        f"is a field that is no {pair.model} map: the nearest one is {beyond:.2g} px from it on "
        f"average, and {on_grid.off(nearest):.2g} px from the truth. Fit the model that is asked "
        "for to the field, without what does not fit, or declare models = ('ffd',)",
    )


def _shear(linear: Array) -> float:
    """Return the largest entry of A^T A - I."""
    return float(np.abs(linear.T @ linear - np.eye(2)).max())


def _found(on_grid: AnswerOnGrid, fault: str, words: str) -> Explanation:
    before = on_grid.off(on_grid.answer)
    sentence = f"your transform {words}; it is {before:.2f} px from the truth"
    return Explanation(fault, sentence, before, before, (fault,))
