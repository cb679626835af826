"""Which axis of an image holds its channels: said by the caller, or refused where it is not clear.

A tensor of three axes may be a batch of grey images, `(B, H, W)`, or one image in colour, `(C, H,
W)` or `(H, W, C)`. `register` takes it for a batch, unless it looks like colour: then it asks.
"""

from collections.abc import Callable

from torch import Tensor

CHOICES = ("first", "last", "none")
"""What `register(channels=...)` takes besides None."""


def check(who: str, channels: str | None, choices: tuple[str, ...] = CHOICES) -> None:
    """Raise ValueError unless `channels` is None or one of `choices`."""
    if channels is not None and channels not in choices:
        raise ValueError(
            f"{who}: channels={channels!r}; expected one of {', '.join(choices)}, or None"
        )


def check_clear(what: str, shape: tuple[int, ...]) -> None:
    """Raise ValueError where an image of `shape`, without a word on its channels, may be colour."""
    colour = None
    if len(shape) == 3 and shape[-1] in (3, 4):
        colour = "last"
    elif len(shape) == 3 and shape[0] == 3:
        colour = "first"
    if colour is not None:
        raise ValueError(
            f"register: {what} has shape {shape}, {shape[0]} pairs or one pair in colour; expected "
            f'it to be said: pass channels="{colour}" for colour, channels="none" for a batch'
        )


def to_channels_first(
    who: str,
    image: Tensor,
    channels: str | None,
    expected: tuple[int, int] | None,
    batched: bool,
) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
    """Return `image` as `(B or 1, C, H', W')`, and the way back for a warped one of that form.

    Args:
        who: is named in messages.
        image: `(H', W')`, with channels first or last, with a leading B for a batch.
        channels: "first" or "last"; None to know it by `expected`.
        expected: the image's `(H', W')`, where known.
        batched: whether a leading axis counts pairs.

    Raises:
        ValueError: the axes cannot be told.

    """
    check(who, channels, ("first", "last"))
    rest = image.dim() - int(batched)
    if rest == 2:
        planes = image.unsqueeze(1) if batched else image[None, None]
        return planes, (lambda out: out[:, 0]) if batched else (lambda out: out[0, 0])
    shape = tuple(image.shape[int(batched) :])
    if rest == 3 and channels is None and expected is not None:
        first, last = shape[1:] == expected, shape[:2] == expected
        if first != last:
            channels = "first" if first else "last"
    if rest != 3 or channels is None:
        lead = "(B, H, W)" if batched else "(H, W)"
        raise ValueError(
            f"{who}: image has shape {tuple(image.shape)}; expected {lead} of the moving image, or "
            'that with channels: pass channels="first" or channels="last"'
        )
    planes = image if batched else image[None]
    if channels == "last":
        planes = planes.movedim(-1, 1)

    def back(out: Tensor) -> Tensor:
        out = out if batched else out[0]
        return out.movedim(1 if batched else 0, -1) if channels == "last" else out

    return planes, back
