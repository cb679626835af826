"""The families of transforms, each a map from parameters to coefficients of a separable basis.

Every displacement of every family is written as one sum of separable functions,

(1)  u_d(x, y; p) = sum_ab c_dab(p) Y_a(y) X_b(x),    d in (x, y),

with Y, X = {1, scaled coordinate} for the linear families (`_linear`) and B-splines for the FFD
(`_free_form`). So mapping points is two small matrix products, and the normal equations of all
families come from the same moments of (1) (`_normal_equations`).

Parameters are float64, `(B, size)`, each in px: the translation of the centre, and for the other
linear parameters the displacement that they cause at distance `radius` (half the longer side)
from the centre. An FFD's parameters are its control displacements, x then y, column fastest.
Points map from fixed to moving, `(x, y)` order, pixel origin, unless "centred" is said.
"""

from typing import Protocol

import torch
from torch import Tensor

from irgate_solver._free_form import FreeForm
from irgate_solver._linear import Affine, Rigid, Similarity, Translation
from irgate_solver._precision import SOLVE
from irgate_solver._size_cache import cached_by_size

__all__ = [
    "LINEAR",
    "MODELS",
    "Affine",
    "FreeForm",
    "LinearWarp",
    "Rigid",
    "Similarity",
    "Translation",
    "Warp",
    "displacement",
    "length",
    "probes",
]

PROBES = 5
"""Number of points per axis on which the length of a step is measured, corners included."""


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
    def spacing(self) -> tuple[float, float]:
        """Return the spacing of both images' pixels, (x, y), mm."""
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

    def row_slopes(self, y: Tensor) -> Tensor:
        """Return the derivative of Y by y, px^-1, `(n, a)`."""
        ...

    def column_slopes(self, x: Tensor) -> Tensor:
        """Return the derivative of X by x, px^-1, `(n, b)`."""
        ...

    def coefficients(self, p: Tensor) -> Tensor:
        """Return c of (1), `(B, 2, a, b)`, px."""
        ...

    def jacobian(self, p: Tensor) -> Tensor | None:
        """Return dc/dp, `(B, 2ab, size)`, or None where it is the identity."""
        ...

    def second_order(self, p: Tensor, moments: Tensor) -> Tensor | None:
        """Return sum_k moments_k d^2 c_k / dp^2, `(B, size, size)`; None where c is linear in p."""
        ...


def displacement(warp: Warp, p: Tensor, y: Tensor, x: Tensor) -> Tensor:
    """Return (1) on the product grid of `y` `(h,)` and `x` `(w,)`, px: `(B, 2, h, w)`."""
    return warp.rows(y) @ (warp.coefficients(p) @ warp.columns(x).mT)


def length(warp: Warp, step: Tensor) -> Tensor:
    """Return how far `step` `(B, size)` moves the probe points at most, px: `(B,)`.

    To first order, and for a step from the identity.
    """
    shift = (step @ probes(warp, step.device)).view(len(step), 2, -1)
    lengths: Tensor = torch.linalg.vector_norm(shift, dim=1)
    return lengths.amax(1)


@cached_by_size
def probes(warp: Warp, device: torch.device) -> Tensor:
    """Return dT/dp at the identity on `PROBES` x `PROBES` points, `(size, 2 points)`."""
    y = torch.linspace(0, warp.height - 1, PROBES, dtype=SOLVE, device=device)
    x = torch.linspace(0, warp.width - 1, PROBES, dtype=SOLVE, device=device)
    values = torch.kron(warp.rows(y).mT.contiguous(), warp.columns(x).mT.contiguous())
    both = torch.kron(torch.eye(2, dtype=SOLVE, device=device), values)
    jacobian = warp.jacobian(torch.zeros(1, warp.size, dtype=SOLVE, device=device))
    return both if jacobian is None else torch.mm(jacobian[0].mT, both)


LinearWarp = Translation | Rigid | Similarity | Affine

LINEAR: dict[str, type[Translation] | type[Rigid] | type[Similarity] | type[Affine]] = {
    "translation": Translation,
    "rigid": Rigid,
    "similarity": Similarity,
    "affine": Affine,
}
MODELS = ("translation", "rigid", "affine", "ffd", "similarity")
