"""What `register` returns: a frozen transform, and figures that say how good it is."""

# Annotations stay words: `help` shows them, and must not name modules that are private.
from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from irgate_solver import _arrays, _confidence, _summary, _uncertainty, _warping
from irgate_solver._calls import without_autocast, without_inference
from irgate_solver._channels import gather, spread
from irgate_solver._homography import Homography
from irgate_solver._maps import Dense, Map, Matrix, Spline, grid_points
from irgate_solver._normal_equations import basis_of
from irgate_solver._objective import Objective
from irgate_solver._precision import SOLVE
from irgate_solver._pyramid import Level
from irgate_solver._status import Status
from irgate_solver._transform import Exportable, Transform
from irgate_solver._uncertainty import Uncertainty
from irgate_solver._warps import FreeForm, LinearWarp, Warp


@dataclass(frozen=True, eq=False, repr=False)
class Result(Exportable):
    """A transform from fixed to moving pixels, `(x, y)` order.

    For a batch every tensor has a leading axis B, and `status` and `iterations` one entry a pair.
    Tensors are float64, and attached to the graph where an input of `register` required grad.

    Attributes:
        model: the family's name.
        matrix: `(3, 3)` about the pixel origin on (x, y, 1); None for an FFD.
        control_points: control displacements of an FFD, `(2, rows, columns)`, x first, px; None
            for the linear families, and for a recipe that gives a displacement only.
        parameters: `(n,)`, px, in the order that `register` says; for a recipe that gives a
            displacement only, those of the family's nearest member.
        objective: value of the metric, in squared units of the given intensities ("ncc": none); NaN
            for a pair of a batch that has a flat image.
        overlap: valid fraction of the trusted fixed pixels.
        iterations: trial steps, one number per stage of the solve, coarsest first.
        reciprocal_condition: of the normal matrix scaled to unit diagonal; where the result is
            attached to a graph, of the Hessian that the gradient is solved with. The kernel
            estimates that of a fine FFD (Higham 1988).
        spacing: (x, y) of a pixel, mm, as given; None where it was not.

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
    spacing: tuple[float, float] | None = None

    @cached_property
    def status(self) -> Status | tuple[Status, ...]:
        """How the solve ended, a sentence; a tuple for a batch.

        Where the descent ended by itself the images' detail is asked whether it agrees there, when
        the status is first read (`_confidence`): if not, it is `Status.DOUBTFUL`.
        """
        if not any(ended.settled for ended in self._ended):
            return self._ended if self._batched else self._ended[0]
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
        """Correlation of the fixed and the warped moving image over the valid pixels, -1 to 1.

        In colour that of the grey images in which the channels vary most.
        """
        return self._one(self._fit.correlation)

    @property
    def rmse(self) -> Tensor:
        """Root mean square difference over the valid pixels, in the fixed image's intensities.

        After the best gain and offset, unless the metric compares intensities as they are. In
        colour over the channels' differences, each after its own gain and offset.
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

    @without_autocast
    def displacement(self, shape: tuple[int, int] | None = None, *, unit: str = "px") -> Tensor:
        """Return u(x) = T(x) - x, `(H, W, 2)`, last axis (dx, dy), px; differentiable.

        Args:
            shape: `(H, W)` of the grid, from pixel (0, 0); the fixed image's where not given. An
                FFD moves nothing beyond its own domain, as in SimpleITK.
            unit: "px", or "mm" where `spacing` was given.

        """
        height, width = (
            (self._objective.warp.height, self._objective.warp.width) if shape is None else shape
        )
        field = self._field(int(height), int(width)).permute(0, 2, 3, 1)
        field = self._lengths("displacement", field, unit)
        return field if self._batched else field[0]

    @without_autocast
    def transform(self, points: Any) -> Any:
        """Return T(x) of `points`, px of the moving image; differentiable by the transform.

        Args:
            points: `(m, 2)`, (x, y), px of the fixed image; tensor or array.
        Returns: `(m, 2)`, or `(B, m, 2)` for a batch; an array for an array.

        """
        place, form = _arrays.read_points("Result.transform", points)
        place = place.to(self.parameters.device, SOLVE)
        if self._dense is not None:
            pairs = [self.to_transform(k).transform(place) for k in range(len(self._ended))]
            return form.give(self._one(torch.stack(pairs)))
        p = self.parameters if self._batched else self.parameters[None]
        warp = self._objective.warp
        if isinstance(warp, Homography):
            mapped = warp.map(p, place)
            return form.give(mapped if self._batched else mapped[0])
        rows, columns = warp.rows(place[:, 1]), warp.columns(place[:, 0])
        moved = torch.einsum("ma,kdab,mb->kmd", rows, warp.coefficients(p), columns)
        if isinstance(warp, FreeForm):
            moved = torch.where(warp.holds_points(place).unsqueeze(-1), moved, 0.0)
        mapped = place + moved
        return form.give(mapped if self._batched else mapped[0])

    @without_autocast
    def warp(
        self,
        image: Any,
        *,
        sampling: str | None = None,
        outside: float = 0.0,
        channels: str | None = None,
    ) -> Any:
        """Return `image` (the moving one, or any on its grid) seen on the fixed grid.

        Differentiable by the image and by the transform. An array comes back as an array, and every
        image in the type that came: whole numbers are rounded, and masks (bools) are looked up at
        the nearest pixel. Labels want `sampling="nearest"`.

        Args:
            image: `(H', W')`, or in colour `(C, H', W')` or `(H', W', C)`; for a batch the same
                with a leading B.
            sampling: "nearest", "linear", "cubic" or "catmull-rom"; the solve's where not given.
            outside: value where T(x) leaves [-0.5, N - 0.5).
            channels: "first" or "last", where the image's sizes do not tell.

        Raises:
            TypeError, ValueError: it is no image, or its axes cannot be told.

        """
        height, width = self._objective.warp.height, self._objective.warp.width
        device = self.parameters.device
        y = torch.arange(height, dtype=SOLVE, device=device)
        x = torch.arange(width, dtype=SOLVE, device=device)
        points = self._field(height, width) + torch.stack(
            (x.expand(height, width), y.unsqueeze(-1).expand(height, width))
        )
        moving = self._images[1]
        return _warping.warp(
            "Result.warp",
            points,
            image,
            sampling=sampling or self._objective.settings.sampling,
            outside=outside,
            channels=channels,
            expected=(moving.shape[1], moving.shape[2]),
            batched=self._batched,
        )

    def to_transform(self, pair: int | None = None) -> Transform:
        """Return the transform by itself, detached from images and graph.

        Args:
            pair: which of a batch.

        Raises:
            ValueError: the result is of a batch, and no pair of it is named.

        """
        if self._batched and pair is None:
            raise ValueError(
                f"Result: it is of a batch of {len(self.parameters)} pairs; expected one of them: "
                "name it, result.to_transform(0)"
            )
        index = pair if self._batched else 0
        warp = self._objective.warp
        p = (self.parameters if self._batched else self.parameters[None]).detach().cpu()[index]
        chain: Map
        if self._dense is not None:
            chain = Dense(self._dense[index].detach().cpu().permute(1, 2, 0))
        elif isinstance(warp, FreeForm):
            chain = Spline(warp, warp.coefficients(p[None])[0])
        else:
            assert isinstance(warp, LinearWarp | Homography)
            chain = Matrix(warp.matrix(p[None])[0])
        return Transform((warp.height, warp.width), (chain,))

    def inverse(self) -> Transform:
        """Return the map from the moving image's pixels to the fixed image's."""
        moving = self._images[1]
        return self.to_transform().inverse((moving.shape[1], moving.shape[2]))

    def compose(self, first: Any) -> Transform:
        """Return x -> self(first(x)); `first` is a result, a transform or a matrix."""
        return self.to_transform().compose(first)

    @property
    def covariance(self) -> Tensor:
        """Covariance of the parameters under the images' noise, `(n, n)`, px^2, not attached.

        Infinite where the images do not determine them, and for a recipe that gives a displacement
        only. Computed when first asked for; `errors_hold` says whether it may be relied on.
        """
        found = self._uncertainty.covariance
        return found if self._batched else found[0]

    @property
    def bias(self) -> Tensor:
        """How far noise on the moving image moves the parameters on average, `(n,)`, px.

        Interpolation between pixels averages noise away, and the minimum moves to where it does.
        It is no part of the covariance, and is not taken off the answer.
        """
        found = self._uncertainty.bias
        return found if self._batched else found[0]

    @property
    def errors_hold(self) -> Tensor:
        """Whether the answer's errors are the covariance's, bool, `()` or `(B,)`.

        False where noise on the moving image (`bias`), and what interpolation gets wrong of the
        scene, move the answer by more than half a standard error anywhere on the fixed image; and
        where the covariance is infinite.
        """
        found = self._uncertainty.holds
        return found if self._batched else found[0]

    @cached_property
    @without_autocast
    @without_inference
    def _uncertainty(self) -> Uncertainty:
        p = self.parameters.detach()
        p = p if self._batched else p[None]
        if self._dense is not None:
            unknown = torch.full_like(p.unsqueeze(-1) * p.unsqueeze(-2), torch.inf)
            return Uncertainty(unknown, torch.zeros_like(p), torch.zeros_like(p[:, 0]).bool())
        with torch.no_grad():
            return _uncertainty.uncertainty(self._objective, *self._images, p)

    @without_autocast
    def standard_error(self, points: Any, *, unit: str = "px") -> Any:
        """Return the standard errors of T at `points`, px, from the covariance.

        Args:
            points: `(m, 2)`, (x, y), px of the fixed image; tensor or array.
            unit: of the errors, "px", or "mm" where `spacing` was given.
        Returns: `(m, 2)`, of T's x and y; `(B, m, 2)` for a batch; an array for an array.

        """
        place, form = _arrays.read_points("Result.standard_error", points)
        p, spread = self.parameters.detach(), self.covariance
        if not self._batched:
            p, spread = p[None], spread[None]
        place = place.detach().to(p.device, SOLVE)
        errors = _uncertainty.standard_error(self._objective.warp, p, spread, place)
        errors = self._lengths("standard_error", errors, unit)
        return form.give(errors if self._batched else errors[0])

    def _lengths(self, method: str, lengths: Tensor, unit: str) -> Tensor:
        """Return `lengths` `(..., 2)`, px along x and y, in `unit`."""
        if unit == "px":
            return lengths
        if unit == "mm" and self.spacing is not None:
            return lengths * lengths.new_tensor(self.spacing)
        known = "px" if self.spacing is None else "px or mm"
        hint = "; register(..., spacing=) makes mm known" if unit == "mm" else ""
        raise ValueError(f"Result.{method}: unit={unit!r}; expected {known}{hint}")

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
            grey = _confidence.similarity(self._levels[0], self._shown, self._extent, same, span)
            count = self._objective.channels
            if count == 1:
                return grey
            # Other metrics have units of their own; here both have the grey image's.
            settings = replace(self._objective.settings, metric="ssd" if same else "ncc")
            plain = replace(self._objective, settings=settings, smoothing=None)
            level = plain.level(*self._images)
            span, shown = spread(span, count), spread(self._shown, count)
            each = _confidence.similarity(level, shown, self._extent, same, span)
            return replace(grey, rmse=gather(each.rmse.square(), count).sqrt())

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
        if isinstance(warp, Homography):
            pixels = grid_points(height, width).to(p.device)
            moved = warp.map(p, pixels) - pixels
            return moved.mT.reshape(len(p), 2, height, width)
        basis = basis_of(warp, (height, width), 1, p.device)
        field = basis.rows @ (warp.coefficients(p) @ basis.columns.mT)
        if isinstance(warp, FreeForm):
            inside = warp.holds(basis.y, basis.x)
            field = torch.where(inside, field, torch.zeros_like(field))
        return field


def transform_of(warp: Warp | Homography, p: Tensor) -> tuple[Tensor | None, Tensor | None]:
    """Return (matrix, control points) of `p` `(B, n)`, one of them None."""
    if isinstance(warp, FreeForm):
        return None, warp.coefficients(p)
    assert isinstance(warp, LinearWarp | Homography)
    return warp.matrix(p), None
