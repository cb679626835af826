"""The families of transforms, each a linear or nonlinear map from parameters to a tensor basis.

Every displacement of every family is written as one sum of separable functions,

(1)  u_d(x, y; p) = sum_ab c_dab(p) Y_a(y) X_b(x),    d in (x, y),

with Y, X = {1, scaled coordinate} for the linear families and B-splines for the FFD. So mapping
points is two small matrix products, and the normal equations of all families come from the same
moments of (1) (`_normal_equations`).

Parameters are float64, `(B, size)`, each in px: the translation of the centre, and for the other
linear parameters the displacement that they cause at distance `radius` (half the longer side)
from the centre. An FFD's parameters are its control displacements, x then y, column fastest.
Points map from fixed to moving, `(x, y)` order, pixel origin, unless "centred" is said.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import torch
from torch import Tensor

from irgate_solver import _spline
from irgate_solver._precision import SOLVE

PROBES = 5
"""Steps are measured on this many points per axis, corners included."""

# ITK's BSplineTransformInitializer widens the image's extent, itself half a pixel beyond the outer
# pixel centres, by an eighth of a pixel on each side.
_DOMAIN_START = 0.625
_DOMAIN_EXTRA = 0.25


class Warp(Protocol):
    """What the solver asks of a family on a fixed image of `height` x `width` pixels."""

    @property
    def height(self) -> int:
        """Return the fixed image's height, px."""
        ...

    @property
    def width(self) -> int:
        """Return the fixed image's width, px."""
        ...

    @property
    def name(self) -> str:
        """Return the family's name, as `register` takes it."""
        ...

    @property
    def size(self) -> int:
        """Return the number of parameters."""
        ...

    def rows(self, y: Tensor) -> Tensor:
        """Return Y of (1) at `y` `(n,)`, px: `(n, a)`."""
        ...

    def columns(self, x: Tensor) -> Tensor:
        """Return X of (1) at `x` `(n,)`, px: `(n, b)`."""
        ...

    def coefficients(self, p: Tensor) -> Tensor:
        """Return c of (1), `(B, 2, a, b)`, px."""
        ...

    def jacobian(self, p: Tensor) -> Tensor | None:
        """Return dc/dp, `(B, 2ab, size)`, or None where it is the identity."""
        ...

    def bend(self, p: Tensor, moments: Tensor) -> Tensor | None:
        """Return sum_k moments_k d^2 c_k / dp^2, `(B, size, size)`; None where c is linear in p."""
        ...


def displacement(warp: Warp, p: Tensor, y: Tensor, x: Tensor) -> Tensor:
    """Return (1) on the product grid of `y` `(h,)` and `x` `(w,)`, px: `(B, 2, h, w)`."""
    return warp.rows(y) @ (warp.coefficients(p) @ warp.columns(x).mT)


def mapped(warp: Warp, p: Tensor, y: Tensor, x: Tensor) -> Tensor:
    """Return T(x) = x + u(x) on the product grid of `y` and `x`: `(B, 2, h, w)`, px."""
    points = displacement(warp, p, y, x)
    points[:, 0] += x
    points[:, 1] += y.unsqueeze(-1)
    return points


class Probes:
    """A few points of the fixed image, corners included, on which maps are compared."""

    def __init__(self, warp: Warp, device: torch.device) -> None:
        self.warp = warp
        y = torch.linspace(0, warp.height - 1, PROBES, dtype=SOLVE, device=device)
        x = torch.linspace(0, warp.width - 1, PROBES, dtype=SOLVE, device=device)
        self.rows, self.columns = warp.rows(y), warp.columns(x).mT

    def travel(self, before: Tensor, after: Tensor) -> Tensor:
        """Return the largest distance, px, between two maps over the probes: `(B,)`."""
        change = self.warp.coefficients(after) - self.warp.coefficients(before)
        shift = self.rows @ (change @ self.columns)
        return shift.square().sum(1).amax((1, 2)).sqrt()


