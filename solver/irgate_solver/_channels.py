"""Pairs of several channels: one transform for all of them, and a metric that is their mean.

(1)  E(p) = 1/C  sum_c E_c(p)  +  priors

with E_c the metric of channel c alone; a metric that adapts to a gain does so in each channel. The
channels of a batch are solved as pairs of their own that share parameters: objectives, gradients
and matrices are made for `B C` pairs and averaged over C.

Coarse levels and the search see one grey image, the channels' projection on the direction in which
they vary most, because they need to come near only.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from irgate_solver._any_metric import AnyMetric
from irgate_solver._levenberg import Linearisation
from irgate_solver._lucas_kanade import Forward
from irgate_solver._priors import Priors
from irgate_solver._pyramid import Level
from irgate_solver._sampling import Sampler
from irgate_solver._warps import Warp


def spread(per_pair: Tensor, count: int) -> Tensor:
    """Return `(B, ...)` repeated for each of `count` channels, `(B C, ...)`."""
    return per_pair if count == 1 else per_pair.repeat_interleave(count, 0)


def gather(per_channel: Tensor, count: int) -> Tensor:
    """Return the mean over channels of `(B C, ...)`, `(B, ...)`."""
    if count == 1:
        return per_channel
    return per_channel.view(-1, count, *per_channel.shape[1:]).mean(1)


@dataclass(frozen=True)
class Channels:
    """The forward-additive problem (1), as `Forward` and `AnyMetric` are for one channel.

    Attributes:
        each: the problem of the channels as `B C` pairs, without priors and region.
        count: C.
        priors: terms of the objective that depend on the transform alone.
        region: 0/1 weights of the pixels that count, `(B, h, w)`; None to count those that map
            inside.

    """

    each: Forward | AnyMetric
    count: int
    priors: Priors = field(default_factory=Priors, kw_only=True)
    region: Tensor | None = field(default=None, kw_only=True)

    @property
    def warp(self) -> Warp:
        """The family."""
        return self.each.warp

    @property
    def level(self) -> Level:
        """The images of the channels, as `B C` pairs."""
        return self.each.level

    @property
    def sampler(self) -> Sampler:
        """The sampler of the moving channels."""
        return self.each.sampler

    @property
    def exact(self) -> bool:
        """Whether the matrix is the Hessian."""
        return self.each.exact

    def newton(self) -> "Channels":
        """Return the problem whose matrix Newton's method steers by."""
        return replace(self, each=self.each.newton())

    def complete(self) -> "Channels":
        """Return the problem whose matrix is the objective's own Hessian."""
        return replace(self, each=self.each.complete())

    def resampled(self, sampler: Sampler) -> "Channels":
        """Return the problem with another sampler of the moving channels."""
        return replace(self, each=self.each.resampled(sampler))

    def points(self, p: Tensor) -> Tensor:
        """Return T(x; p) at the fixed pixels, px, `(B, 2, h, w)`."""
        return self.each.points(p)

    def inside(self, points: Tensor) -> Tensor:
        """Return 0/1 weights of the trusted pixels whose points lie inside, `(B, h, w)`."""
        return self.each.inside(spread(points, self.count))[:: self.count]

    def inside_at(self, p: Tensor) -> Tensor:
        """Return 0/1 weights of the trusted pixels that `p` `(B, n)` maps inside, `(B, h, w)`."""
        return self.each.inside_at(spread(p, self.count))[:: self.count]

    def linearise(self, p: Tensor, active: Sequence[bool] | None = None) -> Linearisation:
        """Return (1) and what a descent needs of it at `p`."""
        wide = None if active is None else [one for one in active for _ in range(self.count)]
        at = self._wide().linearise(spread(p, self.count), wide)
        prior = self.priors.at(self.warp, p)
        objective, rounding, overlap = (
            gather(values, self.count) for values in (at.objective, at.rounding, at.overlap)
        )

        def equations() -> tuple[Tensor, Tensor]:
            gradient, normal = (gather(values, self.count) for values in at.equations)
            if prior is None:
                return gradient, normal
            return gradient + prior.gradient, normal + prior.hessian

        if prior is not None:
            objective = objective + prior.energy
        return Linearisation(objective, rounding, overlap, equations)

    def along(self, p: Tensor, direction: Tensor) -> Tensor:
        """Return sum_B lambda^T dE/dp, differentiable by the images and the priors' weights."""
        wide = self._wide().along(spread(p, self.count), spread(direction, self.count))
        prior = self.priors.at(self.warp, p)
        return wide / self.count + (0.0 if prior is None else (prior.gradient * direction).sum())

    def retract(self, p: Tensor, step: Tensor) -> Tensor:
        """Add the step."""
        return self.each.retract(p, step)

    def length(self, step: Tensor) -> Tensor:
        """Return how far `step` moves the probe points, px."""
        return self.each.length(step)

    def _wide(self) -> Forward | AnyMetric:
        if self.region is None:
            return self.each
        return replace(self.each, region=spread(self.region, self.count))


def projection(fixed: Tensor, moving: Tensor, trusted: Tensor) -> Callable[[Tensor], Tensor]:
    """Return the projection of channels `(B, C, h, w)` on one grey image, `(B, h, w)`.

    Its weights are the first principal component of both images' channels together, scaled so that
    equal channels give their mean: squared differences of the grey image are then a mean over
    channels too, as those of (1) are.

    Args:
        fixed, moving: `(B, C, H, W)` and `(B, C, H', W')`.
        trusted: bool, `(B, H, W)`.

    """
    with torch.no_grad():
        scatter: Tensor | float = 0.0
        for image, weight in ((fixed, trusted.unsqueeze(1).to(fixed.dtype)), (moving, None)):
            flat = image.flatten(2).double()
            share = torch.ones_like(flat[:, :1]) if weight is None else weight.flatten(2).double()
            centred = flat - (flat * share).sum(2, keepdim=True) / share.sum(2, keepdim=True)
            weighed = centred * share / share.sum(2, keepdim=True)
            scatter = scatter + weighed @ centred.mT
        assert isinstance(scatter, Tensor)
        first = torch.linalg.eigh(torch.nan_to_num(scatter))[1][:, :, -1]
        sign = torch.where(first.sum(1, keepdim=True) < 0, -1.0, 1.0)
        first = first * sign / math.sqrt(first.shape[1])
        weights = first.to(fixed.dtype)[:, :, None, None]
    return lambda image: (image * weights).sum(1)
