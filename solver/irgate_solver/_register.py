"""`register`: the whole solve, from two images to a result."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from irgate_solver import (
    _inputs,
    _levenberg,
    _metrics,
    _precision,
    _pyramid,
    _result,
    _sampling,
    _start,
    _warps,
)
from irgate_solver._levenberg import Descent
from irgate_solver._lucas_kanade import Forward, Inverse, grid_of, valid_points
from irgate_solver._normal_equations import Basis
from irgate_solver._pyramid import Level
from irgate_solver._result import Result
from irgate_solver._warps import FreeForm, LinearWarp, Warp

SAMPLERS = ("linear", "cubic")
FREE_FORM_LEVELS = 3
"""Levels on which an FFD is solved: coarser ones have fewer pixels than it has unknowns to pin."""


def register(
    fixed: Any,
    moving: Any,
    *,
    model: str = "affine",
    mask: Any = None,
    init: Any = None,
    intensity: str = "same",
    metric: str | None = None,
    sampling: str = "linear",
    control: Sequence[int] = (4, 4),
    bending: float = 0.0,
    iterations: int = 100,
    tolerance: float | None = None,
) -> Result:
    """Find the transform T of a family for which moving(T(x)) is nearest to fixed(x).

    Coarse to fine: on each level of a pyramid inverse-compositional Levenberg-Marquardt
    approaches, and on the full images forward-additive Levenberg-Marquardt settles at a minimum
    of the metric over the valid pixels (`_metrics`, eq. 1 to 3). Deterministic; inputs and global
    state stay as they were.

    Args:
        fixed: `(H, W)` image, tensor or array; or `(B, H, W)`, B pairs solved together. Float64
            is solved in float64, everything else in float32 with float64 normal equations
            (`_precision`).
        moving: the other image or images, of any size.
        model: "translation", "rigid" (about the fixed image's centre), "affine" or "ffd".
        mask: bool, on the fixed image, False where it must not be trusted.
        init: where to start: a 3x3 matrix, or an object with `.matrix` and
            `.displacement(shape)`; else the identity.
        intensity: "same" where brightness constancy holds, "varying" where gain or contrast may
            differ; chooses the metric.
        metric: "ssd", "ncc" or "huber", instead of what `intensity` chooses.
        sampling: "linear", which is what SimpleITK minimises with by default, or "cubic", whose
            gradient is continuous.
        control: numbers of control points (rows, columns) of an FFD.
        bending: weight of an FFD's mean bending energy (px^-2), in squared intensity units.
        iterations: most trial steps on each level.
        tolerance: step, px, that ends the last level; the precision's own where not given.
    Returns: the frozen result.

    Raises:
        ValueError, TypeError: an argument that cannot be used, named, with what was expected.

    """
    kind = _inputs.read_metric(intensity, metric)
    _inputs.check_choice("sampling", sampling, SAMPLERS)
    pair = _inputs.read_pair(fixed, moving, mask)
    height, width = pair.fixed.shape[1:]
    warp = _inputs.make_warp(model, height, width, control)
    if tolerance is None:
        tolerance = _precision.final_tolerance(pair.fixed.dtype)
    with torch.no_grad():
        solve = _Solve.of(pair, kind, sampling, bending, iterations, tolerance)
        descents = solve.run(warp, init)
    return _finish(warp, pair, solve, descents, sampling)


@dataclass(frozen=True)
class _Solve:
    """One call's images and settings.

    Attributes:
        levels: pyramid, full resolution first, unit range.
        extent: the full moving image's (height, width).
        units: of the fixed image.
        metric: name.
        sampling: name.
        bending: weight in squared given units.
        iterations, tolerance: see `register`.

    """

    levels: list[Level]
    extent: tuple[int, int]
    units: _precision.Units
    metric: str
    sampling: str
    bending: float
    iterations: int
    tolerance: float

    @classmethod
    def of(
        cls,
        pair: _inputs.Pair,
        metric: str,
        sampling: str,
        bending: float,
        iterations: int,
        tolerance: float,
    ) -> "_Solve":
        units = _precision.unit_range(pair.fixed, pair.mask)
        # Correlation does not know units: each image gets its own.
        other = _precision.unit_range(pair.moving, None) if metric == "ncc" else units
        fixed, moving = units.normalise(pair.fixed), other.normalise(pair.moving)
        trusted = pair.mask.to(fixed.dtype)
        levels = _pyramid.build(fixed * trusted, trusted, moving)
        extent = (moving.shape[1], moving.shape[2])
        return cls(levels, extent, units, metric, sampling, bending, iterations, tolerance)

    def run(self, warp: Warp, init: Any) -> list[Descent]:
        """Solve; return the descents in order, the last one settled on the full images."""
        batch, device = len(self.levels[0].fixed), self.levels[0].fixed.device
        start = None if init is None else _start.read(init, warp, batch, device)
        if isinstance(warp, FreeForm):
            return self._free_form(warp, start)
        assert isinstance(warp, LinearWarp)
        if start is None:
            start = _start.identity(warp, batch, device)
        approach = self._approach(warp, start, self.levels)
        return [*approach, self._settle(warp, approach[-1].p, self.levels[0], self.tolerance)]

    def _free_form(self, warp: FreeForm, start: Tensor | None) -> list[Descent]:
        descents: list[Descent] = []
        if start is None:
            affine = _warps.Affine(warp.height, warp.width)
            coarse = self.levels[1:] or self.levels
            batch, device = len(coarse[0].fixed), coarse[0].fixed.device
            descents = self._approach(affine, _start.identity(affine, batch, device), coarse)
            start = _start.to_free_form(affine, descents[-1].p, warp)
        for level in reversed(self.levels[:FREE_FORM_LEVELS]):
            coarse_enough = _precision.COARSE_TOLERANCE * level.scale
            tolerance = coarse_enough if level.scale > 1 else self.tolerance
            descents.append(self._settle(warp, start, level, tolerance))
            start = descents[-1].p
        return descents

    def _approach(self, warp: LinearWarp, p: Tensor, levels: list[Level]) -> list[Descent]:
        """Descend inverse-compositionally through `levels` (finest first), coarsest first."""
        descents = []
        for level in reversed(levels):
            problem = Inverse(warp, level, self.extent, self._metric(warp, level, p))
            tolerance = _precision.COARSE_TOLERANCE * level.scale
            descent = _levenberg.descend(
                problem, p, iterations=self.iterations, tolerance=tolerance
            )
            p = descent.p
            descents.append(descent)
        return descents

    def _settle(self, warp: Warp, p: Tensor, level: Level, tolerance: float) -> Descent:
        """Descend forward-additively on one level."""
        problem = self.forward(warp, level, self._metric(warp, level, p))
        return _levenberg.descend(problem, p, iterations=self.iterations, tolerance=tolerance)

    def forward(self, warp: Warp, level: Level, metric: _metrics.Metric) -> Forward:
        """Return the forward-additive problem of `level`."""
        sampler = _sampling.make_sampler(self.sampling, level.moving)
        basis = Basis.of(warp, *grid_of(level))
        prior = None
        if self.bending > 0 and isinstance(warp, FreeForm):
            span = self.units.span.view(-1).to(_precision.SOLVE)
            prior = self.bending / (span * span if self.metric != "ncc" else torch.ones_like(span))
        return Forward(warp, basis, level, sampler, self.extent, metric, prior)

    def _metric(self, warp: Warp, level: Level, p: Tensor) -> _metrics.Metric:
        """Return the objective on `level`; Huber's width is that of the residuals at `p`."""
        if self.metric == "ssd":
            return _metrics.squared_differences
        if self.metric == "ncc":
            return _metrics.correlation
        probe = self.forward(warp, level, _metrics.squared_differences)
        points = probe.points(p)
        valid = valid_points(points, self.extent, level.trusted)
        return _metrics.huber(_metrics.huber_width(level.fixed, probe.jet(points).value, valid))


def _finish(
    warp: Warp, pair: _inputs.Pair, solve: _Solve, descents: list[Descent], sampling: str
) -> Result:
    """Build the result from the last descent."""
    last = descents[-1]
    matrix, control_points = _result.transform_of(warp, last.p)
    status = tuple(_result.STATUS_OF_CODE[code] for code in last.state.tolist())
    counts = torch.stack([descent.iterations for descent in descents], 1).tolist()
    iterations = tuple(tuple(row) for row in counts)
    span = solve.units.span.view(-1).to(_precision.SOLVE)
    objective = last.at.objective * (span * span if solve.metric != "ncc" else 1.0)

    def one(tensor: Tensor) -> Tensor:
        return tensor if pair.batched else tensor[0]

    return Result(
        model=warp.name,
        matrix=None if matrix is None else one(matrix),
        control_points=None if control_points is None else one(control_points),
        parameters=one(last.p),
        status=status if pair.batched else status[0],
        objective=one(objective),
        overlap=one(last.at.overlap),
        iterations=iterations if pair.batched else iterations[0],
        _warp=warp,
        _batched=pair.batched,
        _sampling=sampling,
    )
