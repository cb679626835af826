"""How much two images agree in detail, octave by octave: what tells a right match from a wrong one.

Two images that do not belong together can still correlate well: one bright patch laid over another
is enough. Their detail cannot. So agreement is asked of the images' *gradients* on each level of
the pyramid. Most images' spectra fall as one over the frequency, so that a gradient is nearly white
within its octave, and each pixel of each level counts for itself.

With g the gradient of the fixed image, h that of the warped moving one on the same grid, and sums
over the n valid pixels of a tile,

(1)  rho = sum g.h / sqrt(sum g.g  sum h.h),
(2)  evidence = sum over tiles and levels of  max(0, -1/2 n log(1 - rho^2) - 1/2),

over the tiles in which rho has the sign asked. A term of (2) is the information, in nats, that two
Gaussian fields with this correlation share (Gelfand & Yaglom 1957), less what chance gives. It
grows with the overlap as information does: a half of the overlap asks for a match that is twice as
informative for each pixel. Chance does not give that, because it makes coarse levels agree, and
these have few pixels. Tiles are summed one by one, so that something foreign spoils its own only.
"""

import torch
from torch import Tensor
from torch.nn import functional

from irgate_solver._metrics import total
from irgate_solver._precision import SOLVE
from irgate_solver._pyramid import Level
from irgate_solver._template import WarpedLevel, gradient, inner
from irgate_solver._warps import LinearWarp

TILES = 4
"""Number of tiles on each side of the fixed image where answers are doubted: something foreign that
covers a fifth of it leaves more than half of them alone, and on the coarsest level one still has
some 30 pixels."""
COARSE_TILES = 2
"""The same for the evidence. With 4 a tile of background with a little edge counts all its pixels
for that edge, and at 40 % overlap of a head the wrong half of it won."""
CHANCE = 0.5
"""Nats that a tile of two unrelated images gives: rho^2 is 1/n on average."""
_CEILING = 1.0 - 1e-6
"""Largest correlation that enters a logarithm, so that a perfect match has a finite value."""


def evidence(warp: LinearWarp, levels: list[Level], p: Tensor, *, inverted: bool) -> Tensor:
    """Return (2) for a linear map `p` `(B, n)`, nats, `(B,)`.

    Args:
        warp: the family.
        levels: those that are asked.
        p: the parameters.
        inverted: whether dark on bright may match bright on dark; the better of both then.

    """
    found = [shared(warp, level, p, inverted=inverted)[0] for level in levels]
    return torch.stack(found).sum(0).amax(0)


def shared(warp: LinearWarp, level: Level, p: Tensor, *, inverted: bool) -> tuple[Tensor, Tensor]:
    """Return what one level adds to (2), for each sign asked, and the part of it in view.

    Args: as `evidence`'s.
    Returns: nats, `(1 or 2, B)`, and the part of the trusted fixed pixels that `p` shows, `(B,)`.

    """
    moved, valid = WarpedLevel(warp, level).evaluate(p)
    rho, count = correlations(level.fixed, moved, valid)
    share = total(valid) / level.count.clamp(min=1)
    rows = []
    for sign in (1.0, -1.0) if inverted else (1.0,):
        agreed = (sign * rho).clamp(0.0, _CEILING)
        nats = -0.5 * count * torch.log1p(-agreed * agreed) - CHANCE
        rows.append(nats.clamp(min=0.0).sum(1))
    return torch.stack(rows), share


def correlations(fixed: Tensor, moved: Tensor, valid: Tensor) -> tuple[Tensor, Tensor]:
    """Return (1) of each tile, and the number of pixels that it is of, `(B, COARSE_TILES^2)` each.

    Args:
        fixed: `(B, h, w)`.
        moved: the moving image on its grid.
        valid: 0/1 weights; neighbours of pixels that are not valid do not count either.

    """
    weights, one, other = gradients(fixed, moved, valid)
    product, first, second, count = tile_sums(weights, one, other, COARSE_TILES).unbind(1)
    tiny = torch.finfo(SOLVE).tiny
    return product / (first * second).clamp(min=tiny).sqrt(), count


def gradients(fixed: Tensor, moved: Tensor, valid: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return the 0/1 weights of the pixels with valid neighbours, and both gradients there.

    Returns: `(B, h, w)`, and twice `(B, 2, h, w)`, per px of the level, 0 elsewhere.
    """
    weights = inner(valid)
    both = gradient(torch.cat((fixed, moved)), 1) * weights.repeat(2, 1, 1).unsqueeze(1)
    one, other = both.chunk(2)
    return weights, one, other


def tile_sums(weights: Tensor, one: Tensor, other: Tensor, tiles: int) -> Tensor:
    """Return sums of g.h, g.g, h.h and of the weights over each tile, `(B, 4, tiles^2)`."""
    products = ((one * other).sum(1), (one * one).sum(1), (other * other).sum(1), weights)
    planes = torch.stack(products, 1)
    means = functional.adaptive_avg_pool2d(planes, tiles).flatten(2).to(SOLVE)
    return means * _areas(weights.shape[1], weights.shape[2], tiles, means)


def _areas(height: int, width: int, tiles: int, like: Tensor) -> Tensor:
    """Return the pixels of each tile, as torch's adaptive pooling cuts them, `(tiles^2,)`."""
    rows, columns = (
        like.new_tensor([-(-(k + 1) * side // tiles) - k * side // tiles for k in range(tiles)])
        for side in (height, width)
    )
    return torch.outer(rows, columns).flatten()
