"""How much noise each image holds, by what interpolation does to the moving image's.

White noise on the fixed image is white in the residual r. White noise on the moving image is not:
neighbouring points share samples. With a the interpolated noise of a moving image of variance 1, b
that of a fixed one as it is compared, and lags d of a pixel to the sides,

(1)  E r(x) r(x + d)  =  sF^2 E b(x) b(x + d)  +  sM^2 gain^2 E a(x) a(x + d).

Lag 0 gives the sum of both variances, the other lags how much of it is the moving image's, by least
squares. The expectations of a and b are means over the image and over drawn noise, made with a
generator of their own. Where points lie on pixels the lags tell nothing, and nothing depends on it.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from irgate_solver._lucas_kanade import Forward
from irgate_solver._metrics import total
from irgate_solver._objective import Objective
from irgate_solver._precision import SOLVE

DRAWS = 12
"""Number of noise images that are drawn. At 100 x 100 px a mean over them is good to 0.3 %."""
BESIDE = ((0.0, 0.0), (0.25, 0.0), (0.0, 0.25))
"""Where the pull is taken, (x, y), px from the points. It is a wave of one pixel's length, and an
answer that it has drawn all the way stands where it vanishes: it is seen a quarter of a wave on."""
SEED = 1
LAGS = ((0, 1), (1, 0), (1, 1), (1, -1))
"""(rows, columns) from a pixel to the neighbours that are compared with it."""


@dataclass(frozen=True)
class Noise:
    """The noise of a pair.

    Attributes:
        fixed, moving: variances, squared given intensities, `(B,)`.
        pull: mean gradient of the objective that the moving image's noise causes at the answer, and
            a quarter of a pixel beside it in x and in y, `(B, 3, n)`.

    """

    fixed: Tensor
    moving: Tensor
    pull: Tensor


def estimate(
    objective: Objective, fixed: Tensor, moving: Tensor, problem: Forward, p: Tensor
) -> Noise:
    """Return the noise of both images at the minimiser `p` `(B, n)`.

    Args:
        objective: what `p` minimises.
        fixed, moving: as given, `(B, H, W)` and `(B, H', W')`.
        problem: the objective's on these images.
        p: the minimiser.

    """
    points = problem.points(p)
    valid = problem.valid(points)
    fit = problem.metric(problem.level.fixed, problem.jet(points).value, valid, True)
    freedom = (fit.count - objective.warp.size).clamp(min=1) / fit.count.clamp(min=1)
    seen = _covariances(fit.psi, valid) / (freedom * _share(fit.curvature, valid)).unsqueeze(1)
    generator = torch.Generator().manual_seed(SEED)
    white, blurred = torch.zeros_like(seen), torch.zeros_like(seen)
    pull = p.new_zeros(len(p), len(BESIDE), p.shape[1])
    for _ in range(DRAWS):
        first, second = (
            torch.randn(image.shape, generator=generator, dtype=image.dtype).to(image.device)
            for image in (fixed, moving)
        )
        drawn = objective.level(fixed + first, moving + second)
        b = (drawn.fixed - problem.level.fixed) * valid
        sampler = type(problem.sampler)(drawn.moving - problem.level.moving)
        jet = sampler.jet(points)
        white += _covariances(b, valid) / DRAWS
        blurred += _covariances(jet.value * valid, valid) / DRAWS
        for index, offset in enumerate(BESIDE):
            if index > 0:
                jet = sampler.jet(points + points.new_tensor(offset).view(2, 1, 1))
            pull[:, index] += problem.project(p, jet.value * fit.curvature, jet) / DRAWS
    gain = fit.gain.square()
    rest = seen - seen[:, :1] * white / white[:, :1]
    slope = blurred - blurred[:, :1] * white / white[:, :1]
    told = (rest * slope).sum(1) / slope.square().sum(1).clamp(min=torch.finfo(SOLVE).tiny)
    most = seen[:, 0] / blurred[:, 0]
    told = torch.minimum(told.clamp(min=0.0), most)
    left = (seen[:, 0] - told * blurred[:, 0]).clamp(min=0.0) / white[:, 0]
    pull = (fit.scale * told).view(-1, 1, 1) * pull
    return Noise(left, told / gain.clamp(min=torch.finfo(SOLVE).tiny), pull)


def _covariances(image: Tensor, valid: Tensor) -> Tensor:
    """Return the mean of `image` times itself at lag 0 and at `LAGS`, `(B, 5)`."""
    found = [total(image * image) / total(valid).clamp(min=1)]
    height, width = image.shape[1:]
    for rows, columns in LAGS:
        left = max(0, -columns)
        one = (slice(None), slice(0, height - rows), slice(left, width - max(0, columns)))
        other = (
            slice(None),
            slice(rows, height),
            slice(left + columns, width - max(0, columns) + columns),
        )
        both = total(valid[one] * valid[other]).clamp(min=1)
        found.append(total(image[one] * image[other]) / both)
    return torch.stack(found, 1)


def _share(curvature: Tensor, valid: Tensor) -> Tensor:
    """Return the mean of psi' over valid pixels, `(B,)`: 1 but for Huber's metric."""
    return (total(curvature) / total(valid).clamp(min=1)).clamp(min=torch.finfo(SOLVE).tiny)
