"""What `register` returns: a frozen transform, and figures that say how good it is."""

import enum
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from irgate_solver import _confidence, _sampling, _summary, _uncertainty
from irgate_solver._levenberg import CONVERGED, EXHAUSTED, SCHEDULED, STALLED
from irgate_solver._normal_equations import basis_of
from irgate_solver._objective import Objective
from irgate_solver._precision import SOLVE
from irgate_solver._pyramid import Level
from irgate_solver._warps import FreeForm, LinearWarp, Warp


class Status(enum.Enum):
    """How a solve ended; the value is a sentence that says what to do next."""

    CONVERGED = "The last step fell under the tolerance: this is a minimum, use it."
    STALLED = (
        "No step of any length lowers the objective beyond rounding: the point is a minimum to "
        "the precision of the images; pass float64 images if you need more digits."
    )
    SINGULAR = (
        "The images do not determine all parameters, some of which stayed at the start: choose a "
        "smaller model, trust more of the image, or give `bending` a weight."
    )
    SCHEDULED = (
        "All steps of the recipe were taken; it has no test of convergence: compare `objective` "
        "with another recipe's."
    )
    DOUBTFUL = (
        "The descent ended, but the detail of the two images does not agree there, too little of "
        "it is in view, or the transform folds: look at `warp(moving)` beside fixed before you "
        "use it, start closer with `init`, or take another metric or model."
    )
    EXHAUSTED = (
        "The iterations ran out before the step fell under the tolerance: raise `iterations`, or "
        "start closer with `init`."
    )

    def __str__(self) -> str:
        return self.value

    @property
    def settled(self) -> bool:
        """Whether the solve ended by itself, at a point that the images allow no better than.

        A doubtful one is not settled.
        """
        return self in (Status.CONVERGED, Status.STALLED)


STATUS_OF_CODE = {
    CONVERGED: Status.CONVERGED,
    STALLED: Status.STALLED,
    EXHAUSTED: Status.EXHAUSTED,
    SCHEDULED: Status.SCHEDULED,
}


def status_of(code: int, singular: bool) -> Status:
    """Return the status for a descent's end code.

    A singular normal matrix is reported instead of convergence, but not instead of running out of
    iterations.
    """
    if singular and code not in (EXHAUSTED, SCHEDULED):
        return Status.SINGULAR
    return STATUS_OF_CODE[code]


