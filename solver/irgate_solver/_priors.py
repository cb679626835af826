"""Priors: smooth terms of the objective that depend on the transform alone.

With u the displacement, c its coefficients (`_warps`, eq. 1) and means over the fixed image:

(1)  bending          mean of |u_xx|^2 + 2 |u_xy|^2 + |u_yy|^2, FFDs only (`_free_form`, eq. 2)
(2)  total variation  mean of sum over d, e in (x, y) of phi(du_d/de),
                      phi(z) = sqrt(z^2 + epsilon^2) - epsilon
(3)  anchor           mean of |affine part of u - affine part of the origin's|^2

(2) is anisotropic total variation, smoothed after Charbonnier et al. 1997, so that it has a Hessian
where nothing moves. Lengths of u, and those that it is differentiated by, are in mm, which are
px where no spacing was given. (3) holds the part that (1) does not see, and that images leave free
where they show nothing. Each gives value, gradient and Hessian by the parameters, and is in the
implicit gradient; the weights are differentiable.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from irgate_solver._normal_equations import pull_gradient, pull_normal
from irgate_solver._precision import SOLVE
from irgate_solver._size_cache import cached_by_size
from irgate_solver._warps import FreeForm, Warp

EPSILON = 1e-2
"""Strain, px per px, under which (2) is quadratic: a hundredth is what a small affine map has."""
POINTS = 4
"""Quadrature points of (2) along a cell of an FFD: its slope is quadratic there."""


@dataclass(frozen=True)
class Term:
    """One or several priors at `p`: what they add to the objective.

    Attributes:
        energy: `(B,)`.
        gradient: by the parameters, `(B, n)`.
        hessian: `(n, n)` or `(B, n, n)`.

    """

    energy: Tensor
    gradient: Tensor
    hessian: Tensor

    def weighed(self, weight: Tensor) -> "Term":
        """Return the term times `weight` `(B,)`."""
        return Term(
            weight * self.energy,
            weight.unsqueeze(1) * self.gradient,
            weight.view(-1, 1, 1) * self.hessian,
        )

    def plus(self, other: "Term") -> "Term":
        """Return the sum."""
        return Term(
            self.energy + other.energy,
            self.gradient + other.gradient,
            self.hessian + other.hessian,
        )


@dataclass(frozen=True, eq=False)
class Priors:
    """The priors of one objective.

    Attributes:
        bending, total_variation, anchor: weights in squared unit range, `(B,)`; None without one.
        origin: parameters of the anchor's origin, `(B, n)`; None for the identity.

    """

    bending: Tensor | None = None
    total_variation: Tensor | None = None
    anchor: Tensor | None = None
    origin: Tensor | None = None

    def at(self, warp: Warp, p: Tensor) -> Term | None:
        """Return the weighed sum at `p` `(B, n)`; None where nothing has a weight."""
        found: Term | None = None
        for weight, term in self._terms(warp, p):
            weighed = term.weighed(weight)
            found = weighed if found is None else found.plus(weighed)
        return found

    def _terms(self, warp: Warp, p: Tensor) -> list[tuple[Tensor, Term]]:
        terms = []
        if self.bending is not None and isinstance(warp, FreeForm):
            terms.append((self.bending, bending(warp, p)))
        if self.total_variation is not None:
            terms.append((self.total_variation, total_variation(warp, p)))
        if self.anchor is not None:
            origin = torch.zeros_like(p) if self.origin is None else self.origin
            terms.append((self.anchor, anchor(warp, p, origin)))
        return terms


def bending(warp: FreeForm, p: Tensor) -> Term:
    """Return (1) at `p` `(B, size)`, mm^-2."""
    both = torch.kron(torch.diag(_sides(warp).square()), warp.bending).to(p.device)
    slope = p @ both
    return Term((slope * p).sum(1), 2.0 * slope, 2.0 * both)


def total_variation(warp: Warp, p: Tensor) -> Term:
    """Return (2) at `p` `(B, n)`; no unit."""
    rows, columns, row_slopes, column_slopes = _quadrature(warp, p.device)
    c = warp.coefficients(p)
    parts = []
    sides = _sides(warp).to(p.device)
    for by, (left, right) in zip(
        sides, ((rows, column_slopes), (row_slopes, columns)), strict=True
    ):
        strain = (sides / by).view(2, 1, 1)
        slope = strain * (left @ (c @ right.mT))
        root = (slope * slope + EPSILON**2).sqrt()
        share = 1.0 / slope[0, 0].numel()
        energy = share * (root - EPSILON).sum((1, 2, 3))
        gradient = share * (left.mT @ (strain * slope / root) @ right).flatten(1)
        # (L^T phi'' R) over products of two functions of each axis, the same for both components.
        curvature = share * EPSILON**2 * strain**2 / root**3
        sums = torch.einsum("ya,yi,bdyx,xe,xj->bdaeij", left, left, curvature, right, right)
        size = c.shape[2] * c.shape[3]
        blocks = sums.reshape(len(p), 2, size, size)
        parts.append((energy, gradient, torch.diag_embed(blocks.permute(0, 2, 3, 1))))
    energy, gradient, blocks = (one + other for one, other in zip(*parts, strict=True))
    # (B, size, size, 2, 2), component by component, to rows (d, k) and columns (e, l).
    hessian = blocks.permute(0, 3, 1, 4, 2).reshape(len(p), gradient.shape[1], -1)
    return _pulled(warp, p, energy, gradient, hessian)


def anchor(warp: Warp, p: Tensor, origin: Tensor) -> Term:
    """Return (3) at `p` `(B, n)`, mm^2, from the affine part of `origin` `(B, n)`."""
    weights, square = _affine_part(warp, p.device), _sides(warp).to(p.device).square()
    off = (warp.coefficients(p) - warp.coefficients(origin)).flatten(2) @ weights
    pull = square.view(2, 1) * off
    gradient = 2.0 * (pull @ weights.mT).flatten(1)
    block = 2.0 * weights @ weights.mT
    hessian = torch.kron(torch.diag(square), block).expand(len(p), -1, -1)
    return _pulled(warp, p, (pull * off).sum((1, 2)), gradient, hessian)


def _sides(warp: Warp) -> Tensor:
    """Return a pixel's width and height, mm, `(2,)`."""
    return torch.tensor(warp.spacing, dtype=SOLVE)


