"""The oracle stands at the minimum of its metric, as found again without SimpleITK.

Gauss-Newton in numpy with the exact derivative of bilinear interpolation, on the same frozen
region, started from the truth: another transform code, interpolator, derivative and optimiser.
"""

import numpy as np
import pytest

from irgate_battery.cases.catalogue import base_cases
from irgate_battery.oracle.store import OracleStore
from irgate_fixtures import FFD, NAMES, affine, image_centre, pixel_grid, rigid, translation

AT_THE_MINIMUM = {**dict.fromkeys(NAMES, 1e-6), "brain_mri_real": 5e-5}
"""RMSE between the two warped images, in intensity; found are 1e-11, 1e-15, 6e-7, 1e-7 and 2e-5.
On the photograph and more so on the MRI pair linear interpolation of noise has many tiny minima,
and two optimisers end in two of them. Agreement with a solver is asked for at 1e-4."""


def family(pair):
    """Return the truth's parameters, all about px in size, and the map from them to a transform."""
    shape, truth = pair.fixed.shape, pair.truth
    if pair.model == "ffd":
        return truth.control_points.ravel(), lambda p: FFD(p.reshape(2, 4, 4), shape)
    A, c = truth.matrix[:2, :2], image_centre(shape)
    shift = truth.matrix[:2, :2] @ c + truth.matrix[:2, 2] - c
    if pair.model == "translation":
        return shift, lambda p: translation(*p)
    if pair.model == "rigid":
        angle = 100 * np.arctan2(A[1, 0], A[0, 0])
        return np.array([angle, *shift]), lambda p: rigid(p[0] / 100, p[1], p[2], shape)
    return (
        np.concatenate([100 * A.ravel(), shift]),
        lambda p: affine(p[:4].reshape(2, 2) / 100, p[4], p[5], shape),
    )


def bilinear(image, points):
    """Return values and exact derivatives by x and y, inside the outermost samples."""
    height, width = image.shape
    x, y = points.T
    column = np.clip(np.floor(x).astype(int), 0, width - 2)
    row = np.clip(np.floor(y).astype(int), 0, height - 2)
    s, t = x - column, y - row
    a, b = image[row, column], image[row, column + 1]
    c, d = image[row + 1, column], image[row + 1, column + 1]
    value = (1 - t) * ((1 - s) * a + s * b) + t * ((1 - s) * c + s * d)
    return value, (1 - t) * (b - a) + t * (d - c), (1 - s) * (c - a) + s * (d - b)


def inside(pair, points):
    height, width = pair.moving.shape
    return ((points >= 0) & (points <= [width - 1, height - 1])).all(axis=-1)


def residual(pair, make, parameters, pixels, fixed):
    """Return r; |r|^2 is the squared error, or 2 - 2 NCC."""
    value = bilinear(pair.moving, make(parameters)(pixels))[0]
    if pair.intensity == "same":
        return value - fixed
    value, fixed = value - value.mean(), fixed - fixed.mean()
    return value / np.linalg.norm(value) - fixed / np.linalg.norm(fixed)


def jacobian(pair, make, parameters, pixels):
    value, by_x, by_y = bilinear(pair.moving, make(parameters)(pixels))
    # Central differences are exact for transforms that are linear in their parameters.
    columns = []
    for h in 1e-4 * np.eye(parameters.size):
        moved = (make(parameters + h)(pixels) - make(parameters - h)(pixels)) / 2e-4
        columns.append(by_x * moved[:, 0] + by_y * moved[:, 1])
    J = np.stack(columns, axis=-1)
    if pair.intensity == "same":
        return J
    value, J = value - value.mean(), J - J.mean(axis=0)
    length = np.linalg.norm(value)
    value = value / length
    return (J - np.outer(value, value @ J)) / length


def gauss_newton(pair, make, parameters, region):
    pixels, fixed = pixel_grid(pair.fixed.shape)[region], pair.fixed[region]
    r = residual(pair, make, parameters, pixels, fixed)
    for _ in range(15):
        J = jacobian(pair, make, parameters, pixels)
        step = np.linalg.solve(J.T @ J, -J.T @ r)
        # Halved where it crosses a kink.
        for halved in step * 0.5 ** np.arange(20)[:, None]:
            tried = residual(pair, make, parameters + halved, pixels, fixed)
            if tried @ tried < r @ r:
                break
        else:
            break
        parameters, r = parameters + halved, tried
        if np.abs(halved).max() < 1e-6:
            break
    return parameters


def minimum(pair):
    parameters, make = family(pair)
    grid = pixel_grid(pair.fixed.shape)
    for _ in range(5):
        region = inside(pair, make(parameters)(grid))
        parameters = gauss_newton(pair, make, parameters, region)
        if np.array_equal(region, inside(pair, make(parameters)(grid))):
            break
    return make(parameters)


@pytest.mark.parametrize("case", base_cases(), ids=NAMES)
def test_it_is_where_another_optimiser_ends(case):
    pair = case.pair()
    oracle, _ = OracleStore("stored").get(case, pair)
    grid = pixel_grid(pair.fixed.shape)
    ours, theirs = minimum(pair)(grid), oracle.transform(grid)
    both = inside(pair, ours) & inside(pair, theirs)
    apart = bilinear(pair.moving, ours[both])[0] - bilinear(pair.moving, theirs[both])[0]
    assert np.sqrt(np.mean(apart**2)) < AT_THE_MINIMUM[case.id]
