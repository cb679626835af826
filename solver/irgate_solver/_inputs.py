"""What `register` takes, checked and brought to one form; every error names its argument."""

import math
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from irgate_solver import _channel_axis, _channels, _metric_table, _warps
from irgate_solver._channels import spread
from irgate_solver._dissimilarity import Dissimilarity
from irgate_solver._homography import Homography
from irgate_solver._precision import Units
from irgate_solver._recipes import RECIPES, Parts

SMALLEST_IMAGE = 4
"""Fewest pixels on a side: a cubic spline's cell and an affine's three unknowns per row need 4."""
MOST_CONTROL_POINTS = 2048
"""Most control points of an FFD: its normal matrix is dense, 128 MiB at this size."""


NO_UNITS = Units(torch.empty(0), torch.empty(0))
"""Of a pair whose units are still to be found."""


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
        channels: number of channels C of each image, those that are flat left out.
        colours: both images with their channels, `(B C, H, W)` and `(B C, H', W')`, where there is
            more than one; `fixed` and `moving` are then their projections on one grey image.
        flat: bool `(B,)`, True for a pair with a flat image; None where there is none.

    """

    fixed: Tensor
    moving: Tensor
    mask: Tensor
    whole: bool
    batched: bool
    moving_mask: Tensor | None = None
    channels: int = 1
    colours: tuple[Tensor, Tensor] | None = None
    fixed_units: Units = NO_UNITS
    moving_units: Units = NO_UNITS
    flat: Tensor | None = None

    @property
    def settled_on(self) -> tuple[Tensor, Tensor]:
        """Both images as the full images' stage compares them."""
        return self.colours or (self.fixed, self.moving)


def read_pair(
    fixed: Any, moving: Any, mask: Any, moving_mask: Any = None, channels: str | None = None
) -> Pair:
    """Check both images and the masks.

    Raises:
        TypeError: something that is no real-valued array.
        ValueError: wrong shape, too small, not finite, flat, or nothing trusted.

    """
    _channel_axis.check("register", channels)
    first, second = _image("fixed", fixed, channels), _image("moving", moving, channels)
    if first.dim() != second.dim() or first.shape[:-2] != second.shape[:-2]:
        raise ValueError(
            f"register: fixed has shape {tuple(first.shape)} and moving {tuple(second.shape)}; "
            "expected both (H, W) or both (B, H, W) with one B: add or drop the batch axis"
            + ("" if channels in (None, "none") else "; and both with the same channels")
        )
    if first.device != second.device:
        raise ValueError(
            f"register: fixed is on {first.device} and moving on {second.device}; "
            "expected one device: move one with .to(device)"
        )
    coloured = channels in ("first", "last")
    batched = first.dim() == (4 if coloured else 3)
    dtype = torch.promote_types(first.dtype, second.dtype)
    first, second = first.to(dtype), second.to(dtype)
    grey = [image.select(-3, 0) if coloured else image for image in (first, second)]
    trusted = _mask("mask", mask, "fixed", grey[0])
    seen = None if moving_mask is None else _mask("moving_mask", moving_mask, "moving", grey[1])
    if not batched:
        first, second, trusted = first[None], second[None], trusted[None]
        seen = None if seen is None else seen[None]
    whole = mask is None
    if not whole:
        over = trusted.unsqueeze(1) if coloured else trusted
        first = torch.where(over, first, torch.zeros_like(first))
    if seen is not None:
        over = seen.unsqueeze(1) if coloured else seen
        second = torch.where(over, second, torch.zeros_like(second))
    if not coloured or first.shape[1] == 1:
        if coloured:
            first, second = first[:, 0], second[:, 0]
        return _without_flat(Pair(first, second, trusted, whole, batched, seen))
    for what, image in (("fixed", first), ("moving", second)):
        if not bool(image.isfinite().all()):
            _refuse_holes(what, image.detach(), batched)
    kept = _with_content(first.detach(), second.detach(), trusted, seen)
    first, second = first[:, kept], second[:, kept]
    if len(kept) == 1:
        return _without_flat(Pair(first[:, 0], second[:, 0], trusted, whole, batched, seen))
    project = _channels.projection(first.detach(), second.detach(), trusted)
    colours = first.flatten(0, 1), second.flatten(0, 1)
    greys = project(first), project(second)
    return _without_flat(Pair(*greys, trusted, whole, batched, seen, first.shape[1], colours))


