"""When a descent of one pair gives up: steps that drift, and steps that bring nothing."""

from irgate_solver._levenberg import RUNNING, STALLED, PairState
from irgate_solver._precision import PATIENCE


def state(objective: float = 1.0, rounding: float = 1e-9) -> PairState:
    return PairState(objective, rounding, least_overlap=0.1, damping=1e-3)


def test_a_step_within_rounding_that_is_not_half_the_last_one_ends_the_descent() -> None:
    pair = state()
    assert pair.accept(0.5, 1e-9, 1.0, length=1.0)
    assert pair.accept(0.5 - 1e-12, 1e-9, 1.0, length=0.6)
    assert pair.state == STALLED


def test_a_step_within_rounding_that_is_half_the_last_one_goes_on() -> None:
    pair = state()
    assert pair.accept(0.5, 1e-9, 1.0, length=1.0)
    assert pair.accept(0.5 - 1e-12, 1e-9, 1.0, length=0.4)
    assert pair.state == RUNNING


def test_patience_ends_with_as_many_steps_without_progress() -> None:
    """Steps of one length that are accepted and lower the objective by a billionth each."""
    pair = state(rounding=1e-12)
    pair.accept(0.9, 1e-12, 1.0, length=1.0)
    for step in range(PATIENCE):
        assert pair.state == RUNNING
        assert pair.accept(0.9 - 1e-9 * (step + 1), 1e-12, 1.0, length=1.0)
    assert pair.state == STALLED


def test_a_step_of_progress_renews_the_patience() -> None:
    pair = state(rounding=1e-12)
    for step in range(3 * PATIENCE):
        pair.accept(1.0 - 1e-3 * (step + 1), 1e-12, 1.0, length=1.0)
    assert pair.state == RUNNING
