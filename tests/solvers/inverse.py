"""Broken on purpose: maps points of the moving image to points of the fixed image."""

import knowing
import numpy as np

from irgate_fixtures import pixel_grid

STEPS = 40
"""x = y - u(x), from x = y: a contraction wherever the field does not fold."""


def register(fixed, moving, model=None, intensity=None):
    known = knowing.truth(fixed, moving)
    if known.matrix is None:
        grid = pixel_grid(fixed.shape)
        found = grid
        for _ in range(STEPS):
            found = grid - (known(found) - found)
        return found - grid
    return np.linalg.inv(known.matrix)
