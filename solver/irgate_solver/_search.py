"""A coarse search over all rotations and shifts, for where a descent from the identity fails.

For each rotation R of a fan the moving image is turned about its centre and correlated with the
fixed one at every whole-pixel lag at once, by FFT, with both images' masks (Padfield 2012,
"Masked object registration in the Fourier domain", eq. 8): rho(d) is the correlation over the
n(d) pixels that overlap at lag d. Peaks are ranked by

(1)  z = atanh(rho) sqrt(n / n_max),

Fisher's (1915) variance-stabilised correlation over its standard error, up to a constant: a small
overlap must correlate better to win. Refined candidates, and the answer without a search, are
compared by the detail that they share on all levels (`_octaves`). An image with inverted contrast
is not found. No random numbers are used.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from irgate_solver import _metrics, _pyramid, _sampling
from irgate_solver._precision import SOLVE
from irgate_solver._pyramid import Level
from irgate_solver._template import WarpedLevel
from irgate_solver._warps import LinearWarp, Rigid

FAN = 24
"""Number of rotations tried, 15 degrees apart: a descent corrects the 7.5 degrees between two."""
KEPT = 8
"""Number of peaks, of different rotations, that are refined. On a pair of heads with an overlap of
two fifths the right peak was the seventh, because the halves of a head resemble each other."""
LEAST_SHARE = 0.2
"""Least overlap of a peak, as a fraction of the smaller image."""
SMALLEST_SIDE = 24
"""The search runs on the coarsest level with at least this many pixels on its shortest side."""
CONVINCING = 0.985
"""Least correlation (of either sign) at which a solution from the identity is taken without a
search. On the level where it is measured an upside-down head reaches 0.973, and a right answer 0.99
unless the images are noisy. A right answer below the limit costs the time of a search."""
MOST_AT_ONCE = 2**22
"""Most pixels, of all turned images and their frames, that are correlated together: 0.3 GB. Where
the fan has more, its rotations are taken one by one."""
_CEILING = 1.0 - 1e-6
"""Largest correlation that enters atanh, so that the rank of a perfect match is finite."""


def search_level(levels: list[Level]) -> int:
    """Return the index of the level to search on."""
    best = 0
    for index, level in enumerate(levels):
        if min(*level.fixed.shape[1:], *level.moving.shape[1:]) >= SMALLEST_SIDE:
            best = index
    return best


def convincing(warped: WarpedLevel, p: Tensor) -> list[bool]:
    """Return, for each pair, whether the correlation at `p` `(B, n)` needs no search."""
    rho = torch.sqrt((1.0 - warped.objective(p, _metrics.correlation)).clamp(min=0.0))
    return [value >= CONVINCING for value in rho.tolist()]


def candidates(warp: LinearWarp, level: Level) -> Tensor:
    """Return the best starts `(KEPT or 1, B, n)` of `warp` (translation or rigid), best first.

    Args:
        warp: the family; a translation is searched without rotations.
        level: the level to search on.

    """
    turning = isinstance(warp, Rigid)
    angles = [2.0 * math.pi * k / FAN for k in range(FAN if turning else 1)]
    device = level.fixed.device
    turns = torch.tensor(angles, dtype=SOLVE, device=device)
    aspect = warp.aspect
    found = [_best_lags_of(level, some, aspect) for some in _groups(level, turns, aspect)]
    rank, lag = (torch.cat(parts) for parts in zip(*found, strict=True))
    kept = min(KEPT, len(angles))
    order = rank.topk(kept, dim=0).indices
    angle = turns[order]
    lag = lag.gather(0, order.unsqueeze(-1).expand(-1, -1, 2)) * level.scale
    # moved(z) = moving(R z + c_m) meets fixed(x) at z = x - c_f + lag, so t = R lag + c_m - c_f.
    # Here c_f and c_m are the centres of the coarse grids, and not those of the full images, and R
    # is the turn (1) of `_linear`.
    cosine, sine = torch.cos(angle), torch.sin(angle)
    turn = torch.stack((cosine, -aspect * sine, sine / aspect, cosine), -1)
    rotation = turn.view(*angle.shape, 2, 2)
    fixed_centre = _centre(level.fixed, level.scale)
    moving_centre = _centre(level.moving, level.scale)
    shift = (rotation @ (lag - fixed_centre).unsqueeze(-1)).squeeze(-1) + moving_centre
    matrix = torch.zeros(*angle.shape, 3, 3, dtype=SOLVE, device=device)
    matrix[..., :2, :2], matrix[..., :2, 2], matrix[..., 2, 2] = rotation, shift, 1.0
    return warp.from_matrix(matrix.flatten(0, 1)).view(*angle.shape, -1)


def _rank(rho: Tensor, share: Tensor) -> Tensor:
    z: Tensor = torch.atanh(rho.clamp(-_CEILING, _CEILING)) * share.clamp(0.0, 1.0).sqrt()
    return z


def _groups(level: Level, turns: Tensor, aspect: float) -> Sequence[Tensor]:
    """Divide the fan so that what a group takes is bounded, whatever the images' sides."""
    height, width = level.moving.shape[1:]
    rows, columns = _frame(height, width, aspect)
    taken = len(level.fixed) * (level.fixed.shape[1] + rows) * (level.fixed.shape[2] + columns)
    if len(turns) * taken <= MOST_AT_ONCE:
        return (turns,)
    return [turn.reshape(1) for turn in turns]


