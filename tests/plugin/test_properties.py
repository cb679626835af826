"""Drawn problems are true, properties hold for a good solver, and each fails on its fault."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from items import evaluate
from scipy.ndimage import maximum_filter

from irgate_battery.cases.run_spec import RunSpec
from irgate_battery.interface.declaration import ALL_MODELS
from irgate_battery.interface.protocol import Solver
from irgate_battery.suites import drawn_problems
from irgate_battery.suites.properties import PROPERTIES, falsify
from irgate_fixtures import pixel_grid
from pytest_irgate import strategies
from pytest_irgate.adapters import bundled

BY_NAME = {prop.name: prop for prop in PROPERTIES}

FEW = settings(
    max_examples=15, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)


@FEW
@given(strategies.problems())
def test_a_problems_truth_is_true(problem):
    """Exactly: both images are one analytic scene."""
    shape = problem.fixed.shape
    grid = pixel_grid(shape)
    scene = strategies.scene_of(problem.seed)
    np.testing.assert_array_equal(problem.moving, scene(grid))
    np.testing.assert_array_equal(problem.fixed, scene(problem.truth(grid)))
    assert shape[0] != shape[1]
    assert 0 < problem.fixed.min() < problem.fixed.max() < 1


@FEW
@given(st.data(), st.sampled_from(ALL_MODELS))
def test_warps_stay_within_the_stated_range(data, model):
    shape = (80, 100)
    warp = data.draw(strategies.warps(model, shape))
    centre = np.array([[(100 - 1) / 2, (80 - 1) / 2]])
    moved = np.abs(warp(centre) - centre).max()
    assert moved <= max(drawn_problems.SHIFT_PX, drawn_problems.BEND_PX) + 1e-9
    if model == "rigid":
        turn = np.degrees(np.arctan2(warp.matrix[1, 0], warp.matrix[0, 0]))
        assert abs(turn) <= drawn_problems.TURN_DEG + 1e-9


@FEW
@given(strategies.masks((60, 90)))
def test_masks_trust_a_rectangle_of_the_stated_part(mask):
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    assert mask.sum() == len(rows) * len(columns)
    assert len(rows) >= drawn_problems.TRUSTED * 60 - 1
    assert len(columns) >= drawn_problems.TRUSTED * 90 - 1


@FEW
@given(strategies.problems(masked=True))
def test_what_is_masked_is_spoilt(problem):
    clean = strategies.scene_of(problem.seed)(problem.truth(pixel_grid(problem.fixed.shape)))
    np.testing.assert_array_equal(problem.fixed[problem.mask], clean[problem.mask])
    np.testing.assert_array_equal(problem.fixed[~problem.mask], 1 - clean[~problem.mask])


@FEW
@given(strategies.problems(moving_masked=True))
def test_what_is_masked_in_the_moving_image_is_spoilt_but_for_its_rim(problem):
    clean = strategies.scene_of(problem.seed)(pixel_grid(problem.moving.shape))
    spoilt = problem.moving != clean
    assert not (spoilt & problem.moving_mask).any()
    np.testing.assert_array_equal(problem.moving[spoilt], 1 - clean[spoilt])
    # Every hidden pixel that is not spoilt touches a trusted one.
    beside = maximum_filter(problem.moving_mask, 3)
    assert (beside | spoilt)[~problem.moving_mask].all()


def test_an_unknown_model_is_refused():
    with pytest.raises(ValueError, match="no model 'projective'"):
        strategies.warps("projective", (60, 90))


@pytest.mark.parametrize("name", BY_NAME)
def test_a_good_solver_keeps_every_property(name):
    assert falsify(BY_NAME[name], Solver.of(bundled.register), 5, 0, None) is None


def fields(fixed, moving, **more):
    return np.asarray(bundled.register(fixed, moving, **more).displacement(fixed.shape).detach())


def identity(fixed, moving, model, mask, intensity):
    return np.eye(3)


def pushed(fixed, moving, model, mask, intensity):
    """Off by a constant: every symmetry turns it another way."""
    return fields(fixed, moving, model=model, mask=mask, intensity=intensity) + np.array(
        [0.06, 0.0]
    )


def blind(fixed, moving, model, mask, intensity):
    """Takes a mask, and does not look at it."""
    return fields(fixed, moving, model=model, intensity=intensity)


def half_blind(fixed, moving, model, mask, moving_mask, intensity):
    """Takes a moving mask, and does not look at it."""
    return fields(fixed, moving, model=model, mask=mask, intensity=intensity)


def swayed(fixed, moving, model, mask, intensity):
    """Moves with the brightness of the moving image."""
    found = fields(fixed, moving, model=model, mask=mask, intensity=intensity)
    return found + 0.5 * (moving.mean() - 0.5)


def anchored(fixed, moving, model, mask, intensity):
    """Takes the size of the image for its place."""
    found = fields(fixed, moving, model=model, mask=mask, intensity=intensity)
    return found + 0.3 * (fixed.shape[0] - moving.shape[0])


FAULTS = {
    "recovered": identity,
    "recovered_behind_a_mask": blind,
    "recovered_behind_a_moving_mask": half_blind,
    "identity": pushed,
    "swapped": pushed,
    "gain_and_offset": swayed,
    "transposed": pushed,
    "flipped": pushed,
    "cropped": anchored,
}


@pytest.mark.parametrize("name", BY_NAME)
def test_each_property_fails_on_its_fault(name):
    assert falsify(BY_NAME[name], Solver.of(FAULTS[name]), 10, 0, None) is not None


def swapped_where_not_square(fixed, moving, model="affine", mask=None, intensity="same"):
    found = fields(fixed, moving, model=model, mask=mask, intensity=intensity)
    return found[..., ::-1] if fixed.shape[0] != fixed.shape[1] else found


def test_a_failure_shrinks_to_a_small_warp_and_says_how_to_see_it_again():
    solver = Solver.of(swapped_where_not_square)
    result = evaluate("fuzz", "recovered", solver, timeout=None, run_spec=RunSpec(examples=10))
    assert result.row.status == "failed"
    assert "Replay: run irgate/fuzz.py::test_property[recovered] again" in result.row.message
    problem, _ = falsify(BY_NAME["recovered"], solver, 10, 0, None)
    again, _ = falsify(BY_NAME["recovered"], solver, 10, 0, None)
    assert repr(problem) == repr(again)
    assert repr(problem) in result.row.message
    assert problem.model == "translation"
    assert np.abs(problem.truth.matrix[:2, 2]).sum() < 0.3


def test_a_solver_that_raises_breaks_the_property_with_its_own_words():
    def register(fixed, moving):
        raise ValueError("singular matrix")

    row = evaluate(
        "fuzz", "recovered", Solver.of(register), timeout=None, run_spec=RunSpec(examples=5)
    ).row
    assert row.status == "failed"
    assert "singular matrix" in row.message


def test_what_a_solver_cannot_take_is_a_skip():
    def register(fixed, moving):
        return np.eye(3)

    solver = Solver.of(register)
    row = evaluate(
        "fuzz", "recovered_behind_a_mask", solver, timeout=None, run_spec=RunSpec(examples=5)
    ).row
    assert (row.status, "takes no mask" in row.message) == ("skipped", True)
    register.models = ("ffd",)
    row = evaluate(
        "fuzz", "swapped", Solver.of(register), timeout=None, run_spec=RunSpec(examples=5)
    ).row
    assert (row.status, "none of the models" in row.message) == ("skipped", True)


class TestSuite:
    def test_it_runs_only_when_asked_for(self, gate):
        result = gate("--irgate-fuzz", "3", "irgate/fuzz.py", solver=None, suites=None)
        result.assert_outcomes(passed=len(PROPERTIES))

    def test_the_printed_line_replays_a_failure(self, gate, pytester, solvers, report_of):
        arguments = ("--irgate-fuzz", "3", "--irgate-seed", "5", "--irgate-json", "r.json")
        item = "irgate/fuzz.py::test_property[recovered]"
        messages = []
        for workers in ("0", "2"):
            result = gate(*arguments, "-n", workers, item, solver="identity", suites=None)
            assert result.ret == 1
            (row,) = report_of("r.json")["cases"]
            messages.append(row["message"])
        assert messages[0] == messages[1]
        path = f"{solvers}/identity.py:register"
        assert messages[0].endswith(
            f"Replay: pytest --irgate --irgate-solver {path} --irgate-fuzz 3 --irgate-seed 5 "
            f'"{item}"'
        )
