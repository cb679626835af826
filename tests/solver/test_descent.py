"""When a descent gives up, by steps that drift or bring nothing; and how much stays in view."""

from collections.abc import Callable

import pytest
import torch

from irgate_solver._first_order import adam, lbfgs
from irgate_solver._levenberg import (
    RUNNING,
    STALLED,
    Descent,
    Linearisation,
    PairState,
    descend,
)
from irgate_solver._precision import PATIENCE, SLACK_SHARE


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


SLACK = 1e-3
ERROR = SLACK / SLACK_SHARE
"""The standard error that this slack comes from, px."""


@pytest.mark.parametrize(
    ("undamped", "length", "objective", "slack", "state"),
    [
        (ERROR, SLACK, 2.0, SLACK, STALLED),
        (1.01 * ERROR, SLACK, 2.0, SLACK, RUNNING),
        (ERROR, 1.01 * SLACK, 2.0, SLACK, RUNNING),
        (ERROR, SLACK, 0.5, SLACK, RUNNING),
        (ERROR, SLACK, 2.0, 0.0, RUNNING),
    ],
    ids=["kink", "far from the minimum", "long step", "step down", "clean images"],
)
def test_at_a_kink_a_descent_under_noise_ends_within_the_slack(
    undamped: float, length: float, objective: float, slack: float, state: int
) -> None:
    """The first step is rejected and hardly damped, the second damped."""
    pair = PairState(1.0, 1e-9, least_overlap=0.1, damping=1e-3, slack=slack)
    assert not pair.accept(2.0, 1e-9, 1.0, length=undamped)
    assert pair.state == RUNNING
    assert pair.damping > 1e-2
    pair.accept(objective, 1e-9, 1.0, length=length)
    assert pair.state == state


class Leaving:
    """(p - 1)^2, of which ever less is in view: the overlap at p is 1 - p."""

    def linearise(self, p: torch.Tensor) -> Linearisation:
        away = p - 1.0
        square, nothing = (away * away).sum(1), torch.zeros(len(p), dtype=p.dtype)
        matrix = 2.0 * torch.eye(1, dtype=p.dtype).expand(len(p), 1, 1)
        return Linearisation(square, nothing, 1.0 - p[:, 0], lambda: (2.0 * away, matrix))

    def retract(self, p: torch.Tensor, step: torch.Tensor) -> torch.Tensor:
        return p + step

    def length(self, step: torch.Tensor) -> torch.Tensor:
        return step.abs().amax(1)


@pytest.mark.parametrize("kept", [0.5, 0.9])
@pytest.mark.parametrize("descent", [descend, lbfgs, adam])
def test_every_descent_keeps_its_part_of_the_overlap(
    descent: Callable[..., Descent], kept: float
) -> None:
    start = torch.zeros(1, 1, dtype=torch.float64)
    found = descent(Leaving(), start, iterations=200, tolerance=1e-3, kept=kept)
    assert kept <= float(found.at.overlap)
    if descent is not adam:  # whose first steps may go too far
        assert float(found.at.overlap) <= kept + 0.07


def test_a_descent_that_goes_on_keeps_a_part_of_what_it_began_with() -> None:
    p = torch.full((1, 1), 0.4, dtype=torch.float64)
    found = descend(Leaving(), p, iterations=200, tolerance=1e-3, kept=0.5, shown=[1.0])
    assert float(found.at.overlap) >= 0.5
