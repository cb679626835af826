"""SimpleITK's own optimisers, coarse to fine: near the minimum, but not yet at it.

ITK's metric derivative takes the moving image's gradient from central differences, which is not
the derivative of the linearly interpolated metric; every optimiser here stops where the two
disagree, 1e-3 px short on smooth images and more on others. `polish` does the rest.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from irgate_battery.oracle.itk import image, method, transform_from, transform_of
from irgate_battery.oracle.recipe import DEFORMABLE, LINEAR
from irgate_fixtures import Transform


class Images(NamedTuple):
    """What is registered: `(H, W)` images, and masks on them that are False where not trusted."""

    fixed: NDArray[np.float64]
    moving: NDArray[np.float64]
    mask: NDArray[np.bool_] | None
    moving_mask: NDArray[np.bool_] | None = None


def linear(images: Images, model: str, start: Transform, *, rough: bool = False) -> Transform:
    """Descend the correlation by regular steps, in the family `model`.

    The correlation also where brightness is the same: its basin is wider, and the polish then
    changes to the metric that is asked for. What scales starts rigid on the coarsest level,
    where six parameters would fit anything.

    Args:
        images: fixed, moving, and their masks.
        model: "translation", "rigid", "similarity" or "affine".
        start: of that family or a smaller one.
        rough: stop at 1e-2 px, as the start of another stage.

    """
    shrink, sigma = LINEAR.shrink, LINEAR.sigma
    if model in ("similarity", "affine"):
        start = linear(images, "rigid", start, rough=True)
        shrink, sigma = shrink[1:], sigma[1:]
    least_step = LINEAR.rough_step if rough else LINEAR.least_step

    def optimiser(registration: sitk.ImageRegistrationMethod) -> None:
        registration.SetOptimizerAsRegularStepGradientDescent(
            learningRate=LINEAR.first_step,
            minStep=least_step,
            numberOfIterations=LINEAR.iterations,
            relaxationFactor=0.5,
            gradientMagnitudeTolerance=LINEAR.gradient_tolerance,
        )
        registration.SetOptimizerScalesFromPhysicalShift()

    return _stage(images, "correlation", model, start, optimiser, shrink, sigma)


def deformable(images: Images, metric: str, start: Transform) -> Transform:
    """Descend the metric over the 32 numbers of a 4x4 FFD on coarse levels, from a matrix."""

    def lbfgs2(registration: sitk.ImageRegistrationMethod) -> None:
        registration.SetOptimizerAsLBFGS2(
            solutionAccuracy=DEFORMABLE.accuracy,
            numberOfIterations=DEFORMABLE.iterations,
            deltaConvergenceDistance=0,
            deltaConvergenceTolerance=0,
        )

    return _stage(images, metric, "ffd", start, lbfgs2, DEFORMABLE.shrink, DEFORMABLE.sigma)


def _stage(
    images: Images,
    metric: str,
    model: str,
    start: Transform,
    optimiser: Callable[[sitk.ImageRegistrationMethod], None],
    shrink: Sequence[int],
    sigma: Sequence[float],
) -> Transform:
    """Run one optimiser over a pyramid; return its result, or the start where that is better.

    Images stay whole in ITK: shrinking only thins the sampling. Its optimisers return the last
    point and not the best, and a first step may leave the basin, hence the comparison at the end.
    """
    fixed, moving = images.fixed, images.moving
    registration = method(metric, images.mask, images.moving_mask)
    optimiser(registration)
    registration.SetShrinkFactorsPerLevel(list(shrink))
    registration.SetSmoothingSigmasPerLevel(list(sigma))
    pair = image(fixed), image(moving)
    found, begun = (transform_of(model, start, fixed.shape) for _ in range(2))
    registration.SetInitialTransform(found, inPlace=True)
    registration.Execute(*pair)
    values = []
    for transform in (begun, found):
        registration.SetInitialTransform(transform, inPlace=True)
        values.append(registration.MetricEvaluate(*pair))
    return transform_from(found, fixed.shape) if values[1] < values[0] else start
