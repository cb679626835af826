"""Translations, rotations and affine maps about the fixed image's centre.

All are sums over the basis {1, eta} x {1, xi}, the centred coordinates over `radius`; the equation
and the units of the parameters stand in `_warps`.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class _Linear(ABC):
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

    @abstractmethod
    def coefficients(self, p: Tensor) -> Tensor:
        """Return the basis's coefficients of the displacement; see `_warps`."""

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


def _index(like: Tensor, *entries: int) -> Tensor:
    return torch.tensor(entries, device=like.device)


def _selection(p: Tensor, entries: tuple[int, ...]) -> Tensor:
    """Return dc/dp where parameter k is coefficient `entries[k]`, `(B, 8, len(entries))`."""
    matrix = p.new_zeros(len(p), 8, len(entries))
    matrix[:, _index(p, *entries), torch.arange(len(entries), device=p.device)] = 1.0
    return matrix
