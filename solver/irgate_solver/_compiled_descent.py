"""Descents within the linear families by the compiled kernel: `_levenberg.descend`, in C.

On small images a step in torch is mostly calls: of the 150 microseconds of one at 96 x 128 px the
look takes 40. The kernel takes the same steps by the same rules, pair by pair, so that no pair of a
batch waits for another. `_levenberg` is the reference, and serves what is not here: FFDs and
homographies, priors, several channels, other metrics and other devices.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from irgate_solver import _levenberg, _native, _precision, _warps
from irgate_solver._levenberg import Descent, Linearisation, Problem
from irgate_solver._look import Look
from irgate_solver._lucas_kanade import Forward
from irgate_solver._precision import SOLVE
from irgate_solver._warps import LinearWarp

FAMILIES = {_warps.Translation: 0, _warps.Rigid: 1, _warps.Similarity: 2, _warps.Affine: 3}
"""The kernel's numbers of families."""
MOST_ITERATIONS = 2**62
"""What the kernel can count."""
STATES = (
    _levenberg.RUNNING,
    _levenberg.CONVERGED,
    _levenberg.STALLED,
    _levenberg.EXHAUSTED,
)
"""The states of a descent, by the kernel's numbers."""

_RULES = {
    "near": _precision.SHORT,
    "undamped": _precision.UNDAMPED,
    "no_progress": _precision.NO_PROGRESS,
    "damping_ratio": _precision.DAMPING_RATIO,
    "damping_floor": _precision.DAMPING_FLOOR,
    "damping_ceiling": _precision.DAMPING_CEILING,
    "rejected": _precision.REJECTED,
    "gauge": _precision.GAUGE,
    "overlap_floor": _precision.OVERLAP_FLOOR,
    "slack_share": _precision.SLACK_SHARE,
    "patience": _precision.PATIENCE,
}


def nearing(
    problem: Problem,
    p: Tensor,
    *,
    iterations: int,
    tolerance: float,
    after: Descent | None = None,
    kept: float,
    slack: Sequence[float] | None = None,
) -> Descent:
    """Descend forward-additively, by the kernel where it knows the problem."""
    how: dict[str, Any] = {
        "iterations": iterations,
        "tolerance": tolerance,
        "after": after,
        "kept": kept,
        "slack": slack,
    }
    # A class derived from one of these is another problem, or another family.
    if type(problem) is not Forward or not isinstance(problem.warp, LinearWarp):
        return _levenberg.descend(problem, p, **how)
    if type(problem.warp) not in FAMILIES:
        return _levenberg.descend(problem, p, **how)
    free = problem.priors.at(problem.warp, p) is None
    if not (problem.compiled and free):
        return _levenberg.descend(problem, p, **how)
    return descend(problem.weighed(), problem.warp, p, exact=problem.exact, **how)


def descend(
    look: Look,
    warp: LinearWarp,
    p: Tensor,
    *,
    steady: tuple[Tensor, Tensor] | None = None,
    exact: bool = False,
    iterations: int,
    tolerance: float,
    after: Descent | None = None,
    kept: float = _precision.OVERLAP_KEPT,
    slack: Sequence[float] | None = None,
) -> Descent:
    """Descend from `p` `(B, n)` as `_levenberg.descend` does.

    Args:
        look: at the level's images.
        warp: the family.
        p: the start.
        steady: for the inverse-compositional form, whose steps are composed: the coefficients by
            the parameters, `(B, 8, n)`, and the matrix, `(B, n, n)`.
        exact: whether the forward-additive form steers by the Hessian.
        iterations, tolerance, after, kept, slack: as there.

    """
    batch, size = p.shape
    probes = _warps.probes(warp, p.device)
    p = p.clone(memory_format=torch.contiguous_format)
    damping = _numbers([_precision.DAMPING_START] * batch if after is None else after.damping)
    moved = _numbers([float("inf")] * batch if after is None else after.moved)
    allowed = _numbers([0.0] * batch if slack is None else slack)
    ends = torch.empty(2, batch, dtype=torch.int64)
    rules = _native.Rules(
        family=FAMILIES[type(warp)],
        composes=steady is not None,
        points=probes.shape[1] // 2,
        iterations=min(iterations, MOST_ITERATIONS),
        tolerance=tolerance,
        radius=warp.radius,
        aspect=warp.aspect,
        kept=kept,
        probes=probes.data_ptr(),
        slack=allowed.data_ptr(),
        p=p.data_ptr(),
        damping=damping.data_ptr(),
        moved=moved.data_ptr(),
        state=ends[0].data_ptr(),
        steps=ends[1].data_ptr(),
        **_RULES,
    )
    sums = look.descend(rules, size, steady=steady, exact=exact)
    gradient, normal = sums.gradient, sums.normal if steady is None else steady[1]
    return Descent(
        p,
        Linearisation(sums.objective, sums.rounding, sums.overlap, lambda: (gradient, normal)),
        tuple(STATES[state] for state in ends[0].tolist()),
        tuple(ends[1].tolist()),
        tuple(damping.tolist()),
        tuple(moved.tolist()),
    )


def _numbers(values: Sequence[float]) -> Tensor:
    return torch.tensor(values, dtype=SOLVE)
