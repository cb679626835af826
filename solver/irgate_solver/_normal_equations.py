"""Moments of images against the separable basis, and the normal equations made of them.

With a basis b_k(x, y) = Y_a(y) X_b(x) (`_warps`, eq. 1) a sum over all pixels is two small matrix
products, and products of two basis functions are separable again:

(1)  sum_xy b_k g        = (Y^T g X)_ab
(2)  sum_xy b_k b_l g    = ((Y Y)^T g (X X))_{aa'}{bb'}

so that neither the Jacobian `(H W, size)` nor anything of its length is ever formed: an FFD's
normal matrix costs ten multiplications a pixel and image instead of five hundred.
Kybic & Unser 2003 use the same separability for B-spline deformations.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from irgate_solver._precision import SOLVE
from irgate_solver._warps import Warp


@dataclass(frozen=True)
class Basis:
    """The basis of a family on one level's grid of fixed pixels.

    Attributes:
        y, x: positions, px of the full image, `(h,)` and `(w,)`, float64.
        rows, columns: Y `(h, a)` and X `(w, b)`.
        row_pairs, column_pairs: products of two functions, `(h, a(a+1)/2)`, `(w, b(b+1)/2)`.
        pair_index: where (k, l) of (2) stands among the pairs, two `(a, b, a, b)` index tensors.

    """

    y: Tensor
    x: Tensor
    rows: Tensor
    columns: Tensor
    row_pairs: Tensor
    column_pairs: Tensor
    pair_index: tuple[Tensor, Tensor]

    @classmethod
    def of(cls, warp: Warp, y: Tensor, x: Tensor) -> "Basis":
        """Evaluate the family's basis at the rows `y` and columns `x`."""
        rows, columns = warp.rows(y), warp.columns(x)
        row_pairs, row_index = _pairs(rows)
        column_pairs, column_index = _pairs(columns)
        index = (row_index[:, None, :, None], column_index[None, :, None, :])
        return cls(y, x, rows, columns, row_pairs, column_pairs, index)

    def moments(self, image: Tensor) -> Tensor:
        """Return (1) of `image` `(B, h, w)`: `(B, ab)`, float64."""
        return (self.rows.mT @ (image.to(SOLVE) @ self.columns)).flatten(1)

    def pair_moments(self, image: Tensor) -> Tensor:
        """Return (2) of `image` `(B, h, w)`: `(B, ab, ab)`, float64, symmetric."""
        sums = self.row_pairs.mT @ (image.to(SOLVE) @ self.column_pairs)
        size = self.rows.shape[1] * self.columns.shape[1]
        return sums[:, self.pair_index[0], self.pair_index[1]].view(-1, size, size)

    def gradient(self, psi: Tensor, dx: Tensor, dy: Tensor) -> Tensor:
        """Return sum psi (dx, dy) b_k, the gradient by the coefficients: `(B, 2ab)`."""
        return torch.cat((self.moments(psi * dx), self.moments(psi * dy)), 1)

    def normal(self, xx: Tensor, xy: Tensor, yy: Tensor) -> Tensor:
        """Return the 2 x 2 blocks of (2) for the symmetric field [[xx, xy], [xy, yy]]."""
        mixed = self.pair_moments(xy)
        top = torch.cat((self.pair_moments(xx), mixed), 2)
        bottom = torch.cat((mixed.mT, self.pair_moments(yy)), 2)
        return torch.cat((top, bottom), 1)


def pull_gradient(jacobian: Tensor | None, by_coefficients: Tensor) -> Tensor:
    """Turn a gradient by the coefficients `(B, 2ab)` into one by the parameters `(B, size)`."""
    if jacobian is None:
        return by_coefficients
    return (jacobian.mT @ by_coefficients.unsqueeze(-1)).squeeze(-1)


def pull_normal(jacobian: Tensor | None, by_coefficients: Tensor) -> Tensor:
    """Turn a normal matrix by the coefficients into one by the parameters: E^T N E."""
    return by_coefficients if jacobian is None else jacobian.mT @ by_coefficients @ jacobian


def _pairs(basis: Tensor) -> tuple[Tensor, Tensor]:
    """Return the products of all pairs of columns, and the symmetric table of where they stand."""
    size = basis.shape[1]
    first, second = torch.triu_indices(size, size, device=basis.device)
    table = torch.zeros(size, size, dtype=torch.long, device=basis.device)
    order = torch.arange(len(first), device=basis.device)
    table[first, second] = order
    table[second, first] = order
    return basis[:, first] * basis[:, second], table
