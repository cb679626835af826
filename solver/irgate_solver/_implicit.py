"""The exact derivative of a minimiser by its images: the implicit function theorem.

At a minimum the stationarity condition g(p, theta) = dE/dp = 0 holds, whatever led there, so

(1)  dp/dtheta = -A^-1 dg/dtheta,    A = dg/dp,
(2)  A^T lambda = v    =>    v^T dp/dtheta = -d(lambda^T g)/dtheta    with lambda held,

so a backward pass is one small solve and one pass through one warp, however many iterations the
solve took. Theta is the fixed image, the moving image and the weight of the bending energy. A is
the Hessian of the objective itself: it contains the residual's second-order terms and the prior,
and not the damping. Huber's curvature in it is psi' = 0 or 1. The valid pixels, Huber's width and
the intensity units are held constant, as in the last stage of the solve. No gradient flows through
the coarse levels, because they only chose the start.

With bilinear sampling A is the Hessian of the piece of the objective in which p* lies. At a pixel's
border the objective has a kink, and (1) holds on one side of it (`_kinks`). Cubic sampling has no
kinks, and is what an input that requires grad gets where the caller names no sampler. Huber's width
is held too; where it is a share of the fixed image's range it follows the range, and where it is
taken from the residuals the derivative is not exact. A bending weight that was chosen from the
images is held, and warned of, likewise.

Source: Krantz & Parks 2002, "The implicit function theorem"; for registration Blondel et al. 2022,
section 2.1. Checked against central differences of the whole solve.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from irgate_solver import _band, _calls, _kinks, _precision
from irgate_solver._objective import Objective, Problem


class InexactGradientWarning(UserWarning):
    """Gradients are not exact: the message says why.

    The point is not stationary, its Hessian is singular, it stands on a kink of bilinear sampling,
    or Huber's width or the bending energy's weight was taken from the images.
    """


@dataclass(frozen=True)
class Stationarity:
    """The stationarity condition at one p.

    Attributes:
        gradient: g, `(B, n)`.
        jacobian: A, `(B, n, n)`.
        reciprocal_condition: of A scaled to unit diagonal, `(B,)`.
        newton_travel: how far a Newton step would still move a probe, px, `(B,)`.

    """

    gradient: Tensor
    jacobian: Tensor
    reciprocal_condition: Tensor
    newton_travel: Tensor


def stationarity(problem: Problem, p: Tensor) -> Stationarity:
    """Return g and A at `p` `(B, n)`; not differentiable."""
    at = problem.complete().linearise(p)
    condition = reciprocal_condition(at.normal, problem.level.moving.dtype)
    newton = adjoint_solve(at.normal, -at.gradient, condition)
    travel = problem.length(newton)
    return Stationarity(at.gradient, at.normal, condition, travel)


def reciprocal_condition(
    matrix: Tensor, dtype: torch.dtype = _precision.SOLVE, grid: _band.Grid | None = None
) -> Tensor:
    """Return 1 / (|S| |S^-1|), 1-norms, of `matrix` `(B, n, n)` scaled to unit diagonal: `(B,)`.

    The scaling takes the parameters' own scales out. 0 where the matrix is singular, or where a
    parameter moves the image by no more than its rounding. The inverse of a large band, which is no
    band, is not made: its norm is estimated.

    Args:
        matrix: a normal matrix or Hessian.
        dtype: of the images that it was made of.
        grid: control points of an FFD whose matrix is a band (`_band`); None for others.

    """
    diagonal = matrix.diagonal(dim1=1, dim2=2).abs()
    scale = diagonal.rsqrt()
    scaled = matrix * scale.unsqueeze(1) * scale.unsqueeze(2)
    inverse = None if grid is None else _band.inverse_norm(scaled, grid)
    if inverse is None:
        whole, info = torch.linalg.inv_ex(scaled)
        inverse = torch.where(info == 0, whole.abs().sum(1).amax(1), torch.inf)
    norms = scaled.abs().sum(1).amax(1) * inverse
    seen = diagonal.amin(1) > _precision.squared_rounding(dtype) * diagonal.amax(1)
    return torch.where(norms.isfinite() & seen, 1.0 / norms, 0.0)


def adjoint_solve(jacobian: Tensor, cotangent: Tensor, condition: Tensor) -> Tensor:
    """Solve A^T lambda = v, eq. (2), by LU; the least-norm solution where A is singular.

    A is symmetric for these objectives but need not be positive, hence no Cholesky.

    Args:
        jacobian: A, `(B, n, n)`, float64.
        cotangent: v, `(B, n)`.
        condition: reciprocal condition number of A, `(B,)`.
    Returns: lambda, `(B, n)`.

    """
    transposed = jacobian.mT
    solution: Tensor = torch.linalg.solve_ex(transposed, cotangent.unsqueeze(-1))[0]
    singular = condition < _precision.RECIPROCAL_CONDITION
    if bool(singular.any()):
        cutoff = _precision.RECIPROCAL_CONDITION
        finite = torch.nan_to_num(transposed)
        least_norm = torch.linalg.pinv(finite, rtol=cutoff) @ cotangent.unsqueeze(-1)
        solution = torch.where(singular.view(-1, 1, 1), least_norm, solution)
    return solution.squeeze(-1)


def pairing(
    objective: Objective, fixed: Tensor, moving: Tensor, p: Tensor, direction: Tensor
) -> Tensor:
    """Return sum_B lambda^T g(p; images), differentiable by the images and the priors' weights.

    Args:
        objective: what g is the gradient of.
        fixed: `(B, H, W)`, given intensities.
        moving: `(B, H', W')`, likewise.
        p: `(B, n)`, held.
        direction: lambda, `(B, n)`, held.

    """
    extent = (moving.shape[1], moving.shape[2])
    objective = objective.following(fixed)
    return objective.on(objective.level(fixed, moving), extent).along(p, direction)


class FixedPoint(torch.autograd.Function):
    """The identity on p*, whose derivative by images and prior weight is (2)."""

    @staticmethod
    def forward(
        ctx: Any,
        fixed: Tensor,
        moving: Tensor,
        bending: Tensor,
        total_variation: Tensor,
        anchor: Tensor,
        p: Tensor,
        objective: Objective,
        at: Stationarity,
    ) -> Tensor:
        """Remember images, weights, p* and A; return p*."""
        ctx.save_for_backward(fixed, moving, bending, total_variation, anchor, p)
        ctx.objective, ctx.at = objective, at
        return p.clone()

    @staticmethod
    @_calls.without_autocast
    def backward(ctx: Any, *cotangents: Tensor) -> tuple[Tensor | None, ...]:
        """Apply (2)."""
        *sources, p = ctx.saved_tensors
        wanted = ctx.needs_input_grad[: len(sources)]
        with torch.no_grad():
            direction = adjoint_solve(ctx.at.jacobian, cotangents[0], ctx.at.reciprocal_condition)
        with torch.enable_grad():
            leaves = [
                source.detach().requires_grad_(need)
                for source, need in zip(sources, wanted, strict=True)
            ]
            objective = ctx.objective.weighted(*leaves[2:])
            value = pairing(objective, leaves[0], leaves[1], p, direction)
            asked = [leaf for leaf, need in zip(leaves, wanted, strict=True) if need]
            found = iter(torch.autograd.grad(value, asked, allow_unused=True))
        gradients: list[Tensor | None] = []
        for need in wanted:
            gradient = next(found) if need else None
            if gradient is not None:
                gradient = _apply_once(-gradient, *sources)
            gradients.append(gradient)
        return (*gradients, None, None, None)


class _Once(torch.autograd.Function):
    """The identity, whose derivative is an error: a second derivative would be wrong."""

    @staticmethod
    def forward(ctx: Any, gradient: Tensor, *sources: Tensor) -> Tensor:
        return gradient.view_as(gradient)

    @staticmethod
    def backward(ctx: Any, *cotangents: Tensor) -> tuple[Tensor | None, ...]:
        raise RuntimeError(
            "register: its gradient was differentiated again; expected one derivative only, as the "
            "implicit function theorem is applied once: drop create_graph=True, or take second "
            "derivatives by differences of the gradient"
        )


# `apply` carries no types of its own.
_apply_fixed_point: Callable[..., Tensor] = FixedPoint.apply
_apply_once: Callable[..., Tensor] = _Once.apply


def needed(weights: Sequence[Any], fixed: Tensor, moving: Tensor) -> bool:
    """Return whether an image or a prior's weight requires grad, and the caller records one."""
    sources = (fixed, moving, *weights)
    wanted = any(isinstance(source, Tensor) and source.requires_grad for source in sources)
    return wanted and torch.is_grad_enabled()


