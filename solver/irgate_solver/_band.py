"""Cholesky factors of an FFD's normal matrix, which couples only control points near each other.

A cubic B-spline's function reaches two cells to each side, so that a sum over pixels of two of them
is 0 where they lie more than three rows or columns apart. Ordered along the grid's shorter axis of
s control points, both components of one beside each other, the matrix is a band with

(1)  w = 2 (3 s + 3) + 1

entries beside the diagonal. Its factor, N = U^T U, has no others, and takes n w^2 operations in
place of n^3 / 3 (Golub & Van Loan 2013, section 4.3.5). The compiled kernel makes it; without it a
factor is of the whole matrix.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from irgate_solver import _native
from irgate_solver._precision import SOLVE

REACH = 3
"""Largest distance of two control points that a matrix couples, in rows and in columns."""
BLOCK = 4
"""Room beside each row of a factor: the kernel's."""
CLIMBS = 5
"""Steps of (2): two or three are usual."""
Grid = tuple[int, int]
"""Control points (rows, columns) of an FFD."""


@dataclass(frozen=True)
class Factor:
    """Cholesky factors of a batch of matrices.

    Attributes:
        values: rows of U from the diagonal on, in the band's order, `(B, n, w + BLOCK)`; or whole
            lower triangles, `(B, n, n)`.
        info: 0 where a matrix is positive definite, `(B,)`.
        grid: of the band; None for whole matrices.

    """

    values: Tensor
    info: Tensor
    grid: Grid | None

    def solve(self, right: Tensor) -> Tensor:
        """Return x of N x = right, `(B, n)`; no numbers where `info` is not 0."""
        if self.grid is None:
            return torch.cholesky_solve(right.unsqueeze(-1), self.values).squeeze(-1)
        right = _native.checked("right", right, (len(self.values), right.shape[1]), SOLVE)
        found = torch.empty_like(right)
        pointers = self.values.data_ptr(), right.data_ptr(), found.data_ptr()
        _native.call("irgate_solve", None, len(right), *self.grid, *pointers)
        return found


def width(grid: Grid) -> int:
    """Return w of (1)."""
    return min(2 * (REACH * min(grid) + REACH) + 1, 2 * grid[0] * grid[1] - 1)


def is_fine(grid: Grid) -> bool:
    """Return whether a band saves half of the work and more: from 8 x 8 control points on."""
    return 2 * width(grid) < 2 * grid[0] * grid[1]


def raised(matrix: Tensor, diagonal: Tensor, share: Tensor) -> Tensor:
    """Return `matrix` `(B, n, n)` with `share` `(B, 1)` times `diagonal` `(B, n)` on its own."""
    found = matrix.clone()
    found.diagonal(dim1=1, dim2=2).addcmul_(diagonal, share)
    return found


def factor(matrix: Tensor, diagonal: Tensor, share: Tensor, grid: Grid | None) -> Factor:
    """Return the factors of `raised`.

    Args:
        matrix: `(B, n, n)`, float64.
        diagonal, share: `(B, n)` and `(B, 1)`, float64.
        grid: of a matrix that couples no control points of it beyond `REACH`; None for others.

    """
    if grid is None or not _serves(matrix, grid):
        lower, info = torch.linalg.cholesky_ex(raised(matrix, diagonal, share))
        return Factor(lower, info, None)
    batch, size = matrix.shape[:2]
    matrix = _native.checked("matrix", matrix, (batch, size, size), SOLVE)
    added = _native.checked("added", diagonal * share, (batch, size), SOLVE)
    upper = torch.empty(batch, size, width(grid) + BLOCK, dtype=SOLVE)
    info = torch.empty(batch, dtype=torch.int64)
    pointers = (tensor.data_ptr() for tensor in (matrix, added, upper, info))
    _native.call("irgate_factor", None, batch, *grid, *pointers)
    return Factor(upper, info, grid)


def inverse_norm(matrix: Tensor, grid: Grid) -> Tensor | None:
    """Return an estimate from below of the 1-norm of each inverse, `(B,)`, mostly the norm itself.

    (2)  |A^-1|_1 = max |A^-1 x|_1 over |x|_1 = 1, a convex function: climb to the corner of the
         octahedron that its gradient A^-1 sign(A^-1 x) shows, until none is higher.

    Source: Hager 1984, "Condition estimates"; Higham 1988 found it within a factor of 3.

    Returns: None where a whole inverse is as quick, or where a matrix is not positive definite.
    """
    if not _serves(matrix, grid):
        return None
    nothing = matrix.new_zeros(matrix.shape[:2])
    made = factor(matrix, nothing, nothing[:, :1], grid)
    if bool(made.info.any()):
        return None
    point = torch.full(matrix.shape[:2], 1.0 / matrix.shape[1], dtype=SOLVE)
    highest = torch.zeros(len(matrix), dtype=SOLVE)
    for _ in range(CLIMBS):
        image = made.solve(point)
        highest = torch.maximum(highest, image.abs().sum(1))
        slope = made.solve(torch.where(image >= 0, 1.0, -1.0).to(SOLVE))
        point = functional.one_hot(slope.abs().argmax(1), matrix.shape[1]).to(SOLVE)
    return highest


def _serves(matrix: Tensor, grid: Grid) -> bool:
    """Return whether the kernel factors bands of this size."""
    return is_fine(grid) and _native.serves(matrix)
