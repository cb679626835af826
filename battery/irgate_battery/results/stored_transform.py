"""An answer as a report keeps it: nine numbers, or a coarse grid of its displacement.

With it every figure of a row can be measured anew, and everything that a page draws can be computed
instead of stored.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from irgate_fixtures import Homography, Matrix, pixel_grid

GRID_ERROR_PX = 1e-5
"""Largest error of a coarse grid: a tenth of the last digit that a report prints of a distance."""

AFFINE_ERROR_PX = 1e-9
"""A displacement that no affine map misses by more is one: rounding of float64 at 10^3 px."""

AFFINE_DECIMALS = 12
"""Of such a map's entries."""

GRID_DECIMALS = 6
"""Of a grid's numbers, px. With four, pixels of a rough answer change sides at the border of the
moving image, and figures their last printed digit."""

LEAST_NODES = 4
"""Along a side: what a cubic needs."""

LARGEST_SIDE = 1 << 14
"""Pixels of a side, and nodes, that a report may speak of."""

Array = NDArray[np.float64]


@dataclass(frozen=True)
class StoredMatrix:
    """A matrix.

    Attributes:
        matrix: three rows of three, on `(x, y, 1)` about the pixel origin; what comes out is
            divided by its third coordinate.
    """

    matrix: tuple[tuple[float, ...], ...]

    def __post_init__(self) -> None:
        if [len(row) for row in self.matrix] != [3, 3, 3]:
            raise ValueError("a transform's matrix is not 3 x 3")
        _require_finite(value for row in self.matrix for value in row)

    def displacement_on(self, shape: tuple[int, int]) -> Array:
        """Return the displacement on a fixed image's pixels, `(H, W, 2)`, px."""
        kind = Matrix if self.matrix[2] == (0.0, 0.0, 1.0) else Homography
        return kind(np.array(self.matrix)).displacement(shape)

    def to_dict(self) -> dict[str, Any]:
        """Return builtin types."""
        return {"matrix": [list(row) for row in self.matrix]}


@dataclass(frozen=True)
class StoredGrid:
    """A displacement on a grid.

    Attributes:
        size: `(H, W)` px of the fixed image that it stands on.
        grid: its nodes, `(rows, columns)`: node `(i, j)` is at
            `x = j (W - 1) / (columns - 1)`, `y = i (H - 1) / (rows - 1)`.
        displacement: `(dx, dy)` px of each node, row by row, flat. Between nodes it is the cubic
            spline with the not-a-knot condition, along each axis; a grid of all pixels has no
            between.
        error_px: the largest distance between that and the answer, px.
    """

    size: tuple[int, int]
    grid: tuple[int, int]
    displacement: tuple[float, ...]
    error_px: float

    def __post_init__(self) -> None:
        for side, nodes in zip(self.size, self.grid, strict=True):
            coarse = LEAST_NODES <= nodes <= side
            if not 1 <= side <= LARGEST_SIDE or not (coarse or nodes == side):
                raise ValueError(f"a side of {side} px has no grid of {nodes} nodes")
        rows, columns = self.grid
        if len(self.displacement) != 2 * rows * columns:
            raise ValueError(f"{len(self.displacement)} numbers on {rows} x {columns} nodes")
        _require_finite((*self.displacement, self.error_px))

    def displacement_on(self, shape: tuple[int, int]) -> Array:
        """Return the displacement on a fixed image's pixels, `(H, W, 2)`, px.

        Raises: ValueError where that image has another size than the grid's.
        """
        if self.size != shape:
            raise ValueError(f"a transform of a fixed image of {self.size}, and not of {shape}")
        return _between_nodes(np.reshape(self.displacement, (*self.grid, 2)), shape)

    def to_dict(self) -> dict[str, Any]:
        """Return builtin types."""
        return {
            "size": list(self.size),
            "grid": list(self.grid),
            "displacement": list(self.displacement),
            "error_px": self.error_px,
        }


StoredTransform: TypeAlias = StoredMatrix | StoredGrid


def stored(displacement: Array, matrix: Array | None = None) -> StoredTransform:
    """Keep an answer.

    Args:
        displacement: `u(x) = T(x) - x` on the fixed image's grid, `(H, W, 2)`, px.
        matrix: `(3, 3)` where it is one.
    """
    if matrix is None:
        matrix = _affine(displacement)
    if matrix is not None:
        return StoredMatrix(tuple(tuple(map(float, row)) for row in matrix))
    shape = (displacement.shape[0], displacement.shape[1])
    for nodes in _coarse_grids(shape):
        kept = _at_nodes(displacement, nodes).round(GRID_DECIMALS)
        apart = _apart(_between_nodes(kept, shape), displacement)
        if apart <= GRID_ERROR_PX:
            return StoredGrid(shape, nodes, tuple(map(float, kept.ravel())), apart)
    kept = displacement.round(GRID_DECIMALS)
    numbers = tuple(map(float, kept.ravel()))
    return StoredGrid(shape, shape, numbers, _apart(kept, displacement))


