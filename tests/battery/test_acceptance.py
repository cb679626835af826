"""Tolerances: wide enough for any good solver, too narrow for the faults that RMSE cannot see."""

import numpy as np
import pytest

from irgate_battery.cases.catalogue import all_cases
from irgate_battery.judge.acceptance import tolerance_px
from irgate_fixtures import rigid

BY_ID = {case.id: case for case in all_cases()}


def tolerance(name, oracle_px):
    case = BY_ID[name]
    return tolerance_px(case.model, case.intensity, case.noise, oracle_px)


def test_it_grows_with_noise_and_with_the_oracles_own_error():
    clean = tolerance("synth_rotate_2d-rot15", 0.0)
    assert clean == pytest.approx(0.05)
    assert tolerance("synth_rotate_2d-noise10", 0.0) == pytest.approx(clean + 0.1)
    assert tolerance("synth_rotate_2d-rot15", 0.1) == pytest.approx(clean + 0.15)
    assert tolerance("brain_mri_real-rot15", 0.0) == pytest.approx(clean + 0.05)


@pytest.mark.parametrize("degrees", [15, 45, 75])
def test_a_centre_that_is_half_a_pixel_off_is_over_it(degrees):
    """Turning about N / 2 instead of (N - 1) / 2."""
    shape = (171, 203)
    angle = np.radians(degrees)
    right = rigid(angle, 0, 0, shape).displacement(shape)
    wrong = rigid(angle, 0, 0, (172, 204)).displacement(shape)
    off = np.linalg.norm(right - wrong, axis=-1).mean()
    assert off > 2 * tolerance("synth_rotate_2d-rot15", 0.01)