def _best_lags_of(level: Level, turns: Tensor, aspect: float) -> tuple[Tensor, Tensor]:
    """Return the rank (1) of each rotation's best lag, `(A, B)`, and the lag (x, y), level px."""
    if len(turns) == 1 and _overlap_bound(level, float(turns), aspect) < LEAST_SHARE:
        none = turns.new_full((1, len(level.fixed)), -torch.inf)
        return none, torch.zeros(*none.shape, 2, dtype=SOLVE, device=turns.device)
    moved, seen = _turned(level.moving, level.hidden, turns, aspect)
    return _best_lags(level, moved, seen)


def _overlap_bound(level: Level, turn: float, aspect: float) -> float:
    """Return the most that two turned images may overlap, as a fraction of the smaller one.

    Each lies in a strip as wide as its shorter side. Two strips of widths a and b that cross at an
    angle t share a b / sin t. Lengths are in widths of a pixel.
    """
    (rows, width), (others, breadth) = level.fixed.shape[1:], level.moving.shape[1:]
    height, other = rows * aspect, others * aspect
    across = 0.0 if (width >= height) == (breadth >= other) else math.pi / 2
    crossing = min(height, width) * min(other, breadth)
    smaller = min(height * width, other * breadth)
    return crossing / max(abs(math.sin(turn + across)) * smaller, 1e-9)


def _frame(height: int, width: int, aspect: float) -> tuple[int, int]:
    """Return the (rows, columns) that hold every rotation of an image."""
    return (
        math.ceil(math.hypot(height, width / aspect)),
        math.ceil(math.hypot(height * aspect, width)),
    )


def _centre(image: Tensor, scale: int) -> Tensor:
    """Return the centre (x, y) of a level's grid, px of the full image."""
    height, width = image.shape[1:]
    return torch.tensor(
        [(width - 1) / 2 * scale, (height - 1) / 2 * scale], dtype=SOLVE, device=image.device
    )


def _turned(
    image: Tensor, hidden: Tensor | None, angles: Tensor, aspect: float = 1.0
) -> tuple[Tensor, Tensor]:
    """Turn `image` `(B, h, w)` about its centre onto a grid that holds all of `angles`.

    The grid holds every rotation, a square where pixels are, or for one angle its bounding box.

    Args:
        image: a level's moving image.
        hidden: 0/1 weights of its pixels that are not trusted, or None.
        angles: `(A,)`, radians.
        aspect: a pixel's height over its width.
    Returns: `(A, B, s, t)` images, zero where not seen, and 0/1 weights `(A, 1, s, t)`, or
        `(A, B, s, t)` where something is hidden.

    """
    height, width = image.shape[1:]
    rows, columns = _frame(height, width, aspect)
    if len(angles) == 1:
        across, down = abs(math.cos(float(angles))), abs(math.sin(float(angles)))
        rows = math.ceil(across * height + down * width / aspect - 1e-6)
        columns = math.ceil(across * width + down * height * aspect - 1e-6)
    zx, zy = (
        torch.arange(n, dtype=SOLVE, device=image.device) - (n - 1) / 2 for n in (columns, rows)
    )
    zx, zy = zx.expand(rows, columns), zy.unsqueeze(-1).expand(rows, columns)
    cosine, sine = torch.cos(angles).view(-1, 1, 1), torch.sin(angles).view(-1, 1, 1)
    x = cosine * zx - aspect * sine * zy + (width - 1) / 2
    y = sine / aspect * zx + cosine * zy + (height - 1) / 2
    inside = (x >= -0.5) & (x < width - 0.5) & (y >= -0.5) & (y < height - 0.5)
    points = torch.stack((x, y), 1)
    count, batch = len(angles), len(image)
    stack = image.expand(count, batch, height, width).flatten(0, 1)
    points = points.unsqueeze(1).expand(count, batch, 2, rows, columns).flatten(0, 1)
    seen = inside.unsqueeze(1).to(image.dtype)
    moved = _sampling.Linear(stack).value(points).view(count, batch, rows, columns)
    if hidden is not None:
        stack = hidden.expand(count, batch, height, width).flatten(0, 1)
        seen = seen * _pyramid.seen_at(stack, points).view(count, batch, rows, columns)
    return moved * seen, seen


