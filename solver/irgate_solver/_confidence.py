"""What tells a right answer from a wrong one where no truth is known: the detail of both images.

On the levels of half and of a quarter of the size, with sums over the n valid pixels of a tile of
the fixed image (`_octaves`), f the fixed and m the warped moving image, g and h their gradients,

(1)  rho = sum g.h / sqrt((sum g.g - n k s_f^2) (sum h.h - n k s_m^2)),
(2)  agreement = on the worse of the two levels, the median of rho over the tiles, each weighed by
     e / (e + n k s^2), e the smaller of its two energies (the brackets), s^2 the larger variance;
(3)  f ~ a m + b + c.x + d.h, by least squares in each tile, d in px of the level,
(4)  drift = on the worse of the two levels, the median over the tiles of |d| along what they
     determine, sqrt(2 d^T S d / tr S), S being the normal matrix of d, each weighed by
     1 / (1 + v / MOST_DRIFT^2), v = 2 s_r^2 / tr S its variance, s_r^2 that of (3)'s residual.

s^2 is the variance of an image's white noise, measured on the image, and k what the pyramid and the
gradient leave of a variance of 1: noise lowers a correlation and (1) takes that back (Spearman
1904), so that a right answer has an agreement near 1 under noise too. Two images that do not belong
together reach 0.2 on average, and a part of one that fits over a part of the other stays under 0.9,
because it does not fit all over. (3) is one more Lucas-Kanade step for each tile by itself: where
a bias or noise has moved the objective's minimum, the detail still asks to move. Medians let
something foreign in less than half of the view pass: a tile that tells enough counts as one,
however strong its edges are.

The limits are calibrated (`benchmarks/reach.py`).
"""

from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor
from torch.nn import functional

from irgate_solver import _metrics, _octaves, _pyramid, _sampling
from irgate_solver._lucas_kanade import valid_on
from irgate_solver._precision import MAD_TO_SIGMA, SOLVE
from irgate_solver._pyramid import Level
from irgate_solver._template import gradient, inner

LEAST_AGREEMENT = 0.9
"""Under it an answer is doubtful: of 209 wrong answers 85 % were, of 818 right ones 1 %."""
NARROW = 0.5
"""Overlap under which more is asked: among many small overlaps chance finds one that agrees."""
LEAST_NARROW_AGREEMENT = 0.95
"""The least agreement there: 133 right answers had 0.98 and more, 16 of 17 wrong ones that drift
did not show 0.90 and less, halves of repeated patterns over each other."""
MOST_DRIFT = 0.3
"""Drift, px of the level, over which an answer is doubtful. It finds most of what the agreement
does not: answers that a bias or noise pulled off by 1 to 6 px."""
LEAST_OVERLAP = 0.3
"""Part of the trusted fixed pixels in view under which an answer is doubtful: no right one of the
calibration showed less than 0.35."""
ASKED = (1, 2)
"""The levels that are asked. On the full images noise hides much of the detail, and on an eighth of
the size there are too few pixels."""
MOST_FOLDED = 1e-3
"""Part of the pixels at which space is turned inside out over which an answer is doubtful: matter
does not fold, and no right answer did."""
LEAST_PIXELS = 24
"""Fewest valid pixels of a tile that counts: (3) has six unknowns."""
LEAST_SIDE = 10
"""Least side of a tile, px of its level; a smaller level has fewer tiles. In tiles of 36 px a step
for six unknowns is mostly chance: of right answers at 48 px it doubted two fifths."""
LEAST_ENERGY = 0.2
"""Least bracket of (1), as a part of its first term: noise is known to some tenths only."""
RIDGE = 1e-3
"""Added to the diagonal of a tile's normal matrix of d, as a part of its trace."""
FLAT = 1e-4
"""Energy of a tile that counts by half without noise, as a part of the mean over tiles."""
MOST = 1.2
"""Largest rho of a tile: more is an error in the noise."""


