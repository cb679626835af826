"""The stages of recipe `lm-bundle`: forward-additive Levenberg-Marquardt, as in bundle adjustment.

Three levels, no inverse-compositional approach. Huber's width is taken anew from the residuals for
each iteration, 1.5 times their median absolute size or a grey level, if that is more. The last
rounds hold the width with which the full images' stage began, so that they have one objective. The
Jacobian of the linear families is analytic; that of an FFD comes from automatic differentiation of
the warped image.

An FFD's coefficients are split into its affine part, the *gauge*, and the rest:

(1)  p = G a + L b,    [A  C; C^T  B] [a; b] = -[g_a; g_b]
(2)  (B - C^T A^-1 C) b = -(g_b - C^T A^-1 g_a),    A a = -(g_a + C b)

with the columns of G the affine displacements and L orthonormal to them. (2) is the Schur
complement of the gauge (Triggs et al. 2000, "Bundle adjustment: a modern synthesis", section 6.1):
whatever the images leave free of the rest, the gauge is determined by a 6 x 6 system of its own.
Its damping anchors it to the current iterate, which moves no minimum.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import torch
from torch import Tensor

from irgate_solver import _levenberg, _precision, _start, _warps
from irgate_solver._homography import Homography
from irgate_solver._levenberg import Descent, Linearisation
from irgate_solver._lucas_kanade import Forward
from irgate_solver._objective import Objective, Problem, Settings
from irgate_solver._precision import SOLVE
from irgate_solver._pyramid import Level
from irgate_solver._schedule import Schedule, overlap_kept
from irgate_solver._size_cache import cached_by_size
from irgate_solver._template import Inverse
from irgate_solver._warps import FreeForm, LinearWarp, Warp

LEVELS = 3
"""Number of levels, full images included."""
MEDIANS = 1.5
"""Huber's k over the median absolute residual; 1.345 standard deviations would be 1.99 of them."""
LEAST_WIDTH = 1 / 255
"""Least k, in parts of the range: a grey level of 8 bits. Without noise the residuals are
interpolation errors of 0.001, and none of them is an outlier. A k as small as these makes the
minimum a function of the images that is curved at their size, which no difference resolves."""


class Bundle(Schedule):
    """The stages of recipe `lm-bundle`."""

    def _approach(self, warp: LinearWarp, p: Tensor) -> list[Descent]:
        return self._approach_additively(warp, p, self.levels[self.judged : LEVELS])

    def _from_identity(self, warp: LinearWarp) -> list[Descent]:
        start = _start.identity(warp, self.batch, self.device)
        descents = self._approach(warp, start)
        if self.settings.search:
            level = self.levels[self.judged]
            problem = Inverse(warp, level, self._pointwise(warp, level, descents[-1].p))
            descents[-1] = self._search_beyond(problem, descents[-1])
        return descents

    def _descend(
        self, problem: Problem, p: Tensor, after: Descent, slack: Sequence[float] | None
    ) -> Descent:
        problem, solve = _apart(problem)
        return _levenberg.descend(
            problem,
            p,
            iterations=self.settings.iterations,
            tolerance=self.settings.tolerance,
            after=after,
            solve=solve,
            slack=slack,
            kept=overlap_kept(problem),
        )

    def _go_down(self, problem: Problem, p: Tensor, iterations: int, tolerance: float) -> Descent:
        """Descend, with Huber's width anew for each iteration."""
        problem, solve = _apart(problem)
        if self.settings.metric != "huber" or not isinstance(problem, Forward):
            return _levenberg.descend(
                problem,
                p,
                iterations=iterations,
                tolerance=tolerance,
                solve=solve,
                kept=overlap_kept(problem),
            )
        after: Descent | None = None
        shown = problem.linearise(p).overlap.tolist()
        for _ in range(iterations):
            # A new width is a new objective: only damping and the last step are taken over.
            metric = self._objective(problem.warp, problem.level, p).metric()
            found = _levenberg.descend(
                replace(problem, metric=metric),
                p,
                iterations=1,
                tolerance=tolerance,
                after=after,
                solve=solve,
                kept=overlap_kept(problem),
                shown=shown,
            )
            after = found if after is None else found.continuing(after)
            p = found.p
            if _levenberg.EXHAUSTED not in found.state:
                break
        assert after is not None
        return after

    def _objective(
        self, warp: Warp | Homography, level: Level, p: Tensor, settings: Settings | None = None
    ) -> Objective:
        """Return the objective; Huber's width is 1.5 median residuals at `p`."""
        objective = super()._objective(warp, level, p, settings)
        given = self.settings.huber_width is not None or self.settings.huber_share is not None
        if objective.width is None or given:
            return objective
        factor = MEDIANS / (_precision.HUBER_WIDTH * _precision.MAD_TO_SIGMA)
        return replace(objective, width=(factor * objective.width).clamp_min(LEAST_WIDTH))


