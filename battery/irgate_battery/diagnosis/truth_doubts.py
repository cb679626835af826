"""What speaks against a truth that a user brings: the images themselves, and its own numbers.

The images' fine structure correlates best under a right truth (`oracle.plausibility`). Where it
does so clearly more under another reading of the truth, that reading is named.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from irgate_battery.cases.own_pairs import PreparedPair
from irgate_battery.cases.truth import FieldTransform, Landmarks
from irgate_battery.judge.landmark_error import distances
from irgate_battery.judge.limits import LEAST_OVERLAP
from irgate_battery.judge.measure import folded_fraction, inside, warp
from irgate_battery.oracle.plausibility import likeness
from irgate_fixtures import Homography, Matrix, Transform

Array = NDArray[np.float64]

SHIFTS = ((0.5, 0.5), (-0.5, -0.5), (1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, -1))
"""px by which a truth of another pixel origin is off: half a pixel, or counted from 1."""

MARGIN = 0.02
"""Correlation of fine structure by which another reading must be better: on a smooth scene half a
pixel is 0.01, and noise moves it less."""

OUTLIER = 5.0
"""A landmark is named that stands this many medians of the others farther off than they do."""

NEAR_PX = 0.25
"""A reading nearer to the truth than this is the truth."""

SPREAD = 12
"""Pixels along a side at which a truth is asked whether the model can express it."""

LEAST_POINTS = {"translation": 1, "rigid": 2, "similarity": 2, "affine": 3}
"""Points that a model of this name passes through wherever they lie."""


def doubts(prepared: PreparedPair, tolerance_px: float) -> tuple[str, ...]:
    """Return what speaks against a pair's truth, each as a clause; nothing where all is well.

    Args:
        prepared: the pair; it has a truth.
        tolerance_px: largest mean distance to it that passes.
    """
    truth = prepared.truth
    if truth is None:
        raise ValueError(f"{prepared.id}: a pair without a truth")
    if isinstance(truth, Landmarks):
        return tuple(_of_landmarks(prepared, truth, tolerance_px))
    return tuple(_of_transform(prepared, truth, tolerance_px))


def _of_transform(prepared: PreparedPair, truth: Transform, tolerance: float) -> Iterator[str]:
    shape = prepared.shape
    known = truth.displacement(shape)
    warped = warp(prepared, known)
    if warped.coverage < LEAST_OVERLAP:
        yield (
            f"under it {warped.coverage:.0%} of the fixed image lands inside the moving one, "
            f"expected {float(LEAST_OVERLAP):.0%} or more: check its direction and its unit"
        )
    folded = folded_fraction(known)
    if folded:
        yield f"it folds {folded:.2%} of the fixed image: no solver should"
    yield from _worse_than(prepared, truth, _readings(truth, shape), tolerance)
    still = float(np.linalg.norm(known[warped.valid], axis=-1).mean()) if warped.valid.any() else 0
    if warped.valid.any():
        yield from _too_easy(still, tolerance)
    rows, columns = (np.linspace(0, side - 1, SPREAD) for side in shape)
    points = np.stack(np.meshgrid(columns, rows), axis=-1).reshape(-1, 2)
    yield from _beyond_model(prepared.model, Landmarks(points, truth(points)), tolerance)


def _of_landmarks(prepared: PreparedPair, truth: Landmarks, tolerance: float) -> Iterator[str]:
    outside = int((~inside(truth.moving, prepared.moving.shape)).sum())
    if outside:
        height, width = prepared.moving.shape
        yield (
            f"{outside} of {len(truth.moving)} landmarks lie outside the moving image of "
            f"{width}x{height} px: expected (x, y), x to the right and y down"
        )
    yield from _worse_than(prepared, truth.fit(), _point_readings(truth), tolerance)
    yield from _too_easy(float(distances(truth, np.zeros((*prepared.shape, 2))).mean()), tolerance)
    blamed = tuple(_one_to_blame(prepared.model, truth, tolerance))
    yield from blamed or _beyond_model(prepared.model, truth, tolerance)


def _worse_than(
    prepared: PreparedPair,
    truth: Transform,
    others: Iterable[tuple[str, Transform]],
    tolerance: float,
) -> Iterator[str]:
    """Say under which other reading the images match best, if clearly better than under this."""
    known = truth.displacement(prepared.shape)
    in_sight = warp(prepared, known).coverage >= LEAST_OVERLAP
    here = abs(likeness(prepared, known)) if in_sight else 0.0
    best, name = here + MARGIN, ""
    for reading, other in others:
        displacement = other.displacement(prepared.shape)
        far = float(np.linalg.norm(displacement - known, axis=-1).mean())
        overlap = warp(prepared, displacement).coverage
        if far <= min(tolerance, NEAR_PX) or overlap < LEAST_OVERLAP:
            continue
        there = abs(likeness(prepared, displacement))
        if there > best:
            best, name = there, reading
    if name:
        yield (
            f"the images match worse under it (correlation of fine structure {here:.2f}) than "
            f"{name} ({best:.2f})"
        )


def _readings(truth: Transform, shape: tuple[int, int]) -> Iterator[tuple[str, Transform]]:
    yield "where nothing is moved: is it of this pair?", Matrix(np.eye(3))
    matrix = truth.homography if isinstance(truth, Homography) else truth.matrix
    if matrix is not None:
        swap = np.array([[0, 1, 0], [1, 0, 0], [0, 0, 1]], dtype=np.float64)
        yield "under its inverse: it maps moving to fixed points", _linear(np.linalg.inv(matrix))
        yield "with x and y swapped: it is in (y, x)", _linear(swap @ matrix @ swap)
        inverse = np.linalg.inv(swap @ matrix @ swap)
        yield "under its inverse with x and y swapped", _linear(inverse)
    else:
        known = truth.displacement(shape)
        yield "under its negative: it maps moving to fixed points", FieldTransform(-known)
        yield "with dx and dy swapped: it is in (dy, dx)", FieldTransform(known[..., ::-1])
    for dx, dy in SHIFTS:
        moved = truth.displacement(shape) + np.array([dx, dy])
        told = f"moved by ({dx:g}, {dy:g}) px: does it count pixels otherwise?"
        yield told, FieldTransform(moved)


def _point_readings(truth: Landmarks) -> Iterator[tuple[str, Transform]]:
    yield "where nothing is moved: are they of this pair?", Matrix(np.eye(3))
    fixed, moving = truth.fixed, truth.moving
    for told, one, other in (
        ("with the two lists exchanged", moving, fixed),
        ("with x and y swapped: they are in (y, x)", fixed[:, ::-1], moving[:, ::-1]),
        ("with x and y of the moving points swapped", fixed, moving[:, ::-1]),
        ("with x and y of the fixed points swapped", fixed[:, ::-1], moving),
    ):
        yield told, Landmarks(one, other).fit()
    for dx, dy in SHIFTS:
        told = f"with the moving points moved by ({dx:g}, {dy:g}) px: do they count otherwise?"
        yield told, Landmarks(fixed, moving + np.array([dx, dy])).fit()


def _linear(matrix: NDArray[np.floating[Any]]) -> Transform:
    if np.allclose(matrix[2], (0, 0, 1)):
        return Matrix(np.vstack([matrix[:2], (0, 0, 1)]))
    return Homography(matrix / matrix[2, 2])


def _too_easy(still: float, tolerance: float) -> Iterator[str]:
    if still <= tolerance:
        yield (
            f"doing nothing passes: it stands {still:.3g} px from the truth, and the tolerance is "
            f"{tolerance:.3g} px"
        )


def _beyond_model(model: str, points: Landmarks, tolerance: float) -> Iterator[str]:
    """Say where no transform of the model comes near enough."""
    if model not in LEAST_POINTS or len(points.fixed) <= LEAST_POINTS[model]:
        return
    far = float(_far(model, points, points).mean())
    if far > tolerance:
        yield (
            f"no {model} transform comes nearer to it than {far:.3g} px on average, and the "
            f"tolerance is {tolerance:.3g} px: expected another model or tolerance"
        )


def _one_to_blame(model: str, points: Landmarks, tolerance: float) -> Iterator[str]:
    """Name the landmark without which the others agree, where there is one."""
    count = len(points.fixed)
    if model not in LEAST_POINTS or count <= LEAST_POINTS[model] + 1:
        return
    others = [_without(points, i) for i in range(count)]
    left = [float(np.median(_far(model, rest, rest))) for rest in others]
    worst = int(np.argmin(left))
    far = float(_far(model, others[worst], points)[worst])
    if far > max(tolerance, OUTLIER * left[worst]):
        x, y = points.fixed[worst]
        yield (
            f"landmark {worst + 1} of {count}, ({x:.4g}, {y:.4g}) px, stands {far:.3g} px from "
            f"where the others' {model} transform takes it, they {left[worst]:.2g} px"
        )


def _without(points: Landmarks, place: int) -> Landmarks:
    return Landmarks(np.delete(points.fixed, place, 0), np.delete(points.moving, place, 0))


def _far(model: str, fitted: Landmarks, points: Landmarks) -> Array:
    """Return how far points stand from the model's transform that is nearest to others, px."""
    there = _nearest(model, fitted)(points.fixed)
    return np.asarray(np.linalg.norm(there - points.moving, axis=-1))


def _nearest(model: str, points: Landmarks) -> Matrix:
    """Return the transform of a model that is nearest to points, by least squares.

    Rigid and similarity: the singular value decomposition of the covariance (Umeyama 1991).
    """
    if model == "affine":
        return points.fit()
    centre, there = points.fixed.mean(axis=0), points.moving.mean(axis=0)
    linear = np.eye(2)
    if model != "translation":
        one, other = points.fixed - centre, points.moving - there
        u, s, vt = np.linalg.svd(other.T @ one)
        sign = np.diag([1.0, np.sign(np.linalg.det(u @ vt)) or 1.0])
        linear = u @ sign @ vt
        if model == "similarity":
            linear = linear * float((s * np.diag(sign)).sum() / (one**2).sum())
    matrix = np.column_stack([linear, there - linear @ centre])
    return Matrix(np.vstack([matrix, (0, 0, 1)]))
