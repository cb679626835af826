"""The two linearisations of registration: inverse-compositional and forward-additive.

With r = gain m(T(x; p)) + offset - f(x) (`_metrics`), Baker & Matthews 2004:

(1)  inverse-compositional (section 3.2): linearise the *fixed* image once a level,
         J = grad f dW/dp at p = 0,   p <- p o W(step)^-1;
     the normal matrix is constant, an iteration is one warp and one projection. Its fixed point
     J^T r = 0 is near, but not at, the minimum of the objective.
(2)  forward-additive (section 3.1): linearise the *moving* image at each point,
         J = grad m(T(x; p)) dW/dp,   p <- p + step;
     its fixed point is a stationary point of the objective itself.

(1) approaches (linear families only: FFDs are no group), (2) settles.
"""

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor
from torch.nn import functional

from irgate_solver import _sampling, _warps
from irgate_solver._levenberg import Linearisation
from irgate_solver._metrics import Fit, Metric, total
from irgate_solver._normal_equations import Basis, pull_gradient, pull_normal
from irgate_solver._precision import SOLVE
from irgate_solver._pyramid import Level
from irgate_solver._warps import LinearWarp, Probes, Warp


def grid_of(level: Level) -> tuple[Tensor, Tensor]:
    """Return the rows' y and the columns' x of a level's fixed pixels, px, float64."""
    height, width = level.fixed.shape[1:]
    device = level.fixed.device
    y = torch.arange(height, dtype=SOLVE, device=device) * level.scale
    x = torch.arange(width, dtype=SOLVE, device=device) * level.scale
    return y, x


def valid_points(points: Tensor, extent: tuple[int, int], trusted: Tensor) -> Tensor:
    """Return `trusted` where the point lies in [0, W-1] x [0, H-1] of the moving image, else 0.

    Between the outermost samples of the full image, that is, where interpolation has neighbours on
    both sides; the half pixel beyond, which ITK counts too, adds residuals of clamped values.

    Args:
        points: `(B, 2, h, w)`, px.
        extent: the full moving image's (height, width).
        trusted: 0/1, `(B, h, w)`.

    """
    middle_x, middle_y = (extent[1] - 1) / 2.0, (extent[0] - 1) / 2.0
    inside = _within(points[:, 0] - middle_x, middle_x)
    return inside.mul_(_within(points[:, 1] - middle_y, middle_y)).to(trusted.dtype).mul_(trusted)


def normal_matrix(basis: Basis, jacobian: Tensor | None, fit: Fit, jet: _sampling.Jet) -> Tensor:
    """Return the normal matrix of `fit` by the parameters, `(B, size, size)`.

    Where the jet holds second derivatives, and the fit is exact, it is the Hessian of the
    objective (but for the family's own second derivative, `Warp.bend`).
    """
    gain = fit.gain.view(-1, 1, 1)
    dx, dy = fit.curvature * jet.dx, fit.curvature * jet.dy
    normal = gain * basis.normal(dx * jet.dx, dx * jet.dy, dy * jet.dy)
    seconds = (jet.dxx, jet.dxy, jet.dyy)
    if any(second is not None for second in seconds):
        bent = (fit.psi * (0.0 if second is None else second) for second in seconds)
        normal = normal + basis.normal(*bent)
    normal = fit.scale.view(-1, 1, 1) * gain * normal
    for column, share in fit.nuisance:
        shadow = basis.gradient(column, jet.dx, jet.dy)
        normal = normal - share.view(-1, 1, 1) * shadow.unsqueeze(2) * shadow.unsqueeze(1)
    return pull_normal(jacobian, normal)


