"""What `register` takes, checked and brought to one form; every error names its argument."""

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from irgate_solver import _metric_table, _warps
from irgate_solver._dissimilarity import Dissimilarity
from irgate_solver._precision import Units
from irgate_solver._recipes import RECIPES, Parts

SMALLEST_IMAGE = 4
"""Fewest pixels on a side: a cubic spline's cell and an affine's three unknowns per row need 4."""
MOST_CONTROL_POINTS = 2048
"""Most control points of an FFD: its normal matrix is dense, 128 MiB at this size."""


@dataclass(frozen=True)
class Pair:
    """The images of one call, as a batch.

    Attributes:
        fixed, moving: `(B, H, W)` and `(B, H', W')`, the image type, as given (attached to the
            caller's graph), masked-out pixels set to 0.
        mask: bool `(B, H, W)`, True where trusted.
        whole: whether no mask was given.
        fixed_units, moving_units: units in which each image, where trusted, runs from 0 to 1.
        batched: whether the caller gave a batch.
        moving_mask: bool `(B, H', W')`, True where the moving image is trusted; None where no such
            mask was given.

    """

    fixed: Tensor
    moving: Tensor
    mask: Tensor
    whole: bool
    fixed_units: Units
    moving_units: Units
    batched: bool
    moving_mask: Tensor | None = None


def read_pair(fixed: Any, moving: Any, mask: Any, moving_mask: Any = None) -> Pair:
    """Check both images and the masks.

    Raises:
        TypeError: something that is no real-valued array.
        ValueError: wrong shape, too small, not finite, flat, or nothing trusted.

    """
    first, second = _image("fixed", fixed), _image("moving", moving)
    if first.dim() != second.dim() or first.shape[:-2] != second.shape[:-2]:
        raise ValueError(
            f"register: fixed has shape {tuple(first.shape)} and moving {tuple(second.shape)}; "
            "expected both (H, W) or both (B, H, W) with one B: add or drop the batch axis"
        )
    if first.device != second.device:
        raise ValueError(
            f"register: fixed is on {first.device} and moving on {second.device}; "
            "expected one device: move one with .to(device)"
        )
    batched = first.dim() == 3
    dtype = torch.promote_types(first.dtype, second.dtype)
    first, second = first.to(dtype), second.to(dtype)
    trusted = _mask("mask", mask, "fixed", first)
    seen = None if moving_mask is None else _mask("moving_mask", moving_mask, "moving", second)
    if not batched:
        first, second, trusted = first[None], second[None], trusted[None]
        seen = None if seen is None else seen[None]
    whole = mask is None
    if not whole:
        first = torch.where(trusted, first, torch.zeros_like(first))
    if seen is not None:
        second = torch.where(seen, second, torch.zeros_like(second))
    return Pair(
        first,
        second,
        trusted,
        whole,
        _units("fixed", first, None if whole else trusted, batched),
        _units("moving", second, seen, batched),
        batched,
        seen,
    )


def read_tensor(what: str, value: Any) -> Tensor:
    """Return `value` as a float tensor: as it is if it is one, else a copy.

    Float64 stays; every other real type becomes float32.
    """
    if isinstance(value, Tensor):
        tensor = value
    else:
        import numpy  # only where the caller brings arrays

        array = numpy.asarray(value)
        if array.dtype.kind not in "buif":
            raise TypeError(
                f"register: {what} is {type(value).__name__} of type {array.dtype}; expected real "
                "numbers: pass a tensor or an array of floats, integers or bools"
            )
        wide = array.dtype.kind == "f" and array.dtype.itemsize >= 8
        tensor = torch.tensor(array.astype(numpy.float64 if wide else numpy.float32))
    if tensor.is_complex():
        raise TypeError(f"register: {what} is complex; expected real numbers: pass its magnitude")
    return tensor if tensor.dtype == torch.float64 else tensor.to(torch.float32)


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


def make_warp(model: str, height: int, width: int, control: Any) -> _warps.Warp:
    """Return the family named `model` on a fixed image of `height` x `width`."""
    check_choice("model", model, _warps.MODELS)
    if model == "ffd":
        return _warps.FreeForm(height, width, read_control(control, height, width))
    return _warps.LINEAR[model](height, width)


def _image(what: str, value: Any) -> Tensor:
    image = read_tensor(what, value)
    if image.dim() not in (2, 3) or 0 in image.shape:
        raise ValueError(
            f"register: {what} has shape {tuple(image.shape)}; expected (H, W), or (B, H, W) for "
            "a batch: convert colour to grey and drop axes of length one"
        )
    if min(image.shape[-2:]) < SMALLEST_IMAGE:
        raise ValueError(
            f"register: {what} is {image.shape[-2]} x {image.shape[-1]} pixels; expected at least "
            f"{SMALLEST_IMAGE} on each side: give a larger image"
        )
    return image


def _mask(what: str, mask: Any, on: str, image: Tensor) -> Tensor:
    if mask is None:
        return torch.ones_like(image, dtype=torch.bool)
    trusted = read_tensor(what, mask).to(image.device) != 0
    if trusted.shape not in (image.shape, image.shape[-2:]):
        raise ValueError(
            f"register: {what} has shape {tuple(trusted.shape)} and {on} {tuple(image.shape)}; "
            f"expected the same shape: the {what} lies on the {on} image"
        )
    trusted = trusted.expand(image.shape)
    if not bool(trusted.flatten(-2).any(-1).all()):
        raise ValueError(
            f"register: {what} trusts no pixel; expected True where the {on} image may be used: "
            "check that it is not inverted"
        )
    return trusted


def _units(what: str, image: Tensor, trusted: Tensor | None, batched: bool) -> Units:
    """Return the units in which the trusted part of `image` `(B, H, W)` runs from 0 to 1.

    They are not differentiated: a common scale of both images moves no minimum of a metric of
    single pixels, and for the other metrics `Objective.level` makes the units anew. Objectives are
    reported, and priors are weighed, in the units of the given images.

    Raises:
        ValueError: a pixel is not finite, or all trusted ones are alike.

    """
    image = image.detach()
    units = Units.of(image, trusted)
    ranges = torch.cat((units.offset, units.offset + units.span, units.span), 1).squeeze(2).tolist()
    rounding = 8 * torch.finfo(image.dtype).eps
    for index, (least, most, between) in enumerate(ranges):
        if not math.isfinite(between):
            _refuse_holes(what, image, batched)
        if between <= rounding * max(abs(least), abs(most)):
            pair = f" of pair {index}" if batched else ""
            raise ValueError(
                f"register: {what}{pair} is flat, {least:g} in every trusted pixel; "
                "expected an image with content: there is nothing to align"
            )
    return units


def _refuse_holes(what: str, image: Tensor, batched: bool) -> None:
    """Raise ValueError where `image` `(B, H, W)` is not finite, or spans more than a float can."""
    bad = ~image.isfinite()
    if not bool(bad.any()):
        raise ValueError(
            f"register: {what} spans more than a float of its type holds; expected intensities "
            "whose difference is finite: divide them by a constant"
        )
    index = bad.nonzero()[0].tolist()
    raise ValueError(
        f"register: {what} has {int(bad.sum())} pixels that are NaN or infinite, the first "
        f"at {tuple(index if batched else index[1:])}; expected finite intensities: mask it out or "
        "fill it"
    )
