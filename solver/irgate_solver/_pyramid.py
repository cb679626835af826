"""Image pyramids by normalised convolution: masked pixels and the border change no other pixel.

Level l keeps every 2^l-th pixel of the full image, the first one included: pixel i of level l
stands at exactly 2^l i px of the full image, in both images, whatever their sizes. All positions
are given in full-resolution px, so a level has no offset of its own that could be got wrong.

(1)  level l+1 = decimate( G * (w image) / G * w ),   G Gaussian, sigma 1 px of level l,

with w = 1 on trusted pixels and 0 elsewhere and beyond the border (normalised convolution,
Knutsson & Westin 1993). A pixel of level l+1 is trusted where at least half of G was.

A moving image is looked up between its pixels. So its hidden pixels hold means of the trusted ones
around them, and a point counts where hidden pixels have next to no part in the interpolation.
"""

import math
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor
from torch.nn import functional

from irgate_solver import _native, _sampling
from irgate_solver._precision import SOLVE
from irgate_solver._size_cache import cached_by_size
from irgate_solver._windows import windowed_means

SIGMA = 1.0
"""Blur before each halving, px: it passes 0.29 of an amplitude at the new grid's Nyquist frequency
and 0.014 at the old one's."""
_RADIUS = 3
_WEIGHTS = [math.exp(-0.5 * (tap / SIGMA) ** 2) for tap in range(-_RADIUS, _RADIUS + 1)]
TAPS = [weight / sum(_WEIGHTS) for weight in _WEIGHTS]
TRUSTED = 0.5
"""Share of the blur's weight that must have come from trusted pixels."""
FILLING_SIGMA = 2.0
"""Of the means that stand in for hidden moving pixels, px of the level: they reach 6 px inwards."""
MOST_HIDDEN = 1e-3
"""Most that hidden pixels may weigh in an interpolation: a position is rounded by 1e-5 px."""
MOST_LEVELS = 4
SMALLEST_SIDE = 8
"""Fewest pixels on a level's side. The blur leaves about one independent value in 2 x 2 pixels, so
8 x 8 pixels hold 16 of them for an affine map's six parameters (heuristic)."""


@dataclass(frozen=True, eq=False)
class Level:
    """One level.

    Attributes:
        fixed: `(B, h, w)`, unit range.
        trusted: 0/1 weights of the fixed pixels, `(B, h, w)`, image type.
        moving: `(B, h', w')`, unit range.
        scale: px of the full image from one pixel to the next.
        whole: whether every fixed pixel is trusted.
        hidden: 0/1 weights of the moving pixels that are not trusted, `(B, h', w')`; None where all
            are.

    """

    fixed: Tensor
    trusted: Tensor
    moving: Tensor
    scale: int
    whole: bool = False
    hidden: Tensor | None = None

    @cached_property
    def count(self) -> Tensor:
        """Number of trusted fixed pixels, `(B,)`, float64."""
        if self.whole:
            batch, height, width = self.trusted.shape
            return self.trusted.new_full((batch,), height * width, dtype=SOLVE)
        return self.trusted.sum((1, 2), dtype=SOLVE)


def build(
    fixed: Tensor, trusted: Tensor, moving: Tensor, whole: bool, hidden: Tensor | None = None
) -> list[Level]:
    """Return the levels, full resolution first.

    Args:
        fixed: `(B, H, W)`.
        trusted: 0/1 weights, `(B, H, W)`, same type.
        moving: `(B, H', W')`.
        whole: whether `trusted` is 1 everywhere.
        hidden: 0/1 weights of what the moving mask distrusts, `(B, H', W')`, same type, or None;
            `moving` is `filled` there.

    """
    levels = [Level(fixed, trusted, moving, 1, whole, hidden)]
    while len(levels) < MOST_LEVELS:
        last = levels[-1]
        sides = (*last.fixed.shape[1:], *last.moving.shape[1:])
        if min(sides) < 2 * SMALLEST_SIDE:
            break
        half_hidden = None
        if whole and hidden is None:
            half_fixed, half_moving = _halve_both(last.fixed, last.moving)
            kept = torch.ones_like(half_fixed)
        else:
            half_fixed, kept = _halve_trusted(last.fixed, last.trusted)
            if last.hidden is None:
                half_moving = halve(last.moving)
            else:
                half_moving, seen = _halve_trusted(last.moving, 1.0 - last.hidden)
                half_hidden = 1.0 - seen
                half_moving = filled(half_moving, half_hidden)
        levels.append(Level(half_fixed, kept, half_moving, 2 * last.scale, whole, half_hidden))
    return levels


