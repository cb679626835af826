"""The options of `register`, checked and brought to one form; every error names its argument."""

import math
from typing import Any

from torch import Tensor

from irgate_solver import _metric_table, _warps
from irgate_solver._dissimilarity import Dissimilarity
from irgate_solver._homography import Homography
from irgate_solver._recipes import RECIPES, Parts

MOST_CONTROL_POINTS = 2048
"""Most control points of an FFD: its normal matrix is dense, 128 MiB at this size."""


def check_choice(what: str, value: Any, choices: tuple[str, ...]) -> None:
    """Raise ValueError unless `value` is one of `choices`."""
    if value not in choices:
        raise ValueError(f"register: {what}={value!r}; expected one of {', '.join(choices)}")


def read_parts(recipe: Any, intensity: Any, model: Any) -> Parts:
    """Return the parts of the recipe for pairs of this class."""
    check_choice("intensity", intensity, ("same", "varying"))
    check_choice("recipe", recipe, tuple(RECIPES))
    return RECIPES[recipe].parts(intensity, model)


def read_metric(metric: Any, intensity: str) -> str | Dissimilarity:
    """Return the metric: a hand-written one's name, or what is known by its function alone.

    A caller's function sees both images in the fixed image's unit range where brightness is the
    same, and each in its own where it varies.
    """
    if callable(metric):
        name = getattr(metric, "__name__", type(metric).__name__)
        return Dissimilarity(name, metric, own_units=intensity == "varying")
    check_choice("metric", metric, _metric_table.NAMES)
    return _metric_table.BY_FUNCTION.get(metric, str(metric))


def read_weight(what: str, given: Any, otherwise: float) -> float | Tensor:
    """Return the weight of a prior: the one given, or else the recipe's.

    Raises:
        ValueError: it is no single number of 0 or more.

    """
    if given is None:
        return otherwise
    weight = given.detach() if isinstance(given, Tensor) else given
    single = not isinstance(weight, Tensor) or weight.dim() == 0
    if not single or not 0 <= float(weight) < math.inf:
        raise ValueError(f"register: {what}={given!r}; expected one number, 0 or more")
    return given if isinstance(given, Tensor) else float(given)


def read_bending(given: Any, otherwise: float, model: str) -> float | Tensor | str:
    """Return the weight of the bending energy: a number, or "auto" for an FFD that wants it."""
    if isinstance(given, str):
        check_choice("bending", given, ("auto",))
        return given if model == "ffd" else 0.0
    return read_weight("bending", given, otherwise)


def read_control(control: Any, height: int, width: int) -> tuple[int, int]:
    """Return the FFD's numbers of control points (rows, columns)."""
    try:
        rows, columns = (int(number) for number in control)
    except (TypeError, ValueError) as cause:
        raise ValueError(
            f"register: control={control!r}; expected (rows, columns), two whole numbers"
        ) from cause
    if min(rows, columns) < 4 or rows > height + 3 or columns > width + 3:
        raise ValueError(
            f"register: control={(rows, columns)}; expected at least 4 per axis and at most one "
            f"cell per pixel, {(height + 3, width + 3)}: choose a coarser or finer grid"
        )
    if rows * columns > MOST_CONTROL_POINTS:
        raise ValueError(
            f"register: control={(rows, columns)} is {rows * columns} control points; expected at "
            f"most {MOST_CONTROL_POINTS}, as the normal matrix is dense: choose a coarser grid"
        )
    return rows, columns


def check_numbers(huber_width: float | None, iterations: int, tolerance: float | None) -> None:
    """Raise ValueError where a number of the call is out of its range."""
    if huber_width is not None and not huber_width > 0:
        raise ValueError(
            f"register: huber_width={huber_width!r}; expected a positive residual, in intensities, "
            "or None"
        )
    if iterations < 1:
        raise ValueError(f"register: iterations={iterations!r}; expected 1 or more")
    if tolerance is not None and not tolerance >= 0:
        raise ValueError(f"register: tolerance={tolerance!r}; expected px, 0 or more, or None")


def read_spacing(spacing: Any) -> tuple[float, float] | None:
    """Return the spacing (x, y) of the pixels, mm; None where none was given.

    Raises:
        ValueError: it is no two positive numbers, nor one for both.

    """
    if spacing is None:
        return None
    try:
        sides = [float(side) for side in spacing] if hasattr(spacing, "__len__") else [spacing] * 2
        across, down = (float(side) for side in sides)
    except (TypeError, ValueError):
        across = down = math.nan
    if not all(0 < side < math.inf for side in (across, down)):
        raise ValueError(
            f"register: spacing={spacing!r}; expected mm, (x, y), of a pixel of both images, two "
            "positive numbers: images of unlike spacing are resampled to one first"
        )
    return across, down


def make_warp(
    model: str, height: int, width: int, control: Any, spacing: tuple[float, float] | None = None
) -> _warps.Warp | Homography:
    """Return the family named `model` on a fixed image of `height` x `width`."""
    check_choice("model", model, (*_warps.MODELS, Homography.name))
    sides = (1.0, 1.0) if spacing is None else spacing
    if model == Homography.name:
        return Homography(height, width, sides)
    if model == "ffd":
        return _warps.FreeForm(height, width, read_control(control, height, width), sides)
    return _warps.LINEAR[model](height, width, sides)