@dataclass(frozen=True)
class Forward:
    """The forward-additive problem (2) of one level.

    Attributes:
        warp: the family.
        basis: its basis on the level's grid.
        level: images.
        sampler: of the level's moving image.
        extent: the full moving image's (height, width).
        metric: the objective.
        prior: weight of the bending energy, `(B,)` in unit range; None without one.
        region: 0/1 weights that stand for the valid points whatever `p`, `(B, h, w)`; None to count
            those that map inside at each `p`. A mean over points that enter and leave jumps by
            1/n as they do, and its lowest value is then a matter of which are counted.
        exact: linearise with the objective's own Hessian (Newton) instead of the Gauss-Newton
            matrix: it converges quadratically near a minimum, and need not be positive elsewhere.

    """

    warp: Warp
    basis: Basis
    level: Level
    sampler: _sampling.Sampler
    extent: tuple[int, int]
    metric: Metric
    prior: Tensor | None = None
    region: Tensor | None = None
    exact: bool = False

    def points(self, p: Tensor) -> Tensor:
        """Return T(x; p) at the level's fixed pixels, px, `(B, 2, h, w)`."""
        points = self.basis.rows @ (self.warp.coefficients(p) @ self.basis.columns.mT)
        points[:, 0] += self.basis.x
        points[:, 1] += self.basis.y.unsqueeze(-1)
        return points

    def jet(self, points: Tensor, *, curvature: bool = False) -> _sampling.Jet:
        """Return the moving image and its derivatives by px at mapped points."""
        scale = self.level.scale
        jet = self.sampler.jet(points / scale if scale > 1 else points, curvature=curvature)
        return jet if scale == 1 else jet.per(scale)

    def inside(self, points: Tensor) -> Tensor:
        """Return 0/1 weights of the trusted pixels whose points lie inside, `(B, h, w)`."""
        return valid_points(points, self.extent, self.level.trusted)

    def linearise(self, p: Tensor) -> Linearisation:
        """Return objective, gradient and Gauss-Newton matrix, or Hessian, at `p`."""
        points = self.points(p)
        inside = self.inside(points)
        valid = inside if self.region is None else self.region
        jet = self.jet(points, curvature=self.exact)
        fit = self.metric(self.level.fixed, jet.value, valid, self.exact)
        jacobian = self.warp.jacobian(p)
        share = (fit.scale * fit.gain).unsqueeze(1)
        by_coefficients = share * self.basis.gradient(fit.psi, jet.dx, jet.dy)
        gradient = pull_gradient(jacobian, by_coefficients)
        normal = normal_matrix(self.basis, jacobian, fit, jet)
        bend = self.warp.bend(p, by_coefficients) if self.exact else None
        if bend is not None:
            normal = normal + bend
        objective = fit.objective
        if self.prior is not None and isinstance(self.warp, _warps.FreeForm):
            energy, slope, curvature = bending(self.warp, p)
            objective = objective + self.prior * energy
            gradient = gradient + self.prior.unsqueeze(1) * slope
            normal = normal + self.prior.view(-1, 1, 1) * curvature
        overlap = total(inside) / total(self.level.trusted).clamp(min=1)
        count = total(valid)
        noise = fit.noise * count / (count - self.warp.size).clamp(min=1)
        return Linearisation(objective, fit.rounding, gradient, normal, overlap, noise)

    def retract(self, p: Tensor, step: Tensor) -> Tensor:
        """Add the step."""
        return p + step

    def travel(self, before: Tensor, after: Tensor) -> Tensor:
        """Return the largest distance between two maps over the probe points, px."""
        return self._probes.travel(before, after)

    @cached_property
    def _probes(self) -> Probes:
        return Probes(self.warp, self.level.fixed.device)


