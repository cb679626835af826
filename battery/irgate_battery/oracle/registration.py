"""One registration by the oracle: search, descend, polish."""

import time

import numpy as np
from numpy.typing import ArrayLike, NDArray

from irgate_battery.interface.declaration import ALL_MODELS
from irgate_battery.interface.quiet_simpleitk import one_quiet_thread
from irgate_battery.oracle import descent, itk
from irgate_battery.oracle.polish import polish
from irgate_battery.oracle.recipe import RECIPE
from irgate_battery.oracle.region import inner
from irgate_battery.oracle.result import OracleResult, OracleUnavailable
from irgate_battery.oracle.search import start_value
from irgate_fixtures import Transform


def solve(
    fixed: ArrayLike,
    moving: ArrayLike,
    model: str,
    intensity: str,
    mask: ArrayLike | None = None,
    moving_mask: ArrayLike | None = None,
) -> OracleResult:
    """Register by SimpleITK, to the minimum of its metric: bit-identical on every run.

    Args:
        fixed, moving: `(H, W)` images; the sizes may differ.
        model: "translation", "rigid", "affine", "ffd", "similarity" or "homography". SimpleITK has
            no homography: its metric is minimised over one as a displacement field.
        intensity: "same" for mean squares, "varying" for the correlation.
        mask: bool on the fixed image, False where it must not be trusted; or None.
        moving_mask: the same on the moving image. Two pixels more are left out around what it
            hides, so that nothing hidden enters an interpolation.
    Returns: the transform from fixed to moving points, px, and how it was reached.
    Raises: ValueError for arguments that are none of these; OracleUnavailable where SimpleITK
        itself fails.

    """
    images = _checked(fixed, moving, mask, moving_mask)
    if model not in ALL_MODELS:
        raise ValueError(f"the oracle has no model {model!r}")
    if intensity not in RECIPE["metric"]:
        raise ValueError(f"intensity is 'same' or 'varying', got {intensity!r}")
    metric = RECIPE["metric"][intensity]
    begun = time.perf_counter()
    with one_quiet_thread():
        try:
            start = start_value(images, model)
            polished = polish(images, metric, model, _descend(images, metric, model, start))
        except RuntimeError as error:
            reason = str(error).strip().splitlines()[-1].strip()
            raise OracleUnavailable(
                f"the oracle's SimpleITK {itk.VERSION} failed on a {model} model: {reason}"
            ) from error
    return OracleResult(
        transform=polished.transform,
        metric=polished.metric,
        metric_before_polish=polished.metric_before,
        points=polished.points,
        seconds=time.perf_counter() - begun,
        simpleitk=itk.VERSION,
    )


def _descend(images: descent.Images, metric: str, model: str, start: Transform) -> Transform:
    if model == "homography":
        return descent.linear(images, "affine", start)
    if model == "ffd":
        return descent.deformable(
            images, metric, descent.linear(images, "affine", start, rough=True)
        )
    return descent.linear(images, model, start)


def _checked(
    fixed: ArrayLike, moving: ArrayLike, mask: ArrayLike | None, moving_mask: ArrayLike | None
) -> descent.Images:
    arrays: list[NDArray[np.float64]] = []
    for name, given in (("fixed", fixed), ("moving", moving)):
        array = np.asarray(given, dtype=np.float64)
        if array.ndim != 2:
            raise ValueError(f"{name} must be (H, W), got shape {array.shape}")
        if not np.isfinite(array).all():
            raise ValueError(f"{name} has {int((~np.isfinite(array)).sum())} pixels not finite")
        arrays.append(array)
    trusted = _mask("mask", mask, "fixed image", arrays[0].shape)
    moving_trusted = _mask("moving mask", moving_mask, "moving image", arrays[1].shape)
    moving_image = arrays[1]
    if moving_trusted is not None:
        # What is hidden counts nowhere, but the search blurs it into its neighbours.
        grey = moving_image[moving_trusted].mean()
        moving_image = np.where(moving_trusted, moving_image, grey)
        moving_trusted = inner(moving_trusted)
    return descent.Images(arrays[0], moving_image, trusted, moving_trusted)


def _mask(
    what: str, mask: ArrayLike | None, on: str, shape: tuple[int, ...]
) -> NDArray[np.bool_] | None:
    if mask is None:
        return None
    trusted = np.asarray(mask, dtype=bool)
    if trusted.shape != shape:
        raise ValueError(f"the {what} is {trusted.shape}, the {on} {shape}")
    if not trusted.any():
        raise ValueError(f"the {what} trusts no pixel")
    return trusted
