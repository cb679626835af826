"""The gradient of a solve by unrolling its iterations, in place of the implicit function theorem.

The iterations with which a solve ends are run again, attached to the graph of the images:

(1)  p_0 = the answer, held;    p <- p - N(p)^-1 g(p; images),    K times

and backpropagation goes through all of them (Shaban et al. 2019, "Truncated back-propagation for
bilevel optimization"). At a minimum g vanishes and p stays; what (1) adds is its derivative. N is
the matrix that the solve itself takes there: the Hessian with a smooth sampler, the Gauss-Newton
matrix with a linear one. It is held in the derivative, because its own is multiplied by g. The
derivative of p_K differs from that of the minimiser by the iteration's rate to the power K.
Newton's rate is zero. The Gauss-Newton matrix's is about a tenth on clean images and reached 0.93
under noise (measured), where K iterations are too few.

With checkpointing (Griewank & Walther 2000) the backward pass computes the images of each iteration
anew, so that memory holds one iteration's and not K of them; the price is a second forward pass.

Images are float32, or float64 where they are given so, and the equations float64 (`_precision`).
"""

from dataclasses import replace

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from irgate_solver import _calls, _sampling, _warps
from irgate_solver._homography import Homography
from irgate_solver._implicit import InexactGradientWarning
from irgate_solver._lucas_kanade import Forward
from irgate_solver._normal_equations import pull_gradient
from irgate_solver._objective import Objective
from irgate_solver._precision import STATIONARY

ITERATIONS = 12
"""Number of iterations that are unrolled."""


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


def attach(objective: Objective, fixed: Tensor, moving: Tensor, p: Tensor) -> Tensor:
    """Return p_K of (1) from the answer `p` `(B, n)`; warn where `p` is no fixed point of (1)."""
    found = unroll(objective, fixed, moving, p)
    assert not isinstance(objective.warp, Homography)
    apart = _warps.length(objective.warp, found.detach() - p)
    astray = int((~(apart <= STATIONARY)).sum())
    if astray:
        _calls.warn(
            f"register: the gradient is not exact: {astray} of {len(p)} unrolled solves move more "
            f"than {STATIONARY} px from the answer in {ITERATIONS} iterations; use "
            'sampling="cubic" or recipe="iclk-implicit"',
            InexactGradientWarning,
        )
    return found


def _iterate(objective: Objective, fixed: Tensor, moving: Tensor, p: Tensor) -> Tensor:
    """Return p after one iteration of (1); differentiable by images and p."""
    problem = objective.on(objective.level(fixed, moving), (moving.shape[1], moving.shape[2]))
    assert isinstance(problem, Forward)
    assert problem.region is not None
    points = problem.points(p)
    jet = _differentiable(problem, points)
    fit = problem.metric(problem.level.fixed, jet.value, problem.region, False)
    projections = problem.basis.projections(fit.psi.unsqueeze(1), jet.slopes)[:, 0]
    by_coefficients = (fit.scale * fit.gain).unsqueeze(1) * projections
    gradient = pull_gradient(problem.warp.jacobian(p), by_coefficients)
    prior = problem.priors.at(problem.warp, p)
    if prior is not None:
        gradient = gradient + prior.gradient
    with torch.no_grad():
        exact = objective.settings.sampling != "linear"
        normal = replace(problem, exact=exact).linearise(p.detach()).normal
        inverse = torch.linalg.pinv(normal, hermitian=True)
    return p - torch.bmm(inverse, gradient.unsqueeze(-1)).squeeze(-1)


def _differentiable(problem: Forward, points: Tensor) -> _sampling.Jet:
    """Return the jet at `points`, whose value and slopes have exact derivatives by them."""
    jet = problem.jet(points.detach(), curvature=True)
    assert jet.seconds is not None
    dx, dy = (points - points.detach()).to(jet.slopes.dtype).unbind(1)
    xx, xy, yy = jet.seconds.unbind(1)
    value = jet.value + jet.slopes[:, 0] * dx + jet.slopes[:, 1] * dy
    slopes = jet.slopes + torch.stack((xx * dx + xy * dy, xy * dx + yy * dy), 1)
    return replace(jet, value=value, slopes=slopes, seconds=None)
