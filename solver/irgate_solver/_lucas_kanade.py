"""The two linearisations of registration: inverse-compositional and forward-additive.

With r = gain m(T(x; p)) + offset - f(x) (`_metrics`), Baker & Matthews 2004:

(1)  inverse-compositional (section 3.2): linearise the *fixed* image once a level,
         J = grad f dW/dp at p = 0,   p <- p o W(step)^-1;
     the normal matrix is constant, an iteration is one warp and one projection. Its fixed point
     J^T r = 0 is near, but not at, the minimum of the objective.
(2)  forward-additive (section 3.1): linearise the *moving* image at each point,
         J = grad m(T(x; p)) dW/dp,   p <- p + step;
     its fixed point is a stationary point of the objective itself.

(1) brings a solve near the minimum; it needs a group, so it serves the linear families only (FFDs
are no group). (2) finds the minimum. This module holds (2) and what both forms share; `_template`
holds (1).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Self

import torch
from torch import Tensor
from torch.nn import functional

from irgate_solver import _native, _precision, _sampling, _warps
from irgate_solver._levenberg import Linearisation
from irgate_solver._look import SAMPLERS, Look, number_of
from irgate_solver._metrics import Fit, Metric, correlation
from irgate_solver._normal_equations import Basis, basis_of, pull_gradient, pull_normal
from irgate_solver._precision import SOLVE
from irgate_solver._priors import Priors, Term
from irgate_solver._pyramid import Level, seen_at
from irgate_solver._warps import FreeForm, Warp

MOST_MARGIN = 1.0 / 8.0
"""The most of the moving image's shorter side that a sampler's margin may take from each border."""


def level_basis(warp: Warp, level: Level) -> Basis:
    """Return the family's basis on a level's fixed pixels."""
    height, width = level.fixed.shape[1:]
    return basis_of(warp, (height, width), level.scale, level.fixed.device)


def valid_points(
    points: Tensor, extent: tuple[int, int], trusted: Tensor, margin: float = 0.0
) -> Tensor:
    """Return `trusted` where the point lies in [0, W-1] x [0, H-1] of the moving image, else 0.

    There interpolation has samples on both sides. ITK also counts the half pixel beyond; its values
    are clamped, and so would its residuals be.

    Args:
        points: `(B, 2, h, w)`, px.
        extent: the full moving image's (height, width).
        trusted: 0/1, `(B, h, w)`.
        margin: width, px, of the band along each border that does not count.

    """
    middle_x, middle_y = (extent[1] - 1) / 2.0, (extent[0] - 1) / 2.0
    # Comparing straight into numbers is several times as fast as converting bools.
    inside = torch.empty_like(points, dtype=trusted.dtype)
    torch.le((points[:, 0] - middle_x).abs_(), middle_x - margin, out=inside[:, 0])
    torch.le((points[:, 1] - middle_y).abs_(), middle_y - margin, out=inside[:, 1])
    return inside[:, 0].mul_(inside[:, 1]).mul_(trusted)


def valid_on(level: Level, points: Tensor, extent: tuple[int, int]) -> Tensor:
    """Return the trusted pixels of a level whose points show trusted moving pixels, 0/1.

    Args:
        level: both images, and what is trusted of each.
        points: `(B, 2, h, w)`, px of the full moving image.
        extent: the full moving image's (height, width).

    """
    valid = valid_points(points, extent, level.trusted)
    return valid if level.hidden is None else valid * seen_at(level.hidden, points / level.scale)


def normal_equations(
    basis: Basis, jacobian: Tensor | None, fit: Fit, jet: _sampling.Jet
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the gradient of `fit` by the coefficients and by the parameters, and its matrix.

    Where the jet holds second derivatives and the fit is exact, the matrix is the Hessian of the
    objective. `Warp.second_order` is not in it; the caller adds it. A smooth sampler's slopes along
    a stripe are no zeros but their rounding: a coefficient that moves the image by no more than
    that has neither gradient nor curvature here, and stays where it is.

    Returns: `(B, 2ab)`, `(B, size)` and `(B, size, size)`.
    """
    images = fit.psi.unsqueeze(1)
    if fit.nuisances is not None:
        images = torch.cat((images, fit.nuisances), 1)
    projections = basis.projections(images, jet.slopes)
    share = fit.scale * fit.gain
    by_coefficients = share.unsqueeze(1) * projections[:, 0]
    weighted = fit.curvature.unsqueeze(1) * jet.slopes
    field = torch.cat((weighted * jet.slopes[:, :1], weighted[:, 1:] * jet.slopes[:, 1:]), 1)
    normal = (share * fit.gain).view(-1, 1, 1) * basis.normal(field)
    seen = None
    if jet.smooth:
        diagonal = normal.diagonal(dim1=1, dim2=2)
        least = _precision.squared_rounding(jet.value.dtype) * diagonal.amax(1, keepdim=True)
        seen = (diagonal > least).to(normal.dtype)
        by_coefficients = by_coefficients * seen
    if jet.seconds is not None:
        bent = basis.normal(fit.psi.unsqueeze(1) * jet.seconds)
        normal = normal + share.view(-1, 1, 1) * bent
    if fit.shares is not None:
        cast = projections[:, 1:]
        normal = torch.baddbmm(normal, cast.mT, fit.shares.unsqueeze(2) * cast, alpha=-1)
    if seen is not None:
        normal = normal * (seen.unsqueeze(1) * seen.unsqueeze(2))
    return by_coefficients, pull_gradient(jacobian, by_coefficients), pull_normal(jacobian, normal)


