"""The inverse-compositional linearisation: the fixed image's, computed once a level.

This is eq. (1) of `_lucas_kanade`, for the linear families, with a quick bilinear warp of the
moving image. Both compute in the image type. That is precise enough to approach a minimum and to
judge a match; the forward-additive form then finds the minimum.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

import torch
from torch import Tensor
from torch.nn import functional

from irgate_solver import _compiled_descent, _levenberg, _native, _sampling, _warps
from irgate_solver._levenberg import Descent, Linearisation
from irgate_solver._look import Look, number_of
from irgate_solver._lucas_kanade import level_basis
from irgate_solver._metrics import Fit, Metric, squared_differences
from irgate_solver._precision import COARSE_ITERATIONS, COARSE_TOLERANCE, SOLVE
from irgate_solver._pyramid import MOST_HIDDEN, Level
from irgate_solver._size_cache import cached_by_size
from irgate_solver._warps import LinearWarp


class WarpedLevel:
    """The moving image of one level, warped by a linear map onto the level's fixed pixels."""

    def __init__(
        self, warp: LinearWarp, level: Level, metric: Metric = squared_differences
    ) -> None:
        self.warp, self.level, self.metric = warp, level, metric
        dtype, device = level.fixed.dtype, level.fixed.device
        basis = level_basis(warp, level)
        known = number_of(metric) is not None
        self.compiled = known and _native.serves(level.fixed, level.moving)
        if self.compiled:
            return
        # In torch's normalised coordinates a linear map is rows @ c @ columns; c is the identity's
        # plus the coefficients (px) times `per_px`.
        shape = (level.moving.shape[1], level.moving.shape[2])
        self.identity, self.per_px = _normalising(warp, shape, level.scale, device)
        self.rows, self.columns = basis.rows.to(dtype), basis.columns.mT.to(dtype)
        self._left = self.rows.mT.expand(len(level.fixed), -1, -1)
        # Distance of the outermost samples from the middle, plus an allowance for rounding.
        rounding = 4.0 * torch.finfo(dtype).eps
        self._edge = [1.0 - 1.0 / size + rounding for size in shape]
        # Reused in each iteration: allocating them anew costs as much as the arithmetic on them.
        self._grid = torch.empty(
            len(level.fixed), 2, *level.fixed.shape[1:], dtype=dtype, device=device
        )
        self._inside = torch.empty_like(self._grid)

    def evaluate(self, p: Tensor) -> tuple[Tensor, Tensor]:
        """Return the moving image warped by `p`, and 0/1 weights of valid pixels, `(B, h, w)` each.

        A pixel is valid where the fixed image is trusted, the point lies between the moving image's
        outermost samples, and these are trusted there. The next evaluation overwrites the weights.
        """
        if self.compiled:
            return self.look.warp(self.warp.coefficients(p))
        c = torch.addcmul(self.identity, self.warp.coefficients(p), self.per_px)
        c = c.to(self._grid.dtype)
        # A linear map has no term in x y, so it is a sum of a row's part and a column's part.
        down = torch.bmm(c[..., 0], self._left).unsqueeze(-1)
        across = (c[:, :, 0, 1:] * self.columns[1]).unsqueeze(-2)
        torch.add(down, across, out=self._grid)
        moved = _sampling.sample_normalised(self.level.moving, self._grid)
        torch.abs(self._grid, out=self._inside)
        x, y = self._inside.unbind(1)
        seen = x.le_(self._edge[1]).mul_(y.le_(self._edge[0]))
        if self.level.hidden is not None:
            hidden = _sampling.sample_normalised(self.level.hidden, self._grid)
            seen = seen.mul_(hidden <= MOST_HIDDEN)
        return moved, seen if self.level.whole else seen.mul_(self.level.trusted)

    def objective(self, p: Tensor, metric: Metric) -> Tensor:
        """Return what `metric` says of the images at `p` `(B, n)`, `(B,)`."""
        if self.compiled:
            return self._looking_by(metric).objective(self.warp.coefficients(p))
        moved, valid = self.evaluate(p)
        return metric(self.level.fixed, moved, valid, False).objective

    @cached_property
    def look(self) -> Look:
        """The level, as the compiled kernel takes it."""
        return self._looking_by(self.metric)

    def _looking_by(self, metric: Metric) -> Look:
        level = self.level
        look = Look(level_basis(self.warp, level), level, metric, level.count)
        look.weigh(None if level.whole else level.trusted, frozen=False)
        sides = level.moving.shape[1], level.moving.shape[2]
        # Of the level's own grid, which may end before the full image's; with what torch allows for
        # rounding.
        extent = (sides[0] - 1) * level.scale + 1, (sides[1] - 1) * level.scale + 1
        beyond = 2.0 * torch.finfo(level.fixed.dtype).eps * level.scale * max(sides)
        look.see(sides, extent, -beyond)
        look.sample(_sampling.Linear(level.moving))
        look.hide(level.hidden)
        return look


