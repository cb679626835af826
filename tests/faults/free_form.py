"""Faults of the free-form deformation: good control points, evaluated wrongly."""

import numpy as np
from scipy.ndimage import zoom

from irgate_fixtures import FFD
from pytest_irgate.adapters import bundled

from .fault import fault


def control_points(fixed, moving, mask, init, intensity):
    found = bundled.register(fixed, moving, "ffd", mask, init, intensity)
    return found.control_points.numpy()


def evaluated(points, shape, lead, excess):
    """Return the displacement of cubic control points on a domain that begins `lead` px before the
    first pixel centre and is N + `excess` px long."""

    def basis(size):
        u = ((np.arange(size) + lead) / (size + excess))[:, None]
        v = 1 - u
        pieces = [v**3, 3 * u**3 - 6 * u**2 + 4, 3 * v**3 - 6 * v**2 + 4, u**3]
        return np.concatenate(pieces, 1) / 6

    height, width = shape
    field = [basis(height) @ component @ basis(width).T for component in points]
    return np.stack(field, axis=-1)


def ffd_only(function):
    """Let the bundled solver answer for every family but the free form."""

    def register(fixed, moving, model, mask, init, intensity):
        if model != "ffd":
            return bundled.register(fixed, moving, model, mask, init, intensity)
        return function(fixed, moving, mask, init, intensity)

    register.__name__, register.__doc__ = function.__name__, function.__doc__
    register.__module__ = function.__module__
    return register


@fault(
    origin="elastix #509 and every hand-made sitk.BSplineTransform: whose domain is it?",
    layers="ratio, truth",
    names="FFD domain",
    item="battery bspline_random_2d-rot75",
)
@ffd_only
def domain_from_centre_to_centre(fixed, moving, mask, init, intensity):
    """The domain runs from the first pixel centre to the last and not from edge to edge."""
    return evaluated(control_points(fixed, moving, mask, init, intensity), fixed.shape, 0.0, -1.0)


@fault(
    origin="control grids whose first point is put on the first pixel, as NumPy users do",
    layers="each fixture, ratio, truth",
    names="FFD domain",
    item="base bspline_random_2d",
)
@ffd_only
def domain_one_spacing_off(fixed, moving, mask, init, intensity):
    """The first control point stands at the image's edge, not one spacing outside of it."""
    points = control_points(fixed, moving, mask, init, intensity)
    padded = np.pad(points, ((0, 0), (0, 1), (0, 1)), mode="edge")
    return evaluated(padded[:, 1:, 1:], fixed.shape, 0.625, 0.25)


@fault(
    origin="coefficients flattened x fastest and read back y fastest",
    layers="each fixture, ratio, truth",
    names="control grid transposed",
    item="base bspline_random_2d",
)
@ffd_only
def control_grid_transposed(fixed, moving, mask, init, intensity):
    """Rows and columns of the control grid are swapped."""
    points = control_points(fixed, moving, mask, init, intensity)
    return FFD(points.transpose(0, 2, 1), fixed.shape)


@fault(
    origin="ITK keeps all x coefficients and then all y; others keep pairs",
    layers="each fixture, ratio, truth",
    names="x and y swapped",
    item="base bspline_random_2d",
)
@ffd_only
def components_swapped(fixed, moving, mask, init, intensity):
    """The coefficients of y move x."""
    return FFD(control_points(fixed, moving, mask, init, intensity)[::-1], fixed.shape)


@fault(
    origin="cubic weights replaced by a bilinear upsampling of the control points",
    layers="each fixture, ratio, truth",
    names="FFD domain",
    item="base bspline_random_2d",
)
@ffd_only
def interpolated_control_points(fixed, moving, mask, init, intensity):
    """Control points are taken for values of the displacement, and drawn up linearly."""
    points = control_points(fixed, moving, mask, init, intensity)[:, 1:3, 1:3]
    height, width = fixed.shape
    return np.stack([zoom(p, (height / 2, width / 2), order=1) for p in points], axis=-1)


@fault(
    origin="fields solved at half size and drawn up by scipy.ndimage.zoom, whose corners align",
    layers="ratio, truth",
    names="half pixel, align_corners, scaled",
    item="battery bspline_random_2d-rot75",
)
@ffd_only
def drawn_up_from_half_size(fixed, moving, mask, init, intensity):
    """Averages of 2 x 2 pixels are spread corner to corner: up to half a pixel off their place."""
    u = bundled.register(fixed, moving, "ffd", mask, init, intensity).displacement(fixed.shape)
    u = u.numpy()
    height, width = (size // 2 for size in fixed.shape)
    means = u[: 2 * height, : 2 * width].reshape(height, 2, width, 2, 2).mean((1, 3))
    factors = (fixed.shape[0] / height, fixed.shape[1] / width, 1)
    return zoom(means, factors, order=1)