@dataclass(frozen=True)
class Additive:
    """What the forward-additive problems (2) of one level share, whatever the metric.

    Attributes:
        warp: the family.
        basis: its basis on the level's grid.
        level: images.
        sampler: of the level's moving image.
        extent: the full moving image's (height, width).
        priors: terms of the objective that depend on the transform alone.
        region: 0/1 weights of the pixels that count, the same at every `p`, `(B, h, w)`; None to
            count those that map inside at each `p`. A mean over pixels that enter and leave jumps
            by 1/n each time, so its lowest value depends on which pixels are counted.
        exact: use the objective's own Hessian (Newton) instead of the Gauss-Newton matrix. Newton
            converges quadratically near a minimum; elsewhere the Hessian may be indefinite.

    """

    warp: Warp
    basis: Basis
    level: Level
    sampler: _sampling.Sampler
    extent: tuple[int, int]
    priors: Priors = field(default_factory=Priors, kw_only=True)
    region: Tensor | None = field(default=None, kw_only=True)
    exact: bool = field(default=False, kw_only=True)

    def resampled(self, sampler: _sampling.Sampler) -> Self:
        """Return the problem with another sampler of the moving image."""
        return replace(self, sampler=sampler)

    def points(self, p: Tensor) -> Tensor:
        """Return T(x; p) at the level's fixed pixels, px, `(B, 2, h, w)`."""
        return self.basis.positions(self.warp.coefficients(p))

    def jet(self, points: Tensor, *, curvature: bool = False) -> _sampling.Jet:
        """Return the moving image and its derivatives by px at mapped points."""
        scale = self.level.scale
        jet = self.sampler.jet(points / scale if scale > 1 else points, curvature=curvature)
        return jet if scale == 1 else jet.per(scale)

    def inside(self, points: Tensor) -> Tensor:
        """Return 0/1 weights of the trusted pixels whose points lie inside, `(B, h, w)`."""
        valid = valid_points(points, self.extent, self.level.trusted, self.margin)
        if self.hidden is None:
            return valid
        return valid * seen_at(self.hidden, points / self.level.scale)

    def inside_at(self, p: Tensor) -> Tensor:
        """Return 0/1 weights of the trusted pixels that `p` `(B, n)` maps inside, `(B, h, w)`."""
        return self.inside(self.points(p))

    @property
    def margin(self) -> float:
        """Width, px, of the band along the moving image's border that does not count."""
        return min(self.sampler.margin * self.level.scale, MOST_MARGIN * min(self.extent))

    @cached_property
    def hidden(self) -> Tensor | None:
        """The level's hidden moving pixels, and those within the sampler's margin of them."""
        hidden, reach = self.level.hidden, round(self.sampler.margin)
        if hidden is None or reach == 0:
            return hidden
        window = 2 * reach + 1
        return functional.max_pool2d(hidden.unsqueeze(1), window, 1, reach).squeeze(1)

    def valid(self, points: Tensor) -> Tensor:
        """Return 0/1 weights of the pixels that count, `(B, h, w)`."""
        return self.inside(points) if self.region is None else self.region

    def change(self, jet: _sampling.Jet, p: Tensor, direction: Tensor) -> Tensor:
        """Return the derivative of the warped image along `direction` `(B, n)`, `(B, h, w)`.

        With u = dT/dp lambda the field of the direction it is grad m . u: no Jacobian is needed.
        """
        jacobian = self.warp.jacobian(p)
        rates = direction if jacobian is None else (jacobian @ direction.unsqueeze(-1)).squeeze(-1)
        rows, columns = self.basis.rows, self.basis.columns
        u = rows @ (rates.reshape(len(p), 2, rows.shape[1], -1) @ columns.mT)
        return (jet.slopes * u.to(jet.slopes.dtype)).sum(1)

    def prior_along(self, p: Tensor, direction: Tensor) -> Tensor:
        """Return sum_B lambda^T dE/dp of the priors; differentiable by their weights."""
        prior = self.priors.at(self.warp, p)
        if prior is None:
            return p.new_zeros(())
        return (prior.gradient * direction).sum()

    def retract(self, p: Tensor, step: Tensor) -> Tensor:
        """Add the step."""
        return p + step

    def length(self, step: Tensor) -> Tensor:
        """Return how far `step` moves the probe points, px."""
        return _warps.length(self.warp, step)


