"""The gradient of a solve by unrolling its iterations, in place of the implicit function theorem.

The Gauss-Newton iterations of the last level are run again, attached to the graph of the images:

(1)  p_0 = where the full images' stage began, held;    p <- p - (N + lambda D)^-1 g(p; images)

and backpropagation goes through all of them. The derivative of p_K differs from that of the
minimiser by the iteration's rate to the power K, and by nothing else. With checkpointing (Griewank
& Walther 2000) the backward pass computes the images of each iteration anew, so that memory holds
one iteration's and not K of them; the price is a second forward pass.

Images are float32, or float64 where they are given so, and the equations float64 (`_precision`).
"""

from dataclasses import replace

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from irgate_solver import _sampling
from irgate_solver._lucas_kanade import Forward, normal_equations
from irgate_solver._objective import Objective

ITERATIONS = 12
"""Iterations that are unrolled. Each divides the error by ten or more, and it begins at a pixel."""
DAMPING = 1e-9
"""Damping of (1): it only keeps control points in place that no pixel depends on."""


def unroll(
    objective: Objective,
    fixed: Tensor,
    moving: Tensor,
    start: Tensor,
    *,
    iterations: int = ITERATIONS,
    checkpointed: bool = True,
) -> Tensor:
    """Return p_K of (1), `(B, n)`, attached to the images and the priors' weights.

    Args:
        objective: what is minimised, with its region frozen.
        fixed: `(B, H, W)`, as given.
        moving: `(B, H', W')`, as given.
        start: p_0, `(B, n)`.
        iterations: K.
        checkpointed: whether to compute each iteration anew in the backward pass.

    """
    p = start
    for _ in range(iterations):
        if checkpointed:
            p = checkpoint(_iterate, objective, fixed, moving, p, use_reentrant=False)
        else:
            p = _iterate(objective, fixed, moving, p)
    return p


def _iterate(objective: Objective, fixed: Tensor, moving: Tensor, p: Tensor) -> Tensor:
    """Return p after one iteration of (1); differentiable by images and p."""
    problem = objective.on(objective.level(fixed, moving), (moving.shape[1], moving.shape[2]))
    assert isinstance(problem, Forward)
    assert problem.region is not None
    jet = _differentiable(problem, problem.points(p))
    fit = problem.metric(problem.level.fixed, jet.value, problem.region, False)
    jacobian = problem.warp.jacobian(p)
    _, gradient, normal = normal_equations(problem.basis, jacobian, fit, jet)
    prior = problem.priors.at(problem.warp, p)
    if prior is not None:
        gradient, normal = gradient + prior.gradient, normal + prior.hessian
    diagonal = normal.diagonal(dim1=1, dim2=2)
    damped = normal + torch.diag_embed(DAMPING * diagonal.mean(1, keepdim=True).expand_as(diagonal))
    step: Tensor = torch.linalg.solve(damped, gradient.unsqueeze(-1))
    return p - step.squeeze(-1)


def _differentiable(problem: Forward, points: Tensor) -> _sampling.Jet:
    """Return the jet at `points`, whose value and slopes have exact derivatives by them."""
    jet = problem.jet(points.detach(), curvature=True)
    assert jet.seconds is not None
    dx, dy = (points - points.detach()).to(jet.slopes.dtype).unbind(1)
    xx, xy, yy = jet.seconds.unbind(1)
    value = jet.value + jet.slopes[:, 0] * dx + jet.slopes[:, 1] * dy
    slopes = jet.slopes + torch.stack((xx * dx + xy * dy, xy * dx + yy * dy), 1)
    # The Gauss-Newton matrix has no second derivatives of the image.
    return replace(jet, value=value, slopes=slopes, seconds=None)