@dataclass(frozen=True, eq=False, repr=False)
class Result:
    """A transform from fixed to moving pixels, `(x, y)` order.

    For a batch every tensor has a leading axis B, and `status` and `iterations` one entry a pair.
    Tensors are float64, and attached to the graph where an input of `register` required grad.

    Attributes:
        model: the family's name.
        matrix: `(3, 3)` about the pixel origin on (x, y, 1); None for an FFD.
        control_points: control displacements of an FFD, `(2, rows, columns)`, x first, px; None
            for the linear families, and for a recipe that gives a displacement only.
        parameters: `(n,)`, px, in the order of the family (`_warps`); for a recipe that gives a
            displacement only, those of the family's nearest member.
        objective: value of the metric, in squared units of the given intensities ("ncc": none).
        overlap: valid fraction of the trusted fixed pixels.
        iterations: trial steps, one number per stage of the solve, coarsest first.
        reciprocal_condition: of the normal matrix scaled to unit diagonal; where the result is
            attached to a graph, of the Hessian that the gradient is solved with.

    """

    model: str
    matrix: Tensor | None
    control_points: Tensor | None
    parameters: Tensor
    objective: Tensor
    overlap: Tensor
    iterations: tuple[int, ...] | tuple[tuple[int, ...], ...]
    reciprocal_condition: Tensor
    _ended: tuple[Status, ...]
    _objective: Objective
    _levels: list[Level]
    _images: tuple[Tensor, Tensor]
    _batched: bool
    _dense: Tensor | None = None

    @cached_property
    def status(self) -> Status | tuple[Status, ...]:
        """How the solve ended, a sentence; a tuple for a batch.

        Where the descent ended by itself the images' detail is asked whether it agrees there, when
        the status is first read (`_confidence`): if not, it is `Status.DOUBTFUL`.
        """
        shown, folded = (figure.reshape(-1).tolist() for figure in (self.overlap, self.folded))
        doubtful = self._detail.doubtful(shown, folded)
        found = tuple(
            Status.DOUBTFUL if ended.settled and doubt else ended
            for ended, doubt in zip(self._ended, doubtful, strict=True)
        )
        return found if self._batched else found[0]

    @property
    def agreement(self) -> float | tuple[float, ...]:
        """How well the images' detail fits, about 1 where it does; NaN for very small images."""
        found = self._detail.agreement
        return found if self._batched else found[0]

    @property
    def drift(self) -> float | tuple[float, ...]:
        """How far the detail still asks to move, px of a coarser level; NaN where unknown."""
        found = self._detail.drift
        return found if self._batched else found[0]

    @property
    def correlation(self) -> Tensor:
        """Correlation of the fixed and the warped moving image over the valid pixels, -1 to 1."""
        return self._one(self._fit.correlation)

    @property
    def rmse(self) -> Tensor:
        """Root mean square difference over the valid pixels, in the fixed image's intensities.

        After the best gain and offset, unless the metric compares intensities as they are.
        """
        return self._one(self._fit.rmse)

    @cached_property
    def folded(self) -> Tensor:
        """Part of the fixed image's pixels at which T turns space inside out, 0 to 1.

        There the determinant of T's derivative, by differences to the next pixels, is not positive.
        """
        field = self._shown
        across = field[:, :, :-1, 1:] - field[:, :, :-1, :-1]
        down = field[:, :, 1:, :-1] - field[:, :, :-1, :-1]
        determinant = (1 + across[:, 0]) * (1 + down[:, 1]) - across[:, 1] * down[:, 0]
        return self._one((determinant <= 0).to(SOLVE).mean((1, 2)))

    def __repr__(self) -> str:
        return f"<Result: {self.model}, {self.size}>"

    def __str__(self) -> str:
        """Return six lines: what was found, how the solve ended, and how good it looks."""
        return _summary.lines(self)

    def displacement(self, shape: tuple[int, int] | None = None) -> Tensor:
        """Return u(x) = T(x) - x, `(H, W, 2)`, last axis (dx, dy), px; differentiable.

        Args:
            shape: `(H, W)` of the grid, from pixel (0, 0); the fixed image's where not given. An
                FFD moves nothing beyond its own domain, as in SimpleITK.

        """
        height, width = (
            (self._objective.warp.height, self._objective.warp.width) if shape is None else shape
        )
        field = self._field(int(height), int(width)).permute(0, 2, 3, 1)
        return field if self._batched else field[0]

    def warp(self, image: Tensor, *, outside: float = 0.0) -> Tensor:
        """Return `image` (the moving one, or any on its grid) seen on the fixed grid.

        Differentiable by the image and by the transform, with the sampler of the solve.

        Args:
            image: `(H', W')`, floating point, or `(B, H', W')` for a batch.
            outside: value where T(x) leaves [-0.5, N - 0.5).

        """
        if not isinstance(image, Tensor) or not image.is_floating_point():
            raise TypeError(
                f"Result.warp: image is {type(image).__name__}; expected a tensor of floats: "
                "convert it with torch.as_tensor(image).float()"
            )
        planes = image if image.dim() == 3 else image[None]
        height, width = self._objective.warp.height, self._objective.warp.width
        device = self.parameters.device
        y = torch.arange(height, dtype=SOLVE, device=device)
        x = torch.arange(width, dtype=SOLVE, device=device)
        points = self._field(height, width) + torch.stack(
            (x.expand(height, width), y.unsqueeze(-1).expand(height, width))
        )
        planes = planes.expand(len(points), *planes.shape[1:])
        value = _sampling.make_sampler(self._objective.settings.sampling, planes).value(points)
        extent = points.new_tensor([planes.shape[2], planes.shape[1]]).view(2, 1, 1)
        inside = ((points >= -0.5) & (points < extent - 0.5)).all(1)
        warped = torch.where(inside, value, torch.full_like(value, outside))
        return warped if self._batched else warped[0]

    @cached_property
    def covariance(self) -> Tensor:
        """Covariance of the parameters under the images' noise, `(n, n)`, px^2, not attached.

        Infinite where the images do not determine them, and for a recipe that gives a displacement
        only. Computed when first asked for; `_uncertainty`, eq. 1, says what it assumes.
        """
        p = self.parameters.detach()
        if self._dense is not None:
            return torch.full_like(p.unsqueeze(-1) * p.unsqueeze(-2), torch.inf)
        with torch.no_grad():
            found = _uncertainty.covariance(
                self._objective, *self._images, p if self._batched else p[None]
            )
        return found if self._batched else found[0]

    def standard_error(self, points: Tensor) -> Tensor:
        """Return the standard errors of T at `points`, px, from the covariance.

        Args:
            points: `(m, 2)`, (x, y), px of the fixed image.
        Returns: `(m, 2)`, of T's x and y; `(B, m, 2)` for a batch.

        """
        p, spread = self.parameters.detach(), self.covariance
        if not self._batched:
            p, spread = p[None], spread[None]
        place = points.detach().to(p.device, SOLVE)
        errors = _uncertainty.standard_error(self._objective.warp, p, spread, place)
        return errors if self._batched else errors[0]

    def _one(self, tensor: Tensor) -> Tensor:
        return tensor if self._batched else tensor[0]

    @property
    def size(self) -> str:
        """Both images' sizes, in words."""
        pairs = f"{len(self._ended)} pairs of " if self._batched else ""
        fixed, moving = (
            image.shape[1:] for image in (self._levels[0].fixed, self._levels[0].moving)
        )
        return f"{pairs}{fixed[0]} x {fixed[1]} px on {moving[0]} x {moving[1]} px"

    @cached_property
    def _shown(self) -> Tensor:
        """The displacement on the fixed image's grid, `(B, 2, H, W)`, not attached."""
        with torch.no_grad():
            return self._field(*self._levels[0].fixed.shape[1:]).detach()

    @cached_property
    def _detail(self) -> _confidence.Confidence:
        with torch.no_grad():
            return _confidence.measure(
                self._levels, self._shown, self._extent, self._objective.settings.contrast
            )

    @cached_property
    def _fit(self) -> _confidence.Similarity:
        with torch.no_grad():
            same = self._objective.settings.metric in ("ssd", "huber")
            span = self._objective.fixed_units.span.view(-1).to(SOLVE)
            return _confidence.similarity(self._levels[0], self._shown, self._extent, same, span)

    @property
    def _extent(self) -> tuple[int, int]:
        height, width = self._levels[0].moving.shape[1:]
        return height, width

    def _field(self, height: int, width: int) -> Tensor:
        """Return the displacement `(B, 2, height, width)`."""
        if self._dense is not None:
            if self._dense.shape[2:] != (height, width):
                raise ValueError(
                    f"Result.displacement: shape is {(height, width)}; expected the fixed image's "
                    f"{tuple(self._dense.shape[2:])}, as this recipe's answer is a displacement of "
                    "its pixels: choose a recipe with a matrix or control points"
                )
            return self._dense
        p = self.parameters if self._batched else self.parameters[None]
        warp = self._objective.warp
        basis = basis_of(warp, (height, width), 1, p.device)
        field = basis.rows @ (warp.coefficients(p) @ basis.columns.mT)
        if isinstance(warp, FreeForm):
            inside = warp.holds(basis.y, basis.x)
            field = torch.where(inside, field, torch.zeros_like(field))
        return field


def transform_of(warp: Warp, p: Tensor) -> tuple[Tensor | None, Tensor | None]:
    """Return (matrix, control points) of `p` `(B, n)`, one of them None."""
    if isinstance(warp, FreeForm):
        return None, warp.coefficients(p)
    assert isinstance(warp, LinearWarp)
    return warp.matrix(p), None
