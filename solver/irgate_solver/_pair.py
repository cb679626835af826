"""The images of `register`, checked and brought to one form; every error names its argument."""

import math
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from irgate_solver import _channel_axis, _channels
from irgate_solver._channels import spread
from irgate_solver._precision import Units

SMALLEST_IMAGE = 4
"""Fewest pixels on a side: a cubic spline's cell and an affine's three unknowns per row need 4."""


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
        tensor = torch.from_numpy(array.astype(numpy.float64 if wide else numpy.float32, order="C"))
    if tensor.is_complex():
        raise TypeError(f"register: {what} is complex; expected real numbers: pass its magnitude")
    return tensor if tensor.dtype == torch.float64 else tensor.to(torch.float32)


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