@dataclass(frozen=True)
class _Linear:
    """What the linear families share: the basis {1, eta} x {1, xi} about the image centre."""

    height: int
    width: int

    @property
    def radius(self) -> float:
        """Half the longer side, px: the unit of the centred, scaled coordinates."""
        return max(self.height, self.width) / 2.0

    @property
    def centre(self) -> tuple[float, float]:
        """Centre `(x, y)`, px."""
        return (self.width - 1) / 2.0, (self.height - 1) / 2.0

    def rows(self, y: Tensor) -> Tensor:
        eta = (y - self.centre[1]) / self.radius
        return torch.stack((torch.ones_like(eta), eta), -1)

    def columns(self, x: Tensor) -> Tensor:
        xi = (x - self.centre[0]) / self.radius
        return torch.stack((torch.ones_like(xi), xi), -1)

    def coefficients(self, p: Tensor) -> Tensor:
        raise NotImplementedError

    def bend(self, p: Tensor, moments: Tensor) -> Tensor | None:
        return None

    def centred(self, p: Tensor) -> tuple[Tensor, Tensor]:
        """Return `(A, t)`, `(B, 2, 2)` and `(B, 2)`: T(x) = A (x - centre) + centre + t."""
        c = self.coefficients(p)
        linear = torch.stack((c[:, :, 0, 1], c[:, :, 1, 0]), -1) / self.radius
        return linear + torch.eye(2, dtype=p.dtype, device=p.device), c[:, :, 0, 0]

    def matrix(self, p: Tensor) -> Tensor:
        """Return the homogeneous matrix about the pixel origin, `(B, 3, 3)`; differentiable."""
        linear, shift = self.centred(p)
        centre = p.new_tensor(self.centre)
        origin = shift + centre - linear @ centre
        top = torch.cat((linear, origin.unsqueeze(-1)), -1)
        bottom = p.new_tensor([0.0, 0.0, 1.0]).expand(len(p), 1, 3)
        return torch.cat((top, bottom), 1)

    def from_centred(self, linear: Tensor, shift: Tensor) -> Tensor:
        """Return the parameters of the family's member nearest to `(A, t)`, `(B, size)`."""
        raise NotImplementedError

    def from_matrix(self, matrix: Tensor) -> Tensor:
        """Return parameters from `(B, 3, 3)` about the pixel origin; the inverse of `matrix`."""
        linear = matrix[:, :2, :2]
        centre = matrix.new_tensor(self.centre)
        return self.from_centred(linear, matrix[:, :2, 2] - centre + linear @ centre)

    def compose_inverse(self, p: Tensor, step: Tensor) -> Tensor:
        """Return the parameters of T(p) o T(step)^-1, the inverse increment applied first.

        Baker & Matthews 2004, section 3.2: the increment was found on the fixed image's side, so
        its inverse stands on the right.
        """
        linear, shift = self.centred(p)
        step_linear, step_shift = self.centred(step)
        composed = torch.linalg.solve_ex(step_linear, linear, left=False)[0]
        return self.from_centred(
            composed, shift - (composed @ step_shift.unsqueeze(-1)).squeeze(-1)
        )


# Rows of the flattened coefficients (d, a, b): (0,0,0) x-shift, (0,0,1) x by xi, (0,1,0) x by eta,
# (0,1,1) unused, then the same for y.
_X_SHIFT, _X_XI, _X_ETA, _Y_SHIFT, _Y_XI, _Y_ETA = 0, 1, 2, 4, 5, 6


@dataclass(frozen=True)
class Translation(_Linear):
    """T(x) = x + (p0, p1)."""

    name = "translation"
    size = 2

    def coefficients(self, p: Tensor) -> Tensor:
        c = p.new_zeros(len(p), 8)
        return c.index_copy(1, _index(p, _X_SHIFT, _Y_SHIFT), p).view(-1, 2, 2, 2)

    def jacobian(self, p: Tensor) -> Tensor:
        return _selection(p, (_X_SHIFT, _Y_SHIFT))

    def from_centred(self, linear: Tensor, shift: Tensor) -> Tensor:
        return shift


@dataclass(frozen=True)
class Affine(_Linear):
    """T(x) = x + (p0, p1) + ((p2 xi + p3 eta), (p4 xi + p5 eta))."""

    name = "affine"
    size = 6

    def coefficients(self, p: Tensor) -> Tensor:
        c = p.new_zeros(len(p), 8)
        return c.index_copy(1, _index(p, *self._order), p).view(-1, 2, 2, 2)

    def jacobian(self, p: Tensor) -> Tensor:
        return _selection(p, self._order)

    _order = (_X_SHIFT, _Y_SHIFT, _X_XI, _X_ETA, _Y_XI, _Y_ETA)

    def from_centred(self, linear: Tensor, shift: Tensor) -> Tensor:
        rest = (linear - torch.eye(2, dtype=linear.dtype, device=linear.device)) * self.radius
        return torch.cat((shift, rest.flatten(1)), 1)