@dataclass(frozen=True)
class Forward(Additive):
    """The forward-additive problem (2) of one level for a metric of single pixels.

    Attributes:
        metric: the objective.

    """

    metric: Metric

    def newton(self) -> "Forward":
        """Return the problem whose matrix Newton's method steers by: the Hessian."""
        return replace(self, exact=True)

    def complete(self) -> "Forward":
        """Return the problem whose matrix is the objective's own Hessian."""
        return replace(self, exact=True)

    def project(self, p: Tensor, image: Tensor, jet: _sampling.Jet) -> Tensor:
        """Return the sum of `image` times the derivatives of the warped one, `(B, n)`."""
        sums = self.basis.projections(image.unsqueeze(1), jet.slopes)[:, 0]
        return pull_gradient(self.warp.jacobian(p), sums)

    def compare(self, p: Tensor) -> tuple[_sampling.Jet, Fit]:
        """Return the moving image around T(x; p) and how it compares to the fixed one."""
        points = self.points(p)
        valid = self.valid(points)
        jet = self.jet(points, curvature=self.exact)
        return jet, self.metric(self.level.fixed, jet.value, valid, self.exact)

    def linearise(self, p: Tensor, active: Sequence[bool] | None = None) -> Linearisation:
        """Return objective, gradient and Gauss-Newton matrix, or Hessian, at `p`."""
        prior = self.priors.at(self.warp, p)
        if self.compiled:
            return self._by_kernel(p, prior, active)
        jet, fit = self.compare(p)
        objective = fit.objective if prior is None else fit.objective + prior.energy

        def equations() -> tuple[Tensor, Tensor]:
            jacobian = self.warp.jacobian(p)
            by_coefficients, gradient, normal = normal_equations(self.basis, jacobian, fit, jet)
            second = self.warp.second_order(p, by_coefficients) if self.exact else None
            if second is not None:
                normal = normal + second
            if prior is None:
                return gradient, normal
            return gradient + prior.gradient, normal + prior.hessian

        overlap = fit.count / self.level.count.clamp(min=1)
        return Linearisation(objective, fit.rounding, overlap, equations, **self._coupling)

    def inside_at(self, p: Tensor) -> Tensor:
        """Return 0/1 weights of the trusted pixels that `p` `(B, n)` maps inside, `(B, h, w)`."""
        if self.compiled:
            look = self._look
            look.weigh(self.level.trusted, frozen=False)
            return look.inside(self.warp.coefficients(p))
        return self.inside(self.points(p))

    @property
    def _coupling(self) -> dict[str, Any]:
        """What couples an FFD's control points, as `Linearisation` takes it."""
        if not isinstance(self.warp, FreeForm):
            return {}
        # A correlation's means and the anchor couple all of them.
        banded = self.metric is not correlation and self.priors.anchor is None
        return {"grid": self.warp.control, "banded": banded}

    @property
    def compiled(self) -> bool:
        """Whether the compiled kernel looks."""
        known = type(self.sampler) in SAMPLERS and number_of(self.metric) is not None
        return known and _native.serves(self.level.fixed, self.level.moving)

    @cached_property
    def _look(self) -> Look:
        """The level, as the kernel takes it."""
        level = self.level
        look = Look(self.basis, level, self.metric, level.count)
        look.see((level.moving.shape[1], level.moving.shape[2]), self.extent, self.margin)
        look.sample(self.sampler)
        look.hide(self.hidden)
        return look

    def weighed(self) -> Look:
        """Return the level, as the kernel takes it, with the pixels that count."""
        look = self._look
        if self.region is not None:
            look.weigh(self.region, frozen=True)
        else:
            look.weigh(None if self.level.whole else self.level.trusted, frozen=False)
        return look

    def _by_kernel(
        self, p: Tensor, prior: Term | None, active: Sequence[bool] | None
    ) -> Linearisation:
        look = self.weighed()
        coefficients, jacobian = self.warp.coefficients(p), self.warp.jacobian(p)
        sums = look(coefficients, jacobian, matrix=True, exact=self.exact, active=active)
        gradient, normal = sums.gradient, sums.normal
        if self.exact:
            second = self.warp.second_order(p, sums.by_coefficients)
            normal = normal if second is None else normal + second
        objective, equations = sums.objective, (gradient, normal)
        if prior is not None:
            objective = objective + prior.energy
            equations = gradient + prior.gradient, normal + prior.hessian
        return Linearisation(
            objective, sums.rounding, sums.overlap, lambda: equations, **self._coupling
        )

    def along(self, p: Tensor, direction: Tensor) -> Tensor:
        """Return sum_B lambda^T dE/dp, differentiable by the images and the priors' weights.

        lambda^T J^T psi = sum psi (J lambda), and J lambda is the change along the direction.
        """
        points = self.points(p)
        valid = self.valid(points)
        jet = self.jet(points)
        fit = self.metric(self.level.fixed, jet.value, valid, True)
        change = self.change(jet, p, direction)
        sums = (fit.psi * change).sum((1, 2), dtype=SOLVE)
        return (fit.scale * fit.gain * sums).sum() + self.prior_along(p, direction)
