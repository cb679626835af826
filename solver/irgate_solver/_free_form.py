"""Free-form deformations: a grid of cubic B-spline control displacements, in SimpleITK's domain."""

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from irgate_solver import _spline
from irgate_solver._precision import SOLVE

# ITK's BSplineTransformInitializer widens the image's extent, itself half a pixel beyond the outer
# pixel centres, by an eighth of a pixel on each side.
_DOMAIN_START = 0.625
_DOMAIN_EXTRA = 0.25


@dataclass(frozen=True)
class FreeForm:
    """A grid of cubic B-spline control displacements over SimpleITK's domain.

    Along an axis of N pixels the domain starts 0.625 px before the first pixel centre and is
    N + 0.25 px long, cut into `control - 3` cells: what `BSplineTransformInitializer` sets up.

    Attributes:
        height, width: the fixed image, px.
        control: number of control points (rows, columns), at least 4 each.
        spacing: of the pixels, (x, y), mm.

    """

    height: int
    width: int
    control: tuple[int, int] = (4, 4)
    spacing: tuple[float, float] = (1.0, 1.0)

    name = "ffd"

    @property
    def size(self) -> int:
        return 2 * self.control[0] * self.control[1]

    def rows(self, y: Tensor) -> Tensor:
        return _domain_weights(y, self.height, self.control[0])

    def columns(self, x: Tensor) -> Tensor:
        return _domain_weights(x, self.width, self.control[1])

    def row_slopes(self, y: Tensor) -> Tensor:
        return _domain_weights(y, self.height, self.control[0], 1)

    def column_slopes(self, x: Tensor) -> Tensor:
        return _domain_weights(x, self.width, self.control[1], 1)

    def coefficients(self, p: Tensor) -> Tensor:
        return p.view(-1, 2, *self.control)

    def jacobian(self, p: Tensor) -> None:
        return None

    def second_order(self, p: Tensor, moments: Tensor) -> None:
        return None

    def fit(self, field: Tensor) -> Tensor:
        """Return the parameters of the FFD nearest to `field` in the least-squares sense.

        The basis is separable, so the fit is two pseudo-inverses: c = Y^+ u (X^+)^T. Affine maps
        and members of the family come back exactly.

        Args:
            field: displacement `(B, 2, height, width)`, px.

        """
        y = torch.arange(self.height, dtype=SOLVE, device=field.device)
        x = torch.arange(self.width, dtype=SOLVE, device=field.device)
        left: Tensor = torch.linalg.pinv(self.rows(y))
        right: Tensor = torch.linalg.pinv(self.columns(x))
        return (left @ field.to(SOLVE) @ right.mT).flatten(1)

    def holds(self, y: Tensor, x: Tensor) -> Tensor:
        """Return which points of the product grid lie in the domain, bool `(h, w)`."""
        rows = (y >= -_DOMAIN_START) & (y <= self.height + _DOMAIN_EXTRA - _DOMAIN_START)
        columns = (x >= -_DOMAIN_START) & (x <= self.width + _DOMAIN_EXTRA - _DOMAIN_START)
        return rows.unsqueeze(-1) & columns

    def holds_points(self, points: Tensor) -> Tensor:
        """Return which `points` `(m, 2)`, (x, y), lie in the domain, bool `(m,)`."""
        size = points.new_tensor([self.width, self.height])
        last = size + (_DOMAIN_EXTRA - _DOMAIN_START)
        return ((points >= -_DOMAIN_START) & (points <= last)).all(1)

    @cached_property
    def bending(self) -> Tensor:
        """Q `(K, K)`, K = control points: mean of (2) of one component = c^T Q c.

        (2)  E = 1/area  integral  u_xx^2 + 2 u_xy^2 + u_yy^2

        with u in px and derivatives by mm: px^2 / mm^4.

        Source: Rueckert et al. 1999, eq. 5 (the factor 2 belongs to the mixed term); integrated
        in closed form cell by cell. Its null space is 1, x, y.
        """
        axes = []
        for pixels, control in ((self.height, self.control[0]), (self.width, self.control[1])):
            cells, length = control - 3, (pixels + _DOMAIN_EXTRA) / (control - 3)
            axes.append([_spline.product_integrals(cells, length, order) for order in range(3)])
        (y0, y1, y2), (x0, x1, x2) = axes
        area = (self.height + _DOMAIN_EXTRA) * (self.width + _DOMAIN_EXTRA)
        by_x, by_y = (1.0 / side**2 for side in self.spacing)
        across, down = by_x**2 * torch.kron(y0, x2), by_y**2 * torch.kron(y2, x0)
        return (across + 2.0 * by_x * by_y * torch.kron(y1, x1) + down) / area


def _domain_weights(place: Tensor, pixels: int, control: int, order: int = 0) -> Tensor:
    """Return the basis of one axis, or its derivative by px, at `place` `(n,)`, px."""
    cells = control - 3
    per_px = cells / (pixels + _DOMAIN_EXTRA)
    position = (place + _DOMAIN_START) / (pixels + _DOMAIN_EXTRA) * cells
    weights = _spline.knot_weights(position, cells, order)
    return weights if order == 0 else weights * per_px**order
