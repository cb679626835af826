"""Image pyramids by normalised convolution: nothing leaks in from masked pixels or the border.

Level l keeps every 2^l-th pixel of the full image, the first one included: pixel i of level l
stands at exactly 2^l i px of the full image, in both images, whatever their sizes. All positions
are given in full-resolution px, so a level has no offset of its own that could be got wrong.

(1)  level l+1 = decimate( G * (w image) / G * w ),   G Gaussian, sigma 1 px of level l,

with w = 1 on trusted pixels and 0 elsewhere and beyond the border (normalised convolution,
Knutsson & Westin 1993). A pixel of level l+1 is trusted where at least half of G was.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

SIGMA = 1.0
"""Blur before each halving, px: passes 0.29 of an amplitude at the new grid's Nyquist frequency and
0.007 at the old one's."""
_RADIUS = 3
TRUSTED = 0.5
"""Share of the blur's weight that must have come from trusted pixels."""
MOST_LEVELS = 4
SMALLEST_SIDE = 8
"""A level of fewer pixels on a side would hold less than one blob of its own blur for each of the
affine's parameters (heuristic)."""


@dataclass(frozen=True, eq=False)
class Level:
    """One level.

    Attributes:
        fixed: `(B, h, w)`, unit range.
        trusted: 0/1 weights of the fixed pixels, `(B, h, w)`, image type.
        moving: `(B, h', w')`, unit range.
        scale: px of the full image from one pixel to the next.
        whole: whether every fixed pixel is trusted.

    """

    fixed: Tensor
    trusted: Tensor
    moving: Tensor
    scale: int
    whole: bool = False


def build(fixed: Tensor, trusted: Tensor, moving: Tensor) -> list[Level]:
    """Return the levels, full resolution first.

    Args:
        fixed: `(B, H, W)`.
        trusted: 0/1 weights, `(B, H, W)`, same type.
        moving: `(B, H', W')`.

    """
    whole = bool((trusted == 1).all())
    levels = [Level(fixed, trusted, moving, 1, whole)]
    while len(levels) < MOST_LEVELS:
        last = levels[-1]
        sides = (*last.fixed.shape[1:], *last.moving.shape[1:])
        if min(sides) < 2 * SMALLEST_SIDE:
            break
        if whole:
            half_fixed = halve(last.fixed)
            kept = torch.ones_like(half_fixed)
        else:
            half_fixed, share = halve_trusted(last.fixed, last.trusted)
            kept = (share >= TRUSTED).to(fixed.dtype)
            half_fixed = half_fixed * kept
        levels.append(Level(half_fixed, kept, halve(last.moving), 2 * last.scale, whole))
    return levels


def repeated(level: Level, times: int) -> Level:
    """Return the level with its batch repeated, the whole batch after itself: `(times B, ...)`."""
    return Level(
        level.fixed.repeat(times, 1, 1),
        level.trusted.repeat(times, 1, 1),
        level.moving.repeat(times, 1, 1),
        level.scale,
        level.whole,
    )


def halve(image: Tensor) -> Tensor:
    """Return (1) of a wholly trusted `image` `(B, h, w)`, halved in size.

    The weight G * 1 is then a product of one function of the row and one of the column.
    """
    row, column = (
        _blur_and_decimate(torch.ones_like(side).view(1, *form))
        for side, form in (
            (image[0, :, 0], (-1, 1)),
            (image[0, 0, :], (1, -1)),
        )
    )
    # Along its other axis, of one sample, each profile has met the kernel's middle tap alone.
    middle = _kernel(image)[_RADIUS]
    return _blur_and_decimate(image) / (row / middle) / (column / middle)


def halve_trusted(image: Tensor, trusted: Tensor) -> tuple[Tensor, Tensor]:
    """Return (1) of `image` `(B, h, w)` and the trusted share of the blur, halved in size."""
    weight = _blur_and_decimate(trusted)
    tiny = torch.finfo(image.dtype).tiny
    full = _blur_and_decimate(torch.ones_like(trusted[:1]))
    return _blur_and_decimate(image * trusted) / weight.clamp(min=tiny), weight / full


def _kernel(like: Tensor) -> Tensor:
    offset = torch.arange(-_RADIUS, _RADIUS + 1, dtype=like.dtype, device=like.device)
    kernel = torch.exp(-0.5 * (offset / SIGMA).square())
    return kernel / kernel.sum()


def _blur_and_decimate(image: Tensor) -> Tensor:
    kernel = _kernel(image)
    across, down = kernel.view(1, 1, 1, -1), kernel.view(1, 1, -1, 1)
    planes = image.unsqueeze(1)
    planes = functional.conv2d(planes, across, stride=(1, 2), padding=(0, _RADIUS))
    planes = functional.conv2d(planes, down, stride=(2, 1), padding=(_RADIUS, 0))
    return planes.squeeze(1)
