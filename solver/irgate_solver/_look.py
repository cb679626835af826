"""Looks at one level by the compiled kernel: the forward-additive and the inverse-compositional.

A `Look` holds what stays the same from one trial point to the next; a call brings the transform. It
gives what the problems of `_lucas_kanade` and `_template` make in torch, which these take where
the kernel does not serve.
"""

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from irgate_solver import _native, _sampling
from irgate_solver._metrics import Huber, Metric, correlation, squared_differences
from irgate_solver._normal_equations import Basis
from irgate_solver._precision import SOLVE
from irgate_solver._pyramid import MOST_HIDDEN, Level
from irgate_solver._size_cache import cached_by_size

SAMPLERS = {_sampling.Linear: 0, _sampling.Cubic: 1, _sampling.CatmullRom: 2}
"""The kernel's numbers of samplers. A class derived from one of these is another sampler."""
SSD, HUBER, NCC = range(3)
"""The kernel's numbers of metrics."""
Sides = tuple[int, int]


def number_of(metric: Metric) -> int | None:
    """Return the kernel's number of a metric; None where it does not know it."""
    if isinstance(metric, Huber):
        return HUBER
    if metric is correlation:
        return NCC
    return SSD if metric is squared_differences else None


@dataclass(frozen=True)
class Sums:
    """What a look gives; the types are `Linearisation`'s.

    Attributes:
        objective, rounding, overlap: `(B,)`.
        gradient: by the parameters, `(B, n)`.
        by_coefficients: the gradient by the coefficients, `(B, 2ab)`.
        normal: the matrix by the parameters, `(B, n, n)`; empty where none was asked for.

    """

    objective: Tensor
    rounding: Tensor
    overlap: Tensor
    gradient: Tensor
    by_coefficients: Tensor
    normal: Tensor


