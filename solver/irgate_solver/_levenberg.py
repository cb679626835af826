"""Levenberg-Marquardt descent on a batch of small problems.

(1)  (N + lambda D) step = -g,    D = |diag(N)| floored,    p <- retract(p, step)

A step is kept if the objective does not rise beyond its rounding and the overlap survives; then
lambda falls tenfold, else it rises tenfold (Marquardt 1963). Pairs of a batch go their own ways
and those that are done stand still; the host looks at the device once an iteration.
"""

from dataclasses import dataclass, fields
from typing import Protocol

import torch
from torch import Tensor

from irgate_solver._precision import (
    DAMPING_CEILING,
    DAMPING_FLOOR,
    DAMPING_RATIO,
    DAMPING_START,
    GAUGE,
    NO_PROGRESS,
    OVERLAP_FLOOR,
    OVERLAP_KEPT,
    PATIENCE,
)

RUNNING, CONVERGED, STALLED, EXHAUSTED = range(4)
"""How a descent ended: not yet; the step fell under the tolerance; no damping found a better
point; out of iterations."""


@dataclass(frozen=True)
class Linearisation:
    """The objective around p.

    Attributes:
        objective: `(B,)`, float64.
        rounding: what changes of it mean nothing, `(B,)`.
        gradient: g, `(B, n)`.
        normal: N, symmetric and for descent positive, `(B, n, n)`.
        overlap: valid fraction of the trusted fixed pixels, `(B,)`.
        noise: the factor that makes a covariance of the gradient of N, `(B,)` (`_uncertainty`).

    """

    objective: Tensor
    rounding: Tensor
    gradient: Tensor
    normal: Tensor
    overlap: Tensor
    noise: Tensor


class Problem(Protocol):
    """What a descent asks of a problem."""

    def linearise(self, p: Tensor) -> Linearisation:
        """Return the objective around `p` `(B, n)`."""
        ...

    def retract(self, p: Tensor, step: Tensor) -> Tensor:
        """Return the parameters after `step` from `p`."""
        ...

    def travel(self, before: Tensor, after: Tensor) -> Tensor:
        """Return how far apart two parameter vectors map, px, `(B,)`."""
        ...


@dataclass(frozen=True)
class Descent:
    """Where a descent ended.

    Attributes:
        p: best parameters, `(B, n)`.
        at: the linearisation there.
        state: one of the codes above, `(B,)`.
        iterations: trial steps per pair, `(B,)`.
        last_travel: length of the last trial step, px, `(B,)`.

    """

    p: Tensor
    at: Linearisation
    state: Tensor
    iterations: Tensor
    last_travel: Tensor


def descend(problem: Problem, p: Tensor, *, iterations: int, tolerance: float) -> Descent:
    """Minimise from `p` `(B, n)` until a trial step moves no probe by `tolerance` px.

    A rejected step shorter than the tolerance ends it as well: nothing better lies within reach.
    So does a step that neither changes the objective beyond rounding nor is half as long as the
    one before, for from there on steps follow the rounding of the images; and so do `PATIENCE`
    steps in a row that neither pay nor shrink, as along a kink.
    """
    at = problem.linearise(p)
    damping = torch.full_like(at.objective, DAMPING_START)
    least_overlap = (OVERLAP_KEPT * at.overlap).clamp(min=OVERLAP_FLOOR)
    state = torch.zeros_like(at.objective, dtype=torch.long)
    steps = torch.zeros_like(state)
    fruitless = torch.zeros_like(state)
    moved = torch.zeros_like(at.objective)
    shortest = torch.full_like(at.objective, torch.inf)
    for _ in range(iterations):
        running = state == RUNNING
        step, solved = _damped_step(at, damping)
        trial = problem.retract(p, step)
        there = problem.linearise(trial)
        better = there.objective <= at.objective + at.rounding
        accepted = running & solved & better & (there.overlap >= least_overlap)
        length = problem.travel(p, trial)
        idle = (there.objective - at.objective).abs() <= at.rounding
        pays = at.objective - there.objective > NO_PROGRESS * at.objective
        shrinks = length <= 0.5 * shortest
        shortest = torch.minimum(shortest, length)
        fruitless = torch.where((accepted & pays) | shrinks, 0, fruitless + 1)
        drifting = accepted & idle & (length > 0.5 * moved) & (steps > 0)
        moved = torch.where(running, length, moved)
        steps = steps + running.long()
        p, at = _choose(accepted, trial, p), _choose_all(accepted, there, at)
        eased = (damping / DAMPING_RATIO).clamp(min=DAMPING_FLOOR)
        damping = torch.where(accepted, eased, damping * DAMPING_RATIO)
        lost = (damping > DAMPING_CEILING) | (fruitless >= PATIENCE)
        state = torch.where(drifting | (running & lost), STALLED, state)
        state = torch.where(running & solved & (length <= tolerance), CONVERGED, state)
        if not bool((state == RUNNING).any()):
            break
    state = torch.where(state == RUNNING, EXHAUSTED, state)
    return Descent(p, at, state, steps, moved)


def _damped_step(at: Linearisation, damping: Tensor) -> tuple[Tensor, Tensor]:
    """Solve (1) by Cholesky; return the step and whether the matrix was positive, `(B,)`."""
    # A Hessian far from a minimum may have negative entries here; their size still sets the scale.
    diagonal = at.normal.diagonal(dim1=1, dim2=2).abs()
    floor = GAUGE * diagonal.mean(1, keepdim=True)
    marquardt = damping.unsqueeze(1) * torch.maximum(diagonal, floor)
    factor, info = torch.linalg.cholesky_ex(at.normal + torch.diag_embed(marquardt))
    step = -torch.cholesky_solve(at.gradient.unsqueeze(-1), factor).squeeze(-1)
    solved = (info == 0) & step.isfinite().all(1)
    return torch.where(solved.unsqueeze(1), step, torch.zeros_like(step)), solved


def choose_descent(chosen: Tensor, first: Descent, second: Descent) -> Descent:
    """Return, pair by pair, `first` where `chosen` `(B,)` and else `second`."""
    return Descent(
        _choose(chosen, first.p, second.p),
        _choose_all(chosen, first.at, second.at),
        _choose(chosen, first.state, second.state),
        _choose(chosen, first.iterations, second.iterations),
        _choose(chosen, first.last_travel, second.last_travel),
    )


def _choose(chosen: Tensor, first: Tensor, second: Tensor) -> Tensor:
    return torch.where(chosen.view(-1, *[1] * (first.dim() - 1)), first, second)


def _choose_all(chosen: Tensor, first: Linearisation, second: Linearisation) -> Linearisation:
    pairs = ((getattr(first, field.name), getattr(second, field.name)) for field in fields(first))
    return Linearisation(*(_choose(chosen, one, other) for one, other in pairs))
