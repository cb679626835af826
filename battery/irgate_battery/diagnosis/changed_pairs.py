"""Pairs with one thing changed, as the probes show them to a solver."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, map_coordinates

from irgate_battery.judge.measure import inside
from irgate_fixtures import Composite, Pair, pixel_grid, translation

MARGIN_PX = 2.0
"""A cropped fixed image lands inside the moving one by this much, px."""

RING_PX = 6.0
"""No pixel of a last level's blur reaches farther than this, px."""

LEAST_SIDE = 40
"""Shortest side of a cropped image, px."""

BRIGHTNESS_PX = 8.0
"""Blur, px, over which brightness is compared: wider than the structures that are registered,
narrower than the gain of a coil or a lamp."""

DARKEST = 0.05
"""Part of the largest brightness that is added to numerator and denominator, so that dark pixels
have a ratio too."""


def within(pair: Pair) -> Pair | None:
    """Return the pair with the fixed image cropped to what lands inside the moving one.

    `None` where nothing lands outside, or too little inside.
    """
    height, width = pair.shape
    points = pair.truth(pixel_grid(pair.shape))
    reach = np.array(pair.moving.shape[::-1]) - 1 - MARGIN_PX
    valid = np.all((points >= MARGIN_PX) & (points <= reach), axis=-1)
    if valid.all() or not valid.any():
        return None
    centre = np.argwhere(valid).mean(axis=0)
    for share in np.arange(1.0, 0.1, -0.05):
        half = share * np.array([height, width]) / 2
        top, left = np.maximum(np.ceil(centre - half), 0).astype(int)
        bottom, right = np.minimum(centre + half, (height, width)).astype(int)
        if min(bottom - top, right - left) < LEAST_SIDE:
            return None
        if valid[top:bottom, left:right].all():
            box = slice(top, bottom), slice(left, right)
            return replace(
                pair,
                fixed=pair.fixed[box],
                mask=None if pair.mask is None else pair.mask[box],
                truth=Composite(pair.truth, translation(float(left), float(top))),
            )
    return None


def without_ring(pair: Pair) -> Pair | None:
    """Return the pair with a mask over what is near the border of either image; `None` if the
    solver takes none.
    """
    height, width = pair.shape
    points = pixel_grid(pair.shape)
    clear = np.ones(pair.shape, dtype=bool)
    for places, size in ((points, (width, height)), (pair.truth(points), pair.moving.shape[::-1])):
        clear &= np.all((places >= RING_PX) & (places <= np.array(size) - 1 - RING_PX), axis=-1)
    if pair.mask is not None:
        clear &= pair.mask
    return replace(pair, mask=clear) if clear.any() else None


def seen_through_truth(pair: Pair) -> NDArray[np.float64]:
    """Return moving(T(x)), by cubic splines; the fixed image where T leaves the moving one."""
    points = pair.truth(pixel_grid(pair.shape))
    seen = map_coordinates(pair.moving, [points[..., 1], points[..., 0]], order=3, mode="mirror")
    return np.where(inside(points, pair.moving.shape), seen, pair.fixed)


def evenly_bright(pair: Pair) -> Pair:
    """Return the pair with the fixed image multiplied to the moving one's local brightness."""
    blurred: list[Any] = [
        gaussian_filter(image, BRIGHTNESS_PX) for image in (seen_through_truth(pair), pair.fixed)
    ]
    floor = DARKEST * max(float(image.max()) for image in blurred)
    return replace(pair, fixed=pair.fixed * (blurred[0] + floor) / (blurred[1] + floor))
