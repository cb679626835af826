"""`register`: the whole solve, from two images to a result."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

import torch
from torch import Tensor

from irgate_solver import (
    _allocator,
    _arguments,
    _chunks,
    _functional,
    _implicit,
    _metrics,
    _pair,
    _precision,
    _result,
    _sampling,
    _smoothing,
    _snapshot,
    _status,
    _unrolled,
)
from irgate_solver._bundle import Bundle
from irgate_solver._calls import without_autocast, without_inference
from irgate_solver._dissimilarity import Compare, Dissimilarity
from irgate_solver._homography import Homography
from irgate_solver._levenberg import EXHAUSTED
from irgate_solver._objective import AUTO, Settings
from irgate_solver._recipes import DEFAULT, Parts
from irgate_solver._result import Result
from irgate_solver._schedule import Schedule
from irgate_solver._siren_stages import SirenAlone, SirenStart
from irgate_solver._solution import Solution
from irgate_solver._warps import FreeForm

STAGES: dict[str, type[Schedule]] = {
    "iclk": Schedule,
    "bundle": Bundle,
    "siren-start": SirenStart,
    "siren": SirenAlone,
}
"""The stages of a solve, by the name that a recipe gives them."""


@without_autocast
@without_inference
def register(
    fixed: Any,
    moving: Any,
    *,
    model: str = "affine",
    mask: Any = None,
    moving_mask: Any = None,
    init: Any = None,
    channels: str | None = None,
    spacing: Sequence[float] | float | None = None,
    intensity: str = "same",
    recipe: str = DEFAULT,
    metric: str | Compare | None = None,
    huber_width: float | None = None,
    sampling: str | None = None,
    smoothing: float | str = 0.0,
    control: Sequence[int] = (4, 4),
    bending: float | Tensor | str | None = None,
    total_variation: float | Tensor | None = None,
    anchor: float | Tensor | None = None,
    search: bool = True,
    iterations: int = 100,
    tolerance: float | None = None,
) -> Result:
    """Find the transform T of a family for which moving(T(x)) is nearest to fixed(x).

    Coarse to fine: on each level of a pyramid inverse-compositional Levenberg-Marquardt
    approaches, and on the full images forward-additive Levenberg-Marquardt settles at a minimum
    of the metric over the valid pixels. Without a start value the identity is tried, and where it
    leads to no convincing match a search over all rotations and shifts. Deterministic; inputs and
    global state stay as they were.

    Args:
        fixed: `(H, W)` image, tensor or array; or `(B, H, W)`, B pairs solved together. With
            `channels` each image has one more axis. Float64 is solved in float64, everything else
            in float32 with float64 normal equations. A flat pair of a batch ends where it starts,
            with `Status.SINGULAR`.
        moving: the other image or images, of any size.
        model: the family of T. With c the fixed image's centre, R half its longer side and
            (xi, eta) = (x - c) / R, and numbers p in px:
            "translation", 2: x + (p0, p1);
            "rigid", 3: x turned about c by p2 / R radians, then shifted by (p0, p1); this turn, and
            the next line's, is one of mm where `spacing` is given;
            "similarity", 4: x + (p0, p1) + (p2 xi - p3 eta, p3 xi + p2 eta);
            "affine", 6: x + (p0, p1) + (p2 xi + p3 eta, p4 xi + p5 eta);
            "homography", 8: with y what "affine" gives, c + (y - c) / (1 + (p6 xi + p7 eta) / R);
            for the metrics "ssd", "ncc" and "huber", without priors;
            "ffd", 2 rows columns: the control displacements of cubic B-splines, all of x, then all
            of y, row by row, in SimpleITK's domain.
        mask: bool, on the fixed image, False where it must not be trusted.
        moving_mask: the same on the moving image.
        init: where to start: a 3x3 matrix, or an object with `.matrix` and
            `.displacement(shape)`. There is no search then.
        channels: where an image's channels are: "first", `(C, H, W)`, "last", `(H, W, C)`, or
            "none": a third axis counts pairs. The metric is the mean of the channels', of those
            that are flat in neither image. Where not given the same as "none", but for three axes
            of which the first has 3 entries or the last 3 or 4: these may be colour, and are
            refused.
        spacing: (x, y), mm, of a pixel of both images, or one number for square ones; 1 where not
            given. "rigid" and "similarity" turn in mm then, and weights of priors are in mm where
            they are said to be in px. All else stays in pixels; the result tells mm when asked.
        intensity: "same" where brightness constancy holds, "varying" where gain or contrast may
            differ; chooses among the recipe's parts.
        recipe: one of `recipes()`: what the other arguments are where they are not given.
        metric: "ssd", "ncc" or "huber"; "mind", "mind-pyramid", "lncc" or "nmi"; or a function
            `(fixed, warped, valid) -> residual or value` of your own: three tensors `(B, h, w)`,
            the last 1 where a pixel counts, to residuals `(B, C, h, w)`, whose mean square is
            minimised, to these and weights, or to a value `(B,)`, less is better; it must be twice
            differentiable by `warped`. The recipe's where not given.
        huber_width: residual, in intensities, from which on Huber's metric is linear; from the
            residuals themselves (1.345 times their MAD estimate of sigma) where not given.
        sampling: "linear", which is what SimpleITK minimises with by default, "cubic", whose
            gradient is continuous, or "catmull-rom", its variant without a prefilter. Where not
            given the recipe's, or else "cubic" for an input that requires grad and "linear" for
            all others.
        smoothing: sigma, px, of a Gaussian over both full images before they are compared, against
            noise; "auto" for 1 px where noise is seen in one of them. 0, the
            default, is what SimpleITK minimises.
        control: numbers of control points (rows, columns) of an FFD.
        bending: weight of an FFD's mean bending energy (px^-2); "auto" for 300 px^2 times the
            objective that an affine map leaves, held constant. Other families ignore "auto".
        total_variation: weight of the displacement's total variation (no unit).
        anchor: weight of the mean squared distance (px^2) of the displacement's affine part from
            that of `init`, or of the identity. These three weights are in squared intensity units
            with "ssd" and "huber" and have none with other metrics; the recipe's where not given.
        search: whether to look beyond the neighbourhood of the identity.
        iterations: most trial steps on each level.
        tolerance: step, px, that ends the last level; where not given 1e-6 for float32 images and
            1e-9 for float64. Under noise and for a linear family a solve then also ends where
            further steps are expected to move it by less than a tenth of its standard error, unless
            an input requires grad.
    Returns: the frozen result.

    Raises:
        ValueError, TypeError: an argument that cannot be used, named, with what was expected.

    """
    _allocator.keep_freed()
    inputs = {
        "fixed": fixed,
        "moving": moving,
        "bending": bending,
        "total_variation": total_variation,
        "anchor": anchor,
    }
    run = partial(
        _register,
        model=model,
        mask=mask,
        moving_mask=moving_mask,
        init=init,
        channels=channels,
        spacing=spacing,
        intensity=intensity,
        recipe=recipe,
        metric=metric,
        huber_width=huber_width,
        sampling=sampling,
        smoothing=smoothing,
        control=control,
        search=search,
        iterations=iterations,
        tolerance=tolerance,
    )
    if _functional.transformed(*inputs.values()):
        return _functional.register(run, inputs)
    return run(**inputs)


def _register(
    fixed: Any,
    moving: Any,
    *,
    model: str,
    mask: Any,
    moving_mask: Any,
    init: Any,
    channels: str | None,
    spacing: Sequence[float] | float | None,
    intensity: str,
    recipe: str,
    metric: str | Compare | None,
    huber_width: float | None,
    sampling: str | None,
    smoothing: float | str,
    control: Sequence[int],
    bending: float | Tensor | str | None,
    total_variation: float | Tensor | None,
    anchor: float | Tensor | None,
    search: bool,
    iterations: int,
    tolerance: float | None,
) -> Result:
    """Do what `register` says, on tensors that hold numbers."""
    parts = _arguments.read_parts(recipe, intensity, model)
    pair = _pair.read_pair(fixed, moving, mask, moving_mask, channels)
    if pair.colours is not None and (parts.stages != "iclk" or parts.gradient != "implicit"):
        raise ValueError(
            f"register: recipe {recipe!r} takes one channel and {pair.channels} came; expected "
            "grey images: convert them, or choose recipe='iclk-implicit'"
        )
    differentiated = _implicit.needed((bending, total_variation, anchor), pair.fixed, pair.moving)
    sampling = sampling or parts.sampling or ("cubic" if differentiated else "linear")
    _arguments.check_choice("sampling", sampling, tuple(_sampling.SAMPLERS))
    if bending == AUTO and model == "ffd" and parts.stages == "siren":
        raise ValueError(
            f"register: bending='auto' came with recipe {recipe!r}, whose smoothness is its own; "
            "expected no bending: leave it out, or choose recipe='siren-lm'"
        )
    if model == Homography.name:
        _check_homography(recipe, parts, metric, (bending, total_variation, anchor))
    height, width = pair.fixed.shape[1:]
    sides = _arguments.read_spacing(spacing)
    warp = _arguments.make_warp(model, height, width, control, sides)
    # A recipe's weights are of pixels.
    area = warp.spacing[0] * warp.spacing[1]
    _arguments.check_numbers(huber_width, iterations, tolerance)
    settings = Settings(
        metric=_arguments.read_metric(parts.metric if metric is None else metric, intensity),
        approach=_arguments.read_metric(metric or parts.approach or parts.metric, intensity),
        descent=parts.descent if metric is None else "lm",
        sampling=sampling,
        huber_width=huber_width,
        huber_share=parts.huber_width if metric is None else None,
        bending=_arguments.read_bending(bending, parts.bending * area, model),
        total_variation=_arguments.read_weight(
            "total_variation", total_variation, parts.total_variation
        ),
        anchor=_arguments.read_weight("anchor", anchor, parts.anchor / area),
        search=search,
        smoothing=_smoothing.read(
            smoothing,
            pair.fixed,
            pair.moving,
            None if pair.whole else pair.mask,
            pair.moving_mask,
        ),
        iterations=iterations,
        tolerance=_precision.final_tolerance(pair.fixed.dtype) if tolerance is None else tolerance,
        # A derivative wants the minimum itself.
        heeds_noise=tolerance is None and not differentiated,
    )
    with _without_gradients(settings, parts):
        solution = _chunks.solve(STAGES[parts.stages], pair, settings, warp, init)
    solution = solution.released()
    first, second = pair.settled_on
    images = _snapshot.kept(first, fixed), _snapshot.kept(second, moving)
    settled = [state != EXHAUSTED for state in solution.states]
    if parts.gradient == "implicit":
        p, at = _implicit.attach(solution.objective, first, second, solution.p, settled)
        return _finish(pair, solution, p, at, images, sides)
    if not differentiated:
        return _finish(pair, solution, solution.p, None, images, sides)
    if parts.gradient == "none":
        raise ValueError(
            f"register: recipe {recipe!r} has no gradient and an input requires one; expected "
            "tensors without requires_grad: detach them, or choose another recipe"
        )
    if isinstance(solution.objective.settings.metric, Dissimilarity):
        raise ValueError(
            f"register: recipe {recipe!r} unrolls the metrics ssd, ncc and huber only, and metric "
            f"is {solution.objective.settings.metric.name!r}; choose recipe='iclk-implicit'"
        )
    _implicit.examine(solution.objective, pair.fixed, pair.moving, solution.p, settled)
    p = _unrolled.attach(solution.objective, pair.fixed, pair.moving, solution.p)
    return _finish(pair, solution, p, None, images, sides)


def _check_homography(recipe: str, parts: Parts, metric: Any, weights: Sequence[Any]) -> None:
    """Raise ValueError where a homography cannot be solved so."""
    chosen = parts.metric if metric is None else metric
    plain = parts.stages == "iclk" and parts.gradient == "implicit"
    if not plain or not isinstance(chosen, str) or chosen not in _metrics.METRICS:
        raise ValueError(
            f"register: model='homography' came with metric={chosen!r} and recipe={recipe!r}; "
            f"expected one of the metrics {', '.join(_metrics.METRICS)} and recipe='iclk-implicit'"
        )
    given = [weight for weight in weights if not isinstance(weight, str) or weight != AUTO]
    if any(weight is not None for weight in (*given, parts.total_variation or None)):
        raise ValueError(
            "register: model='homography' came with a weight of a prior; expected none: leave "
            "out bending, total_variation and anchor, and choose a recipe without them"
        )


def _without_gradients(settings: Settings, parts: Parts) -> AbstractContextManager[None]:
    """Return the mode of a solve: inference mode, or less where derivatives are taken within.

    Inference mode is a fifth quicker: most of a small solve is torch's cost for each call.
    """
    by_function = any(isinstance(m, Dissimilarity) for m in (settings.metric, settings.approach))
    within = by_function or parts.stages != "iclk"
    return torch.no_grad() if within else torch.inference_mode()


def _finish(
    pair: _pair.Pair,
    solution: Solution,
    p: Tensor,
    at: _implicit.Stationarity | None,
    images: tuple[Tensor, Tensor],
    spacing: tuple[float, float] | None,
) -> Result:
    """Build the result; `p` is the solution's, attached to the graph or not.

    Args:
        images: both, in memory of the result's own.
        spacing: as given.

    """
    objective = solution.objective
    warp = objective.warp
    matrix, control_points = _result.transform_of(warp, p)
    if solution.field is not None:
        control_points = None
    grid = warp.control if solution.banded and isinstance(warp, FreeForm) else None
    condition = _implicit.reciprocal_condition(solution.normal, pair.fixed.dtype, grid)
    if at is not None:
        condition = torch.minimum(condition, at.reciprocal_condition)
    singular = (condition < _precision.RECIPROCAL_CONDITION).tolist()
    ended = tuple(
        _status.status_of(code, bad) for code, bad in zip(solution.states, singular, strict=True)
    )
    iterations = solution.iterations
    span = objective.fixed_units.span.view(-1).to(_precision.SOLVE)
    value = solution.value * (1.0 if objective.settings.unitless else span * span)
    if pair.flat is not None:
        value = torch.where(pair.flat, torch.nan, value)

    def one(tensor: Tensor) -> Tensor:
        return tensor if pair.batched else tensor[0]

    return Result(
        model=warp.name,
        matrix=None if matrix is None else one(matrix),
        control_points=None if control_points is None else one(control_points),
        parameters=one(p),
        objective=one(value),
        overlap=one(solution.overlap),
        iterations=iterations if pair.batched else iterations[0],
        reciprocal_condition=one(condition),
        _ended=ended,
        _objective=_snapshot.held(objective),
        _levels=solution.levels,
        _images=images,
        _batched=pair.batched,
        _dense=solution.field,
        spacing=spacing,
    )
