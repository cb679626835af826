"""Translations, rotations, similarities and affine maps about the fixed image's centre.

All are sums over the basis {1, eta} x {1, xi}, the centred coordinates over `radius`; the equation
and the units of the parameters stand in `_warps`.

A turn is one of mm, not of pixels, where a pixel is not square. With S = diag(spacing) it is

(1)  A = S^-1 R S = [[cos, -a sin], [sin / a, cos]],    a = spacing y / spacing x,

a group as R is, so that all else stays as it is.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor

from irgate_solver._precision import SOLVE
from irgate_solver._size_cache import cached_by_size


@dataclass(frozen=True)
class _Linear(ABC):
    """What the linear families share: the basis {1, eta} x {1, xi} about the image centre.

    Attributes:
        height, width: of the fixed image, px.
        spacing: of the pixels of both images, (x, y), mm.

    """

    height: int
    width: int
    spacing: tuple[float, float] = (1.0, 1.0)

    @property
    def aspect(self) -> float:
        """A pixel's height over its width: a of (1)."""
        return self.spacing[1] / self.spacing[0]

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

    def row_slopes(self, y: Tensor) -> Tensor:
        return self._slopes(y)

    def column_slopes(self, x: Tensor) -> Tensor:
        return self._slopes(x)

    def _slopes(self, place: Tensor) -> Tensor:
        return torch.stack((torch.zeros_like(place), torch.full_like(place, 1 / self.radius)), -1)

    @abstractmethod
    def coefficients(self, p: Tensor) -> Tensor:
        """Return the basis's coefficients of the displacement; see `_warps`."""

    def second_order(self, p: Tensor, moments: Tensor) -> Tensor | None:
        return None

    def centred(self, p: Tensor) -> tuple[Tensor, Tensor]:
        """Return `(A, t)`, `(B, 2, 2)` and `(B, 2)`: T(x) = A (x - centre) + centre + t."""
        c = self.coefficients(p)
        linear = torch.stack((c[:, :, 0, 1], c[:, :, 1, 0]), -1) / self.radius
        return linear + _unit(p.device), c[:, :, 0, 0]

    def matrix(self, p: Tensor) -> Tensor:
        """Return the homogeneous matrix about the pixel origin, `(B, 3, 3)`; differentiable."""
        identity, by_coefficient = _homogeneous(self.centre, self.radius, p.device)
        return torch.addmm(identity, self.coefficients(p).flatten(1), by_coefficient).view(-1, 3, 3)

    @abstractmethod
    def from_centred(self, linear: Tensor, shift: Tensor) -> Tensor:
        """Return the parameters of the family's member nearest to `(A, t)`, `(B, size)`."""

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
_SHIFTS = (_X_SHIFT, _Y_SHIFT)
_ALL = (_X_SHIFT, _Y_SHIFT, _X_XI, _X_ETA, _Y_XI, _Y_ETA)


@dataclass(frozen=True)
class Translation(_Linear):
    """T(x) = x + (p0, p1)."""

    name = "translation"
    size = 2

    def coefficients(self, p: Tensor) -> Tensor:
        return (p @ _selection(_SHIFTS, p.device).mT).view(-1, 2, 2, 2)

    def jacobian(self, p: Tensor) -> Tensor:
        return _selection(_SHIFTS, p.device).expand(len(p), 8, 2)

    def from_centred(self, linear: Tensor, shift: Tensor) -> Tensor:
        return shift

    def compose_inverse(self, p: Tensor, step: Tensor) -> Tensor:
        return p - step


@dataclass(frozen=True)
class Affine(_Linear):
    """T(x) = x + (p0, p1) + ((p2 xi + p3 eta), (p4 xi + p5 eta))."""

    name = "affine"
    size = 6

    def coefficients(self, p: Tensor) -> Tensor:
        return (p @ _selection(_ALL, p.device).mT).view(-1, 2, 2, 2)

    def jacobian(self, p: Tensor) -> Tensor:
        return _selection(_ALL, p.device).expand(len(p), 8, 6)

    def centred(self, p: Tensor) -> tuple[Tensor, Tensor]:
        return _unit(p.device) + p[:, 2:].reshape(-1, 2, 2) / self.radius, p[:, :2]

    def from_centred(self, linear: Tensor, shift: Tensor) -> Tensor:
        rest = (linear - _unit(linear.device)) * self.radius
        return torch.cat((shift, rest.flatten(1)), 1)


@dataclass(frozen=True)
class Similarity(_Linear):
    """T(x) = x + (p0, p1) + (p2 xi - p3 eta, p3 xi + p2 eta): a turn and one scale.

    The linear part is (1 + p2 / radius, p3 / radius) as a complex number: linear in p, and a group.
    Where pixels are not square p3 is weighed as the sine of (1).
    """

    name = "similarity"
    size = 4

    def coefficients(self, p: Tensor) -> Tensor:
        return (p @ _conformal(self.aspect, p.device)).view(-1, 2, 2, 2)

    def jacobian(self, p: Tensor) -> Tensor:
        return _conformal(self.aspect, p.device).mT.expand(len(p), 8, 4)

    def from_centred(self, linear: Tensor, shift: Tensor) -> Tensor:
        # The nearest in the Frobenius norm: means of the two diagonals.
        scale = 0.5 * (linear[:, 0, 0] + linear[:, 1, 1]) - 1.0
        turn = 0.5 * (linear[:, 1, 0] * self.aspect - linear[:, 0, 1] / self.aspect)
        return torch.cat((shift, torch.stack((scale, turn), 1) * self.radius), 1)


