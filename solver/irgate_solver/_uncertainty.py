"""How well the images determine the parameters: covariance, and standard errors in px.

At a minimum g(p, fixed, moving) = 0. White noise of variance sF^2 on the fixed and sM^2 on the
moving image moves g by G_F noise_F + G_M noise_M, so

(1)  Cov(p) = A^-1 (sF^2 G_F G_F^T + sM^2 G_M G_M^T) A^-1,    G_F = dg/dfixed, G_M = dg/dmoving

with A the Hessian of the objective (the "sandwich", White 1982). G are taken through all that is
done to an image before it is compared: units, interpolation, a gain that is eliminated. So the
moving image's noise enters as what interpolation makes of it, which depends on the place between
the pixels. The steepest-descent images are held in G: noise in them is already in what is observed,
and their own derivative would count it twice. A includes the kinks of bilinear sampling on average
(`LinearOnAverage`), and its residual terms take off what noise adds to G_F G_F^T.

The two variances are told apart by the residual r itself (`_noise`). With Huber's metric the
gradient's variance is mean psi^2 / mean psi' in place of s^2 (Huber 1981, section 7.6). With a
prior A contains the prior.

Noise on the moving image also *biases* the answer, which no variance tells: interpolation between
pixels averages noise away, and the minimum moves to where it does,

(2)  E p - p  =  -A^-1 E[a da/dp],    a the interpolated noise,

with the expectation over drawn noise. And it is biased by what interpolation gets wrong of the
scene, which is read off the step to the minimum under another sampler. Where the two together are
more than `BIASED` of a standard error anywhere on the image, the result says that its standard
errors do not hold.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from irgate_solver import _noise
from irgate_solver._any_metric import AnyMetric
from irgate_solver._channels import gather, spread
from irgate_solver._homography import AnyWarp, Homography, probe_rates
from irgate_solver._implicit import reciprocal_condition
from irgate_solver._lucas_kanade import Forward
from irgate_solver._metrics import METRICS
from irgate_solver._objective import Objective
from irgate_solver._precision import RECIPROCAL_CONDITION, SOLVE
from irgate_solver._sampling import Linear, LinearOnAverage, make_sampler
from irgate_solver._warps import probes

BIASED = 0.5
"""Largest bias by noise, in standard errors, beside which these hold: at half of one, 93 % of
Gaussian errors lie within two."""
OTHER = {"linear": ("cubic", 1.0), "catmull-rom": ("cubic", 1.0), "cubic": ("catmull-rom", 0.15)}
"""The sampler that each is compared with, and its own error as a part of the step to the other's
minimum. Cubic's was a fifteenth to a fifth of that step on photographs (`benchmarks/errors.py`)."""


@dataclass(frozen=True)
class Uncertainty:
    """What noise does to the minimiser.

    Attributes:
        covariance: (1), `(B, n, n)`, px^2; infinite where A is singular.
        bias: (2), `(B, n)`, px.
        holds: whether this bias and interpolation's are small beside the standard errors, bool,
            `(B,)`.

    """

    covariance: Tensor
    bias: Tensor
    holds: Tensor


def uncertainty(objective: Objective, fixed: Tensor, moving: Tensor, p: Tensor) -> Uncertainty:
    """Return (1) and (2) at the minimiser `p` `(B, n)`.

    Args:
        objective: the objective that `p` minimises.
        fixed: `(B, H, W)`, given intensities.
        moving: `(B, H', W')`, likewise.
        p: the minimiser.

    Raises:
        ValueError: the metric is none of single pixels: its noise is not that of its residual.

    """
    extent, count = (moving.shape[1], moving.shape[2]), objective.channels
    # The channels' noise is taken as independent of one another.
    each, pairs = objective.each(), spread(p, count)
    problem = each.on(each.level(fixed, moving), extent)
    if not isinstance(problem, Forward):
        assert isinstance(problem, AnyMetric)
        raise ValueError(
            f"Result.covariance: the metric is {problem.metric.name}; expected one of "
            f"{', '.join(METRICS)}: how noise reaches another metric is not known"
        )
    noise = _noise.estimate(each, fixed, moving, problem, pairs)
    size = objective.warp.size
    pulled = torch.zeros(len(pairs), size, size, dtype=SOLVE, device=p.device)
    sides = _responses(each, fixed, moving, extent, pairs)
    for variance, responses in zip((noise.fixed, noise.moving), sides, strict=True):
        gram = torch.bmm(responses, responses.mT).to(SOLVE)
        pulled = pulled + variance.view(-1, 1, 1) * gram
    hessian = gather(_hessian(problem, pairs), count)
    inverse, _ = torch.linalg.inv_ex(hessian)
    covariance = inverse @ (gather(pulled, count) / count) @ inverse.mT
    biases = -gather(noise.pull, count) @ inverse.mT
    singular = reciprocal_condition(hessian, fixed.dtype) < RECIPROCAL_CONDITION
    covariance = torch.where(singular.view(-1, 1, 1), torch.inf, covariance)
    wrong = gather(_interpolation_error(problem, objective.settings.sampling, pairs), count)
    astray = (inverse @ wrong.unsqueeze(-1)).squeeze(-1)
    holds = _holds(objective.warp, covariance, biases.unbind(1), astray)
    return Uncertainty(covariance, biases[:, 0], holds & ~singular)


