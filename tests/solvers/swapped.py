"""Broken on purpose: rows before columns."""

import knowing
import numpy as np

SWAP = np.array([[0, 1, 0], [1, 0, 0], [0, 0, 1]])


def register(fixed, moving):
    known = knowing.truth(fixed, moving)
    if known.matrix is None:
        return known.displacement(fixed.shape)[..., ::-1]
    return SWAP @ known.matrix @ SWAP