def _apart(problem: Problem) -> tuple[Problem, _levenberg.Solve]:
    """Return the problem and what solves its steps; for an FFD, autograd's and (2)."""
    warp = problem.warp
    if not isinstance(warp, FreeForm):
        return problem, _levenberg.damped_step
    if isinstance(problem, Forward):
        problem = AutogradForward.of(problem)
    return problem, SchurComplement(warp)


@dataclass(frozen=True)
class AutogradForward(Forward):
    """The forward-additive problem whose Jacobian comes from automatic differentiation."""

    @classmethod
    def of(cls, problem: Forward) -> "AutogradForward":
        """Return the same problem with another Jacobian."""
        return cls(**{part.name: getattr(problem, part.name) for part in fields(problem)})

    def jacobian(self, p: Tensor) -> Tensor:
        """Return dm(T(x; p))/dp, `(B, n, h w)`, by two passes of reverse mode.

        J^T c is linear in c, so its derivative by c is J: one pass more for each parameter.
        """
        with torch.enable_grad():
            leaf = p.detach().requires_grad_(True)
            image = self._value(self.points(leaf)).flatten(1)
            cotangent = torch.zeros_like(image).requires_grad_(True)
            (pulled,) = torch.autograd.grad(image, leaf, cotangent, create_graph=True)
            columns = [
                torch.autograd.grad(pulled[:, k].sum(), cotangent, retain_graph=True)[0]
                for k in range(self.warp.size)
            ]
        return torch.stack(columns, 1)

    def _value(self, points: Tensor) -> Tensor:
        """Return the moving image at `points`; its derivative by them is the sampler's slope."""
        jet = self.jet(points.detach())
        moved = (points - points.detach()).to(jet.slopes.dtype)
        return jet.value + (jet.slopes * moved).sum(1)

    def linearise(self, p: Tensor, active: Sequence[bool] | None = None) -> Linearisation:
        """Return objective, gradient and Gauss-Newton matrix at `p`, from the whole Jacobian."""
        if self.exact:  # the last rounds' Hessian has no other source
            return super().linearise(p, active)
        _, fit = self.compare(p)
        plain = super().linearise(p)

        def equations() -> tuple[Tensor, Tensor]:
            columns = self.jacobian(p)
            psi, curvature = fit.psi.flatten(1), fit.curvature.flatten(1)
            share = fit.scale * fit.gain
            gradient = share.unsqueeze(1) * _product(columns, psi.unsqueeze(-1)).squeeze(-1)
            weighted = (columns * curvature.unsqueeze(1)).mT
            normal = (share * fit.gain).view(-1, 1, 1) * _product(columns, weighted)
            if fit.nuisances is not None and fit.shares is not None:
                cast = _product(columns, fit.nuisances.flatten(2).mT).mT
                normal = torch.baddbmm(normal, cast.mT, fit.shares.unsqueeze(2) * cast, alpha=-1)
            prior = self.priors.at(self.warp, p)
            if prior is None:
                return gradient, normal
            return gradient + prior.gradient, normal + prior.hessian

        return Linearisation(plain.objective, plain.rounding, plain.overlap, equations)


def _product(one: Tensor, other: Tensor) -> Tensor:
    return torch.bmm(one.to(SOLVE), other.to(SOLVE))


class SchurComplement:
    """The damped step of an FFD by (2), in place of one Cholesky factor of the whole matrix."""

    def __init__(self, warp: FreeForm) -> None:
        self.gauge, self.rest = _split(warp)

    def __call__(self, at: Linearisation, damping: Sequence[float]) -> tuple[Tensor, Tensor]:
        """Return the step and 0 where there is one, `(B,)`, as `_levenberg.damped_step` does."""
        damped, gradient = _levenberg.damped(at, damping), at.gradient.unsqueeze(-1)
        g, b = self.gauge, self.rest
        aa, ab, bb = g.mT @ damped @ g, g.mT @ damped @ b, b.mT @ damped @ b
        ga, gb = g.mT @ gradient, b.mT @ gradient
        factor, first = torch.linalg.cholesky_ex(aa)
        eliminated = torch.cholesky_solve(torch.cat((ab, ga), -1), factor)
        across, own = eliminated[..., :-1], eliminated[..., -1:]
        reduced, second = torch.linalg.cholesky_ex(bb - ab.mT @ across)
        free = -torch.cholesky_solve(gb - ab.mT @ own, reduced)
        held = -(own + across @ free)
        return (g @ held + b @ free).squeeze(-1), first + second


@cached_by_size
def _split(warp: FreeForm) -> tuple[Tensor, Tensor]:
    """Return G and L of (1), `(n, 6)` and `(n, n - 6)`, both with orthonormal columns."""
    affine = _warps.Affine(warp.height, warp.width)
    spread = _start.to_free_form(affine, torch.eye(affine.size, dtype=SOLVE), warp).mT
    basis: Any = torch.linalg.qr(spread, mode="complete").Q
    return basis[:, : affine.size].contiguous(), basis[:, affine.size :].contiguous()
