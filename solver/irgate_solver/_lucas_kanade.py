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

from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional

from irgate_solver import _sampling, _warps
from irgate_solver._constants import constant
from irgate_solver._levenberg import Linearisation
from irgate_solver._metrics import Fit, Metric, total
from irgate_solver._normal_equations import Basis, basis_of, pull_gradient, pull_normal
from irgate_solver._precision import SOLVE
from irgate_solver._pyramid import Level
from irgate_solver._warps import LinearWarp, Warp

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

    Between the outermost samples of the full image, that is, where interpolation has neighbours on
    both sides; the half pixel beyond, which ITK counts too, adds residuals of clamped values.

    Args:
        points: `(B, 2, h, w)`, px.
        extent: the full moving image's (height, width).
        trusted: 0/1, `(B, h, w)`.
        margin: px that are left out besides, within each border.

    """
    middle_x, middle_y = (extent[1] - 1) / 2.0, (extent[0] - 1) / 2.0
    # Compared straight into numbers, which is several times as fast as by way of bools.
    inside = torch.empty_like(points, dtype=trusted.dtype)
    torch.le((points[:, 0] - middle_x).abs_(), middle_x - margin, out=inside[:, 0])
    torch.le((points[:, 1] - middle_y).abs_(), middle_y - margin, out=inside[:, 1])
    return inside[:, 0].mul_(inside[:, 1]).mul_(trusted)


def normal_equations(
    basis: Basis, jacobian: Tensor | None, fit: Fit, jet: _sampling.Jet
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the gradient of `fit` by the coefficients and by the parameters, and its matrix.

    Where the jet holds second derivatives, and the fit is exact, the matrix is the Hessian of the
    objective (but for the family's own second derivative, `Warp.bend`).

    Returns: `(B, 2ab)`, `(B, size)` and `(B, size, size)`.
    """
    images = fit.psi.unsqueeze(1)
    if fit.nuisances is not None:
        images = torch.cat((images, fit.nuisances), 1)
    shadows = basis.shadows(images, jet.slopes)
    share = fit.scale * fit.gain
    by_coefficients = share.unsqueeze(1) * shadows[:, 0]
    weighted = fit.curvature.unsqueeze(1) * jet.slopes
    field = torch.cat((weighted * jet.slopes[:, :1], weighted[:, 1:] * jet.slopes[:, 1:]), 1)
    normal = (share * fit.gain).view(-1, 1, 1) * basis.normal(field)
    if jet.seconds is not None:
        bent = basis.normal(fit.psi.unsqueeze(1) * jet.seconds)
        normal = normal + share.view(-1, 1, 1) * bent
    if fit.shares is not None:
        cast = shadows[:, 1:]
        normal = torch.baddbmm(normal, cast.mT, fit.shares.unsqueeze(2) * cast, alpha=-1)
    return by_coefficients, pull_gradient(jacobian, by_coefficients), pull_normal(jacobian, normal)


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
        return self.basis.positions(self.warp.coefficients(p))

    def jet(self, points: Tensor, *, curvature: bool = False) -> _sampling.Jet:
        """Return the moving image and its derivatives by px at mapped points."""
        scale = self.level.scale
        jet = self.sampler.jet(points / scale if scale > 1 else points, curvature=curvature)
        return jet if scale == 1 else jet.per(scale)

    def inside(self, points: Tensor) -> Tensor:
        """Return 0/1 weights of the trusted pixels whose points lie inside, `(B, h, w)`."""
        margin = min(self.sampler.margin * self.level.scale, MOST_MARGIN * min(self.extent))
        return valid_points(points, self.extent, self.level.trusted, margin)

    def compare(self, p: Tensor) -> tuple[_sampling.Jet, Fit]:
        """Return the moving image around T(x; p) and how it compares to the fixed one."""
        points = self.points(p)
        valid = self.inside(points) if self.region is None else self.region
        jet = self.jet(points, curvature=self.exact)
        return jet, self.metric(self.level.fixed, jet.value, valid, self.exact)

    def linearise(self, p: Tensor) -> Linearisation:
        """Return objective, gradient and Gauss-Newton matrix, or Hessian, at `p`."""
        jet, fit = self.compare(p)
        objective = fit.objective
        prior = None
        if self.prior is not None and isinstance(self.warp, _warps.FreeForm):
            energy, slope, curvature = bending(self.warp, p)
            objective = objective + self.prior * energy
            prior = self.prior.unsqueeze(1) * slope, self.prior.view(-1, 1, 1) * curvature

        def equations() -> tuple[Tensor, Tensor]:
            jacobian = self.warp.jacobian(p)
            by_coefficients, gradient, normal = normal_equations(self.basis, jacobian, fit, jet)
            bend = self.warp.bend(p, by_coefficients) if self.exact else None
            if bend is not None:
                normal = normal + bend
            return (gradient, normal) if prior is None else (gradient + prior[0], normal + prior[1])

        overlap = fit.count / total(self.level.trusted).clamp(min=1)
        return Linearisation(objective, fit.rounding, overlap, equations)

    def retract(self, p: Tensor, step: Tensor) -> Tensor:
        """Add the step."""
        return p + step

    def length(self, step: Tensor) -> Tensor:
        """Return how far `step` moves the probe points, px."""
        return _warps.length(self.warp, step)


