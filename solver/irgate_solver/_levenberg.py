"""Levenberg-Marquardt descent on a batch of small problems.

(1)  (N + lambda D) step = -g,    D = |diag(N)| floored,    p <- retract(p, step)

A step is accepted if the objective does not rise by more than its rounding and enough of the
overlap is left. Lambda then falls tenfold; after a rejection it rises tenfold (Marquardt 1963). The
first accepted step after a rejection leaves lambda as it is: along a kink of the objective a
smaller lambda would only be rejected again. The algebra of all pairs is done together, on the
images' device. Decisions are made on the host, pair by pair (`PairState`), so the host waits for
the device three times an iteration.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import torch
from torch import Tensor

from irgate_solver import _band, _native
from irgate_solver._band import Grid
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
    REJECTED,
    RESERVE,
    SHORT,
    SLACK_SHARE,
    UNDAMPED,
)

RUNNING, CONVERGED, STALLED, EXHAUSTED, SCHEDULED = range(5)
"""State of a descent: still running; ended with a step under the tolerance; ended because no
damping gave a better point; ended because the iterations ran out; ended after a planned number of
steps, without a test of convergence."""


OF_PAIRS = ("state", "iterations", "damping", "moved")
"""What a descent says of each pair."""


class Linearisation:
    """The objective around p; gradient and matrix are computed when first asked for.

    A rejected trial point needs only its objective. Along a kink that is half of them.

    Attributes:
        objective: `(B,)`, float64.
        rounding: largest change of the objective that rounding alone can cause, `(B,)`.
        overlap: valid fraction of the trusted fixed pixels, `(B,)`.
        grid: control points (rows, columns) of an FFD; None for other families.
        banded: whether the matrix couples only those near each other (`_band`).

    """

    def __init__(
        self,
        objective: Tensor,
        rounding: Tensor,
        overlap: Tensor,
        equations: Callable[[], tuple[Tensor, Tensor]],
        slope: Callable[[], Tensor] | None = None,
        grid: Grid | None = None,
        banded: bool = False,
    ) -> None:
        self.objective, self.rounding, self.overlap = objective, rounding, overlap
        self.grid, self.banded = grid, banded
        self._make: Callable[[], tuple[Tensor, Tensor]] | None = equations
        self._made: tuple[Tensor, Tensor]
        self._slope = slope

    @property
    def equations(self) -> tuple[Tensor, Tensor]:
        """The gradient g, `(B, n)`, and N, symmetric and for descent positive, `(B, n, n)`."""
        if self._make is not None:
            self._made = self._make()
            self._make = None  # frees the images that the function holds
        return self._made

    @property
    def gradient(self) -> Tensor:
        """The gradient g, `(B, n)`."""
        return self.equations[0]

    @property
    def slope(self) -> Tensor:
        """The gradient g, `(B, n)`, without the matrix where it can be had so."""
        if self._make is None or self._slope is None:
            return self.gradient
        return self._slope()

    @property
    def normal(self) -> Tensor:
        """N, `(B, n, n)`."""
        return self.equations[1]


class Problem(Protocol):
    """What a descent asks of a problem."""

    def linearise(self, p: Tensor, active: Sequence[bool] | None = None) -> Linearisation:
        """Return the objective around `p` `(B, n)`; only pairs that are `active` need be right."""
        ...

    def retract(self, p: Tensor, step: Tensor) -> Tensor:
        """Return the parameters after `step` from `p`."""
        ...

    def length(self, step: Tensor) -> Tensor:
        """Return how far `step` `(B, n)` moves the points of the image, px, `(B,)`."""
        ...


@dataclass(frozen=True)
class Descent:
    """Where a descent ended.

    Attributes:
        p: best parameters, `(B, n)`.
        at: the linearisation at `p`; after a converged last step, the one from before that step.
        state: one of the codes above, for each pair.
        iterations: trial steps, for each pair.
        damping: lambda of (1) at the end, for each pair.
        moved: length of the last step, px, for each pair.

    """

    p: Tensor
    at: Linearisation
    state: tuple[int, ...]
    iterations: tuple[int, ...]
    damping: tuple[float, ...]
    moved: tuple[float, ...]

    def rows(self, rows: Sequence[int]) -> "Descent":
        """Return the descents of these pairs."""
        if len(rows) == len(self.p):
            return self
        index = torch.tensor(rows, device=self.p.device)
        at = self.at
        part = Linearisation(
            at.objective[index],
            at.rounding[index],
            at.overlap[index],
            lambda: (at.gradient[index], at.normal[index]),
            grid=at.grid,
            banded=at.banded,
        )
        parts = (getattr(self, name) for name in OF_PAIRS)
        return Descent(self.p[index], part, *(tuple(one[row] for row in rows) for one in parts))

    def with_rows(self, rows: Sequence[int], other: "Descent") -> "Descent":
        """Return these descents with those of `other` in the place of the pairs `rows`."""
        if len(rows) == len(self.p):
            return other
        place = {row: index for index, row in enumerate(rows)}
        chosen = [row in place for row in range(len(self.p))]
        spread = other.rows([place.get(row, 0) for row in range(len(self.p))])
        return choose_descent(chosen, spread, self)

    def continuing(self, before: "Descent") -> "Descent":
        """Return this descent with the steps of the one that it continues added to its own."""
        counts = zip(self.iterations, before.iterations, strict=True)
        return replace(self, iterations=tuple(one + other for one, other in counts))


@dataclass
class PairState:
    """State of one pair's descent, and the decision on each trial step.

    Attributes:
        objective, rounding: at the best point so far.
        least_overlap: a step that leaves less overlap is rejected.
        damping: lambda of (1).
        state: one of the codes above.
        moved: length of the last step whose equations had a solution, px.
        steps: number of trial steps so far.
        slack: how far from the minimum the descent may end, px (`_stops`).

    """

    objective: float
    rounding: float
    least_overlap: float
    damping: float
    moved: float = math.inf
    state: int = RUNNING
    steps: int = 0
    slack: float = 0.0
    _rejected: bool = field(default=False, init=False)
    _fruitless: int = field(default=0, init=False)
    _shortest: float = field(default=math.inf, init=False)
    _undamped: float = field(default=math.inf, init=False)

    def __post_init__(self) -> None:
        # An objective under its rounding cannot be seen to fall any further.
        if self.objective <= self.rounding:
            self.state = CONVERGED

    def has_converged(self, length: float, tolerance: float) -> bool:
        """Return whether a step of `length` px is the last one; if it is, set the state.

        It is the last one if it is shorter than the tolerance. It is also the last one if it is
        short and the next step is expected to be shorter than the tolerance: steps are expected to
        go on shrinking by the ratio of this step to the one before. And it is the last one if all
        further steps together are expected to be shorter than the slack: that is a geometric series
        of the same ratio, as long as no damping shortens the steps.
        """
        foreseen = length <= SHORT and length * length <= tolerance * self.moved
        left = self.slack * (self.moved - length)
        enough = length * length <= left and self.damping <= UNDAMPED
        steady = (foreseen or enough) and not self._rejected
        if self.state != RUNNING or not (length <= tolerance or steady):
            return False
        self.steps += 1
        self.state, self.moved = CONVERGED, length
        return True

    def accept(self, objective: float, rounding: float, overlap: float, length: float) -> bool:
        """Return whether a trial point is accepted; update damping and state.

        A descent also stalls where a step shorter than the slack leads up, and the last step that
        damping did not shorten was within the standard error: it stands at a kink, and another
        draw of the noise would move it farther than what the kinks leave to be found.

        Args:
            objective, rounding, overlap: at the trial point.
            length: of the step to the trial point, px; not finite where (1) had no solution.

        """
        solved = math.isfinite(length)
        gained = self.objective - objective
        accepted = solved and gained >= -self.rounding and overlap >= self.least_overlap
        pays = accepted and gained > NO_PROGRESS * self.objective
        shrinks = not solved or length <= 0.5 * self._shortest
        self._fruitless = 0 if pays or shrinks else self._fruitless + 1
        drifting = accepted and abs(gained) <= self.rounding and length > 0.5 * self.moved
        if solved and self.damping <= UNDAMPED:
            self._undamped = length
        within = length <= self.slack and SLACK_SHARE * self._undamped <= self.slack
        self.steps += 1
        if solved:
            self._shortest = min(self._shortest, length)
            self.moved = length
        if accepted:
            self.objective, self.rounding = objective, rounding
            if not self._rejected:
                self.damping = max(self.damping / DAMPING_RATIO, DAMPING_FLOOR)
        else:
            self.damping = max(self.damping * DAMPING_RATIO, REJECTED)
        self._rejected = not accepted
        ended = drifting or (within and not accepted)
        if ended or self.damping > DAMPING_CEILING or self._fruitless >= PATIENCE:
            self.state = STALLED
        return accepted


def descend(
    problem: Problem,
    p: Tensor,
    *,
    iterations: int,
    tolerance: float,
    after: Descent | None = None,
    solve: "Solve | None" = None,
    kept: float = OVERLAP_KEPT,
    shown: Sequence[float] | None = None,
    slack: Sequence[float] | None = None,
) -> Descent:
    """Minimise from `p` `(B, n)` until a step moves every probe by less than `tolerance` px.

    The last step is taken and its objective is not computed: the step is too short to change the
    objective, and computing it would cost as much as a whole iteration. A descent also ends with a
    step that changes the objective by no more than rounding and is longer than half the step
    before: from there on steps only follow the rounding of the images. It ends, too, after
    `PATIENCE` steps in a row that neither lower the objective nor get shorter, as along a kink.

    Args:
        problem: what is minimised.
        p: the start.
        iterations: most trial steps.
        tolerance: px.
        after: an earlier descent on the same level, whose damping and last step are taken over.
        solve: what solves (1); `damped_step` where not given.
        kept: least overlap of a step, as a part of `shown`.
        shown: overlap of each pair; that at `p` where not given.
        slack: of each pair, px: how far from the minimum a descent may end (`_stops`); None for no
            slack.

    """
    solve = solve or damped_step
    slack = [0.0] * len(p) if slack is None else slack
    at = problem.linearise(p)
    figures = torch.stack((at.objective, at.rounding, at.overlap), 1).tolist()
    before = [overlap for _, _, overlap in figures] if shown is None else shown
    pairs = [
        PairState(
            objective, rounding, max(kept * overlap, OVERLAP_FLOOR), DAMPING_START, slack=left
        )
        for (objective, rounding, _), overlap, left in zip(figures, before, slack, strict=True)
    ]
    if after is not None:
        for pair, damping, moved in zip(pairs, after.damping, after.moved, strict=True):
            pair.damping, pair.moved = damping, moved
    for _ in range(iterations):
        if not any(pair.state == RUNNING for pair in pairs):
            break
        step, info = solve(at, [pair.damping for pair in pairs])
        solved = zip(info.tolist(), problem.length(step).tolist(), strict=True)
        lengths = [math.nan if failed else length for failed, length in solved]
        unsolved = [not math.isfinite(length) for length in lengths]
        if any(unsolved):
            step = choose(unsolved, torch.zeros_like(step), step)
        trial = problem.retract(p, step)
        converged = [
            pair.has_converged(length, tolerance)
            for pair, length in zip(pairs, lengths, strict=True)
        ]
        p = choose(converged, trial, p)
        if not any(pair.state == RUNNING for pair in pairs):
            break
        active = [pair.state == RUNNING for pair in pairs]
        there = problem.linearise(trial) if all(active) else problem.linearise(trial, active)
        figures = torch.stack((there.objective, there.rounding, there.overlap), 1).tolist()
        accepted = [
            pair.state == RUNNING and pair.accept(objective, rounding, overlap, length)
            for pair, (objective, rounding, overlap), length in zip(
                pairs, figures, lengths, strict=True
            )
        ]
        p, at = choose(accepted, trial, p), choose_all(accepted, there, at)
    return Descent(
        p,
        at,
        tuple(EXHAUSTED if pair.state == RUNNING else pair.state for pair in pairs),
        tuple(pair.steps for pair in pairs),
        tuple(pair.damping for pair in pairs),
        tuple(pair.moved for pair in pairs),
    )


Solve = Callable[[Linearisation, Sequence[float]], tuple[Tensor, Tensor]]
"""Solve (1) for each pair's lambda: the step `(B, n)`, and 0 where there is one, `(B,)`."""


