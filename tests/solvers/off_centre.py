"""Broken on purpose: good parameters, composed about (N / 2) instead of ((N - 1) / 2)."""

import knowing
import numpy as np

import irgate_fixtures


def register(fixed, moving, mask=None):
    known = knowing.truth(fixed, moving)
    if known.matrix is None:
        return known.displacement(fixed.shape)
    half = irgate_fixtures.translation(0.5, 0.5).matrix
    linear, right = known.matrix.copy(), known.matrix
    # The same linear part and the same shift of the centre, about a centre half a pixel away.
    linear[:2, 2] = 0
    return half @ linear @ np.linalg.inv(half) @ np.linalg.inv(linear) @ right