def bending(warp: _warps.FreeForm, p: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return the bending energy of `p` `(B, size)`, its gradient and its Hessian, px^-2."""
    both = torch.kron(torch.eye(2, dtype=SOLVE), warp.bending).to(p.device)
    slope = p @ both
    return (slope * p).sum(1), 2.0 * slope, 2.0 * both


class View:
    """The moving image of one level as a linear map shows it on the level's fixed pixels.

    Bilinear and in the image type throughout: good enough to approach a minimum and to judge a
    match, while `Forward` settles.
    """

    def __init__(self, warp: LinearWarp, level: Level) -> None:
        self.warp, self.level = warp, level
        dtype, device = level.fixed.dtype, level.fixed.device
        basis = level_basis(warp, level)
        # In torch's coordinates of the moving level a linear map is rows @ c @ columns with c of
        # the identity, and what a coefficient (px) adds.
        shape = (level.moving.shape[1], level.moving.shape[2])
        self.identity, self.per_px = _normalising(warp, shape, level.scale, device)
        self.rows, self.columns = basis.rows.to(dtype), basis.columns.mT.to(dtype)
        self._left = self.rows.mT.expand(len(level.fixed), -1, -1)
        # The outermost samples as distances from the middle, and some rounding.
        rounding = 4.0 * torch.finfo(dtype).eps
        self._edge = [1.0 - 1.0 / size + rounding for size in shape]
        # Room for the grid and for what is inside: fresh memory for each iteration costs as much
        # as the arithmetic on it.
        self._grid = torch.empty(
            len(level.fixed), 2, *level.fixed.shape[1:], dtype=dtype, device=device
        )
        self._inside = torch.empty_like(self._grid)

    def look(self, p: Tensor) -> tuple[Tensor, Tensor]:
        """Return the moving image through `p` and where it may be seen, 0/1, `(B, h, w)` each.

        It may be seen where the fixed pixel is trusted and maps between the outermost samples. The
        latter is written over by the next look.
        """
        c = torch.addcmul(self.identity, self.warp.coefficients(p), self.per_px)
        c = c.to(self._grid.dtype)
        # Without a product of both coordinates a map is a sum of a row and a column.
        down = torch.bmm(c[..., 0], self._left).unsqueeze(-1)
        across = (c[:, :, 0, 1:] * self.columns[1]).unsqueeze(-2)
        torch.add(down, across, out=self._grid)
        moved = functional.grid_sample(
            self.level.moving.unsqueeze(1),
            self._grid.permute(0, 2, 3, 1),
            padding_mode="border",
            align_corners=False,
        ).squeeze(1)
        torch.abs(self._grid, out=self._inside)
        x, y = self._inside.unbind(1)
        seen = x.le_(self._edge[1]).mul_(y.le_(self._edge[0]))
        return moved, seen if self.level.whole else seen.mul_(self.level.trusted)


@constant
def _normalising(
    warp: LinearWarp, shape: tuple[int, int], scale: int, device: torch.device
) -> tuple[Tensor, Tensor]:
    """Return the identity's coefficients in normalised coordinates, and what a pixel adds.

    Args:
        warp: the family.
        shape: the sampled image's (height, width).
        scale: px between its samples.
        device: where to.
    Returns: `(2, 2, 2)` and `(2, 1, 1)`.

    """
    size = torch.tensor([shape[1], shape[0]], dtype=SOLVE) * scale
    identity = torch.zeros(2, 2, 2, dtype=SOLVE)
    identity[:, 0, 0] = (2.0 * torch.tensor(warp.centre) + scale) / size - 1.0
    identity[0, 0, 1], identity[1, 1, 0] = (2.0 * warp.radius / size).tolist()
    return identity.to(device), (2.0 / size).view(2, 1, 1).to(device)


class Inverse(View):
    """The inverse-compositional problem (1) of one level; linear families only.

    Everything that depends on the fixed image alone is made once, here. Masked pixels are kept
    out of the gradient by leaving out, besides them, their neighbours.
    """

    def __init__(self, warp: LinearWarp, level: Level, metric: Metric) -> None:
        super().__init__(warp, level)
        self.metric = metric
        if not level.whole:
            level = replace(level, trusted=_inner(level.trusted))
            self.level = level
        self.count = total(level.trusted).clamp(min=1)
        # T(p) o W(step)^-1 moves the residual by -J step, J of (1): -J is kept, an image for each
        # parameter, `(B, n, h w)`, so that the gradient by `step` is its product with psi.
        slopes = -_gradient(level.fixed, level.scale)
        fields = _fields(warp, slopes.device).to(slopes.dtype)
        fields = self.rows @ (fields @ self.columns)
        self.steepest = (slopes.unsqueeze(1) * fields).sum(2).flatten(2)
        # The fit of the fixed image to itself has gain 1 and no residual: its normal matrix is the
        # template's.
        itself = metric(level.fixed, level.fixed, level.trusted, False)
        self.normal = _template_normal(self.steepest, itself)

    def linearise(self, p: Tensor) -> Linearisation:
        """Return the objective at `p`, and gradient and matrix by the fixed image's step."""
        moved, valid = self.look(p)
        fit = self.metric(self.level.fixed, moved, valid, False)

        def equations() -> tuple[Tensor, Tensor]:
            sums = torch.bmm(self.steepest, fit.psi.flatten(1).unsqueeze(-1)).squeeze(-1)
            return fit.scale.unsqueeze(1) * sums, self.normal

        return Linearisation(fit.objective, fit.rounding, fit.count / self.count, equations)

    def retract(self, p: Tensor, step: Tensor) -> Tensor:
        """Compose with the inverse increment on the right."""
        return self.warp.compose_inverse(p, step)

    def length(self, step: Tensor) -> Tensor:
        """Return how far `step` moves the probe points, px."""
        return _warps.length(self.warp, step)


@constant
def _fields(warp: LinearWarp, device: torch.device) -> Tensor:
    """Return the coefficients of dT/dp at the identity, `(n, 2, 2, 2)`."""
    start = torch.zeros(1, warp.size, dtype=SOLVE, device=device)
    return warp.jacobian(start)[0].mT.reshape(-1, 2, 2, 2)


def _template_normal(steepest: Tensor, itself: Fit) -> Tensor:
    """Return the normal matrix of the fixed image's fit to itself, `(B, n, n)`.

    Args:
        steepest: J of (1) or its opposite, `(B, n, h w)`.
        itself: the fit.

    """
    weighted = steepest * itself.curvature.flatten(1).unsqueeze(1)
    normal = itself.scale.view(-1, 1, 1) * torch.bmm(weighted, steepest.mT).to(SOLVE)
    if itself.nuisances is not None and itself.shares is not None:
        cast = torch.bmm(itself.nuisances.flatten(2), steepest.mT).to(SOLVE)
        normal = torch.baddbmm(normal, cast.mT, itself.shares.unsqueeze(2) * cast, alpha=-1)
    return normal


def _gradient(image: Tensor, scale: int) -> Tensor:
    """Return central differences by x and y, per full px, one-sided at the image's border.

    Args:
        image: `(B, h, w)`.
        scale: px of the full image from one pixel to the next.
    Returns: `(B, 2, h, w)`.

    """
    # The mean of the differences to both neighbours, where the border has one twice.
    right = image[:, :, 1:] - image[:, :, :-1]
    down = image[:, 1:] - image[:, :-1]
    right = functional.pad(right, (1, 1), mode="replicate")
    down = torch.cat((down[:, :1], down, down[:, -1:]), 1)
    slopes = torch.stack((right[:, :, 1:] + right[:, :, :-1], down[:, 1:] + down[:, :-1]), 1)
    return slopes.mul_(0.5 / scale)


def _inner(trusted: Tensor) -> Tensor:
    """Return 1 where the pixel and its eight neighbours (inside the image) are trusted."""
    distrust = (1.0 - trusted).unsqueeze(1)
    return 1.0 - functional.max_pool2d(distrust, 3, stride=1, padding=1).squeeze(1)
