"""Smoothing of both full images against noise, a part of the objective.

Interpolation between pixels averages noise away, least at the pixels and most half way between
them, so that squared differences of noisy images are smallest where the most points lie half way:
their minimiser follows the noise. A Gaussian over *both* images before anything is interpolated
leaves noise that changes little from pixel to pixel, which interpolation does not average:

(1)  smoothed = G * (w image) / G * w,    w = 1 on trusted pixels, 0 elsewhere

(`_windows`: nothing enters from under a mask or from beyond the border). Beside a border or a mask
(1) is a mean to one side. So a band of `MARGIN` sigmas along it does not count, in either
image. The smoothed images are functions of the given ones, and so is the implicit gradient exact.

`"auto"` smooths where noise makes more than `NOISY` of an image's squared gradients. It takes one
of two values, so that it has no derivative of its own.
"""

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from irgate_solver._channels import spread
from irgate_solver._confidence import passed, variance
from irgate_solver._precision import SOLVE
from irgate_solver._template import gradient, inner
from irgate_solver._windows import windowed_means

AUTO_SIGMA = 1.0
"""Of "auto", px: with noise of 1 and 3 % of the range 0.7 is up to four times as far from the
truth, 1.4 no nearer."""
NOISY = 1e-3
"""Part of the mean squared gradient from which on noise moves a minimum by more than smoothing."""
MARGIN = 2
"""Band beside borders and masks that does not count, in sigmas: with 1 pairs without noise are ten
times as far from the truth, and with 3 there are fewer pixels and no gain."""
MOST_SIGMA = 4.0
"""Largest sigma, px: beyond it a coarser image would do."""


@dataclass(frozen=True)
class Smoothing:
    """Which pairs are smoothed, and how much.

    Attributes:
        sigma: of G, px.
        chosen: bool, `(B,)`.

    """

    sigma: float
    chosen: Tensor

    def apply(self, image: Tensor, trusted: Tensor) -> Tensor:
        """Return (1) of the chosen ones of `image` `(B, h, w)`; differentiable by it."""
        means = windowed_means(image.unsqueeze(1), trusted.unsqueeze(1), self.sigma).squeeze(1)
        return torch.where(self.chosen.view(-1, 1, 1), means, image)

    def shrunk(self, trusted: Tensor) -> Tensor:
        """Return bool `trusted` `(B, h, w)` without the band along its edge and the border.

        A pair keeps its own where fewer than half of its pixels would be left.
        """
        reach = math.ceil(MARGIN * self.sigma)
        if bool(trusted.all()):
            left = torch.zeros_like(trusted)
            left[:, reach:-reach, reach:-reach] = True
        else:
            distrust = functional.pad((~trusted).to(torch.float32), (reach,) * 4, value=1.0)
            window = 2 * reach + 1
            left = functional.max_pool2d(distrust.unsqueeze(1), window, 1).squeeze(1) == 0
        enough = 2 * left.sum((1, 2)) >= trusted.sum((1, 2))
        return torch.where((enough & self.chosen).view(-1, 1, 1), left, trusted)

    def each(self, count: int) -> "Smoothing":
        """Return that of `count` channels of each pair, as pairs of their own."""
        return Smoothing(self.sigma, spread(self.chosen, count))


def read(
    smoothing: Any,
    fixed: Tensor,
    moving: Tensor,
    mask: Tensor | None = None,
    moving_mask: Tensor | None = None,
) -> Smoothing | None:
    """Return what `smoothing`, a number of px or "auto", means for these pairs; None for nothing.

    Args:
        smoothing: what the caller gave.
        fixed, moving: `(B, H, W)` and `(B, H', W')`, given intensities.
        mask, moving_mask: bool, what is trusted of each; None for all.

    Raises:
        ValueError: it is neither.

    """
    if isinstance(smoothing, str) and smoothing == "auto":
        chosen = _noisy(fixed.detach(), mask) | _noisy(moving.detach(), moving_mask)
        return Smoothing(AUTO_SIGMA, chosen) if bool(chosen.any()) else None
    sigma = _number(smoothing)
    if not 0 <= sigma <= MOST_SIGMA:
        raise ValueError(
            f'register: smoothing={smoothing!r}; expected px from 0 to {MOST_SIGMA:g}, or "auto"'
        )
    if sigma == 0:
        return None
    return Smoothing(sigma, torch.ones(len(fixed), dtype=torch.bool, device=fixed.device))


def _number(value: Any) -> float:
    """Return a number of Python, numpy or torch as a float; NaN for anything else."""
    single = isinstance(value, int | float) or getattr(value, "shape", None) == ()
    truth = isinstance(value, bool) or str(getattr(value, "dtype", "")).endswith("bool")
    if not single or truth or getattr(value, "requires_grad", False):
        return math.nan
    try:
        return float(value)
    except (TypeError, ValueError):
        return math.nan


def _noisy(image: Tensor, trusted: Tensor | None) -> Tensor:
    """Return in which of `image` `(B, h, w)` noise makes more than `NOISY` of the gradients."""
    square = gradient(image, 1).square().sum(1)
    if trusted is None:
        energy = square.mean((1, 2)).to(SOLVE)
    else:
        weights = inner(trusted.to(image.dtype))
        energy = (square * weights).sum((1, 2)).to(SOLVE) / weights.sum((1, 2)).clamp(min=1)
    return passed(0) * variance(image, trusted) > NOISY * energy
