"""SimpleITK's registration method as its users set it up, under the gate's protocol.

Three levels, full sampling, regular-step descent from the identity (or from `init`) about the
image's centre, LBFGS for the free form. No search and no polish: those are the oracle's.

Convention: images without spacing or origin, so that ITK's physical points are pixels `(x, y)`;
ITK's transform maps fixed to moving, the protocol's own direction. A linear one is
A (x - c) + c + t about its centre, a frame of `irgate_battery.interface.conventions`.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from irgate_battery.interface.conventions import image_centred, matrix_from_pixels, matrix_to_pixels
from irgate_fixtures import image_centre
from pytest_irgate.adapters.starts import start_in_model

with warnings.catch_warnings():
    # SimpleITK 2.4 warns while it is imported, and ends the process where warnings are errors.
    warnings.simplefilter("ignore")
    import SimpleITK as sitk

LINEAR = {
    "rigid": sitk.Euler2DTransform,
    "similarity": sitk.Similarity2DTransform,
    "affine": lambda: sitk.AffineTransform(2),
}
"""Transforms about a centre, by model."""

GREY = 255.0
"""Its tolerances are made for grey values of the usual size, not for 0 to 1."""


def register(
    fixed: Any,
    moving: Any,
    model: str,
    mask: Any = None,
    init: Any = None,
    intensity: str = "same",
    moving_mask: Any = None,
) -> Any:
    """Register; return `(3, 3)` or, for a free form, an `(H, W, 2)` displacement.

    Mean squares where brightness is constant, correlation where it may differ.
    """
    images = [sitk.GetImageFromArray(GREY * image) for image in (fixed, moving)]
    method = sitk.ImageRegistrationMethod()
    # With more of them sums are added in another order, and two runs differ in the last digits.
    method.SetNumberOfWorkUnits(1)
    method.SetInterpolator(sitk.sitkLinear)
    method.SetShrinkFactorsPerLevel([4, 2, 1])
    method.SetSmoothingSigmasPerLevel([2, 1, 0])
    if intensity == "same":
        method.SetMetricAsMeanSquares()
    else:
        method.SetMetricAsCorrelation()
        # The default's blurred gradients have their root elsewhere than the metric its minimum:
        # 0.15 px off on an image under a bias field. With mean squares under noise they help.
        method.MetricUseFixedImageGradientFilterOff()
        method.MetricUseMovingImageGradientFilterOff()
    if mask is not None:
        method.SetMetricFixedMask(sitk.GetImageFromArray(mask.astype(np.uint8)))
    if moving_mask is not None:
        method.SetMetricMovingMask(sitk.GetImageFromArray(moving_mask.astype(np.uint8)))
    if model == "ffd":
        transform = _free_form(images[0], init)
        method.SetOptimizerAsLBFGS2(solutionAccuracy=1e-7, numberOfIterations=200)
    else:
        transform = _linear(model, fixed.shape, init)
        method.SetOptimizerAsRegularStepGradientDescent(
            learningRate=1.0,
            minStep=1e-6,
            numberOfIterations=500,
            # The default, 1e-4, is met by correlation long before its minimum.
            gradientMagnitudeTolerance=1e-8,
        )
        method.SetOptimizerScalesFromPhysicalShift()
    method.SetInitialTransform(transform, inPlace=True)
    with _one_thread():
        method.Execute(*images)
        if model != "ffd":
            return _matrix(transform, fixed.shape)
        size = images[0].GetSize()
        field = sitk.TransformToDisplacementField(transform, sitk.sitkVectorFloat64, size)
        return sitk.GetArrayFromImage(field)


def _linear(model: str, shape: tuple[int, int], init: Any) -> Any:
    """Return the model's transform about the image's centre, at `init` or the identity."""
    start = matrix_from_pixels(
        start_in_model(init, model, shape, "SimpleITK"), image_centred(shape)
    )
    linear, shift = start[:2, :2], start[:2, 2].tolist()
    if model == "translation":
        return sitk.TranslationTransform(2, shift)
    transform = LINEAR[model]()
    transform.SetCenter(image_centre(shape).tolist())
    transform.SetTranslation(shift)
    if model != "affine":
        transform.SetAngle(float(np.arctan2(linear[1, 0], linear[0, 0])))
    if model == "similarity":
        transform.SetScale(float(np.sqrt(np.linalg.det(linear))))
    if model == "affine":
        transform.SetMatrix(linear.ravel().tolist())
    return transform


def _matrix(transform: Any, shape: tuple[int, int]) -> Any:
    """Return ITK's transform as a matrix on pixels."""
    shift = np.array(transform.TransformPoint(image_centre(shape).tolist())) - image_centre(shape)
    linear = np.eye(2)
    if transform.GetTransformEnum() != sitk.sitkTranslation:
        linear = np.reshape(transform.GetMatrix(), (2, 2))
    return matrix_to_pixels(np.column_stack([linear, shift]), image_centred(shape))


def _free_form(image: Any, init: Any) -> Any:
    """Return a free form of 4 x 4 control points, at the one nearest to `init`, or at rest."""
    transform = sitk.BSplineTransformInitializer(image, [1, 1], order=3)
    if init is not None:
        width, height = image.GetSize()
        weights = [_weights(transform, n, axis) for axis, n in enumerate((width, height))]
        across, down = (np.linalg.pinv(weight) for weight in weights)
        field = init.displacement((height, width))
        points = np.einsum("iy,jx,yxk->kij", down, across, field)
        transform.SetParameters(points.ravel().tolist())
    return transform


def _weights(transform: Any, pixels: int, axis: int) -> Any:
    """Return the weights of the four control points along an axis, `(pixels, 4)`."""
    found = np.empty((pixels, 4))
    for index in range(4):
        points = np.zeros((2, 4, 4))
        # All points of one column (or row): the weights of the other axis add up to 1.
        points[0].swapaxes(0, 1 - axis)[index] = 1.0
        transform.SetParameters(points.ravel().tolist())
        for pixel in range(pixels):
            place = [0.0, 0.0]
            place[axis] = float(pixel)
            found[pixel, index] = transform.TransformPoint(place)[0] - place[0]
    transform.SetParameters([0.0] * 32)
    return found


@contextmanager
def _one_thread() -> Iterator[None]:
    before = sitk.ProcessObject.GetGlobalDefaultNumberOfThreads()
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    try:
        yield
    finally:
        sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(before)


register.name = "SimpleITK"  # type: ignore[attr-defined]
register.version = sitk.Version.VersionString()  # type: ignore[attr-defined]
register.models = ("translation", *LINEAR, "ffd")  # type: ignore[attr-defined]
# Measured: without a search it finds all turns to 20 degrees and shifts to 16 px; of turns from 30
# degrees on and of shifts from 45 px on some or all are lost.
register.reach = {"degrees": 25, "px": 30}  # type: ignore[attr-defined]
