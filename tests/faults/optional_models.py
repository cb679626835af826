"""Faults of the models that only some solvers have: similarity and homography."""

import numpy as np

from pytest_irgate.adapters import bundled

from .conventions import about, centre, parts
from .fault import fault


def one_model(name):
    """Let the bundled solver answer for every model but this one, whose matrix is changed."""

    def decorated(function):
        def register(fixed, moving, model, mask, init, intensity):
            found = bundled.register(fixed, moving, model, mask, init, intensity)
            return function(found.matrix.numpy(), fixed.shape) if model == name else found

        register.__name__, register.__doc__ = function.__name__, function.__doc__
        register.__module__ = function.__module__
        register.models = bundled.register.models
        return register

    return decorated


@fault(
    origin="a determinant taken for the scale: det(s R) is s squared",
    layers="conditions",
    names="scale misapplied",
    item="conditions similarity",
)
@one_model("similarity")
def scale_squared(M, shape):
    """The similarity's scale applied twice, once in R and once beside it."""
    A, shift = parts(M, shape)
    return about(centre(shape), np.sqrt(np.linalg.det(A)) * A, shift)


@fault(
    origin="a similarity read with the accessors of a rigid motion: angle and shift alone",
    layers="conditions",
    names="scale left out",
    item="conditions similarity",
)
@one_model("similarity")
def scale_dropped(M, shape):
    """Angle and shift of the similarity, with a scale of 1."""
    A, shift = parts(M, shape)
    return about(centre(shape), A / np.sqrt(np.linalg.det(A)), shift)


@fault(
    origin="warpAffine given the first two rows of what findHomography returned",
    layers="conditions",
    names="perspective left out",
    item="conditions homography",
)
@one_model("homography")
def last_row_dropped(M, shape):
    """The first two rows of the homography."""
    return M[:2] / M[2, 2]


@fault(
    origin="a homography of a half-size image brought to full size by its shift alone",
    layers="conditions",
    names="perspective of another level",
    item="conditions homography",
)
@one_model("homography")
def last_row_of_a_coarse_level(M, shape):
    """The last row as on the level of half the size: two numbers twice as large."""
    H = M / M[2, 2]
    H[2, :2] *= 2
    return H