@dataclass(frozen=True)
class Confidence:
    """What the detail says of an answer, for each pair of a batch.

    Attributes:
        agreement: (2), about 1 where all fits; NaN where the images are too small to tell.
        drift: (4), px of the level; NaN likewise, and where grey values do not correspond.

    """

    agreement: tuple[float, ...]
    drift: tuple[float, ...]

    def doubtful(self, overlap: list[float], folded: list[float]) -> tuple[bool, ...]:
        """Return which answers are doubtful, given what each shows and what part of it folds."""
        figures = zip(self.agreement, self.drift, overlap, folded, strict=True)
        # Comparisons with NaN are false: what was not measured raises no doubt.
        return tuple(
            agreement < (LEAST_AGREEMENT if seen >= NARROW else LEAST_NARROW_AGREEMENT)
            or drift > MOST_DRIFT
            or seen < LEAST_OVERLAP
            or inside_out > MOST_FOLDED
            for agreement, drift, seen, inside_out in figures
        )


def measure(levels: list[Level], field: Tensor, extent: tuple[int, int], sign: str) -> Confidence:
    """Return what the detail says of the displacement `field`.

    Args:
        levels: full images first.
        field: u(x) on the full fixed grid, px, `(B, 2, H, W)`, float64.
        extent: the full moving image's (height, width).
        sign: "upright" where bright must lie on bright, "either" where all may be inverted, and
            "axes" where the contrast of each edge may be: directions count modulo 180 degrees
            then, and there is no (3).

    """
    full = levels[0]
    noise = (
        variance(full.fixed, None if full.whole else full.trusted > 0),
        variance(full.moving, None if full.hidden is None else full.hidden == 0),
    )
    agreements, drifts = [], []
    for index in ASKED:
        if index < len(levels):
            level = levels[index]
            moved, valid = _seen(level, field, extent)
            agreements.append(_agreement(level.fixed, moved, valid, index, noise, sign))
            if sign != "axes":
                drifts.append(_drift(level.fixed, moved, valid))
    unknown = [torch.full((len(field),), torch.nan)]
    return Confidence(
        _known(torch.stack(agreements or unknown).nan_to_num(torch.inf).amin(0)),
        _known(torch.stack(drifts or unknown).nan_to_num(-torch.inf).amax(0)),
    )


def _known(figures: Tensor) -> tuple[float, ...]:
    """Return the figures on the host, NaN where no level told anything."""
    return tuple(torch.where(figures.isinf(), torch.nan, figures).tolist())


@dataclass(frozen=True)
class Similarity:
    """How alike the images are, pixel by pixel, `(B,)` each: see `Result`."""

    correlation: Tensor
    rmse: Tensor


def similarity(
    level: Level, field: Tensor, extent: tuple[int, int], same: bool, span: Tensor
) -> Similarity:
    """Return how alike the full images are under `field`; NaN where nothing is in view.

    Args:
        level: the full images.
        field: u(x), px, `(B, 2, H, W)`, float64.
        extent: the moving image's (height, width).
        same: whether intensities are compared as they are, and not after a gain and an offset.
        span: intensities of the fixed image that make one unit, `(B,)`.

    """
    moved, valid = _seen(level, field, extent)
    fit = _metrics.correlation(level.fixed, moved, valid, False)
    count = fit.count
    rho = (1.0 - fit.objective).clamp(0.0, 1.0).sqrt() * fit.gain.sign()
    residual = (moved - level.fixed) * valid if same else fit.psi
    square = _metrics.total(residual * residual) / count
    return Similarity(torch.where(count > 0, rho, torch.nan), span * square.sqrt())