def _best_lags(level: Level, moved: Tensor, seen: Tensor) -> tuple[Tensor, Tensor]:
    """Return the rank (1) of each rotation's best lag, `(A, B)`, and the lag (x, y), level px.

    The lag takes the fixed grid's centred positions to the turned grid's.
    """
    height, width = level.fixed.shape[1:]
    tall, wide = moved.shape[-2:]
    size = (_fast(height + tall - 1), _fast(width + wide - 1))
    # Both images are brought near zero mean, so that the float32 sums of squares do not cancel.
    mean = _metrics.total(level.fixed * level.trusted) / _metrics.total(level.trusted)
    level_mean = mean.to(moved.dtype).view(-1, 1, 1)
    f, fw = (level.fixed - level_mean) * level.trusted, level.trusted
    m, mw = (moved - level_mean) * seen, seen

    def spectrum(image: Tensor) -> Tensor:
        transformed: Tensor = torch.fft.rfft2(image, s=size)
        return transformed

    first, first_square, first_weight = (spectrum(t).conj() for t in (f, f * f, fw))
    second, second_square, second_weight = (spectrum(t) for t in (m, m * m, mw))

    def lags(one: Tensor, other: Tensor) -> Tensor:
        correlated: Tensor = torch.fft.irfft2(one * other, s=size)
        return correlated

    count = lags(first_weight, second_weight).clamp(min=1e-3)
    sum_f, sum_m = lags(first, second_weight), lags(first_weight, second)
    var_f = lags(first_square, second_weight) - sum_f.square() / count
    var_m = lags(first_weight, second_square) - sum_m.square() / count
    covariance = lags(first, second) - sum_f * sum_m / count
    least = min(float(fw.sum((1, 2)).min()), float(mw.sum((2, 3)).min()))
    # The correlation of a window with under a hundredth of the image's contrast means nothing.
    contrast = f.square().mean((1, 2)) + m.square().mean((2, 3))
    floor = 1e-4 * count * contrast[..., None, None]
    good = (count >= LEAST_SHARE * least) & (var_f > floor) & (var_m > floor)
    product = (var_f.clamp(min=0) * var_m.clamp(min=0)).sqrt()
    rho = torch.where(good, covariance / product.clamp(min=1e-20), -1.0)
    rank = torch.where(good, _rank(rho, count / least), -torch.inf)
    best, place = rank.flatten(2).max(-1)
    row, column = place // size[1], place % size[1]
    # An FFT wraps round: lags past the end of the turned grid are negative ones.
    row = torch.where(row >= tall, row - size[0], row)
    column = torch.where(column >= wide, column - size[1], column)
    offset = torch.stack((column, row), -1).to(SOLVE)
    # At lag k the fixed index i meets the turned index i + k; this converts corners to centres.
    centres = torch.tensor(
        [(width - 1) / 2 - (wide - 1) / 2, (height - 1) / 2 - (tall - 1) / 2],
        dtype=SOLVE,
        device=moved.device,
    )
    return best.to(SOLVE), offset + centres


def _fast(size: int) -> int:
    """Return the next size of the form 2^a 3^b 5^c, for which FFTs are quick."""
    while True:
        rest = size
        for prime in (2, 3, 5):
            while rest % prime == 0:
                rest //= prime
        if rest == 1:
            return size
        size += 1