@cached_by_size
def _normalising(
    warp: LinearWarp, shape: tuple[int, int], scale: int, device: torch.device
) -> tuple[Tensor, Tensor]:
    """Return the identity's coefficients in normalised coordinates, and the change for one px.

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


class Inverse(WarpedLevel):
    """The inverse-compositional problem (1) of one level; linear families only.

    Everything that depends on the fixed image alone is computed once, here. Neighbours of masked
    pixels do not count either, because their image gradient would contain masked values.
    """

    def __init__(self, warp: LinearWarp, level: Level, metric: Metric) -> None:
        super().__init__(warp, level, metric)
        if not level.whole:
            level = replace(level, trusted=inner(level.trusted))
            self.level = level
        self.count = level.count.clamp(min=1)
        # T(p) o W(step)^-1 changes the residual by -J step, with J of (1). -J is stored as one
        # image for each parameter, `(B, n, h w)`; its product with psi is the gradient by `step`.
        slopes = gradient(level.fixed, level.scale).neg_()
        if self.compiled:
            self._prepare(slopes)
            return
        fields = _fields(warp, slopes.device).to(slopes.dtype)
        fields = self.rows @ (fields @ self.columns)
        self.steepest = (slopes.unsqueeze(1) * fields).sum(2).flatten(2)
        # Compared with itself the fixed image has gain 1 and no residual, which gives the constant
        # normal matrix.
        itself = metric(level.fixed, level.fixed, level.trusted, False)
        self.normal = _template_normal(self.steepest, itself)

    def _prepare(self, slopes: Tensor) -> None:
        """Hand the compiled kernel what depends on the fixed image alone."""
        level = self.level
        start, jacobian = _at_identity(self.warp, slopes.device)
        self.jacobian = jacobian.expand(len(slopes), -1, -1).contiguous()
        itself = Look(level_basis(self.warp, level), level, self.metric, self.count)
        itself.weigh(None if level.whole else level.trusted, frozen=True)
        itself.steer(slopes)
        start = start.expand(len(slopes), -1, -1, -1)
        self.normal = itself(start, self.jacobian, matrix=True).normal
        self.look.steer(slopes)

    def linearise(self, p: Tensor, active: Sequence[bool] | None = None) -> Linearisation:
        """Return the objective at `p`, and gradient and matrix by the fixed image's step."""
        if self.compiled:
            sums = self.look(self.warp.coefficients(p), self.jacobian, matrix=False, active=active)
            equations = sums.gradient, self.normal
            return Linearisation(sums.objective, sums.rounding, sums.overlap, lambda: equations)
        moved, valid = self.evaluate(p)
        fit = self.metric(self.level.fixed, moved, valid, False)

        def made() -> tuple[Tensor, Tensor]:
            sums = torch.bmm(self.steepest, fit.psi.flatten(1).unsqueeze(-1)).squeeze(-1)
            return fit.scale.unsqueeze(1) * sums, self.normal

        return Linearisation(fit.objective, fit.rounding, fit.count / self.count, made)

    def retract(self, p: Tensor, step: Tensor) -> Tensor:
        """Compose with the inverse increment on the right."""
        return self.warp.compose_inverse(p, step)

    def length(self, step: Tensor) -> Tensor:
        """Return how far `step` moves the probe points, px."""
        return _warps.length(self.warp, step)

    def descend(self, p: Tensor, iterations: int) -> Descent:
        """Descend from `p` `(B, n)`, as far as a coarse level deserves, in `iterations` at most."""
        most, tolerance = min(iterations, COARSE_ITERATIONS), COARSE_TOLERANCE * self.level.scale
        if not self.compiled:
            return _levenberg.descend(self, p, iterations=most, tolerance=tolerance)
        return _compiled_descent.descend(
            self.look,
            self.warp,
            p,
            steady=(self.jacobian, self.normal),
            iterations=most,
            tolerance=tolerance,
        )


@cached_by_size
def _fields(warp: LinearWarp, device: torch.device) -> Tensor:
    """Return the coefficients of dT/dp at the identity, `(n, 2, 2, 2)`."""
    return _at_identity(warp, device)[1][0].mT.reshape(-1, 2, 2, 2)


@cached_by_size
def _at_identity(warp: LinearWarp, device: torch.device) -> tuple[Tensor, Tensor]:
    """Return the identity's coefficients, `(1, 2, 2, 2)`, and theirs by p, `(1, 8, n)`."""
    start = torch.zeros(1, warp.size, dtype=SOLVE, device=device)
    return warp.coefficients(start), warp.jacobian(start)


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


def gradient(image: Tensor, scale: int) -> Tensor:
    """Return central differences by x and y, per full px, one-sided at the image's border.

    Args:
        image: `(B, h, w)`.
        scale: px of the full image from one pixel to the next.
    Returns: `(B, 2, h, w)`.

    """
    if _native.serves(image):
        return _native.slopes(image, 0.5 / scale)
    # The mean of the differences to both neighbours; at the border its one difference counts twice.
    right = image[:, :, 1:] - image[:, :, :-1]
    down = image[:, 1:] - image[:, :-1]
    right = functional.pad(right, (1, 1), mode="replicate")
    down = torch.cat((down[:, :1], down, down[:, -1:]), 1)
    slopes = torch.stack((right[:, :, 1:] + right[:, :, :-1], down[:, 1:] + down[:, :-1]), 1)
    return slopes.mul_(0.5 / scale)


def inner(trusted: Tensor) -> Tensor:
    """Return 1 where the pixel and its eight neighbours (inside the image) are trusted."""
    distrust = (1.0 - trusted).unsqueeze(1)
    return 1.0 - functional.max_pool2d(distrust, 3, stride=1, padding=1).squeeze(1)
