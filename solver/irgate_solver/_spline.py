"""Cubic B-splines: weights, the interpolating prefilter, and integrals of products.

The cubic B-spline beta has support (-2, 2). With t in [0, 1) the place inside a cell, the four
pieces that reach into the cell are the rows of (1), lowest knot first:

(1)  w(t) = 1/6 [ (1-t)^3,  3t^3 - 6t^2 + 4,  -3t^3 + 3t^2 + 3t + 1,  t^3 ]

Source: Unser 1999, "Splines: a perfect fit for signal and image processing", eq. 3 and box 2.
"""

import torch
from torch import Tensor

SUPPORT = 4
"""Coefficients that reach into one cell."""

# Integrals over one cell, t in [0, 1], of products of the pieces (1) and of their first and
# second derivatives: exact rational numbers, checked against quadrature by a test.
_PRODUCTS = (
    (5040.0, ((20, 129, 60, 1), (129, 1188, 933, 60), (60, 933, 1188, 129), (1, 60, 129, 20))),
    (120.0, ((6, 7, -12, -1), (7, 34, -29, -12), (-12, -29, 34, 7), (-1, -12, 7, 6))),
    (6.0, ((2, -3, 0, 1), (-3, 6, -3, 0), (0, -3, 6, -3), (1, 0, -3, 2))),
)


def weights(t: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return the pieces (1) and their first and second derivatives by t, each `t.shape + (4,)`."""
    s = 1.0 - t
    value = torch.stack(
        (s * s * s, (3.0 * t - 6.0) * t * t + 4.0, (3.0 * s - 6.0) * s * s + 4.0, t * t * t), -1
    )
    first = torch.stack(
        (-s * s, (3.0 * t - 4.0) * t, -(3.0 * s - 4.0) * s, t * t),
        -1,
    )
    second = torch.stack((s, 3.0 * t - 2.0, 3.0 * s - 2.0, t), -1)
    return value / 6.0, first / 2.0, second


def _mirrored_system(size: int, like: Tensor) -> Tensor:
    """Return S `(size, size)`: sample i of a mirrored spline = sum_k S[i, k] c[k]."""
    system = torch.zeros(size, size, dtype=like.dtype, device=like.device)
    rows = torch.arange(size, device=like.device)
    system[rows, rows] = 4.0 / 6.0
    for step in (-1, 1):
        neighbour = mirror(rows + step, size)
        system.index_put_((rows, neighbour), torch.full_like(system[0], 1 / 6), accumulate=True)
    return system


def mirror(index: Tensor, size: int) -> Tensor:
    """Fold whole-number positions into [0, size) about the first and last sample.

    Whole-sample symmetry, period 2 (size - 1): the boundary rule of the prefilter and of the
    evaluator alike (they must share it, or border samples are not reproduced).
    """
    period = max(2 * (size - 1), 1)
    folded = torch.remainder(index, period)
    return torch.minimum(folded, period - folded) if size > 1 else torch.zeros_like(index)


def interpolating_coefficients(image: Tensor) -> Tensor:
    """Return coefficients `(B, H, W)` whose mirrored cubic spline passes through `image`.

    Solves S_y c S_x^T = image. The systems are tridiagonal and diagonally dominant (condition 3),
    so a dense LU is as exact as Unser's recursive filter, has no truncated start value, and is
    differentiable as it stands.
    """
    rows = torch.linalg.solve(_mirrored_system(image.shape[-2], image), image)
    columns: Tensor = torch.linalg.solve(_mirrored_system(image.shape[-1], image), rows.mT)
    return columns.mT


def knot_weights(position: Tensor, cells: int) -> Tensor:
    """Return the matrix that evaluates a spline of `cells` cells at `position`, in cells.

    Args:
        position: `(n,)`, 0 at the domain's start, `cells` at its end; the first and last cell's
            polynomials go on beyond them.
        cells: number of cells; a cubic spline on them has `cells + 3` coefficients.
    Returns: `(n, cells + 3)`, each row with four entries that sum to 1.

    """
    cell = position.floor().clamp(0, cells - 1)
    value, _, _ = weights(position - cell)
    columns = cell.long().unsqueeze(-1) + torch.arange(SUPPORT, device=position.device)
    matrix = position.new_zeros(len(position), cells + SUPPORT - 1)
    return matrix.scatter(1, columns, value)


def product_integrals(cells: int, length: float, order: int) -> Tensor:
    """Return the integrals of products of the `order`-th derivatives of a spline's basis.

    Args:
        cells: number of cells.
        length: of one cell, px.
        order: of the derivative, 0, 1 or 2, by px.
    Returns: `(cells + 3, cells + 3)`, float64, px^(1 - 2 order).

    """
    denominator, rows = _PRODUCTS[order]
    cell = torch.tensor(rows, dtype=torch.float64) / denominator
    total = torch.zeros(cells + SUPPORT - 1, cells + SUPPORT - 1, dtype=torch.float64)
    for first in range(cells):
        total[first : first + SUPPORT, first : first + SUPPORT] += cell
    return total * length ** (1 - 2 * order)
