"""A solver that cannot be wrong: it looks its images up among the fixtures, and knows the truth."""

from functools import cache

import numpy as np

import irgate_fixtures


@cache
def _pairs():
    return [irgate_fixtures.pair(name) for name in irgate_fixtures.NAMES]


def truth(fixed, moving):
    """The true transform between two images of a fixture."""
    if np.array_equal(fixed, moving):
        return irgate_fixtures.Matrix(np.eye(3))
    for pair in _pairs():
        if np.array_equal(pair.moving.astype(np.float32), moving):
            return pair.truth
    raise LookupError("these are no images of a fixture")


def register(fixed, moving):
    known = truth(fixed, moving)
    return known.displacement(fixed.shape) if known.matrix is None else known.matrix