def read_stored(said: object) -> StoredTransform:
    """Read what `to_dict` wrote. Raises: ValueError for anything else."""
    if not isinstance(said, Mapping):
        raise ValueError("a transform is no object")
    if "matrix" in said:
        rows = said["matrix"]
        if not isinstance(rows, list):
            raise ValueError("a transform's matrix is no list")
        return StoredMatrix(tuple(map(_numbers, rows)))
    height, width = _whole_pair(said.get("size"))
    rows, columns = _whole_pair(said.get("grid"))
    (error_px,) = _numbers([said.get("error_px")])
    return StoredGrid(
        (height, width), (rows, columns), _numbers(said.get("displacement")), error_px
    )


def _whole_pair(said: object) -> tuple[int, int]:
    if not isinstance(said, list) or [type(each) for each in said] != [int, int]:
        raise ValueError("a transform's size and grid are pairs of whole numbers")
    return said[0], said[1]


def _require_finite(numbers: Iterable[float]) -> None:
    if not all(map(math.isfinite, numbers)):
        raise ValueError("a transform holds a number that is not finite")


def _numbers(said: object) -> tuple[float, ...]:
    if not isinstance(said, list) or not all(type(each) in (int, float) for each in said):
        raise ValueError("a transform holds something else than numbers")
    return tuple(map(float, said))


def _affine(displacement: Array) -> Array | None:
    """Return the affine map that a displacement is, `(3, 3)`, or `None` if it is none."""
    height, width = displacement.shape[:2]
    points = pixel_grid((height, width)).reshape(-1, 2)
    columns = np.column_stack([points, np.ones(len(points))])
    target = points + displacement.reshape(-1, 2)
    solution, *_ = np.linalg.lstsq(columns, target, rcond=None)
    # Whole shifts come out whole: which pixels lie on the border decides over the valid region.
    solution = solution.round(AFFINE_DECIMALS)
    if np.abs(columns @ solution - target).max() > AFFINE_ERROR_PX:
        return None
    return np.vstack([solution.T, (0.0, 0.0, 1.0)])


def _apart(one: Array, other: Array) -> float:
    return float(np.linalg.norm(one - other, axis=-1).max())


def _coarse_grids(shape: tuple[int, int]) -> Iterator[tuple[int, int]]:
    """Yield square meshes, each of half the pitch of the one before."""
    intervals = LEAST_NODES - 1
    while True:
        pitch = (max(shape) - 1) / intervals
        rows, columns = (max(LEAST_NODES, round((side - 1) / pitch) + 1) for side in shape)
        # From half of the pixels on a coarse grid saves nothing.
        if rows >= shape[0] or columns >= shape[1] or 2 * rows * columns > shape[0] * shape[1]:
            return
        yield rows, columns
        intervals *= 2


def _places(side: int, nodes: int) -> Array:
    return np.linspace(0.0, side - 1.0, nodes)


def _at_nodes(displacement: Array, nodes: tuple[int, int]) -> Array:
    """Return a dense displacement at the nodes of a grid, `(rows, columns, 2)`."""
    values = displacement
    for axis, count in enumerate(nodes):
        side = displacement.shape[axis]
        if count != side:
            values = _interpolated(np.arange(side), values, _places(side, count), axis)
    return values


def _between_nodes(values: Array, shape: tuple[int, int]) -> Array:
    """Return the displacement of a grid's nodes at all pixels, `(H, W, 2)`."""
    for axis, side in enumerate(shape):
        nodes = values.shape[axis]
        if nodes != side:
            values = _interpolated(_places(side, nodes), values, np.arange(side), axis)
    return values


def _interpolated(places: NDArray[Any], values: Array, wanted: NDArray[Any], axis: int) -> Array:
    """Return a cubic spline through the values at `places`, at the wanted places along an axis."""
    # A tenth of a second to import, which a parallel run's controller need not spend.
    from scipy.interpolate import make_interp_spline

    return np.asarray(make_interp_spline(places, values, k=3, axis=axis)(wanted))
