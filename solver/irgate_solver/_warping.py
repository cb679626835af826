"""An image seen through a transform: grey values, colour, labels and masks, as they came."""

from typing import Any

import torch
from torch import Tensor

from irgate_solver import _arrays, _sampling
from irgate_solver._channel_axis import to_channels_first

NEAREST = "nearest"
"""The sampler of labels and masks, beside those of a solve."""
SIGNED = {
    torch.uint16: torch.int16,
    torch.uint32: torch.int32,
    torch.uint64: torch.int64,
}
"""Signed types of the same width: torch looks nothing up in unsigned numbers but bytes, so that
labels of these types are moved as bits."""
WIDE = (torch.float64, torch.int32, torch.int64, torch.uint32, torch.uint64)
"""Types whose numbers float32 does not hold."""


def warp(
    who: str,
    points: Tensor,
    image: Any,
    *,
    sampling: str,
    outside: float,
    channels: str | None,
    expected: tuple[int, int] | None,
    batched: bool,
) -> Any:
    """Return `image` looked up at `points`, in the form and type that came.

    Args:
        who: is named in messages.
        points: `(B, 2, H, W)`, px of the image, float64.
        image: `(H', W')`, or with an axis of channels first or last; all of these with a leading B
            for a batch. Bools are looked up at the nearest pixel.
        sampling: "nearest" or a solve's.
        outside: value where a point leaves [-0.5, N - 0.5).
        channels: "first" or "last"; None to know it by the image's sizes.
        expected: `(H', W')` of the moving image, where known.
        batched: whether the result is of a batch.

    Raises:
        TypeError, ValueError: it is no image, or its axes cannot be told.

    """
    names = (NEAREST, *_sampling.SAMPLERS)
    if sampling not in names:
        raise ValueError(f"{who}: sampling={sampling!r}; expected one of {', '.join(names)}")
    tensor, form = _arrays.read(who, image)
    planes, back = to_channels_first(who, tensor, channels, expected, batched)
    if len(planes) not in (1, len(points)):
        raise ValueError(
            f"{who}: image holds {len(planes)} pairs' images and the result {len(points)}; "
            "expected one for each pair of the batch"
        )
    if form.dtype == torch.bool:
        sampling = NEAREST
    count = planes.shape[1]
    planes = planes.to(points.device).expand(len(points), *planes.shape[1:]).flatten(0, 1)
    place = points.repeat_interleave(count, 0) if count > 1 else points
    extent = points.new_tensor([planes.shape[2], planes.shape[1]]).view(2, 1, 1)
    inside = ((place >= -0.5) & (place < extent - 0.5)).all(1)
    if sampling == NEAREST:
        value = _nearest(planes, place, inside, outside)
    else:
        planes = planes.to(torch.float64 if planes.dtype in WIDE else torch.float32)
        value = _sampling.make_sampler(sampling, planes).value(place)
        value = torch.where(inside, value, torch.full_like(value, outside))
    return form.give_image(back(value.view(len(points), count, *value.shape[1:])))


def _nearest(planes: Tensor, points: Tensor, inside: Tensor, outside: float) -> Tensor:
    """Return `planes` `(k, H', W')` at the pixels nearest to `points`, in their own type.

    Labels are not converted, as one of 64 bits is no float.
    """
    height, width = planes.shape[1:]
    column = (points[:, 0] + 0.5).floor().clamp(0, width - 1).long()
    row = (points[:, 1] + 0.5).floor().clamp(0, height - 1).long()
    own = planes.dtype
    whole = not own.is_floating_point and own != torch.bool
    beyond = torch.tensor([round(outside) if whole else outside]).to(planes.device, own)
    bits = SIGNED.get(own, own)
    found = planes.view(bits).flatten(1).gather(1, (row * width + column).flatten(1))
    found = found.view(len(planes), *points.shape[2:])
    return torch.where(inside, found, beyond.view(bits)).view(own)