class Look:
    """Images, basis and metric of one level, as the kernel takes them.

    Args:
        basis: the family's, on the level's grid.
        level: its images.
        metric: of single pixels.
        trusted: number of trusted fixed pixels of each pair, `(B,)`, float64.

    """

    def __init__(self, basis: Basis, level: Level, metric: Metric, trusted: Tensor) -> None:
        self.dtype, self.shape = level.fixed.dtype, tuple(level.fixed.shape)
        self.batch = len(level.fixed)
        self.functions = basis.rows.shape[1], basis.columns.shape[1]
        begun, kept = _begun(basis)
        self.arguments = arguments = _native.Arguments.from_buffer_copy(begun)
        self._kept: dict[str, Tensor] = dict(kept)
        arguments.batch, arguments.height, arguments.width = self.shape
        arguments.scale = level.scale
        self._give("fixed", level.fixed, self.shape, self.dtype)
        self._give("trusted", trusted, (self.batch,), SOLVE)
        number = number_of(metric)
        assert number is not None
        arguments.metric = number
        if isinstance(metric, Huber):
            self._give("huber", metric.width.to(SOLVE), (self.batch,), SOLVE)

    def weigh(self, weights: Tensor | None, *, frozen: bool) -> None:
        """Set the fixed pixels that count: 0/1, `(B, h, w)`, or None for all.

        Args:
            weights: the pixels.
            frozen: whether they count wherever they map to, or only where they map inside.

        """
        self.arguments.frozen, self.arguments.weights = frozen, None
        if weights is not None:
            self._give("weights", weights, self.shape, self.dtype)

    def see(self, sides: Sides, extent: Sides, margin: float) -> None:
        """Set where points count: within `margin` px of the border of `extent` and farther inside.

        Args:
            sides: (height, width) of the level's moving images.
            extent: (height, width), px, of what their outermost samples span, and one more.
            margin: px; negative for a band beyond.

        """
        arguments = self.arguments
        arguments.rows, arguments.columns = sides
        arguments.middle_y, arguments.middle_x = ((side - 1) / 2.0 for side in extent)
        arguments.half_y = arguments.middle_y - margin
        arguments.half_x = arguments.middle_x - margin

    def sample(self, sampler: _sampling.Sampler) -> None:
        """Set what is looked up."""
        kind = SAMPLERS[type(sampler)]
        self.arguments.sampler = kind
        batch, height, width = sampler.image.shape
        if isinstance(sampler, _sampling.Cubic):
            shape = (batch, height + 4, width + 4)
            self._give("moving", sampler.framed, shape, self.dtype)
        else:
            self._give("moving", sampler.image, (batch, height, width), self.dtype)

    def hide(self, hidden: Tensor | None) -> None:
        """Set the moving pixels that do not count, 0/1, `(B, h', w')`."""
        if hidden is not None:
            sides = self.arguments.rows, self.arguments.columns
            self._give("hidden", hidden, (self.batch, *sides), self.dtype)
            self.arguments.most_hidden = MOST_HIDDEN

    def steer(self, slopes: Tensor) -> None:
        """Set slopes `(B, 2, h, w)` that take the place of the moving image's."""
        _, height, width = self.shape
        self._give("slopes", slopes, (self.batch, 2, height, width), self.dtype)

    def __call__(
        self,
        coefficients: Tensor,
        jacobian: Tensor | None,
        *,
        matrix: bool,
        exact: bool = False,
        active: Sequence[bool] | None = None,
    ) -> Sums:
        """Return figures, gradient and matrix at the transform of `coefficients` `(B, 2, a, b)`.

        Args:
            coefficients: of the displacement, px.
            jacobian: theirs by the parameters, `(B, 2ab, n)`; None for the identity.
            matrix: whether a matrix is asked for.
            exact: whether it is the Hessian, and not the Gauss-Newton matrix.
            active: for each pair whether to look at it; zeros are returned for the others. None to
                look at all.

        """
        batch, arguments = self.batch, self.arguments
        many = 2 * self.functions[0] * self.functions[1]
        n = many if jacobian is None else jacobian.shape[2]
        self._move(coefficients)
        arguments.jacobian = None
        if jacobian is not None:
            self._give("jacobian", jacobian, (batch, many, n), SOLVE)
        arguments.size, arguments.matrix, arguments.exact = n, matrix, exact
        arguments.active = None
        if active is not None:
            self._give("active", torch.tensor(active).long(), (batch,), torch.int64)
        sums = self._sums(n, many, matrix=matrix)
        _native.call("irgate_look", self.dtype, ctypes.byref(arguments))
        return sums

    def descend(
        self,
        rules: _native.Rules,
        size: int,
        *,
        steady: tuple[Tensor, Tensor] | None,
        exact: bool,
    ) -> Sums:
        """Descend by the rules, whose `p` and what is told of each pair are overwritten.

        Args:
            rules: with all but what depends on the form.
            size: number of parameters, n.
            steady, exact: as `_compiled_descent.descend` takes them.
        Returns: figures, gradient and matrix where the descents ended.

        """
        batch, arguments = self.batch, self.arguments
        coefficients = torch.empty(batch, 8, dtype=SOLVE)
        rules.coefficients = arguments.coefficients = coefficients.data_ptr()
        if steady is None:
            jacobian = torch.empty(batch, 8, size, dtype=SOLVE)
            rules.jacobian = arguments.jacobian = jacobian.data_ptr()
        else:
            self._give("jacobian", steady[0], (batch, 8, size), SOLVE)
            matrix = _native.checked("normal", steady[1], (batch, size, size), SOLVE)
            rules.steady = matrix.data_ptr()
        arguments.size, arguments.matrix, arguments.exact = size, steady is None, exact
        arguments.active = None
        sums = self._sums(size, 8, matrix=steady is None)
        _native.call("irgate_descend", self.dtype, ctypes.byref(arguments), ctypes.byref(rules))
        return sums

    def _sums(self, size: int, many: int, *, matrix: bool) -> Sums:
        """Return zeros for what the kernel gives, and tell it of them.

        Args:
            size, many: number of parameters, and of coefficients.
            matrix: whether there is one.

        """
        batch, arguments = self.batch, self.arguments
        figures = torch.zeros(3, batch, dtype=SOLVE)
        gradient = torch.zeros(batch, size, dtype=SOLVE)
        by_coefficients = torch.zeros(batch, many, dtype=SOLVE)
        normal = torch.zeros(batch, size if matrix else 0, size, dtype=SOLVE)
        arguments.figures, arguments.by_parameters = figures.data_ptr(), gradient.data_ptr()
        arguments.by_coefficients, arguments.normal = by_coefficients.data_ptr(), normal.data_ptr()
        objective, rounding, overlap = figures.unbind()
        return Sums(objective, rounding, overlap, gradient, by_coefficients, normal)

    def objective(self, coefficients: Tensor) -> Tensor:
        """Return the objective alone, `(B,)`."""
        self._move(coefficients)
        arguments = self.arguments
        arguments.matrix, arguments.by_parameters, arguments.active = 0, None, None
        figures = torch.empty(3, self.batch, dtype=SOLVE)
        arguments.figures = figures.data_ptr()
        _native.call("irgate_look", self.dtype, ctypes.byref(arguments))
        return figures[0]

    def warp(self, coefficients: Tensor) -> tuple[Tensor, Tensor]:
        """Return the moving image at T(x), and 0/1 weights of the pixels that count."""
        moved = torch.empty(self.shape, dtype=self.dtype)
        self.arguments.moved = moved.data_ptr()
        return moved, self._valid(coefficients)

    def inside(self, coefficients: Tensor) -> Tensor:
        """Return 0/1 weights of the pixels that count, `(B, h, w)`."""
        self.arguments.moved = None
        return self._valid(coefficients)

    def _valid(self, coefficients: Tensor) -> Tensor:
        self._move(coefficients)
        valid = torch.empty(self.shape, dtype=self.dtype)
        self.arguments.valid = valid.data_ptr()
        _native.call("irgate_warp", self.dtype, ctypes.byref(self.arguments))
        return valid

    def _move(self, coefficients: Tensor) -> None:
        self._give("coefficients", coefficients, (self.batch, 2, *self.functions), SOLVE)

    def _give(self, name: str, tensor: Tensor, shape: tuple[int, ...], dtype: torch.dtype) -> None:
        """Hand the kernel a tensor, and keep it as long as it may be read."""
        self._kept[name] = _given(self.arguments, name, tensor, shape, dtype)