def attach(
    objective: Objective, fixed: Tensor, moving: Tensor, p: Tensor, settled: Sequence[bool]
) -> tuple[Tensor, Stationarity | None]:
    """Return p* attached to the graph of its inputs, and the condition that holds there.

    Nothing is attached, and None returned, where no input requires grad. Warns once a call where
    the gradient cannot be exact.

    Args:
        objective: what was minimised.
        fixed: `(B, H, W)`, as given.
        moving: `(B, H', W')`, as given.
        p: the minimiser, `(B, n)`.
        settled: False for a pair whose solve ran out of iterations.

    """
    if not needed(objective.settings.weights, fixed, moving):
        return p, None
    at = examine(objective, fixed, moving, p, settled)
    weights = [torch.as_tensor(weight) for weight in objective.settings.weights]
    return _apply_fixed_point(fixed, moving, *weights, p, objective, at), at


def examine(
    objective: Objective, fixed: Tensor, moving: Tensor, p: Tensor, settled: Sequence[bool]
) -> Stationarity:
    """Return g and A at `p`, and warn where the minimiser has no derivative or another one.

    Args: as `attach`'s.

    """
    weights = [torch.as_tensor(weight).detach() for weight in objective.settings.weights]
    with torch.no_grad():
        extent = (moving.shape[1], moving.shape[2])
        detached = objective.weighted(*weights)
        problem = detached.on(objective.level(fixed, moving), extent)
        at = stationarity(problem, p)
        singular = at.reciprocal_condition < _precision.RECIPROCAL_CONDITION
        astray = at.newton_travel > _precision.STATIONARY
        bent = (_kinks.bend(problem, p, at.jacobian) > _precision.KINKED) & ~singular
        other = torch.zeros_like(singular)
        if problem.region is not None:
            other = (problem.inside(problem.points(p)) != problem.region).flatten(1).any(1)
    held = _held(objective)
    _warn(settled.count(False), singular, astray, bent, other, held)
    return at


