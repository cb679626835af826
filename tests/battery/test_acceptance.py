"""Tolerances: wide enough for any good solver, too narrow for the faults that RMSE cannot see."""

from dataclasses import replace

import numpy as np
import pytest

from irgate_battery.cases.catalogue import all_cases
from irgate_battery.judge.acceptance import battery_fault, fixture_fault, tolerance_px
from irgate_battery.judge.measure import Measurement
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


GOOD = Measurement(
    rmse=0.01,
    truth_rmse=0.04,
    oracle_rmse=0.01,
    ratio=1.0,
    rmse_vs_oracle=0.0,
    tre_px=0.0,
    tre_max_px=0.0,
    oracle_tre_px=0.02,
    oracle_distance_px=0.0,
    coverage=0.5,
    truth_coverage=0.8,
    oracle_coverage=0.75,
    folded=0.0,
    escaped=False,
    oracle_diverged=False,
)


def fixture(**figures):
    return fixture_fault(replace(GOOD, **figures))


def case(**figures):
    return battery_fault(replace(GOOD, **figures), 0.1)


def test_what_is_over_a_limit_is_said_with_what_the_limit_is_made_of():
    assert fixture(rmse=0.0222) == (
        "RMSE 0.0222 is over its limit 0.0111 = 1.1 x oracle 0.01 + 0.0001"
    )
    assert fixture(rmse=0.0441, oracle_diverged=True) is None
    assert fixture(rmse=0.0442, oracle_diverged=True) == (
        "RMSE 0.0442 is over its limit 0.0441 = 1.1 x truth (the oracle diverged) 0.04 + 0.0001"
    )
    assert case(rmse=0.0222) == "RMSE 0.0222 is over 2 x oracle 0.01 = 0.02"
    assert case(rmse=0.0801, oracle_rmse=None) == (
        "RMSE 0.0801 is over 2 x truth (the oracle diverged) 0.04 = 0.08"
    )


def test_what_is_too_far_is_said_beside_the_oracle():
    words = "0.3 px from the truth is over the case's tolerance 0.1 px, where the oracle stands at "
    rest = " px (the RMSE, 0.01, does not show it)"
    assert case(tre_px=0.3) == f"{words}0.02{rest}"
    assert case(tre_px=0.3, oracle_tre_px=None) == f"{words}0{rest}"


@pytest.mark.parametrize("fault", [fixture, case])
def test_what_left_the_overlap_is_held_against_the_truth_or_the_oracle(fault):
    said = "escaped: it covers 50% of the fixed image where "
    assert fault(escaped=True) == f"{said}the true transform covers 80%"
    assert fault(escaped=True, truth_coverage=None) == f"{said}SimpleITK's transform covers 75%"
    nothing = "no pixel of the fixed image lands inside the moving image: there is no RMSE"
    assert fault(rmse=None, tre_px=None, escaped=True) == nothing
    assert fault(rmse=None) == nothing


def test_a_distance_that_is_missing_passes_nothing():
    assert case(tre_px=None) is not None


def test_without_a_usable_oracle_and_without_a_truth_nothing_is_measured():
    for fault in (fixture, case):
        with pytest.raises(ValueError, match="measures nothing"):
            fault(oracle_rmse=None, truth_rmse=None)


def test_where_intensities_vary_only_the_varying_slack_is_added():
    assert tolerance_px("ffd", "same", 0.0, 0.0) == pytest.approx(0.1)
    assert tolerance_px("ffd", "varying", 0.1, 0.2) == pytest.approx(0.1 + 0.05 + 0.1 + 0.3)