def damped_step(at: Linearisation, damping: Sequence[float]) -> tuple[Tensor, Tensor]:
    """Solve (1) by Cholesky; return the step, and 0 where there is one, `(B,)`."""
    if at.gradient.shape[1] <= _native.MOST_PARAMETERS and _native.serves(at.normal, at.gradient):
        return _native.damped_step(at.normal, at.gradient, damping, GAUGE)
    diagonal, share = _scale(at, damping)
    factor = _band.factor(at.normal, diagonal, share, at.grid if at.banded else None)
    return factor.solve(at.gradient).neg_(), factor.info


def damped(at: Linearisation, damping: Sequence[float]) -> Tensor:
    """Return N + lambda D of (1), `(B, n, n)`."""
    return _band.raised(at.normal, *_scale(at, damping))


def _scale(at: Linearisation, damping: Sequence[float]) -> tuple[Tensor, Tensor]:
    """Return the diagonal of D of (1), `(B, n)`, and lambda, `(B, 1)`."""
    # Far from a minimum a Hessian may have negative diagonal entries; their size sets the scale.
    diagonal = at.normal.diagonal(dim1=1, dim2=2).abs()
    share = diagonal.new_tensor(damping).unsqueeze(1)
    fine = at.grid is not None and _band.is_fine(at.grid)
    floor = (RESERVE * share).clamp(GAUGE, 1.0) if fine else GAUGE
    return torch.maximum(diagonal, diagonal.mean(1, keepdim=True) * floor), share