@dataclass(frozen=True)
class Rigid(_Linear):
    """T(x) = R(p2 / radius) (x - centre) + centre + (p0, p1), R = [[cos, -sin], [sin, cos]]."""

    name = "rigid"
    size = 3

    def coefficients(self, p: Tensor) -> Tensor:
        angle = p[:, 2] / self.radius
        turn, sine = (torch.cos(angle) - 1.0) * self.radius, torch.sin(angle) * self.radius
        zero = torch.zeros_like(sine)
        entries = (p[:, 0], turn, -sine, zero, p[:, 1], sine, turn, zero)
        return torch.stack(entries, -1).view(-1, 2, 2, 2)

    def jacobian(self, p: Tensor) -> Tensor:
        angle = p[:, 2] / self.radius
        cosine, sine = torch.cos(angle), torch.sin(angle)
        zero = torch.zeros_like(sine)
        by_angle = torch.stack((zero, -sine, -cosine, zero, zero, cosine, -sine, zero), -1)
        shifts = _selection(p, (_X_SHIFT, _Y_SHIFT))
        return torch.cat((shifts, by_angle.unsqueeze(-1)), -1)

    def bend(self, p: Tensor, moments: Tensor) -> Tensor:
        angle = p[:, 2] / self.radius
        cosine, sine = torch.cos(angle) / self.radius, torch.sin(angle) / self.radius
        zero = torch.zeros_like(sine)
        twice = torch.stack((zero, -cosine, sine, zero, zero, -sine, -cosine, zero), -1)
        result = p.new_zeros(len(p), 3, 3)
        result[:, 2, 2] = (twice * moments).sum(-1)
        return result

    def from_centred(self, linear: Tensor, shift: Tensor) -> Tensor:
        # The angle of the rotation nearest to A in the Frobenius norm (2-D Procrustes).
        angle = torch.atan2(linear[:, 1, 0] - linear[:, 0, 1], linear[:, 0, 0] + linear[:, 1, 1])
        return torch.cat((shift, (angle * self.radius).unsqueeze(-1)), 1)


@dataclass(frozen=True)
class FreeForm:
    """A grid of cubic B-spline control displacements over SimpleITK's domain.

    Along an axis of N pixels the domain starts 0.625 px before the first pixel centre and is
    N + 0.25 px long, cut into `control - 3` cells: what `BSplineTransformInitializer` sets up.

    Attributes:
        height, width: the fixed image, px.
        control: number of control points (rows, columns), at least 4 each.

    """

    height: int
    width: int
    control: tuple[int, int] = (4, 4)

    name = "ffd"

    @property
    def size(self) -> int:
        return 2 * self.control[0] * self.control[1]

    def rows(self, y: Tensor) -> Tensor:
        return _domain_weights(y, self.height, self.control[0])

    def columns(self, x: Tensor) -> Tensor:
        return _domain_weights(x, self.width, self.control[1])

    def coefficients(self, p: Tensor) -> Tensor:
        return p.view(-1, 2, *self.control)

    def jacobian(self, p: Tensor) -> None:
        return None

    def bend(self, p: Tensor, moments: Tensor) -> None:
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

    @cached_property
    def bending(self) -> Tensor:
        """Q `(K, K)`, K = control points: mean bending energy = sum over x, y of c^T Q c, px^-2.

        (2)  E = 1/area  integral  u_xx^2 + 2 u_xy^2 + u_yy^2

        Source: Rueckert et al. 1999, eq. 5 (the factor 2 belongs to the mixed term); integrated
        in closed form cell by cell. Its null space is 1, x, y.
        """
        axes = []
        for pixels, control in ((self.height, self.control[0]), (self.width, self.control[1])):
            cells, length = control - 3, (pixels + _DOMAIN_EXTRA) / (control - 3)
            axes.append([_spline.product_integrals(cells, length, order) for order in range(3)])
        (y0, y1, y2), (x0, x1, x2) = axes
        area = (self.height + _DOMAIN_EXTRA) * (self.width + _DOMAIN_EXTRA)
        return (torch.kron(y0, x2) + 2.0 * torch.kron(y1, x1) + torch.kron(y2, x0)) / area


LinearWarp = Translation | Rigid | Affine

LINEAR: dict[str, type[Translation] | type[Rigid] | type[Affine]] = {
    "translation": Translation,
    "rigid": Rigid,
    "affine": Affine,
}
MODELS = (*LINEAR, "ffd")


def _index(like: Tensor, *entries: int) -> Tensor:
    return torch.tensor(entries, device=like.device)


def _selection(p: Tensor, entries: tuple[int, ...]) -> Tensor:
    """Return dc/dp where parameter k is coefficient `entries[k]`, `(B, 8, len(entries))`."""
    matrix = p.new_zeros(len(p), 8, len(entries))
    matrix[:, _index(p, *entries), torch.arange(len(entries), device=p.device)] = 1.0
    return matrix


def _domain_weights(place: Tensor, pixels: int, control: int) -> Tensor:
    cells = control - 3
    return _spline.knot_weights((place + _DOMAIN_START) / (pixels + _DOMAIN_EXTRA) * cells, cells)