def _held(objective: Objective) -> list[tuple[str, str]]:
    """Return what was taken from the images and is held in the derivative, and what to give."""
    found = []
    if objective.settings.estimates_width:
        found.append(("Huber's width", "`huber_width`"))
    weight = objective.settings.bending
    if objective.settings.bending_chosen and isinstance(weight, Tensor):
        figures = sorted({f"{each:.3g}" for each in weight.tolist()}, key=float)
        found.append(("the weight of the bending energy", f"`bending`, here {', '.join(figures)}"))
    return found


def _warn(
    unsettled: int,
    singular: Tensor,
    astray: Tensor,
    bent: Tensor,
    other: Tensor,
    held: Sequence[tuple[str, str]],
) -> None:
    """Warn, once, of all that keeps the gradient from being exact.

    Args:
        unsettled: number of pairs that ran out of iterations.
        singular, astray, bent, other: bool, `(B,)`: the Hessian is singular, the point is not
            stationary, it stands on a kink, it is the minimum over other pixels than map inside.
        held: what was taken from the images, and what to give in its place.

    """
    reasons, cures = [], []
    if unsettled or bool((singular | astray).any()):
        reasons.append(
            f"{unsettled} of {len(bent)} solves ran out of iterations, "
            f"{int(singular.sum())} have a singular Hessian and {int(astray.sum())} are further "
            f"than {_precision.STATIONARY} px from a stationary point"
        )
        cures.append("see Result.status, raise `iterations` or choose a smaller model")
    if bool(bent.any()):
        reasons.append(
            f"{int(bent.sum())} of {len(bent)} answers stand on kinks of bilinear sampling"
        )
        cures.append('use sampling="cubic"')
    if bool(other.any()):
        reasons.append(
            f"{int(other.sum())} of {len(other)} answers jump with pixels that leave and enter at "
            "the border"
        )
        cures.append("leave a margin to the border with `mask`")
    for what, instead in held:
        reasons.append(f"{what} was taken from the images and is held in the derivative")
        cures.append(f"give {instead}")
    if reasons:
        _calls.warn(
            f"register: the gradient is not exact: {'; '.join(reasons)}. To mend it "
            f"{', '.join(cures)}",
            InexactGradientWarning,
        )
