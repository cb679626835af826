"""The maps that a transform is a chain of: matrix, control displacements, displacement, inverse."""

from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from irgate_solver import _sampling
from irgate_solver._free_form import FreeForm
from irgate_solver._precision import SOLVE

INVERTED = 1e-9
"""Distance, px, at which Newton's method has inverted a point."""
STEPS = 60
"""Most steps of it. It squares its error, and a deformation that does not fold needs a few."""


class Map(Protocol):
    """A map of points `(m, 2)`, (x, y), px, float64."""

    def __call__(self, points: Tensor) -> Tensor:
        """Return the mapped points, `(m, 2)`."""
        ...

    def inverse(self) -> "Map":
        """Return the map backwards."""
        ...


@dataclass(frozen=True, eq=False)
class Matrix:
    """A homogeneous matrix `(3, 3)` on (x, y, 1)."""

    matrix: Tensor

    @classmethod
    def read(cls, who: str, value: Any) -> "Matrix":
        """Return the map of a caller's matrix.

        Raises:
            TypeError, ValueError: it is no finite `(3, 3)` matrix that can be inverted.

        """
        try:
            given = value.detach() if isinstance(value, Tensor) else value
            matrix = torch.as_tensor(given, dtype=SOLVE, device="cpu")
        except (TypeError, ValueError, RuntimeError) as cause:
            raise TypeError(
                f"{who}: first is {type(value).__name__}; expected a Transform, a Result of one "
                "pair, or a (3, 3) matrix"
            ) from cause
        singular = matrix.shape != (3, 3) or not bool(matrix.isfinite().all())
        if singular or float(torch.linalg.det(matrix)) == 0:
            raise ValueError(
                f"{who}: the matrix has shape {tuple(matrix.shape)}; expected a finite (3, 3) "
                "matrix that can be inverted"
            )
        return cls(matrix)

    def __call__(self, points: Tensor) -> Tensor:
        mapped = points @ self.matrix[:, :2].mT + self.matrix[:, 2]
        return mapped[:, :2] / mapped[:, 2:]

    def inverse(self) -> "Matrix":
        return Matrix(torch.linalg.inv(self.matrix))


@dataclass(frozen=True, eq=False)
class Spline:
    """Control displacements of an FFD, `(2, rows, columns)`, px; nothing moves beyond its domain.

    Attributes:
        family: the grid, on the image whose points are mapped.
        control_points: x first.

    """

    family: FreeForm
    control_points: Tensor

    def __call__(self, points: Tensor) -> Tensor:
        inside = self.family.holds_points(points).unsqueeze(-1)
        return torch.where(inside, points + self.moved(points)[0], points)

    def moved(self, points: Tensor) -> tuple[Tensor, Tensor]:
        """Return the displacement, continued beyond the domain, and its Jacobian `(m, 2, 2)`."""
        x, y = points.unbind(1)
        rows, columns = self.family.rows(y), self.family.columns(x)
        slopes = self.family.row_slopes(y), self.family.column_slopes(x)

        def at(left: Tensor, right: Tensor) -> Tensor:
            return torch.einsum("ma,dab,mb->md", left, self.control_points, right)

        by_x, by_y = at(rows, slopes[1]), at(slopes[0], columns)
        return at(rows, columns), torch.stack((by_x, by_y), -1)

    def inverse(self) -> "Inverse":
        return Inverse(self)


@dataclass(frozen=True, eq=False)
class Dense:
    """A displacement of an image's pixels, `(H, W, 2)`, px, interpolated bilinearly."""

    field: Tensor

    def __call__(self, points: Tensor) -> Tensor:
        return points + self.moved(points)[0]

    def moved(self, points: Tensor) -> tuple[Tensor, Tensor]:
        """Return the displacement, clamped beyond the image, and its Jacobian `(m, 2, 2)`."""
        place = points.mT.view(1, 2, 1, -1).expand(2, -1, -1, -1)
        jet = _sampling.Linear(self.field.permute(2, 0, 1)).jet(place)
        return jet.value[:, 0].mT, jet.slopes[:, :, 0].permute(2, 0, 1)

    def inverse(self) -> "Inverse":
        return Inverse(self)


@dataclass(frozen=True, eq=False)
class Inverse:
    """The inverse of a deformation, by Newton's method at each point.

    (1)  x <- x - (1 + du/dx)^-1 (x + u(x) - y)

    A spline is continued beyond its domain, so that points just outside the image have an answer.
    """

    map: Spline | Dense

    def __call__(self, points: Tensor) -> Tensor:
        """Return x with x + u(x) = `points`.

        Raises:
            ValueError: some points have none near by: the deformation folds.

        """
        x = points - self.map.moved(points)[0]
        eye = torch.eye(2, dtype=points.dtype)
        for _ in range(STEPS):
            u, slopes = self.map.moved(x)
            off = x + u - points
            if float(off.abs().max()) <= INVERTED:
                return self._beyond(points, x)
            step = torch.linalg.solve_ex(eye + slopes, off.unsqueeze(-1))[0].squeeze(-1)
            # A step across a fold would not come back.
            length = step.norm(dim=1, keepdim=True)
            x = x - step * (8.0 / length.clamp(min=8.0))
        missed = int((off.abs().amax(1) > INVERTED).sum())
        raise ValueError(
            f"Transform.inverse: {missed} of {len(points)} points have no inverse; expected a "
            "deformation that does not fold: give `bending` a weight, or choose a coarser grid"
        )

    def inverse(self) -> Map:
        return self.map

    def _beyond(self, points: Tensor, x: Tensor) -> Tensor:
        """Return `x`, or the points themselves where they and it lie beyond a spline's domain."""
        if not isinstance(self.map, Spline):
            return x
        family = self.map.family
        outside = ~family.holds_points(x) & ~family.holds_points(points)
        return torch.where(outside.unsqueeze(-1), points, x)


def grid_points(height: int, width: int) -> Tensor:
    """Return the pixels (x, y) of an image, row by row, `(height width, 2)`, float64."""
    y, x = torch.meshgrid(
        torch.arange(height, dtype=SOLVE), torch.arange(width, dtype=SOLVE), indexing="ij"
    )
    return torch.stack((x.flatten(), y.flatten()), -1)