def choose_descent(chosen: Sequence[bool], first: Descent, second: Descent) -> Descent:
    """Return, pair by pair, `first` where `chosen` and else `second`."""

    def either(name: str) -> tuple[Any, ...]:
        pairs = zip(chosen, getattr(first, name), getattr(second, name), strict=True)
        return tuple(one if take else other for take, one, other in pairs)

    return Descent(
        choose(chosen, first.p, second.p),
        choose_all(chosen, first.at, second.at),
        *(either(name) for name in OF_PAIRS),
    )


def choose(chosen: Sequence[bool], first: Tensor, second: Tensor) -> Tensor:
    """Return, pair by pair, `first` where `chosen` and else `second`, `(B, ...)` each."""
    if all(chosen):
        return first
    if not any(chosen):
        return second
    where = torch.tensor(chosen, device=first.device)
    return torch.where(where.view(-1, *[1] * (first.dim() - 1)), first, second)


def choose_all(
    chosen: Sequence[bool], first: Linearisation, second: Linearisation
) -> Linearisation:
    """Return, pair by pair, `first` where `chosen` and else `second`."""
    if all(chosen):
        return first
    if not any(chosen):
        return second
    equations = zip(first.equations, second.equations, strict=True)
    gradient, normal = (choose(chosen, one, other) for one, other in equations)
    return Linearisation(
        choose(chosen, first.objective, second.objective),
        choose(chosen, first.rounding, second.rounding),
        choose(chosen, first.overlap, second.overlap),
        lambda: (gradient, normal),
        grid=first.grid,
        banded=first.banded,
    )
