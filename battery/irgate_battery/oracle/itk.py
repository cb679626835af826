"""SimpleITK seen from here: images, transforms, one registration method.

Every array has origin 0 and spacing 1, so that SimpleITK's physical points are this project's
`(x, y)` pixels and no coordinate is ever converted.
"""

from collections.abc import Sequence

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from irgate_fixtures import FFD, Homography, Matrix, Transform, image_centre

VERSION: str = sitk.Version.VersionString()


def image(array: NDArray[np.float64]) -> sitk.Image:
    """Return an image of float64 pixels: the metric computes in double anyway."""
    return sitk.GetImageFromArray(np.ascontiguousarray(array, dtype=np.float64))


def mask_image(mask: NDArray[np.bool_]) -> sitk.Image:
    """Return a mask for a metric, which looks it up at the nearest pixel."""
    return sitk.GetImageFromArray(np.ascontiguousarray(mask, dtype=np.uint8))


def method(
    metric: str, mask: NDArray[np.bool_] | None, moving_mask: NDArray[np.bool_] | None = None
) -> sitk.ImageRegistrationMethod:
    """Return a registration method whose metric sees every pixel and is the same on every run.

    Both gradient filters are off: on, the derivative is that of a blurred image, and its root is
    not the metric's minimum.

    Args:
        metric: "mean squares", the mean of (f - m)^2, or "correlation", minus NCC squared.
        mask: on the fixed image; None for all of it.
        moving_mask: on the moving image; None for all of it.

    """
    registration = sitk.ImageRegistrationMethod()
    match metric:
        case "mean squares":
            registration.SetMetricAsMeanSquares()
        case "correlation":
            registration.SetMetricAsCorrelation()
        case _:
            raise ValueError(f"the oracle has no metric {metric!r}")
    registration.SetMetricSamplingStrategy(registration.NONE)
    registration.MetricUseFixedImageGradientFilterOff()
    registration.MetricUseMovingImageGradientFilterOff()
    registration.SetInterpolator(sitk.sitkLinear)
    registration.SetNumberOfWorkUnits(1)
    if mask is not None:
        registration.SetMetricFixedMask(mask_image(mask))
    if moving_mask is not None:
        registration.SetMetricMovingMask(mask_image(moving_mask))
    return registration


def transform_of(model: str, start: Transform, shape: Sequence[int]) -> sitk.Transform:
    """Return SimpleITK's transform of a model, set to a start value of that model or a smaller one.

    The linear ones turn about the fixed image's centre, so that their parameters hardly couple.
    """
    if model == "ffd":
        height, width = shape
        spline = sitk.BSplineTransformInitializer(
            sitk.Image(width, height, sitk.sitkFloat64), [1, 1], 3
        )
        ffd = start if isinstance(start, FFD) else FFD.from_matrix(_matrix(start), shape)
        spline.SetParameters(ffd.control_points.ravel().tolist())
        return spline
    matrix = _matrix(start).matrix
    centre = image_centre(shape)
    shift = (matrix[:2, :2] @ centre + matrix[:2, 2] - centre).tolist()
    match model:
        case "translation":
            return sitk.TranslationTransform(2, shift)
        case "rigid":
            rigid = sitk.Euler2DTransform()
            rigid.SetCenter(centre.tolist())
            rigid.SetAngle(float(np.arctan2(matrix[1, 0], matrix[0, 0])))
            rigid.SetTranslation(shift)
            return rigid
        case "similarity":
            scaled = sitk.Similarity2DTransform()
            scaled.SetCenter(centre.tolist())
            scaled.SetScale(float(np.sqrt(np.linalg.det(matrix[:2, :2]))))
            scaled.SetAngle(float(np.arctan2(matrix[1, 0], matrix[0, 0])))
            scaled.SetTranslation(shift)
            return scaled
        case "affine":
            affine = sitk.AffineTransform(2)
            affine.SetCenter(centre.tolist())
            affine.SetMatrix(matrix[:2, :2].ravel().tolist())
            affine.SetTranslation(shift)
            return affine
        case _:
            raise ValueError(f"the oracle has no model {model!r}")


def field_of(homography: Homography, shape: Sequence[int]) -> sitk.DisplacementFieldTransform:
    """Return a homography as SimpleITK's displacement field on an `(H, W)` grid.

    SimpleITK has no projective transform; at the pixels of the grid the field is exact.
    """
    field = np.ascontiguousarray(homography.displacement(shape))
    return sitk.DisplacementFieldTransform(sitk.GetImageFromArray(field, isVector=True))


def transform_from(transform: sitk.Transform, shape: Sequence[int]) -> Transform:
    """Return one of this project's transforms for what SimpleITK found on an `(H, W)` image."""
    parameters = np.array(transform.GetParameters())
    centre = image_centre(shape)
    match transform.GetTransformEnum():
        case sitk.sitkBSplineTransform:
            return FFD(parameters.reshape(2, 4, 4), shape)
        case sitk.sitkTranslation:
            linear, shift = np.eye(2), parameters
        case sitk.sitkEuler:
            c, s = np.cos(parameters[0]), np.sin(parameters[0])
            linear, shift = np.array([[c, -s], [s, c]]), parameters[1:]
        case sitk.sitkSimilarity:
            c, s = parameters[0] * np.cos(parameters[1]), parameters[0] * np.sin(parameters[1])
            linear, shift = np.array([[c, -s], [s, c]]), parameters[2:]
        case sitk.sitkAffine:
            linear, shift = parameters[:4].reshape(2, 2), parameters[4:]
        case kind:
            raise ValueError(f"no transform for SimpleITK's kind {kind}")
    return Matrix(np.column_stack([linear, centre - linear @ centre + shift]))


def _matrix(transform: Transform) -> Matrix:
    if transform.matrix is None:
        raise ValueError("a linear model cannot start from a transform without a matrix")
    return Matrix(transform.matrix)
