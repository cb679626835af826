"""One registration by the oracle: search, descend, polish."""

import time

import numpy as np
from numpy.typing import ArrayLike, NDArray

from irgate_battery.cases.quiet_simpleitk import one_quiet_thread
from irgate_battery.oracle import descent, itk
from irgate_battery.oracle.polish import polish
from irgate_battery.oracle.recipe import RECIPE
from irgate_battery.oracle.result import OracleResult, OracleUnavailable
from irgate_battery.oracle.search import start_value
from irgate_fixtures import Transform


def solve(
    fixed: ArrayLike,
    moving: ArrayLike,
    model: str,
    intensity: str,
    mask: ArrayLike | None = None,
) -> OracleResult:
    """Register by SimpleITK, to the minimum of its metric: bit-identical on every run.

    Args:
        fixed, moving: `(H, W)` images; the sizes may differ.
        model: "translation", "rigid", "affine" or "ffd".
        intensity: "same" for mean squares, "varying" for the correlation.
        mask: bool on the fixed image, False where it must not be trusted; or None.
    Returns: the transform from fixed to moving points, px, and how it was reached.
    Raises: ValueError for arguments that are none of these; OracleUnavailable where SimpleITK
        itself fails.

    """
    images = _checked(fixed, moving, mask)
    if model not in ("translation", "rigid", "affine", "ffd"):
        raise ValueError(f"the oracle has no model {model!r}")
    if intensity not in RECIPE["metric"]:
        raise ValueError(f"intensity is 'same' or 'varying', got {intensity!r}")
    metric = RECIPE["metric"][intensity]
    begun = time.perf_counter()
    with one_quiet_thread():
        try:
            start = start_value(images[0], images[1], model, images[2])
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


def _descend(images: descent.ImageTriple, metric: str, model: str, start: Transform) -> Transform:
    if model == "ffd":
        return descent.deformable(
            images, metric, descent.linear(images, "affine", start, rough=True)
        )
    return descent.linear(images, model, start)


def _checked(fixed: ArrayLike, moving: ArrayLike, mask: ArrayLike | None) -> descent.ImageTriple:
    arrays: list[NDArray[np.float64]] = []
    for name, given in (("fixed", fixed), ("moving", moving)):
        array = np.asarray(given, dtype=np.float64)
        if array.ndim != 2:
            raise ValueError(f"{name} must be (H, W), got shape {array.shape}")
        if not np.isfinite(array).all():
            raise ValueError(f"{name} has {int((~np.isfinite(array)).sum())} pixels not finite")
        arrays.append(array)
    trusted = None if mask is None else np.asarray(mask, dtype=bool)
    if trusted is not None and trusted.shape != arrays[0].shape:
        raise ValueError(f"the mask is {trusted.shape}, the fixed image {arrays[0].shape}")
    if trusted is not None and not trusted.any():
        raise ValueError("the mask trusts no pixel")
    return arrays[0], arrays[1], trusted
