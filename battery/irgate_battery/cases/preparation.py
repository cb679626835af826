"""A user's two images made ready for a solver: isotropic pixels of one size, values in [0, 1].

A rigid motion in mm is rigid in pixels only where pixels are square and of one size in both
images. Where they are not, both are resampled, from the centre of their first pixel on,

    s = min of the four spacings,    N' = floor((N - 1) spacing / s) + 1,

by cubic B-splines: linear interpolation blurs between samples and not on them, which draws every
registration towards whole pixels of the old grid. Origins and directions are not applied.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from irgate_battery.cases.image_file import ImageError, Slice
from irgate_battery.interface.quiet_simpleitk import one_quiet_thread, simpleitk

SPACING_TOLERANCE = 1e-4
"""Relative: headers hold spacings as float32 or as text of a few digits. Over 1000 px it adds up
to a tenth of a pixel."""

MOST_PIXELS = 2**24
"""Most pixels of a resampled image. A slice of 0.3 x 5 mm pixels has about 10^6; a wrong header
could ask for any number."""

LEAST_PARALLEL = 0.7
"""Least cosine between the x axes of the two images, that of 45 degrees. Below it the axes of one
image stand for others in the other."""


@dataclass(frozen=True, eq=False)
class Prepared:
    """What a solver is handed.

    Attributes:
        fixed, moving: `(H, W)` float64 in [0, 1].
        mask: bool `(H, W)` on the fixed image, or `None`.
        moving_mask: the same on the moving image.
        spacing_mm: the side of a pixel, or `None` where no spacing is known.
        said: what was read and what was done to it, in one sentence.

    """

    fixed: NDArray[np.float64]
    moving: NDArray[np.float64]
    mask: NDArray[np.bool_] | None
    spacing_mm: float | None
    said: str
    moving_mask: NDArray[np.bool_] | None = None


def prepare(
    fixed: Slice,
    moving: Slice,
    mask: Slice | None,
    intensity: str,
    moving_mask: Slice | None = None,
) -> Prepared:
    """Bring two slices onto one kind of pixel and one range of values.

    Args:
        fixed, moving: as read.
        mask: on the fixed image; what is not 0 is trusted.
        intensity: `"same"` scales both by the least and the largest value of the two, so that
            equal values stay equal; `"varying"` scales each by its own.
        moving_mask: on the moving image, as `mask`.
    Raises: ImageError.

    """
    for role, image in (("fixed", fixed), ("moving", moving)):
        if image.values.min() == image.values.max():
            raise ImageError(
                f"the {role} image is constant ({image.values.min():g}): nothing to register"
            )
    trusted = None if mask is None else _trusted(mask, fixed, "fixed")
    there = None if moving_mask is None else _trusted(moving_mask, moving, "moving")
    spacings = [image.spacing for image in (fixed, moving) if image.spacing is not None]
    side = min(map(min, spacings), default=None)
    even = all(_equal(spacing, (side, side)) for spacing in spacings if side)
    if len(spacings) == 1 and not even:
        raise ImageError(
            "one image has pixels that are not square and the other has no spacing at all; give "
            "both in a format that holds it (NIfTI, MHA, DICOM)"
        )
    pixels = [fixed.values, moving.values]
    told = [_told(image) for image in (fixed, moving)]
    said = [f"both {told[0]}"] if told[0] == told[1] else [f"fixed {told[0]}", f"moving {told[1]}"]
    if not even and side is not None:
        pixels = [_resampled(image, side) for image in (fixed, moving)]
        if trusted is not None:
            trusted = _nearest(trusted, fixed, side, pixels[0].shape)
        if there is not None:
            there = _nearest(there, moving, side, pixels[1].shape)
        sizes = " and ".join(dict.fromkeys(f"{each.shape[1]}x{each.shape[0]}" for each in pixels))
        said.append(f"both resampled to {side:g} mm ({sizes} px, cubic B-spline)")
    if len(spacings) == 1:
        side = None
        said.append("only one has a spacing, so none is used")
    if _turned(fixed, moving):
        said.append("their axes point in other directions, which is not undone")
    for what, each in (("mask", trusted), ("moving mask", there)):
        if each is None:
            continue
        if not each.any():
            raise ImageError(f"the {what} is 0 everywhere: it trusts no pixel")
        said.append(f"{what} trusts {each.mean():.0%}")
    low, high = [image.min() for image in pixels], [image.max() for image in pixels]
    if intensity == "same":
        low, high = [min(low)] * 2, [max(high)] * 2
        said.append("scaled to 0..1 together")
    else:
        said.append("each scaled to 0..1")
    ready = [
        (image - least) / (most - least)
        for image, least, most in zip(pixels, low, high, strict=True)
    ]
    return Prepared(ready[0], ready[1], trusted, side, "; ".join(said), there)


def _told(image: Slice) -> str:
    height, width = image.values.shape
    of = "" if image.spacing is None else f" of {image.spacing[0]:g}x{image.spacing[1]:g} mm"
    return f"{width}x{height} px{of} ({image.kind})"


def _trusted(mask: Slice, image: Slice, role: str) -> NDArray[np.bool_]:
    if mask.values.shape != image.values.shape:
        sizes = [f"{each.values.shape[1]}x{each.values.shape[0]}" for each in (mask, image)]
        raise ImageError(f"the mask has {sizes[0]} px and the {role} image {sizes[1]}")
    trusted = np.asarray(mask.values != 0)
    if trusted.all() and np.ptp(mask.values) > 0:
        # Grey levels of a picture, 30 and 255: whoever made two kinds of pixel means two things.
        low, high = mask.values.min(), mask.values.max()
        raise ImageError(
            f"the mask of the {role} image holds {low:g} to {high:g} and no 0, so that it would "
            "trust every pixel; expected 0 wherever the image must not be trusted"
        )
    return trusted


def _equal(spacing: tuple[float, float], other: tuple[float, float]) -> bool:
    return bool(np.allclose(spacing, other, rtol=SPACING_TOLERANCE, atol=0))


def _turned(fixed: Slice, moving: Slice) -> bool:
    if fixed.axes is None or moving.axes is None or fixed.axes.shape != moving.axes.shape:
        return False
    return bool((np.sum(fixed.axes * moving.axes, axis=1) < LEAST_PARALLEL).any())


def _size(image: Slice, side: float) -> tuple[int, int]:
    """Return how many pixels of this side, `(H, W)`, fit between the outermost pixel centres."""
    if image.spacing is None:
        raise ValueError("an image without spacing has no size in mm")
    width, height = (
        math.floor((count - 1) * step / side + SPACING_TOLERANCE) + 1
        for count, step in zip(reversed(image.values.shape), image.spacing, strict=True)
    )
    if width * height > MOST_PIXELS:
        raise ImageError(
            f"at the smallest spacing, {side:g} mm, an image of {image.spacing[0]:g}x"
            f"{image.spacing[1]:g} mm would have {width}x{height} px; check the headers, or "
            "resample it yourself"
        )
    return height, width


def _resampled(image: Slice, side: float) -> NDArray[np.float64]:
    """Return the image on pixels of this side, mm, by cubic B-splines."""
    sitk = simpleitk()

    height, width = _size(image, side)
    given = sitk.GetImageFromArray(image.values)
    given.SetSpacing(image.spacing)
    grid = sitk.Image(width, height, sitk.sitkFloat64)
    grid.SetSpacing([side, side])
    with one_quiet_thread():
        return np.asarray(
            sitk.GetArrayFromImage(sitk.Resample(given, grid, sitk.Transform(), sitk.sitkBSpline))
        )


def _nearest(
    mask: NDArray[np.bool_], image: Slice, side: float, shape: tuple[int, ...]
) -> NDArray[np.bool_]:
    """Return a mask on resampled pixels: each asks the nearest old one."""
    if image.spacing is None:
        raise ValueError("an image without spacing has no size in mm")
    columns, rows = (
        np.minimum(np.rint(np.arange(count) * side / step).astype(int), most - 1)
        for count, step, most in zip(
            reversed(shape), image.spacing, reversed(mask.shape), strict=True
        )
    )
    return np.asarray(mask[np.ix_(rows, columns)])
