"""A start value without a guess: 24 rotations, and for each all translations by one FFT.

    NCC(d) = correlation of fixed(x) and moved(x - d) over their overlap,  moved(y) = moving(R y)

by masked FFT (Padfield 2012), so that the overlap counts and the empty border does not. Descent
alone turns at most about 45 degrees.
"""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from irgate_battery.oracle.descent import Images
from irgate_battery.oracle.itk import image, mask_image, method, transform_from, transform_of
from irgate_battery.oracle.recipe import SEARCH
from irgate_battery.oracle.region import overlap
from irgate_fixtures import Matrix, Transform


def start_value(images: Images, model: str) -> Transform:
    """Return a translation, or for the other models a rigid motion, within a few px of the best.

    Args:
        images: fixed, moving, and their masks.
        model: "translation" is searched without rotations.

    """
    fixed, moving, mask, moving_mask = images
    trusted = np.ones(fixed.shape, dtype=bool) if mask is None else mask
    coarse_fixed, coarse_moving, coarse_mask = (
        _shrunk(full, SEARCH.sigma, SEARCH.shrink) for full in (fixed, moving, trusted)
    )
    seen = np.ones(moving.shape, dtype=bool) if moving_mask is None else moving_mask
    coarse_seen = _shrunk(seen, SEARCH.sigma, SEARCH.shrink)
    turns = (0,) if model == "translation" else range(0, 360, SEARCH.angle_step)
    starts = [
        _best_shift(coarse_fixed, coarse_mask, coarse_moving, coarse_seen, math.radians(degrees))
        for degrees in turns
    ]
    kind = "translation" if model == "translation" else "rigid"
    coarse = _Small(
        coarse_fixed, coarse_moving, coarse_mask, None if moving_mask is None else coarse_seen
    )
    candidates = [_refined(coarse, kind, start, fixed.shape) for start in starts]
    half = _Small(
        *(
            None if full is None else _shrunk(full, SEARCH.refine_sigma, SEARCH.refine_shrink)
            for full in (fixed, moving, trusted, moving_mask)
        )
    )
    best = _best(_held(candidates, images), images)[: SEARCH.keep]
    refined = [_refined(half, kind, start, fixed.shape) for start in best]
    return _best(_held(refined, images), images)[0]


class _Small(NamedTuple):
    """Small images and masks, in full-size px."""

    fixed: sitk.Image
    moving: sitk.Image
    mask: sitk.Image
    moving_mask: sitk.Image | None


def _held(candidates: Sequence[Transform], images: Images) -> Sequence[Transform]:
    """Return the candidates under which enough of the images overlaps, or all if none does."""
    fixed, moving, mask, moving_mask = images
    trusted = fixed.size if mask is None else int(mask.sum())
    least = SEARCH.overlap * min(trusted, moving.size)
    held = [
        candidate
        for candidate in candidates
        if overlap(candidate, fixed.shape, moving.shape, mask, moving_mask).sum() >= least
    ]
    return held or candidates


def _shrunk(full: NDArray[Any], sigma: float, shrink: int) -> sitk.Image:
    """Return a small image that knows its origin and spacing, so that points stay px.

    Images are blurred first; masks, which are bool, are not.
    """
    if full.dtype == bool:
        return sitk.Shrink(mask_image(full), [shrink] * 2)
    return sitk.Shrink(sitk.SmoothingRecursiveGaussian(image(full), sigma), [shrink] * 2)


def _refined(small: _Small, kind: str, start: Transform, shape: Sequence[int]) -> Transform:
    """Return the transform after a short descent on small images."""
    registration = method("correlation", None)
    registration.SetMetricFixedMask(small.mask)
    if small.moving_mask is not None:
        registration.SetMetricMovingMask(small.moving_mask)
    registration.SetOptimizerAsRegularStepGradientDescent(
        learningRate=1.0,
        minStep=SEARCH.refine_step,
        numberOfIterations=SEARCH.refine_iterations,
    )
    registration.SetOptimizerScalesFromPhysicalShift()
    transform = transform_of(kind, start, shape)
    registration.SetInitialTransform(transform, inPlace=True)
    registration.Execute(small.fixed, small.moving)
    return transform_from(transform, shape)


def _best(candidates: Sequence[Transform], given: Images) -> list[Transform]:
    """Return the candidates by their correlation at full size, the highest first."""
    fixed = given.fixed
    registration = method("correlation", given.mask, given.moving_mask)
    images = image(fixed), image(given.moving)
    values = []
    for candidate in candidates:
        registration.SetInitialTransform(transform_of("rigid", candidate, fixed.shape), True)
        values.append(registration.MetricEvaluate(*images))
    return [candidates[index] for index in np.argsort(values, kind="stable")]


def _best_shift(
    fixed: sitk.Image, fixed_mask: sitk.Image, moving: sitk.Image, seen: sitk.Image, angle: float
) -> Transform:
    """Return the transform of the highest NCC over all shifts at one rotation.

    With R about the moving image's centre c and `moved(y) = moving(R(y - c) + c)`, a peak at lag
    d says fixed(x) ~ moved(x - d), hence T(x) = R(x - d - c) + c.
    """
    size, spacing = moving.GetSize(), moving.GetSpacing()
    centre = np.array(moving.TransformContinuousIndexToPhysicalPoint([(n - 1) / 2 for n in size]))
    turn = sitk.Euler2DTransform(centre.tolist(), angle)
    # A square grid about the centre that holds the moving image at any rotation.
    side = math.ceil(math.hypot(*size))
    grid = sitk.Image(side, side, sitk.sitkFloat64)
    grid.SetSpacing(spacing)
    grid.SetOrigin([c - s * (side - 1) / 2 for c, s in zip(centre, spacing, strict=True)])
    moved = sitk.Resample(moving, grid, turn, sitk.sitkLinear, 0.0)
    moved_mask = sitk.Resample(seen, grid, turn, sitk.sitkNearestNeighbor, 0.0)

    correlation = sitk.GetArrayFromImage(
        sitk.MaskedFFTNormalizedCorrelation(
            _at_origin(fixed),
            _at_origin(moved),
            _at_origin(fixed_mask),
            _at_origin(moved_mask),
            requiredNumberOfOverlappingPixels=0,
            requiredFractionOfOverlappingPixels=SEARCH.overlap,
        )
    )
    row, column = np.unravel_index(int(np.argmax(correlation)), correlation.shape)
    lag = np.array([column - (side - 1), row - (side - 1)]) * np.array(spacing)
    shift = lag + np.array(fixed.GetOrigin()) - np.array(grid.GetOrigin())
    c, s = math.cos(angle), math.sin(angle)
    R = np.array([[c, -s], [s, c]])
    offset = centre - R @ (shift + centre)
    return Matrix(np.column_stack([R, offset]))


def _at_origin(full: sitk.Image) -> sitk.Image:
    """Return a float32 copy at origin 0: ITK's filter wants one type and space for all four."""
    copy = sitk.Cast(full, sitk.sitkFloat32)
    copy.SetOrigin([0.0, 0.0])
    return copy
