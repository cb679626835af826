"""Descents that use the gradient alone: L-BFGS and Adam, on a batch of small problems.

They end as `_levenberg.descend` does, with the same result, and stand in for it on the way to a
minimum. What settles there is always Levenberg-Marquardt or Newton, so that the implicit gradient
finds a stationary point.

Source: Nocedal & Wright 2006, "Numerical optimization", algorithms 7.4 and 3.1; Kingma & Ba 2015,
"Adam: a method for stochastic optimization", algorithm 1, without its noise: full gradients.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from irgate_solver._levenberg import (
    CONVERGED,
    EXHAUSTED,
    STALLED,
    Descent,
    Linearisation,
    Problem,
    choose,
    choose_all,
)
from irgate_solver._precision import DAMPING_START, OVERLAP_FLOOR, OVERLAP_KEPT

MEMORY = 8
"""Steps that L-BFGS remembers: more than a linear family has parameters."""
FIRST_STEP = 0.5
"""Length of the first step of L-BFGS, and rate of Adam at its start, in pixels of the level."""
SUFFICIENT = 1e-4
"""Part of the predicted decrease that a step must bring (Nocedal & Wright, section 3.1)."""
HALVINGS = 12
"""Most halvings of a step of L-BFGS."""
ADAM_STEPS = 60
"""Steps of Adam on one level, while its rate falls geometrically to the tolerance."""
FIRST_MOMENT, SECOND_MOMENT = 0.9, 0.99
"""Adam's decay rates. The second is faster than the usual 0.999: gradients here have no noise."""


@dataclass
class _Memory:
    """What L-BFGS remembers: steps s, changes of the gradient y, and 1 / (s y), `(B,)`.

    The last is 0 where s y is not positive: that pair's step is forgotten.
    """

    steps: list[Tensor]
    changes: list[Tensor]
    inverses: list[Tensor]

    def remember(self, step: Tensor, change: Tensor) -> None:
        """Add one step `(B, n)`; the oldest goes."""
        product = (step * change).sum(1)
        enough = product > 1e-12 * (step.norm(dim=1) * change.norm(dim=1))
        self.steps.append(step)
        self.changes.append(change)
        self.inverses.append(torch.where(enough, 1.0 / torch.where(enough, product, 1.0), 0.0))
        for kept in (self.steps, self.changes, self.inverses):
            del kept[:-MEMORY]

    def direction(self, gradient: Tensor) -> Tensor:
        """Return -H g by the two-loop recursion, `(B, n)`."""
        found, weights = gradient.clone(), []
        past = list(zip(self.steps, self.changes, self.inverses, strict=True))
        for step, change, inverse in reversed(past):
            weight = inverse * (step * found).sum(1)
            found = found - weight.unsqueeze(1) * change
            weights.append(weight)
        step, change, inverse = past[-1]
        known = inverse > 0
        scale = torch.where(known, (step * change).sum(1) / (change * change).sum(1), 1.0)
        found = found * scale.unsqueeze(1)
        for (step, change, inverse), weight in zip(past, reversed(weights), strict=True):
            found = found + (weight - inverse * (change * found).sum(1)).unsqueeze(1) * step
        return -found


def lbfgs(
    problem: Problem,
    p: Tensor,
    *,
    iterations: int,
    tolerance: float,
    kept: float = OVERLAP_KEPT,
) -> Descent:
    """Minimise from `p` `(B, n)` until no pair's step moves a probe by `tolerance` px.

    Args:
        problem: what is minimised.
        p: the start.
        iterations: most steps.
        tolerance: px.
        kept: least overlap of a step, as a part of the overlap at `p`.

    """
    at = problem.linearise(p)
    least = (kept * at.overlap).clamp(min=OVERLAP_FLOOR)
    memory = _Memory([], [], [])
    done = [False] * len(p)
    states = [EXHAUSTED] * len(p)
    counts, moved = [0] * len(p), [float("inf")] * len(p)
    first = max(FIRST_STEP, tolerance)
    for _ in range(iterations):
        slope = at.slope
        step = memory.direction(slope) if memory.steps else -slope
        uphill = ((step * slope).sum(1) >= 0).tolist()
        step = choose(uphill, -slope, step)
        length = problem.length(step)
        fresh = torch.tensor([bad or not memory.steps for bad in uphill], device=p.device)
        size = torch.where(fresh, first / length.clamp(min=1e-30), 1.0)
        size = torch.where(torch.tensor(done, device=p.device), 0.0, size)
        predicted = (step * slope).sum(1)
        for _ in range(HALVINGS):
            trial = problem.retract(p, size.unsqueeze(1) * step)
            there = problem.linearise(trial)
            limit = at.objective + SUFFICIENT * size * predicted + at.rounding
            good = (there.objective <= limit) & (there.overlap >= least)
            if bool(good.all()):
                break
            size = torch.where(good, size, 0.5 * size)
        taken = [ok and not was for ok, was in zip(good.tolist(), done, strict=True)]
        lengths = problem.length(size.unsqueeze(1) * step).tolist()
        after = choose(taken, trial, p)
        new = choose_all(taken, there, at)
        memory.remember(after - p, new.slope - slope)
        p, at = after, new
        for index, (ok, span) in enumerate(zip(taken, lengths, strict=True)):
            if done[index]:
                continue
            counts[index] += 1
            moved[index] = span
            if not ok or span <= tolerance:
                done[index], states[index] = True, CONVERGED if ok else STALLED
        if all(done):
            break
    return _ended(p, at, states, counts, moved)


def adam(
    problem: Problem,
    p: Tensor,
    *,
    iterations: int,
    tolerance: float,
    kept: float = OVERLAP_KEPT,
) -> Descent:
    """Take `ADAM_STEPS` steps from `p` `(B, n)`, or `iterations`, whose rate falls to `tolerance`.

    The best point on the way is returned, of those that keep `kept` of the overlap at `p`.
    """
    count = min(ADAM_STEPS, iterations)
    start = at = problem.linearise(p)
    best, best_at = p, start
    rate = max(FIRST_STEP, tolerance)
    shrink = (tolerance / rate) ** (1.0 / max(count - 1, 1))
    first, second = torch.zeros_like(p), torch.zeros_like(p)
    for index in range(1, count + 1):
        slope = at.slope
        first = FIRST_MOMENT * first + (1 - FIRST_MOMENT) * slope
        second = SECOND_MOMENT * second + (1 - SECOND_MOMENT) * slope * slope
        mean, size = first / (1 - FIRST_MOMENT**index), second / (1 - SECOND_MOMENT**index)
        step = -rate * mean / size.sqrt().clamp(min=torch.finfo(p.dtype).tiny)
        p = problem.retract(p, step)
        at = problem.linearise(p)
        shown = at.overlap >= (kept * start.overlap).clamp(min=OVERLAP_FLOOR)
        better = ((at.objective < best_at.objective) & shown).tolist()
        best, best_at = choose(better, p, best), choose_all(better, at, best_at)
        rate *= shrink
    moved = problem.length(step).tolist()
    return _ended(best, best_at, [CONVERGED] * len(p), [count] * len(p), moved)


def _ended(
    p: Tensor, at: Linearisation, states: list[int], counts: list[int], moved: list[float]
) -> Descent:
    damping = (DAMPING_START,) * len(p)
    return Descent(p, at, tuple(states), tuple(counts), damping, tuple(moved))