def _hessian(problem: Forward, p: Tensor) -> Tensor:
    """Return A, with the kinks on average where the sampler has some."""
    if isinstance(problem.sampler, Linear):
        problem = replace(problem, sampler=LinearOnAverage(problem.sampler.image))
    return replace(problem, exact=True).linearise(p).normal


def _responses(
    objective: Objective, fixed: Tensor, moving: Tensor, extent: tuple[int, int], p: Tensor
) -> Iterator[Tensor]:
    """Yield G_F and G_M, `(B, n, pixels)`, image type."""
    with torch.enable_grad():
        leaves = [image.detach().requires_grad_(True) for image in (fixed, moving)]
        problem = objective.on(objective.level(*leaves), extent)
        assert isinstance(problem, Forward)
        points = problem.points(p)
        valid = problem.valid(points)
        jet = problem.jet(points)
        fit = problem.metric(problem.level.fixed, jet.value, valid, True)
        held = replace(jet, value=jet.value.detach(), slopes=jet.slopes.detach())
        share = (fit.scale * fit.gain).detach()
        rows = []
        for direction in torch.eye(objective.warp.size, dtype=SOLVE, device=p.device):
            change = problem.change(held, p, direction.expand(len(p), -1))
            value = (share * (fit.psi * change).sum((1, 2), dtype=SOLVE)).sum()
            rows.append(torch.autograd.grad(value, leaves, retain_graph=True))
    for side in zip(*rows, strict=True):
        yield torch.stack(side, 1).flatten(2)


def _interpolation_error(problem: Forward, sampling: str, p: Tensor) -> Tensor:
    """Return how much of the gradient may be interpolation's error, `(B, n)`."""
    name, share = OTHER[sampling]
    other = replace(problem, sampler=make_sampler(name, problem.level.moving))
    points = problem.points(p)
    region = problem.valid(points) * other.inside(points)
    own, others = (replace(one, region=region).linearise(p).gradient for one in (problem, other))
    return share * (own - others)


def _holds(warp: AnyWarp, covariance: Tensor, biases: Sequence[Tensor], astray: Tensor) -> Tensor:
    """Return whether the worst bias and `astray` are small beside the standard errors, `(B,)`."""
    rates = _probe_rates(warp, covariance.device)
    variance = ((rates @ covariance) * rates).sum(-1)
    by_noise, by_scene = (
        torch.stack([(rates @ one.unsqueeze(-1)).squeeze(-1).abs() for one in some]).amax(0)
        for some in (biases, (astray,))
    )
    return ((by_noise + by_scene).square() <= BIASED**2 * variance).all(1)


def _probe_rates(warp: AnyWarp, device: torch.device) -> Tensor:
    """Return dT/dp, x and y of each probe, `(2 probes, n)`."""
    if isinstance(warp, Homography):
        return probe_rates(warp, device).mT.flatten(0, 1)
    return probes(warp, device).mT


def standard_error(warp: AnyWarp, p: Tensor, covariances: Tensor, points: Tensor) -> Tensor:
    """Return the standard errors of T(x) at `points` `(m, 2)`, (x, y), px: `(B, m, 2)`.

    With D = dT/dp at the point, the variances are the diagonal of D Cov D^T.
    """
    known = covariances.isfinite().flatten(1).all(1).view(-1, 1, 1)
    if isinstance(warp, Homography):
        by_point = warp.rates(p, points)
        variances = [((covariances @ one) * one).sum(1) for one in by_point]
        return torch.where(known, torch.stack(variances, -1).sqrt(), torch.inf)
    rows, columns = warp.rows(points[:, 1]), warp.columns(points[:, 0])
    values = (rows.unsqueeze(2) * columns.unsqueeze(1)).flatten(1)
    size = values.shape[1]
    jacobian = warp.jacobian(p)
    if jacobian is None:
        jacobian = torch.eye(2 * size, dtype=p.dtype, device=p.device).expand(len(p), -1, -1)
    errors = []
    for axis in (0, 1):
        rates = values @ jacobian[:, axis * size : (axis + 1) * size]
        errors.append((rates @ covariances * rates).sum(-1).sqrt())
    return torch.where(known, torch.stack(errors, -1), torch.inf)
