"""Cubic splines: B-spline weights, prefilter and integrals; Catmull-Rom's pieces.

The cubic B-spline beta has support (-2, 2). With t in [0, 1) the place inside a cell, the four
pieces that reach into the cell are the rows of (1), lowest knot first:

(1)  w(t) = 1/6 [ (1-t)^3,  3t^3 - 6t^2 + 4,  -3t^3 + 3t^2 + 3t + 1,  t^3 ]

Source: Unser 1999, "Splines: a perfect fit for signal and image processing", eq. 3 and box 2.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from irgate_solver._size_cache import cached_by_size

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


def horner(powers: Sequence[Tensor], t: Tensor, order: int) -> list[Tensor]:
    """Return sum_k powers[k] t^k of degree 3 and its derivatives by t up to `order`, 2 at most."""
    c0, c1, c2, c3 = powers
    twice, thrice = t + t, 3.0 * t
    quadratic = torch.addcmul(c2, t, c3)
    found = [torch.addcmul(c0, t, torch.addcmul(c1, t, quadratic))]
    if order > 0:
        # c1 + 2 c2 t + 3 c3 t^2 = c1 + 2 t (c2 + c3 t) + c3 t^2
        found.append(torch.addcmul(torch.addcmul(c1, twice, quadratic), t * t, c3))
    if order > 1:
        found.append(2.0 * torch.addcmul(c2, thrice, c3))
    return found


# The pieces (1) by powers of t: row k holds the coefficients of t^k.
_POWERS = (
    (1.0, 4.0, 1.0, 0.0),
    (-3.0, 0.0, 3.0, 0.0),
    (3.0, -6.0, 3.0, 0.0),
    (-1.0, 3.0, -3.0, 1.0),
)

B_SPLINE = (_POWERS, 6.0)
"""The pieces (1) as numerators and their denominator."""
CATMULL_ROM = (
    (
        (0.0, 2.0, 0.0, 0.0),
        (-1.0, 0.0, 1.0, 0.0),
        (2.0, -5.0, 4.0, -1.0),
        (-1.0, 3.0, -3.0, 1.0),
    ),
    2.0,
)
"""The same of Catmull and Rom's spline, which passes through its coefficients.

Source: Keys 1981, "Cubic convolution interpolation", eq. 8 with a = -1/2.
"""
Pieces = tuple[tuple[tuple[float, ...], ...], float]


def cell_polynomials(coefficients: Tensor, pieces: Pieces = B_SPLINE) -> Tensor:
    """Return the polynomial in each cell of a spline, by powers of the place in the cell.

    Args:
        coefficients: `(B, h + 3, w + 3)` for h x w cells.
        pieces: of the spline.
    Returns: `(4, 4, B, h, w)` flattened to `(16, B, h, w)`: power of y's place, power of x's.

    """
    numerators, denominator = pieces
    powers = coefficients.new_tensor(numerators) / denominator
    width = coefficients.shape[2] - SUPPORT + 1
    taps = torch.stack([coefficients[:, :, k : k + width] for k in range(SUPPORT)])
    along: Tensor = torch.tensordot(powers, taps, 1)
    height = coefficients.shape[1] - SUPPORT + 1
    taps = torch.stack([along[:, :, k : k + height] for k in range(SUPPORT)])
    cells: Tensor = torch.tensordot(powers, taps, 1)
    return cells.flatten(0, 1)


def mirror(index: Tensor, size: int) -> Tensor:
    """Fold whole-number positions into [0, size) about the first and last sample.

    Whole-sample symmetry, period 2 (size - 1). The prefilter and the evaluator must share this
    rule, or the spline would not pass through the border samples.
    """
    period = max(2 * (size - 1), 1)
    folded = torch.remainder(index, period)
    return torch.minimum(folded, period - folded) if size > 1 else torch.zeros_like(index)


LONGEST_DENSE = 512
"""Longest side whose prefilter is one matrix: 2 MiB in float64. Longer ones are filtered in blocks,
whose memory grows with the side and not with its square."""
_POLE = math.sqrt(3.0) - 2.0
_HALO = 30
"""Reach of the filter to each side: the pole's 30th power is 7e-18, less than float64 adds to 1."""
_BLOCK = 256


@cached_by_size
def _prefilter(size: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Return the inverse of S, `(size, size)`: sample i of a mirrored spline = sum_k S[i, k] c[k].

    S is tridiagonal and diagonally dominant (condition 3).
    """
    system = torch.zeros(size, size, dtype=torch.float64)
    rows = torch.arange(size)
    system[rows, rows] = 4.0 / 6.0
    for step in (-1, 1):
        neighbour = mirror(rows + step, size)
        system.index_put_((rows, neighbour), torch.full_like(system[0], 1 / 6), accumulate=True)
    inverse: Tensor = torch.linalg.inv(system)
    return inverse.to(device, dtype)


@cached_by_size
def _block_filter(dtype: torch.dtype, device: torch.device) -> Tensor:
    """Return the rows of the inverse of S in the middle of a long axis, `(block, block + 2 halo)`.

    Entry k places beside the diagonal is sqrt(3) z^k, with the pole z = sqrt(3) - 2 (Unser 1999).
    """
    place = torch.arange(_BLOCK + 2 * _HALO) - torch.arange(_BLOCK).unsqueeze(1) - _HALO
    near = place.abs() <= _HALO
    entries = math.sqrt(3.0) * torch.tensor(_POLE, dtype=torch.float64) ** place.abs()
    return torch.where(near, entries, 0.0).to(device, dtype)


def interpolating_coefficients(image: Tensor) -> Tensor:
    """Return coefficients `(B, H, W)` whose mirrored cubic spline passes through `image`.

    Solves S_y c S_x^T = image by the inverses of S_y and S_x. This is as exact as Unser's recursive
    filter, needs no truncated start value, and is differentiable.
    """
    if image.shape[-2] <= LONGEST_DENSE:
        down = _prefilter(image.shape[-2], image.dtype, image.device) @ image
    else:
        down = _inverse(image.mT).mT
    return _inverse(down)


def _inverse(values: Tensor) -> Tensor:
    """Return S^-1 of `values` `(B, h, w)` along the last axis."""
    size = values.shape[-1]
    if size <= LONGEST_DENSE:
        return values @ _prefilter(size, values.dtype, values.device).mT
    framed = functional.pad(values, (_HALO, _HALO), mode="reflect")
    framed = functional.pad(framed, (0, -size % _BLOCK))
    blocks = framed.unfold(-1, _BLOCK + 2 * _HALO, _BLOCK)
    return (blocks @ _block_filter(values.dtype, values.device).mT).flatten(-2)[..., :size]


def knot_weights(position: Tensor, cells: int, order: int = 0) -> Tensor:
    """Return the matrix that evaluates a spline of `cells` cells at `position`, in cells.

    Args:
        position: `(n,)`, 0 at the domain's start, `cells` at its end; the first and last cell's
            polynomials go on beyond them.
        cells: number of cells; a cubic spline on them has `cells + 3` coefficients.
        order: of the derivative by the position.
    Returns: `(n, cells + 3)`, each row with four entries that sum to 1, or of a derivative to 0.

    """
    cell = position.floor().clamp(0, cells - 1)
    value = weights(position - cell)[order]
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
