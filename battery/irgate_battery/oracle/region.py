"""The overlap of two images under a transform: where the oracle looks."""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_erosion

from irgate_fixtures import Transform, pixel_grid


def overlap(
    transform: Transform,
    shape: tuple[int, ...],
    moving_shape: tuple[int, ...],
    mask: NDArray[np.bool_] | None,
    moving_mask: NDArray[np.bool_] | None = None,
) -> NDArray[np.bool_]:
    """Return the trusted fixed pixels that map into [0, W-1] x [0, H-1] of the moving image.

    With a moving mask, of `inner`, the nearest moving pixel must be trusted too.
    """
    x, y = np.moveaxis(transform(pixel_grid(shape)), -1, 0)
    height, width = moving_shape
    inside = (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)
    if moving_mask is not None:
        row = np.clip(np.rint(y), 0, height - 1).astype(int)
        column = np.clip(np.rint(x), 0, width - 1).astype(int)
        inside &= moving_mask[row, column]
    return np.asarray(inside if mask is None else inside & mask)


def inner(moving_mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the moving pixels whose 24 neighbours, those inside the image, are trusted too.

    ITK looks a mask up at the nearest pixel. With two pixels between that and what is hidden, no
    hidden pixel enters a linear interpolation, also while a last step moves it by one more.
    """
    return np.asarray(binary_erosion(moving_mask, np.ones((5, 5), bool), border_value=1))
