"""A start value from nothing: 24 rotations, and for each all translations by one FFT.

    NCC(d) = correlation of fixed(x) and moved(x - d) over their overlap,  moved(y) = moving(R y)

by masked FFT (Padfield 2012), so that the overlap counts and the empty border does not. Descent
alone turns at most about 45 degrees.
"""

import math

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from irgate_battery.oracle.itk import image, mask_image, method, transform_from, transform_of
from irgate_battery.oracle.settings import SEARCH
from irgate_fixtures import Matrix, Transform


def start_value(
    fixed: NDArray[np.float64],
    moving: NDArray[np.float64],
    model: str,
    mask: NDArray[np.bool_] | None,
) -> Transform:
    """Return a translation, or for the other models a rigid motion, within a few px of the best.

    Args:
        fixed, moving: `(H, W)`, the sizes may differ.
        model: "translation" is searched without rotations.
        mask: on the fixed image, or None.

    """
    trusted = np.ones(fixed.shape, dtype=bool) if mask is None else mask
    small_fixed, small_moving = _small(image(fixed)), _small(image(moving))
    small_mask = _shrunk_mask(trusted)
    ones = sitk.Image(small_moving.GetSize(), sitk.sitkUInt8) + 1
    ones.CopyInformation(small_moving)

    turns = (0,) if model == "translation" else range(0, 360, SEARCH.angle_step)
    found = [
        _best_shift(small_fixed, small_mask, small_moving, ones, math.radians(degrees))
        for degrees in turns
    ]
    found.sort(key=lambda candidate: -candidate[0])

    kind = "translation" if model == "translation" else "rigid"
    refined = []
    for _, start in found[: SEARCH.candidates]:
        transform = transform_of(kind, start, fixed.shape)
        registration = method("correlation", None)
        registration.SetMetricFixedMask(small_mask)
        registration.SetOptimizerAsRegularStepGradientDescent(
            learningRate=1.0,
            minStep=SEARCH.refine_step,
            numberOfIterations=SEARCH.refine_iterations,
        )
        registration.SetOptimizerScalesFromPhysicalShift()
        registration.SetInitialTransform(transform, inPlace=True)
        registration.Execute(small_fixed, small_moving)
        refined.append((registration.GetMetricValue(), transform_from(transform, fixed.shape)))
    return min(refined, key=lambda candidate: candidate[0])[1]


def _small(full: sitk.Image) -> sitk.Image:
    """Blur and shrink; the small image knows its origin and spacing, so points stay px."""
    blurred = sitk.SmoothingRecursiveGaussian(full, SEARCH.sigma)
    return sitk.Shrink(blurred, [SEARCH.shrink] * 2)


def _shrunk_mask(mask: NDArray[np.bool_]) -> sitk.Image:
    return sitk.Shrink(mask_image(mask), [SEARCH.shrink] * 2)


def _best_shift(
    fixed: sitk.Image, fixed_mask: sitk.Image, moving: sitk.Image, ones: sitk.Image, angle: float
) -> tuple[float, Transform]:
    """Return the highest NCC over all shifts at one rotation, and the transform that gives it.

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
    moved_mask = sitk.Resample(ones, grid, turn, sitk.sitkNearestNeighbor, 0.0)

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
    return float(correlation[row, column]), Matrix(np.column_stack([R, offset]))


def _at_origin(full: sitk.Image) -> sitk.Image:
    """Return a float32 copy at origin 0: ITK's filter wants one type and space for all four."""
    copy = sitk.Cast(full, sitk.sitkFloat32)
    copy.SetOrigin([0.0, 0.0])
    return copy
