"""Gaussian means over the valid pixels around each pixel: normalised convolution.

(1)  mean of g  =  G * (v g) / G * v,    v = 1 on valid pixels and 0 elsewhere and beyond the border

(Knutsson & Westin 1993): no value under a mask or beyond the border enters, whatever it is.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional

from irgate_solver._size_cache import cached_by_size

REACH = 3.0
"""Radius of the kernel over its sigma: what lies beyond is 0.3 % of it."""


def smooth(planes: Tensor, sigma: float) -> Tensor:
    """Return G * planes, `(B, C, h, w)`, 0 beyond the border; G of sigma px, sum 1."""
    kernel = _kernel(sigma, planes.dtype, planes.device)
    batch, channels, height, width = planes.shape
    radius = len(kernel) // 2
    flat = planes.reshape(batch * channels, 1, height, width)
    down = functional.conv2d(flat, kernel.view(1, 1, -1, 1), padding=(radius, 0))
    both = functional.conv2d(down, kernel.view(1, 1, 1, -1), padding=(0, radius))
    return both.view(planes.shape)


def windowed_means(planes: Tensor, valid: Tensor, sigma: float) -> Tensor:
    """Return (1) of `planes` `(B, C, h, w)`, 0 on pixels that are not valid.

    Args:
        planes: what is averaged; finite where valid.
        valid: 0/1 weights, `(B, 1, h, w)` or `(B, C, h, w)`.
        sigma: of G, px.

    """
    weight = smooth(valid, sigma)
    seen = weight > torch.finfo(weight.dtype).eps
    share = torch.where(seen, 1.0 / torch.where(seen, weight, 1.0), 0.0)
    return smooth(planes * valid, sigma) * share


@cached_by_size
def _kernel(sigma: float, dtype: torch.dtype, device: torch.device) -> Tensor:
    radius = max(1, math.ceil(REACH * sigma))
    taps = torch.arange(-radius, radius + 1, dtype=torch.float64)
    weights = torch.exp(-0.5 * (taps / sigma) ** 2)
    return (weights / weights.sum()).to(device, dtype)
