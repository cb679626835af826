"""Recovery: pushes have their size, starts are what they say, and a lame solver fails."""

import knowing
import numpy as np
import pytest
from items import evaluate_recovery

import irgate_fixtures
from irgate_battery.cases.catalogue import base_cases
from irgate_battery.interface.answer import Answer, read_answer
from irgate_battery.interface.protocol import Solver
from irgate_battery.suites.recovery import PUSHES, SEEDS, pushed, pushes

SHAPE = (171, 203)
BY_ID = {case.id: case for case in base_cases()}
RIGID, DENSE = BY_ID["synth_rotate_2d"], BY_ID["bspline_random_2d"]


def displacements(push):
    return [away.displacement(SHAPE) for away in pushes(push, "name", SHAPE)]


@pytest.mark.parametrize(("push", "px"), [("shift1px", 1), ("shift5px", 5)])
def test_a_shift_is_as_long_as_it_says_in_ten_directions(push, px):
    fields = displacements(push)
    assert len(fields) == SEEDS
    for field in fields:
        np.testing.assert_allclose(np.linalg.norm(field, axis=-1), px)
    assert len({tuple(np.round(field[0, 0], 6)) for field in fields}) == SEEDS


def test_a_turn_is_of_a_tenth_of_a_radian_about_ten_points_near_the_centre():
    centres = set()
    for away in pushes("turn100mrad", "name", SHAPE):
        assert abs(np.arctan2(away.matrix[1, 0], away.matrix[0, 0])) == pytest.approx(0.1)
        pivot = np.linalg.solve(np.eye(2) - away.matrix[:2, :2], away.matrix[:2, 2])
        assert np.all(np.abs(pivot - ((203 - 1) / 2, (171 - 1) / 2)) <= (20.4, 17.2))
        centres.add(tuple(np.round(pivot, 6)))
    assert len(centres) == SEEDS


def test_pushes_are_the_same_for_every_solver():
    for push in PUSHES:
        for one, other in zip(displacements(push), displacements(push), strict=True):
            np.testing.assert_array_equal(one, other)


FROZEN = {
    "shift1px": [[1, 0, -0.920772700], [0, 1, 0.390099520]],
    "shift5px": [[1, 0, -4.220244017], [0, 1, -2.681331841]],
    "turn100mrad": [
        [0.995004165, -0.099833417, 9.145312228],
        [0.099833417, 0.995004165, -7.641908331],
    ],
}
"""The first push of each kind, px: Python promises `random.Random`'s stream for a text as seed."""


@pytest.mark.parametrize("push", PUSHES)
def test_pushes_are_the_same_in_every_version(push):
    """Two reports count starts of the same places."""
    first = next(pushes(push, "name", SHAPE))
    np.testing.assert_allclose(first.matrix[:2], FROZEN[push], atol=1e-8)


def test_turns_go_both_ways():
    signs = [np.sign(away.matrix[1, 0]) for away in pushes("turn100mrad", "name", SHAPE)]
    assert set(signs) == {-1, 1}


def test_another_push_is_refused():
    with pytest.raises(KeyError, match="no push 'shove'; there are shift1px, shift5px, turn100m"):
        next(pushes("shove", "name", SHAPE))


def test_a_start_is_the_optimum_followed_by_the_push_as_matrix_and_dense():
    matrix = irgate_fixtures.pair("synth_rotate_2d").truth.matrix
    as_matrix = read_answer(matrix, SHAPE)
    dense = Answer(displacement=as_matrix.displacement, matrix=None)
    away = next(pushes("turn100mrad", "name", SHAPE))
    start = pushed(as_matrix, away)
    np.testing.assert_allclose(start.matrix, away.matrix @ matrix)
    field = start.displacement(SHAPE)
    x, y = 30, 7
    np.testing.assert_allclose(
        field[y, x] + (x, y), (away.matrix @ matrix @ (x, y, 1))[:2], atol=1e-9
    )
    assert pushed(dense, away).matrix is None
    np.testing.assert_allclose(pushed(dense, away).displacement(SHAPE), field, atol=1e-9)
    with pytest.raises(ValueError, match="the fixed image is"):
        start.displacement((3, 3))


def stubborn(fixed, moving, init=None):
    """Finds the truth wherever it starts, to the last bits."""
    known = knowing.truth(fixed, moving).displacement(fixed.shape)
    return known if init is None else known + 1e-9 * init.displacement(fixed.shape)


def deaf(fixed, moving, init=None):
    """Has the argument, and does not look at it."""
    return knowing.register(fixed, moving)


def certain(fixed, moving, init=None):
    """Ends at the same bits from wherever it finds the way; else far off."""
    known = knowing.truth(fixed, moving).displacement(fixed.shape)
    lost = init is not None and np.abs(init.displacement(fixed.shape) - known).max() > 50
    return known + 1.0 if lost else known


def failing(fixed, moving, init=None):
    """The same, and raises where it does not find the way."""
    answer = certain(fixed, moving, init)
    if not np.array_equal(answer, knowing.truth(fixed, moving).displacement(fixed.shape)):
        raise RuntimeError("no convergence")
    return answer


def lame(fixed, moving, init=None):
    """Stays where it is put."""
    return knowing.register(fixed, moving) if init is None else init


