"""The overlap of two images under a transform: where the oracle looks."""

import numpy as np
from numpy.typing import NDArray

from irgate_fixtures import Transform, pixel_grid


def overlap(
    transform: Transform,
    shape: tuple[int, ...],
    moving_shape: tuple[int, ...],
    mask: NDArray[np.bool_] | None,
) -> NDArray[np.bool_]:
    """Return the trusted fixed pixels that map into [0, W-1] x [0, H-1] of the moving image."""
    x, y = np.moveaxis(transform(pixel_grid(shape)), -1, 0)
    height, width = moving_shape
    inside = (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)
    return np.asarray(inside if mask is None else inside & mask)
