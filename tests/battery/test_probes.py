"""A solver that is asked again shows what is wrong with it, each fault by another change.

The solvers here know the truth and have one habit each; so what a probe concludes can only come
from the habit.
"""

import math

import numpy as np
import pytest
from items import evaluate_case

from irgate_battery.cases.catalogue import base_cases, battery_cases
from irgate_battery.diagnosis.probes import SLOWEST_SECONDS, probe
from irgate_battery.interface.protocol import Solver
from irgate_battery.oracle.store import OracleStore
from irgate_fixtures import Matrix, translation

CASES = {case.id: case for case in (*base_cases(), *battery_cases())}
OCCLUDED = CASES["lena_affine_2d-occlusion25"]
BIASED = CASES["lena_affine_2d-bias30"]
NOISY = CASES["lena_affine_2d-noise10"]
PLAIN = CASES["lena_affine_2d"]

AWAY = (3.1, 2.3)
"""An error that no misreading explains, px."""


def away(case, part=1.0):
    """The truth, moved by a part of an error."""
    x, y = AWAY
    return translation(part * x, part * y).matrix @ case.pair().truth.matrix


def result(case, register):
    return evaluate_case(case, Solver.of(register), OracleStore("stored")).row


def distance(case, init):
    """How far a start is from the truth at the first pixel, px."""
    return math.hypot(*(init.matrix - case.pair().truth.matrix)[:2, 2])


def test_a_mask_that_changes_nothing_is_ignored():
    row = result(OCCLUDED, lambda fixed, moving, mask=None: away(OCCLUDED))
    assert row.diagnosis == "mask ignored"
    assert "without it the answer is the same" in row.message


def test_a_mask_that_is_read_the_wrong_way_round():
    def register(fixed, moving, mask=None):
        return away(OCCLUDED, 2.0 if mask is None else float(mask.mean() > 0.5))

    row = result(OCCLUDED, register)
    assert row.diagnosis == "mask inverted"
    assert row.undone_px == pytest.approx(0, abs=1e-6)


def test_brightness_that_is_taken_to_be_constant():
    given = BIASED.pair().fixed.astype(np.float32)

    def register(fixed, moving):
        return away(BIASED, float(np.array_equal(fixed, given)))

    row = result(BIASED, register)
    assert row.diagnosis == "intensity assumption"
    assert "made as bright as the moving one" in row.message


def test_the_brightness_probe_removes_the_gain_and_nothing_else():
    """Seen through the truth, the evened pair differs by far less than the given one."""
    seen = []
    register = lambda fixed, moving: seen.append(fixed) or away(BIASED)  # noqa: E731
    result(BIASED, register)
    given, even = seen[:2]
    pair = BIASED.pair()
    clean = CASES["lena_affine_2d"].pair()
    ratio = even / np.maximum(given, 0.02)
    assert np.ptp(ratio[20:-20, 20:-20]) > 0.3, "30 % of gain were there to remove"
    biased = float(np.abs(pair.fixed - given).max())
    assert biased < 1e-6
    assert np.array_equal(clean.fixed.astype(np.float32), given), "the bias is on the moving one"


def test_noise_that_leads_astray():
    given = NOISY.pair().fixed.astype(np.float32)

    def register(fixed, moving):
        return away(NOISY, float(np.array_equal(fixed, given)))

    assert result(NOISY, register).diagnosis == "noise"


def started(case, step):
    """A solver that goes from its start, or from `away`, by a habit of its own."""

    def register(fixed, moving, init=None):
        return step(init)

    return result(case, register)


def test_a_descent_that_stops_early():
    def step(init):
        if init is None:
            return away(PLAIN)
        truth = PLAIN.pair().truth.matrix
        return truth + 0.3 * (init.matrix - truth)

    row = started(PLAIN, step)
    assert row.diagnosis == "stops early"
    assert row.undone_px == pytest.approx(0.3 * math.hypot(*AWAY), rel=1e-6)


def test_a_descent_that_does_not_find_its_way():
    def step(init):
        near = init is not None and distance(PLAIN, init) < 1
        return PLAIN.pair().truth.matrix if near else away(PLAIN)

    assert started(PLAIN, step).diagnosis == "wrong start"


def test_a_step_that_makes_it_worse():
    def step(init):
        return away(PLAIN, 1.0 if init is None else 1.0 + 0.1 * distance(PLAIN, init))

    assert started(PLAIN, step).diagnosis == "worsens its start"


def test_an_overlap_that_is_fled():
    def step(init):
        far = 120.0 if init is None else 120.0 + distance(PLAIN, init)
        return translation(far, 0.0).matrix @ PLAIN.pair().truth.matrix

    row = started(PLAIN, step)
    assert row.diagnosis == "flees the overlap"
    assert "covered, where the truth covers" in row.message


def test_an_optimum_that_is_elsewhere():
    """So near that the RMSE cannot tell, and too far for the case: under heavy noise."""

    def step(init):
        other = 0.2 if init is None else 0.2 + 1e-3 * distance(NOISY, init)
        return away(NOISY, other)

    assert started(NOISY, step).diagnosis == "another objective"


def test_one_place_wherever_it_starts_says_nothing():
    row = started(PLAIN, lambda init: away(PLAIN))
    assert row.diagnosis is None
    assert "No simple fault explains it" in row.message


def test_a_solver_that_fails_when_it_is_asked_again_keeps_its_row():
    def step(init):
        if init is not None:
            raise ValueError("no start, please")
        return away(PLAIN)

    row = started(PLAIN, step)
    assert (row.status, row.diagnosis) == ("failed", None)
    assert row.rmse is not None


def test_a_slow_solver_is_not_asked_again():
    asked = []
    solver = Solver.of(lambda fixed, moving, init=None: asked.append(1) or away(PLAIN))
    pair = PLAIN.pair()
    answer, _ = solver.solve(pair.fixed, pair.moving, model="affine")
    options = {"near_px": 0.05, "timeout": None}
    assert probe(PLAIN, pair, solver, answer, seconds=SLOWEST_SECONDS + 1, **options) is None
    assert len(asked) == 1
    probe(PLAIN, pair, solver, answer, seconds=0.1, **options)
    assert len(asked) == 3


def test_a_right_answer_is_not_asked_about():
    calls = []

    def register(fixed, moving, init=None):
        calls.append(1)
        return Matrix(PLAIN.pair().truth.matrix)

    assert result(PLAIN, register).status == "passed"
    assert len(calls) == 1