def _with_content(fixed: Tensor, moving: Tensor, trusted: Tensor, seen: Tensor | None) -> list[int]:
    """Return the channels to compare: those that are flat in neither image, or all where none is.

    A flat channel, such as the alpha of an opaque picture, holds nothing to align: it has no
    correlation, and its rounding must not count as content. Pairs that are flat altogether have no
    say.

    Args:
        fixed, moving: `(B, C, H, W)` and `(B, C, H', W')`.
        trusted, seen: masks of both, bool, `(B, H, W)` and `(B, H', W')`; None for all.

    Raises:
        ValueError: a channel is flat in some pairs only.

    """
    batch, count = fixed.shape[:2]
    flat = torch.zeros(batch, count, dtype=torch.bool)
    for image, mask in ((fixed, trusted), (moving, seen)):
        planes = image.flatten(0, 1)
        units = Units.of(planes, None if mask is None else spread(mask, count))
        ends = torch.cat((units.offset, units.offset + units.span), 1).abs().amax(1).squeeze(1)
        found = units.span.view(-1) <= _rounding(image.dtype) * ends
        flat |= found.cpu().view(batch, count)
    told = flat[~flat.all(1)]
    if not len(told):
        return list(range(count))
    mixed = (told.any(0) & ~told.all(0)).nonzero().flatten().tolist()
    if mixed:
        raise ValueError(
            f"register: channel {mixed[0]} is flat in some pairs of the batch and not in others; "
            "expected each channel to have content in every pair or in none: leave it out, or "
            "register those pairs by themselves"
        )
    return (~told.any(0)).nonzero().flatten().tolist()


def _rounding(dtype: torch.dtype) -> float:
    """Return the range, as a part of the largest size, up to which intensities are one value."""
    return 8 * torch.finfo(dtype).eps


def _without_flat(pair: Pair) -> Pair:
    """Return the pair with its units, and zeros for both images of a flat pair of a batch.

    Zeros have no residual, so that such a pair ends where it starts, with a singular matrix.

    Raises:
        ValueError: an image is not finite, or every pair is flat.

    """
    trusted = None if pair.whole else pair.mask
    fixed_units, flat = _units("fixed", pair.fixed, trusted, pair.batched)
    moving_units, other = _units("moving", pair.moving, pair.moving_mask, pair.batched)
    flat = [one or two for one, two in zip(flat, other, strict=True)]
    if not any(flat):
        return replace(pair, fixed_units=fixed_units, moving_units=moving_units)
    if all(flat):
        raise ValueError(
            "register: every pair has a flat image; expected images with content: there is "
            "nothing to align"
        )
    level = torch.tensor(flat, device=pair.fixed.device).view(-1, 1, 1)

    def emptied(image: Tensor) -> Tensor:
        return torch.where(spread(level, len(image) // len(level)), 0.0, image)

    units = (
        Units(torch.where(level, 0.0, each.offset), torch.where(level, 1.0, each.span))
        for each in (fixed_units, moving_units)
    )
    fixed_units, moving_units = units
    colours = pair.colours and (emptied(pair.colours[0]), emptied(pair.colours[1]))
    return replace(
        pair,
        fixed=emptied(pair.fixed),
        moving=emptied(pair.moving),
        colours=colours,
        fixed_units=fixed_units,
        moving_units=moving_units,
        flat=level.flatten(),
    )


def read_tensor(what: str, value: Any) -> Tensor:
    """Return `value` as a float tensor: as it is if autograd takes it, else a copy.

    Float64 stays; every other real type becomes float32.
    """
    if isinstance(value, Tensor):
        tensor = value.clone() if value.is_inference() else value  # autograd refuses those
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


def _image(what: str, value: Any, channels: str | None) -> Tensor:
    """Return an image, with its channels, if it has some, before rows and columns."""
    image = read_tensor(what, value)
    coloured = channels in ("first", "last")
    if channels is None:
        _channel_axis.check_clear(what, tuple(image.shape))
    if image.dim() - coloured not in (2, 3) or 0 in image.shape:
        form = {"first": "(C, H, W)", "last": "(H, W, C)"}.get(channels or "", "(H, W)")
        raise ValueError(
            f"register: {what} has shape {tuple(image.shape)}; expected {form}, or that with a "
            'leading B for a batch: pass channels="first" or "last", or convert colour to grey, '
            "and drop axes of length one"
        )
    if channels == "last":
        image = image.movedim(-1, -3)
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


def _units(
    what: str, image: Tensor, trusted: Tensor | None, batched: bool
) -> tuple[Units, list[bool]]:
    """Return the units in which the trusted part of `image` runs from 0 to 1, and which are flat.

    They are not differentiated: a common scale of both images moves no minimum of a metric of
    single pixels, and for the other metrics `Objective.level` makes the units anew. Objectives are
    reported, and priors are weighed, in the units of the given images.

    Args:
        what: is named in messages.
        image: `(B, H, W)`.
        trusted: bool, the same; None where all are.
        batched: whether the caller gave a batch.

    Raises:
        ValueError: a pixel is not finite, or in every pair all trusted ones are alike.

    """
    image = image.detach()
    units = Units.of(image, trusted)
    ranges = torch.cat((units.offset, units.offset + units.span, units.span), 1).squeeze(2).tolist()
    rounding = _rounding(image.dtype)
    flat = []
    for least, most, between in ranges:
        if not math.isfinite(between):
            _refuse_holes(what, image, batched)
        flat.append(between <= rounding * max(abs(least), abs(most)))
    if all(flat):
        raise ValueError(
            f"register: {what}{' of every pair' if batched else ''} is flat, {ranges[0][0]:g} in "
            "every trusted pixel; expected an image with content: there is nothing to align"
        )
    return units, flat


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
