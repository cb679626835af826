"""Homographies: the maps of a plane seen by two cameras, and their forward-additive problem.

With (xi, eta) = (x - c) / R about the fixed image's centre c, R half its longer side,

(1)  T(x) = c + N / w,    N = x - c + (p0 + p2 xi + p3 eta, p1 + p4 xi + p5 eta),
     w = 1 + (p6 xi + p7 eta) / R

so that each number is in px: p6 moves the point at xi = 1 by p6. T is no sum of separable functions
(`_warps`), so its derivatives are made as images, one for each parameter:

(2)  dT/dp_k = e b_k / w  for the first six,    dT/dq_j = -(N / w) xi_j / (R w)  for the last two.

A solve comes to it from an affine map, as an FFD's does, and settles forward-additively.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from irgate_solver import _sampling
from irgate_solver._levenberg import Linearisation
from irgate_solver._linear import Affine
from irgate_solver._lucas_kanade import Forward, level_basis
from irgate_solver._metrics import Fit
from irgate_solver._precision import SOLVE
from irgate_solver._pyramid import Level
from irgate_solver._size_cache import cached_by_size
from irgate_solver._warps import Warp

LEAST_WEIGHT = 1e-3
"""Least w of (1) of a point that counts: a point with none lies behind the camera."""
BEYOND = 1e9
"""Where such a point is mapped, px: in no image."""


@dataclass(frozen=True)
class Homography:
    """The family (1) on a fixed image of `height` x `width` pixels of `spacing` (x, y), mm."""

    height: int
    width: int
    spacing: tuple[float, float] = (1.0, 1.0)

    name = "homography"
    size = 8

    @property
    def affine(self) -> Affine:
        """The family of its first six parameters."""
        return Affine(self.height, self.width, self.spacing)

    def map(self, p: Tensor, points: Tensor) -> Tensor:
        """Return (1) of `points` `(..., 2)`, px: `(B, ..., 2)`; differentiable by `p` `(B, 8)`."""
        scaled, centre = self._scaled(points)
        numerator, weight = self._parts(p, scaled)
        behind = weight < LEAST_WEIGHT
        return torch.where(behind, BEYOND, centre + numerator / weight.masked_fill(behind, 1.0))

    def rates(self, p: Tensor, points: Tensor) -> tuple[Tensor, Tensor]:
        """Return (2) at `points` `(m, 2)`, its x and its y, `(B, 8, m)` each."""
        scaled, _ = self._scaled(points)
        numerator, weight = self._parts(p, scaled)
        xi, eta = scaled.unbind(-1)
        inverse = 1.0 / weight[..., 0]
        basis = torch.stack((inverse, xi * inverse, eta * inverse), 1)
        moved = numerator * (inverse / self.affine.radius).unsqueeze(-1)
        by_row = (-moved[..., axis].unsqueeze(1) * basis[:, 1:] for axis in (0, 1))
        one, two = torch.zeros_like(basis[:, :1]), torch.zeros_like(basis[:, 1:])
        of_x, of_y = by_row
        return (
            torch.cat((basis[:, :1], one, basis[:, 1:], two, of_x), 1),
            torch.cat((one, basis[:, :1], two, basis[:, 1:], of_y), 1),
        )

    def bend(self, p: Tensor, points: Tensor, pull: Tensor) -> Tensor:
        """Return sum over points of pull . d2T/dp dp, `(B, 8, 8)`.

        Args:
            p: `(B, 8)`.
            points: `(m, 2)`, px.
            pull: `(B, m, 2)`.

        """
        scaled, _ = self._scaled(points)
        _, weight = self._parts(p, scaled)
        by_x, by_y = self.rates(p, points)
        # By w alone: d/dq_j of (2) is -xi_j / (R w) times it, once more for the row's own.
        along = by_x * pull[..., 0].unsqueeze(1) + by_y * pull[..., 1].unsqueeze(1)
        by_row = -scaled.mT / (self.affine.radius * weight[..., 0].unsqueeze(1))
        cross = along @ by_row.mT
        found = torch.zeros(len(p), 8, 8, dtype=SOLVE, device=p.device)
        found[:, :6, 6:] = cross[:, :6]
        found[:, 6:, :6] = cross[:, :6].mT
        found[:, 6:, 6:] = 2.0 * cross[:, 6:]
        return found

    def matrix(self, p: Tensor) -> Tensor:
        """Return the matrix on (x, y, 1) about the pixel origin, last entry 1, `(B, 3, 3)`."""
        radius = self.affine.radius
        centre = p.new_tensor(self.affine.centre)
        row = p[:, 6:] / radius**2
        offset = 1.0 - (row * centre).sum(1)
        linear, shift = self.affine.centred(p[:, :6])
        upper = linear + centre.unsqueeze(1) * row.unsqueeze(1)
        last = shift - (linear @ centre) + centre * offset.unsqueeze(1)
        top = torch.cat((upper, last.unsqueeze(-1)), -1)
        bottom = torch.cat((row, offset.unsqueeze(1)), 1).unsqueeze(1)
        return torch.cat((top, bottom), 1) / offset.view(-1, 1, 1)

    def from_matrix(self, matrix: Tensor) -> Tensor:
        """Return the parameters of `(B, 3, 3)` about the pixel origin; the inverse of `matrix`."""
        x, y = self.affine.centre
        to_centre = matrix.new_tensor([[1.0, 0.0, -x], [0.0, 1.0, -y], [0.0, 0.0, 1.0]])
        centred = to_centre @ matrix @ torch.linalg.inv(to_centre)
        centred = centred / centred[:, 2:, 2:]
        p = self.affine.from_centred(centred[:, :2, :2], centred[:, :2, 2])
        return torch.cat((p, centred[:, 2, :2] * self.affine.radius**2), 1)

    def _scaled(self, points: Tensor) -> tuple[Tensor, Tensor]:
        centre = points.new_tensor(self.affine.centre)
        return (points - centre) / self.affine.radius, centre

    def _parts(self, p: Tensor, scaled: Tensor) -> tuple[Tensor, Tensor]:
        """Return N and w of (1) at scaled points, `(B, ..., 2)` and `(B, ..., 1)`."""
        ones = (1,) * (scaled.dim() - 1)
        xi, eta = scaled[..., :1], scaled[..., 1:]
        shift, by_x = p[:, :2].view(-1, *ones, 2), p[:, [2, 4]].view(-1, *ones, 2)
        by_y, row = p[:, [3, 5]].view(-1, *ones, 2), p[:, 6:].view(-1, *ones, 2)
        radius = self.affine.radius
        weight = 1.0 + (scaled * row).sum(-1, keepdim=True) / radius
        return radius * scaled + shift + xi * by_x + eta * by_y, weight


@dataclass(frozen=True)
class Projective(Forward):
    """The forward-additive problem of one level for a homography.

    Its basis is that of the affine part, for the grid alone; it has no priors.
    """

    warp: Homography  # type: ignore[assignment]

    def grid(self) -> Tensor:
        """Return the level's fixed pixels, `(h w, 2)`, px."""
        x, y = self.basis.x, self.basis.y
        return torch.stack((x.expand(len(y), -1), y.unsqueeze(1).expand(-1, len(x))), -1).flatten(
            0, 1
        )

    def points(self, p: Tensor) -> Tensor:
        """Return T(x; p) at the level's fixed pixels, px, `(B, 2, h, w)`."""
        mapped = self.warp.map(p, self.grid())
        return mapped.mT.reshape(len(p), 2, len(self.basis.y), len(self.basis.x))

    def inside_at(self, p: Tensor) -> Tensor:
        """Return 0/1 weights of the trusted pixels that `p` `(B, n)` maps inside, `(B, h, w)`."""
        return self.inside(self.points(p))

    def change(self, jet: _sampling.Jet, p: Tensor, direction: Tensor) -> Tensor:
        """Return the derivative of the warped image along `direction` `(B, n)`, `(B, h, w)`."""
        each = self.warp.rates(p, self.grid())
        u = torch.cat([direction.unsqueeze(1) @ one for one in each], 1)
        return (jet.slopes * u.view(jet.slopes.shape).to(jet.slopes.dtype)).sum(1)

    def project(self, p: Tensor, image: Tensor, jet: _sampling.Jet) -> Tensor:
        """Return the sum of `image` times the derivatives of the warped one, `(B, n)`."""
        return (self._steepest(p, jet) @ image.flatten(1).to(SOLVE).unsqueeze(-1)).squeeze(-1)

    def linearise(self, p: Tensor, active: Sequence[bool] | None = None) -> Linearisation:
        """Return objective, gradient and Gauss-Newton matrix, or Hessian, at `p`."""
        jet, fit = self.compare(p)

        def equations() -> tuple[Tensor, Tensor]:
            return self._equations(p, jet, fit)

        overlap = fit.count / self.level.count.clamp(min=1)
        return Linearisation(fit.objective, fit.rounding, overlap, equations)

    def along(self, p: Tensor, direction: Tensor) -> Tensor:
        """Return sum_B lambda^T dE/dp, differentiable by the images."""
        points = self.points(p)
        jet = self.jet(points)
        fit = self.metric(self.level.fixed, jet.value, self.valid(points), True)
        sums = (fit.psi * self.change(jet, p, direction)).sum((1, 2), dtype=SOLVE)
        return (fit.scale * fit.gain * sums).sum()

    def length(self, step: Tensor) -> Tensor:
        """Return how far `step` moves the probe points, px."""
        shift = step @ probe_rates(self.warp, step.device)
        lengths: Tensor = torch.linalg.vector_norm(shift, dim=0)
        return lengths.amax(1)

    def _steepest(self, p: Tensor, jet: _sampling.Jet) -> Tensor:
        """Return the derivative of the warped image by each parameter, `(B, 8, h w)`, float64."""
        dx, dy = jet.slopes.flatten(2).to(SOLVE).unsqueeze(2).unbind(1)
        by_x, by_y = self.warp.rates(p, self.grid())
        return by_x * dx + by_y * dy

    def _equations(self, p: Tensor, jet: _sampling.Jet, fit: Fit) -> tuple[Tensor, Tensor]:
        steepest = self._steepest(p, jet)
        share = (fit.scale * fit.gain).view(-1, 1, 1)
        psi, curvature = (image.flatten(1).to(SOLVE) for image in (fit.psi, fit.curvature))
        gradient = (share * (steepest @ psi.unsqueeze(-1))).squeeze(-1)
        normal = (steepest * curvature.unsqueeze(1)) @ steepest.mT
        normal = share * fit.gain.view(-1, 1, 1) * normal
        if jet.seconds is not None:
            grid = self.grid()
            by_x, by_y = self.warp.rates(p, grid)
            seconds = psi.unsqueeze(1) * jet.seconds.flatten(2).to(SOLVE)
            xx, xy, yy = seconds.unsqueeze(2).unbind(1)
            bent = by_x @ (xx * by_x + xy * by_y).mT + by_y @ (xy * by_x + yy * by_y).mT
            normal = normal + share * bent
            pull = psi.unsqueeze(-1) * jet.slopes.flatten(2).mT.to(SOLVE)
            normal = normal + share * self.warp.bend(p, grid, pull)
        if fit.nuisances is not None and fit.shares is not None:
            cast = fit.nuisances.flatten(2).to(SOLVE) @ steepest.mT
            normal = torch.baddbmm(normal, cast.mT, fit.shares.unsqueeze(2) * cast, alpha=-1)
        return gradient, normal


AnyWarp = Warp | Homography
"""A family of transforms."""


def points_of(warp: AnyWarp, level: Level, p: Tensor) -> Tensor:
    """Return T(x; p) of any family at a level's fixed pixels, px, `(B, 2, h, w)`."""
    if not isinstance(warp, Homography):
        return level_basis(warp, level).positions(warp.coefficients(p))
    height, width = level.fixed.shape[1:]
    y, x = (torch.arange(n, dtype=SOLVE, device=p.device) * level.scale for n in (height, width))
    grid = torch.stack((x.expand(height, width), y.unsqueeze(1).expand(height, width)), -1)
    return warp.map(p, grid).movedim(-1, 1)


@cached_by_size
def probe_rates(warp: Homography, device: torch.device) -> Tensor:
    """Return dT/dp at the identity on 5 x 5 points over the image, x then y, `(2, 8, 25)`."""
    y = torch.linspace(0, warp.height - 1, 5, dtype=SOLVE, device=device)
    x = torch.linspace(0, warp.width - 1, 5, dtype=SOLVE, device=device)
    points = torch.stack((x.repeat(5), y.repeat_interleave(5)), -1)
    return torch.cat(warp.rates(torch.zeros(1, 8, dtype=SOLVE, device=device), points))
