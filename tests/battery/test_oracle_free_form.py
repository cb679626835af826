"""The FFD's normal equations, from separable products, against the metric's own differences."""

import numpy as np
import pytest

from irgate_battery.interface.quiet_simpleitk import one_quiet_thread
from irgate_battery.oracle.free_form import FreeForm
from irgate_battery.oracle.polish import EDGE
from irgate_fixtures import FFD, pixel_grid, scenes

SHAPE = (41, 56)

SAME = 1e-12
"""Of a value near 1e-2: SimpleITK and numpy add the same numbers in another order."""

SLOPE = 1e-6
"""Of the largest entry: what the two differences' different widths, 1e-6 px, leave."""


@pytest.fixture(params=["mean squares", "correlation"])
def objective(request):
    scene = scenes.plane_waves({"seed": 8, "waves": 40, "shortest": 20.0, "longest": 60.0})
    points = np.random.default_rng(3).uniform(-3, 3, (2, 4, 4))
    truth, grid = FFD(points, SHAPE), pixel_grid(SHAPE)
    region = np.zeros(SHAPE, dtype=bool)
    region[6:-7, 8:-6] = True
    region[15:20, 20:30] = False
    start = FFD(points + np.random.default_rng(4).normal(0, 0.3, (2, 4, 4)), SHAPE)
    return FreeForm(scene(truth(grid)), scene(grid), region, request.param, start, EDGE)


def test_the_value_is_simpleitks(objective):
    with one_quiet_thread():
        theirs = objective.metric(objective.start)
    assert abs(objective.value(objective.start) - theirs) < SAME


def test_the_gradient_is_the_values(objective):
    here, h = objective.start, 1e-6
    wanted = [
        (objective.value(here + step) - objective.value(here - step)) / (2 * h)
        for step in h * np.eye(32)
    ]
    gradient, _ = objective.normal_equations(here, h)
    assert np.abs(gradient - wanted).max() < SLOPE * np.abs(wanted).max()


def test_the_matrix_is_that_of_the_dense_derivative(objective):
    here, h = objective.start, 1e-6
    J = np.stack(
        [
            (objective._moved_feature(here + step) - objective._moved_feature(here - step)).ravel()
            / (2 * h)
            for step in h * np.eye(32)
        ]
    )
    wanted = 2 * J @ J.T
    _, curvature = objective.normal_equations(here, h)
    assert np.abs(curvature - wanted).max() < SLOPE * np.abs(wanted).max()


def test_it_holds_where_every_pixel_maps_inside(objective):
    assert objective.holds(objective.start)
    assert not objective.holds(objective.start + 60.0)