def _pulled(warp: Warp, p: Tensor, energy: Tensor, gradient: Tensor, hessian: Tensor) -> Term:
    """Bring a term by the coefficients to the parameters."""
    jacobian = warp.jacobian(p)
    normal = pull_normal(jacobian, hessian)
    second = warp.second_order(p, gradient)
    if second is not None:
        normal = normal + second
    return Term(energy, pull_gradient(jacobian, gradient), normal)


@cached_by_size
def _quadrature(warp: Warp, device: torch.device) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return Y and X of (1) in `_warps` and their derivatives by px at midpoints of each axis."""
    counts = (1, 1)
    if isinstance(warp, FreeForm):
        counts = (POINTS * (warp.control[0] - 3), POINTS * (warp.control[1] - 3))
    y, x = (
        (torch.arange(count, dtype=SOLVE, device=device) + 0.5) / count * side - 0.5
        for count, side in zip(counts, (warp.height, warp.width), strict=True)
    )
    return warp.rows(y), warp.columns(x), warp.row_slopes(y), warp.column_slopes(x)


@cached_by_size
def _affine_part(warp: Warp, device: torch.device) -> Tensor:
    """Return what takes coefficients to those of three orthonormal affine functions, `(ab, 3)`.

    Orthonormal in the mean over the fixed pixels: 1, and x and y centred and scaled.
    """
    y = torch.arange(warp.height, dtype=SOLVE, device=device)
    x = torch.arange(warp.width, dtype=SOLVE, device=device)
    eta, xi = ((axis - axis.mean()) / axis.std(correction=0) for axis in (y, x))
    rows, columns = warp.rows(y), warp.columns(x)
    parts = [
        torch.kron((rows * by_row.unsqueeze(1)).mean(0), (columns * by_column.unsqueeze(1)).mean(0))
        for by_row, by_column in (
            (torch.ones_like(eta), torch.ones_like(xi)),
            (torch.ones_like(eta), xi),
            (eta, torch.ones_like(xi)),
        )
    ]
    return torch.stack(parts, 1)