def variance(image: Tensor, trusted: Tensor | None = None) -> Tensor:
    """Return the variance of the white noise of `image` `(B, h, w)`: `(B,)`, float64.

    From the median size of its mixed second differences, which see little of a smooth image
    (Donoho & Johnstone 1994: the finest diagonal wavelets of Haar).

    Args:
        image: of any unit.
        trusted: bool, the same shape: differences between four trusted pixels are counted, and the
            variance is 0 where there are none; None where all are.

    """
    across = image[:, :, 1:] - image[:, :, :-1]
    size = (0.5 * (across[:, 1:] - across[:, :-1])).abs()
    if trusted is None:
        middle = size.flatten(1).median(1).values
    else:
        both = trusted[:, :, 1:] & trusted[:, :, :-1]
        size = size.masked_fill(~(both[:, 1:] & both[:, :-1]), torch.nan)
        middle = size.flatten(1).nanmedian(1).values.nan_to_num(0.0)
    return (MAD_TO_SIGMA * middle.to(SOLVE)).square()


@cache
def passed(halvings: int) -> float:
    """Return k of (1): the mean square of a gradient on a level, of white noise of variance 1."""
    kernel, step = [1.0], 1
    for _ in range(halvings):
        kernel = _spread(kernel, _pyramid.TAPS, step)
        step *= 2
    slope = _spread(kernel, [-0.5, 0.0, 0.5], step)
    return 2.0 * sum(tap * tap for tap in slope) * sum(tap * tap for tap in kernel)


def _spread(kernel: list[float], taps: list[float], step: int) -> list[float]:
    """Return the convolution of `kernel` with `taps` that stand `step` samples apart."""
    found = [0.0] * (len(kernel) + step * (len(taps) - 1))
    for place, tap in enumerate(taps):
        for index, value in enumerate(kernel):
            found[index + step * place] += tap * value
    return found