def halfway(fixed, moving, init=None):
    """Goes nine tenths of the way and stops."""
    known = knowing.truth(fixed, moving).displacement(fixed.shape)
    return known if init is None else 0.9 * known + 0.1 * init.displacement(fixed.shape)


@pytest.mark.parametrize("case", [RIGID, DENSE], ids=lambda case: case.model)
@pytest.mark.parametrize("push", PUSHES)
def test_a_solver_that_comes_back_passes_and_others_do_not(case, push):
    row = evaluate_recovery(case, push, Solver.of(stubborn)).row
    assert (row.status, row.recovered, row.tried) == ("passed", 10, 10)
    for broken in (lame, halfway):
        row = evaluate_recovery(case, push, Solver.of(broken)).row
        assert (row.status, row.recovered, row.tried) == ("failed", 0, 10)
        assert "0 of 10 starts came back" in row.message


@pytest.mark.parametrize(("failures", "status"), [(1, "passed"), (2, "failed")])
def test_nine_of_ten_are_enough(failures, status):
    calls = []

    def register(fixed, moving, init=None):
        calls.append(init)
        return init if 1 < len(calls) <= 1 + failures else stubborn(fixed, moving, init)

    assert evaluate_recovery(RIGID, "shift5px", Solver.of(register)).row.status == status


def ends(*off_px):
    """A solver that ends so far from its optimum, start after start; its starts are kept."""
    starts = []

    def register(fixed, moving, init=None):
        known = knowing.truth(fixed, moving).displacement(fixed.shape)
        if init is None:
            return known
        starts.append(init)
        return known + np.array([0.6, 0.8]) * off_px[(len(starts) - 1) % len(off_px)]

    register.starts = starts
    return register


@pytest.mark.parametrize(("off", "recovered"), [(0.99e-3, 10), (1.01e-3, 0)])
def test_a_thousandth_of_a_pixel_is_back(off, recovered):
    row = evaluate_recovery(RIGID, "shift5px", Solver.of(ends(off))).row
    assert row.recovered == recovered


@pytest.mark.parametrize(
    ("off", "diagnosis"),
    [(0.0499, "stops early"), (0.0501, "narrow basin"), (4.0, "narrow basin")],
)
def test_what_is_near_has_stopped_early_and_what_is_far_had_another_optimum(off, diagnosis):
    row = evaluate_recovery(RIGID, "shift5px", Solver.of(ends(0.01, off, 0.02))).row
    assert (row.status, row.diagnosis) == ("failed", diagnosis)
    # The farthest of the ten, and not the last or the nearest.
    assert f"the farthest ended {off:.3g} px away" in row.message
    assert "came back to within 0.001 px of the solver's own optimum, expected 90%" in row.message


def test_the_last_start_is_half_an_image_away_and_upside_down():
    """From there no descent ends at the same bits, unless it does not look at its start."""
    register = ends(0.0)
    evaluate_recovery(RIGID, "shift5px", Solver.of(register))
    pair = RIGID.pair()
    height, width = pair.shape
    far = irgate_fixtures.rigid(np.pi, width / 2, height / 2, pair.shape)
    expected = irgate_fixtures.Matrix(far.matrix @ pair.truth.matrix).displacement(pair.shape)
    np.testing.assert_allclose(register.starts[-1].displacement(pair.shape), expected, atol=1e-6)
    assert len(register.starts) == 11


def test_one_start_that_is_heeded_is_enough():
    """Nearby it is looked at; far away the solver gives up, and answers what it always does."""
    row = evaluate_recovery(RIGID, "shift5px", Solver.of(ends(*[1e-9] * 10, 0.0))).row
    assert (row.status, row.recovered) == ("passed", 10)


def test_a_solver_is_told_what_the_case_says():
    told = set()

    def register(fixed, moving, model, intensity, mask=None, init=None):
        told.add((model, intensity, mask is None))
        return knowing.register(fixed, moving)

    evaluate_recovery(RIGID, "shift1px", Solver.of(register))
    assert told == {(RIGID.model, RIGID.intensity, True)}


def test_a_model_that_it_lacks_is_not_asked_for():
    def register(fixed, moving, init=None):
        raise AssertionError("not to be called")

    register.models = ("translation",)
    row = evaluate_recovery(RIGID, "shift1px", Solver.of(register)).row
    assert row.status == "skipped"
    assert "has no rigid model" in row.message


def test_a_solver_that_does_not_look_at_its_start_has_not_come_back():
    row = evaluate_recovery(RIGID, "shift5px", Solver.of(deaf)).row
    assert (row.status, row.recovered, row.tried) == ("failed", 0, 10)
    assert "init changes not one bit of the answer" in row.message
    assert row.diagnosis == "init ignored"


@pytest.mark.parametrize("same_bits", [certain, failing])
def test_a_solver_that_comes_back_to_the_same_bits_has_looked_at_its_start(same_bits):
    row = evaluate_recovery(RIGID, "shift5px", Solver.of(same_bits)).row
    assert (row.status, row.recovered, row.tried) == ("passed", 10, 10)


def test_a_solver_without_a_start_value_is_skipped():
    row = evaluate_recovery(RIGID, "shift1px", Solver.of(knowing.register)).row
    assert row.status == "skipped"
    assert "takes no init" in row.message
