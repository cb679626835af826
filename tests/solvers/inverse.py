"""Broken on purpose: maps points of the moving image to points of the fixed image."""

import knowing
import numpy as np


def register(fixed, moving):
    known = knowing.truth(fixed, moving)
    if known.matrix is None:
        return -known.displacement(fixed.shape)
    return np.linalg.inv(known.matrix)