@dataclass(frozen=True)
class Rigid(_Linear):
    """T(x) = A(p2 / radius) (x - centre) + centre + (p0, p1), A the turn (1)."""

    name = "rigid"
    size = 3

    def coefficients(self, p: Tensor) -> Tensor:
        shift, turn = p.split_with_sizes((2, 1), 1)
        angle = turn / self.radius
        terms = torch.cat((shift, angle.cos() - 1.0, angle.sin()), 1)
        return (terms @ _turning(self.radius, self.aspect, p.device)).view(-1, 2, 2, 2)

    def jacobian(self, p: Tensor) -> Tensor:
        angle = p[:, 2:] / self.radius
        by_angle = (
            torch.cat((-angle.sin(), angle.cos()), 1)
            @ _turning(self.radius, self.aspect, p.device)[2:]
        )
        shifts = _selection(_SHIFTS, p.device).expand(len(p), 8, 2)
        return torch.cat((shifts, by_angle.unsqueeze(-1) / self.radius), -1)

    def second_order(self, p: Tensor, moments: Tensor) -> Tensor:
        angle = p[:, 2:] / self.radius
        twice = (
            torch.cat((-angle.cos(), -angle.sin()), 1)
            @ _turning(self.radius, self.aspect, p.device)[2:]
        )
        result = p.new_zeros(len(p), 3, 3)
        result[:, 2, 2] = (twice * moments).sum(-1) / self.radius**2
        return result

    def from_centred(self, linear: Tensor, shift: Tensor) -> Tensor:
        # The angle of the rotation nearest to S A S^-1 in the Frobenius norm (2-D Procrustes).
        sine = linear[:, 1, 0] * self.aspect - linear[:, 0, 1] / self.aspect
        angle = torch.atan2(sine, linear[:, 0, 0] + linear[:, 1, 1])
        return torch.cat((shift, (angle * self.radius).unsqueeze(-1)), 1)

    def compose_inverse(self, p: Tensor, step: Tensor) -> Tensor:
        # R(a) R(b)^-1 = R(a - b), and the step's shift is turned by that.
        from_shift, from_turn = p.split_with_sizes((2, 1), 1)
        shift, turn = step.split_with_sizes((2, 1), 1)
        left = from_turn - turn
        angle = left / self.radius
        x, y = shift.split_with_sizes((1, 1), 1)
        crossed = torch.cat((-y * self.aspect, x / self.aspect), 1)
        turned = angle.cos() * shift + angle.sin() * crossed
        return torch.cat((from_shift - turned, left), 1)


@cached_by_size
def _selection(entries: tuple[int, ...], device: torch.device) -> Tensor:
    """Return dc/dp where parameter k is coefficient `entries[k]`, `(8, len(entries))`."""
    matrix = torch.zeros(8, len(entries), dtype=SOLVE)
    matrix[list(entries), list(range(len(entries)))] = 1.0
    return matrix.to(device)


@cached_by_size
def _conformal(aspect: float, device: torch.device) -> Tensor:
    """Return the matrix from a similarity's parameters to the coefficients, `(4, 8)`."""
    matrix = torch.zeros(4, 8, dtype=SOLVE)
    matrix[0, _X_SHIFT] = matrix[1, _Y_SHIFT] = 1.0
    matrix[2, _X_XI] = matrix[2, _Y_ETA] = 1.0
    matrix[3, _X_ETA], matrix[3, _Y_XI] = -aspect, 1.0 / aspect
    return matrix.to(device)


@cached_by_size
def _turning(radius: float, aspect: float, device: torch.device) -> Tensor:
    """Return the matrix from (shift x, shift y, cos - 1, sin) to the coefficients, `(4, 8)`."""
    matrix = torch.zeros(4, 8, dtype=SOLVE)
    matrix[0, _X_SHIFT] = matrix[1, _Y_SHIFT] = 1.0
    matrix[2, _X_XI] = matrix[2, _Y_ETA] = radius
    matrix[3, _X_ETA], matrix[3, _Y_XI] = -radius * aspect, radius / aspect
    return matrix.to(device)


@cached_by_size
def _homogeneous(
    centre: tuple[float, float], radius: float, device: torch.device
) -> tuple[Tensor, Tensor]:
    """Return the identity's matrix, `(1, 9)`, and the change by each coefficient, `(8, 9)`.

    xi = (x - centre x) / radius, so a coefficient c of xi adds c / radius to the matrix's entry of
    x and subtracts c / radius * centre x from the entry of the shift.
    """
    adds = torch.zeros(2, 2, 2, 3, 3, dtype=SOLVE)
    for axis in (0, 1):
        adds[axis, 0, 0, axis, 2] = 1.0
        adds[axis, 0, 1, axis, 0] = adds[axis, 1, 0, axis, 1] = 1.0 / radius
        adds[axis, 0, 1, axis, 2], adds[axis, 1, 0, axis, 2] = (-c / radius for c in centre)
    return torch.eye(3, dtype=SOLVE).view(1, 9).to(device), adds.view(8, 9).to(device)


@cached_by_size
def _unit(device: torch.device) -> Tensor:
    return torch.eye(2, dtype=SOLVE, device=device)