def _seen(level: Level, field: Tensor, extent: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Return the moving image of a level on its fixed grid and the valid pixels, `(B, h, w)`."""
    scale = level.scale
    points = field[:, :, ::scale, ::scale].clone()
    height, width = points.shape[2:]
    points[:, 0] += torch.arange(width, dtype=SOLVE, device=points.device) * scale
    points[:, 1] += torch.arange(height, dtype=SOLVE, device=points.device).unsqueeze(-1) * scale
    return _sampling.Linear(level.moving).value(points / scale), valid_on(level, points, extent)


def _agreement(
    fixed: Tensor,
    moved: Tensor,
    valid: Tensor,
    halvings: int,
    noise: tuple[Tensor, Tensor],
    sign: str,
) -> Tensor:
    """Return the weighted median of (1) on one level, `(B,)`; NaN where no tile counts."""
    weights, one, other = _octaves.gradients(fixed, moved, valid)
    tiles = _tiles(fixed)
    if sign == "axes":
        one, other = _axes(one), _axes(other)
    sums = _octaves.tile_sums(weights, one, other, tiles)
    product, first, second, count = sums.unbind(1)
    disturbed = passed(halvings) * torch.maximum(*noise).unsqueeze(1) * count
    if sign == "either":
        product = product * torch.where(product.sum(1, keepdim=True) < 0, -1.0, 1.0)
    left = []
    for energy, part in zip((first, second), noise, strict=True):
        least = LEAST_ENERGY * energy
        left.append((energy - passed(halvings) * part.unsqueeze(1) * count).maximum(least))
    tiny = torch.finfo(SOLVE).tiny
    rho = (product / (left[0] * left[1]).clamp(min=tiny).sqrt()).clamp(-MOST, MOST)
    energy = torch.minimum(*left)
    flat = FLAT * energy.mean(1, keepdim=True)
    weight = energy / (energy + disturbed + flat).clamp(min=tiny)
    return _weighted_median(rho, weight * (count >= LEAST_PIXELS))


def _drift(fixed: Tensor, moved: Tensor, valid: Tensor) -> Tensor:
    """Return the weighted median of (4) on one level, px of it, `(B,)`; NaN where no tile counts.

    Columns of (3): the slopes, whose coefficients are d, then gain, offset and ramp, which are
    eliminated by a Schur complement.
    """
    weights, slopes, tiles = inner(valid), gradient(moved, 1), _tiles(fixed)
    height, width = fixed.shape[1:]
    ramp_x = torch.linspace(-1, 1, width, dtype=fixed.dtype, device=fixed.device)
    ramp_y = torch.linspace(-1, 1, height, dtype=fixed.dtype, device=fixed.device).unsqueeze(-1)
    ones = torch.ones_like(fixed)
    columns = torch.stack((*slopes.unbind(1), moved, ones, ramp_x * ones, ramp_y * ones, fixed), 1)
    columns = columns * weights.unsqueeze(1)
    size = columns.shape[1]
    products = (columns.unsqueeze(1) * columns.unsqueeze(2)).flatten(1, 2)
    sums = functional.adaptive_avg_pool2d(products, tiles).to(SOLVE)
    sums = sums.flatten(2).mT.view(len(fixed), -1, size, size)
    count = functional.adaptive_avg_pool2d(weights.unsqueeze(1), tiles).flatten(1)
    count = count.to(SOLVE) * height * width / tiles**2
    own, across, others = sums[..., :2, :2], sums[..., :2, 2:6], sums[..., 2:6, 2:6]
    eye = torch.eye(4, dtype=SOLVE, device=fixed.device)
    others = others + torch.finfo(torch.float32).eps * eye
    wanted = torch.cat((across.mT, sums[..., 2:6, 6:]), -1)
    eliminated = torch.linalg.solve_ex(others, wanted)[0]
    normal = own - across @ eliminated[..., :2]
    right = sums[..., :2, 6:] - across @ eliminated[..., 2:]
    trace = normal.diagonal(dim1=2, dim2=3).sum(-1).clamp(min=0.0)
    # What a tile does not determine, as along an edge, stays 0.
    held = RIDGE * trace[..., None, None] * eye[:2, :2] + torch.finfo(SOLVE).tiny * eye[:2, :2]
    step = torch.linalg.solve_ex(normal + held, right)[0]
    square = (step.mT @ normal @ step)[..., 0, 0].clamp(min=0.0)
    tiny = torch.finfo(SOLVE).tiny
    length = (2.0 * square / trace.clamp(min=tiny)).sqrt()
    # Sums are means over a tile, of `count` pixels and six unknowns.
    explained = (wanted[..., 2:] * eliminated[..., 2:]).sum((-2, -1)) + (right * step).sum((-2, -1))
    left = (sums[..., 6, 6] - explained).clamp(min=0.0) / (count - 6).clamp(min=1)
    flat = FLAT * trace.mean(1, keepdim=True)
    weight = trace / (trace + 2.0 * left / MOST_DRIFT**2 + flat).clamp(min=tiny)
    return _weighted_median(length, weight * (count >= LEAST_PIXELS))


def _tiles(image: Tensor) -> int:
    """Return the number of tiles on each side of a level's `image` `(B, h, w)`."""
    return max(1, min(_octaves.TILES, min(image.shape[1:]) // LEAST_SIDE))


def _axes(gradients: Tensor) -> Tensor:
    """Return gradients `(B, 2, h, w)` with doubled angles and the same lengths."""
    x, y = gradients.unbind(1)
    length = (x * x + y * y).sqrt().clamp(min=torch.finfo(x.dtype).tiny)
    return torch.stack(((x * x - y * y) / length, 2.0 * x * y / length), 1)


def _weighted_median(values: Tensor, weights: Tensor) -> Tensor:
    """Return the median over the last axis, `(B,)`; NaN where all weights are 0."""
    order = values.argsort(1)
    values, weights = values.gather(1, order), weights.gather(1, order)
    sums = weights.cumsum(1)
    place = (sums < 0.5 * sums[:, -1:]).sum(1, keepdim=True).clamp(max=values.shape[1] - 1)
    found = values.gather(1, place).squeeze(1)
    return torch.where(sums[:, -1] > 0, found, torch.nan)