@cached_by_size
def _begun(basis: Basis) -> tuple[_native.Arguments, dict[str, Tensor]]:
    """Return the arguments that depend on the basis alone, and the tensors that they point to."""
    compact, arguments = basis.compact, _native.Arguments()
    support, height, width = len(compact.row_values), len(basis.y), len(basis.x)
    arguments.row_functions, arguments.column_functions = (
        basis.rows.shape[1],
        basis.columns.shape[1],
    )
    arguments.functions = support
    given = {
        "y": (basis.y, (height,), SOLVE),
        "x": (basis.x, (width,), SOLVE),
        "row_values": (compact.row_values, (support, height), SOLVE),
        "column_values": (compact.column_values, (support, width), SOLVE),
        "row_cells": (compact.row_cells, (height,), torch.int64),
        "column_cells": (compact.column_cells, (width,), torch.int64),
    }
    return arguments, {name: _given(arguments, name, *what) for name, what in given.items()}


def _given(
    arguments: _native.Arguments,
    name: str,
    tensor: Tensor,
    shape: tuple[int, ...],
    dtype: torch.dtype,
) -> Tensor:
    """Point to a tensor, and return it as the kernel reads it."""
    tensor = _native.checked(name, tensor, shape, dtype)
    setattr(arguments, name, tensor.data_ptr())
    return tensor