def bending(warp: _warps.FreeForm, p: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return the bending energy of `p` `(B, size)`, its gradient and its Hessian, px^-2."""
    both = torch.kron(torch.eye(2, dtype=SOLVE), warp.bending).to(p.device)
    slope = p @ both
    return (slope * p).sum(1), 2.0 * slope, 2.0 * both


class Inverse:
    """The inverse-compositional problem (1) of one level; linear families only.

    Everything that depends on the fixed image alone is made once, here. The moving image is
    always sampled bilinearly: this problem approaches, `Forward` settles. Masked pixels are kept
    out of the gradient by leaving out, besides them, their neighbours.
    """

    def __init__(
        self, warp: LinearWarp, level: Level, extent: tuple[int, int], metric: Metric
    ) -> None:
        self.warp, self.level, self.extent, self.metric = warp, level, extent, metric
        dtype = level.fixed.dtype
        y, x = grid_of(level)
        basis = Basis.of(warp, y, x)
        self.trusted = level.trusted if level.whole else _inner(level.trusted)
        dx, dy = _gradient(level.fixed, level.scale)
        self.probes = Probes(warp, level.fixed.device)
        start = torch.zeros(len(level.fixed), warp.size, dtype=SOLVE, device=level.fixed.device)
        self.jacobian = warp.jacobian(start)
        # The fit of the fixed image to itself has gain 1 and no residual: its normal matrix is the
        # template's.
        itself = metric(level.fixed, level.fixed, self.trusted, False)
        jet = _sampling.Jet(level.fixed, dx, dy)
        self.normal = normal_matrix(basis, self.jacobian, itself, jet)
        self.count = total(self.trusted).clamp(min=1)
        # The gradient by x, y and each times xi, a row of the image at a time: `(B, h, 4, w)`.
        xi = basis.columns[:, 1].to(dtype)
        self.steepest = torch.stack((dx, dx * xi, dy, dy * xi), 2)
        self.rows = basis.rows
        # In torch's coordinates of the moving level a linear map is a sum of a row and a column:
        # here the identity's, and what a coefficient (px) adds.
        size = torch.tensor(level.moving.shape[:0:-1], dtype=SOLVE, device=level.fixed.device)
        self.per_px = 2.0 / (size * level.scale)
        self.eta, self.xi = basis.rows[:, 1], basis.columns[:, 1]
        self.row = (2.0 * y / level.scale + 1.0) / size[1] - 1.0
        self.column = (2.0 * x / level.scale + 1.0) / size[0] - 1.0
        # The outermost samples, [0, W-1] x [0, H-1], in the same coordinates, as distances from the
        # middle (on a coarse level the nearer of the two), and some rounding.
        full = torch.tensor([extent[1], extent[0]], dtype=SOLVE, device=level.fixed.device)
        last = (2.0 * (full - 1.0) / level.scale + 1.0) / size - 1.0
        edge = torch.minimum(1.0 - 1.0 / size, last) + 4.0 * torch.finfo(dtype).eps
        self.edge: list[float] = edge.tolist()
        # Room for the grid and for what is inside: fresh memory for each iteration costs as much
        # as the arithmetic on it.
        room = torch.empty(2, len(level.fixed), 2, *level.fixed.shape[1:], dtype=dtype)
        self.grid, self.inside = room.to(level.fixed.device)

    def linearise(self, p: Tensor) -> Linearisation:
        """Return the objective at `p`, and gradient and matrix by the fixed image's step."""
        self._map(self.warp.coefficients(p))
        moved = _sampling.sample_normalised(self.level.moving, self.grid)
        torch.abs(self.grid, out=self.inside)
        x, y = self.inside.unbind(1)
        valid = x.le_(self.edge[0]).mul_(y.le_(self.edge[1])).mul_(self.trusted)
        fit = self.metric(self.level.fixed, moved, valid, False)
        # sum psi dx {1, xi} along each row, then times {1, eta} down the rows.
        along = torch.einsum("bhkw,bhw->bhk", self.steepest, fit.psi).to(SOLVE)
        sums = (self.rows.mT @ along).view(-1, 2, 2, 2)
        by_coefficients = fit.scale.unsqueeze(1) * sums.transpose(1, 2).flatten(1)
        # T(p) o W(step)^-1 moves the residual by -J step: the gradient by `step` is -J^T psi.
        gradient = -pull_gradient(self.jacobian, by_coefficients)
        overlap = total(valid) / self.count
        return Linearisation(fit.objective, fit.rounding, gradient, self.normal, overlap, fit.noise)

    def _map(self, c: Tensor) -> None:
        """Write T(x) in the moving level's normalised coordinates into `grid`, `(B, 2, h, w)`."""
        c = c * self.per_px.view(2, 1, 1)
        down = c[:, :, 0, :1] + c[:, :, 1, :1] * self.eta
        across = c[:, :, 0, 1:] * self.xi
        down[:, 1] += self.row
        across[:, 0] += self.column
        dtype = self.level.fixed.dtype
        torch.add(down.to(dtype).unsqueeze(-1), across.to(dtype).unsqueeze(-2), out=self.grid)

    def retract(self, p: Tensor, step: Tensor) -> Tensor:
        """Compose with the inverse increment on the right."""
        return self.warp.compose_inverse(p, step)

    def travel(self, before: Tensor, after: Tensor) -> Tensor:
        """Return the largest distance between two maps over the probe points, px."""
        return self.probes.travel(before, after)


def _within(offset: Tensor, bound: float) -> Tensor:
    """Return 1 where |offset| <= bound and else 0, in the type of `offset`.

    Written straight into numbers, which is several times as fast as by way of bools.
    """
    return torch.le(offset.abs(), bound, out=torch.empty_like(offset))


def _gradient(image: Tensor, scale: int) -> tuple[Tensor, Tensor]:
    """Return central differences by x and y, per full px; one-sided at the image's border."""
    dy, dx = torch.gradient(image, spacing=float(scale), dim=(1, 2))
    return dx, dy


def _inner(trusted: Tensor) -> Tensor:
    """Return 1 where the pixel and its eight neighbours (inside the image) are trusted."""
    distrust = (1.0 - trusted).unsqueeze(1)
    return 1.0 - functional.max_pool2d(distrust, 3, stride=1, padding=1).squeeze(1)