def _halve_trusted(image: Tensor, trusted: Tensor) -> tuple[Tensor, Tensor]:
    """Return (1) and the 0/1 weights of its trusted pixels; 0 on the others."""
    share = halve(trusted)
    kept = (share >= TRUSTED).to(image.dtype)
    tiny = torch.finfo(image.dtype).tiny
    return halve(image * trusted) / share.clamp(min=tiny) * kept, kept


def filled(image: Tensor, hidden: Tensor) -> Tensor:
    """Return `image` `(B, h, w)` with means of the trusted pixels around them on hidden ones."""
    means = windowed_means(image.unsqueeze(1), (1.0 - hidden).unsqueeze(1), FILLING_SIGMA)
    return torch.where(hidden > 0, means.squeeze(1), image)


def seen_at(hidden: Tensor, points: Tensor) -> Tensor:
    """Return 0/1 weights of the points at which the interpolation is of trusted pixels alone.

    Args:
        hidden: 0/1 weights of a level's moving pixels, `(B, h', w')`.
        points: `(B, 2, h, w)`, (x, y) in pixels of that level.
    Returns: `(B, h, w)`.

    """
    return (_sampling.Linear(hidden).value(points) <= MOST_HIDDEN).to(hidden.dtype)


def repeated(level: Level, times: int) -> Level:
    """Return the level with its batch repeated, the whole batch after itself: `(times B, ...)`."""
    return Level(
        level.fixed.repeat(times, 1, 1),
        level.trusted.repeat(times, 1, 1),
        level.moving.repeat(times, 1, 1),
        level.scale,
        level.whole,
        None if level.hidden is None else level.hidden.repeat(times, 1, 1),
    )


def _halve_both(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """Halve two wholly trusted batches, in one call where they have the same size."""
    if first.shape != second.shape:
        return halve(first), halve(second)
    one, other = halve(torch.cat((first, second))).chunk(2)
    return one, other


def halve(image: Tensor) -> Tensor:
    """Return (1) of a wholly trusted `image` `(B, h, w)`, halved in size.

    Where w = 1 the weight G * w is a product of one function of the row and one of the column.
    """
    height, width = image.shape[1:]
    if _native.serves(image):
        borders = (_border(size, image.dtype, image.device) for size in (height, width))
        return _native.halved(image, _taps(), *borders)
    rows = functional.pad(image, (0, 0, _RADIUS, _RADIUS + 1))
    count = (height + 1) // 2
    taps = [rows[:, tap : tap + 2 * count - 1 : 2] for tap in range(len(TAPS))]
    down = _weigh(taps) * _border(height, image.dtype, image.device).unsqueeze(-1)
    columns = functional.pad(down, (_RADIUS, _RADIUS + 1))
    # Sums run faster over columns that are copied next to each other than over every second one.
    parts = columns[..., 0::2].contiguous(), columns[..., 1::2].contiguous()
    count = (width + 1) // 2
    taps = [parts[tap % 2][..., tap // 2 : tap // 2 + count] for tap in range(len(TAPS))]
    return _weigh(taps) * _border(width, image.dtype, image.device)


def _weigh(taps: list[Tensor]) -> Tensor:
    """Return the sum of the images weighed by the (symmetric) kernel."""
    total = taps[_RADIUS] * TAPS[_RADIUS]
    for tap in range(_RADIUS):
        total.add_(taps[tap] + taps[-1 - tap], alpha=TAPS[tap])
    return total


@cached_by_size
def _taps() -> Tensor:
    """Return the first four weights of the (symmetric) kernel, float64."""
    return torch.tensor(TAPS[: _RADIUS + 1], dtype=torch.float64)


@cached_by_size
def _border(size: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Return 1 / (G * 1) along an axis of `size` samples at every second one of them."""
    kernel = torch.tensor(TAPS, dtype=torch.float64)
    ones = functional.pad(torch.ones(size, dtype=torch.float64), (_RADIUS, _RADIUS))
    weight = ones.unfold(0, len(TAPS), 2) @ kernel
    return (1.0 / weight).to(device, dtype)
