"""Local correlation: NCC within a Gaussian window around each pixel, for a gain that varies.

With Gaussian means over the window (`_windows`, eq. 1), c the covariance and s the variances,

(1)  E = mean over valid pixels of  1 - c^2 / ((s_f + floor) (s_m + floor))

Gain and offset of each window are eliminated by it; inverted contrast counts as well as upright.
The floor lets windows without contrast count as not correlated, with finite derivatives.

Source: Cachier & Pennec 2000, "3D non-rigid registration by gradient descent on a Gaussian-windowed
similarity measure using convolutions", eq. 3, squared.
"""

import torch
from torch import Tensor

from irgate_solver._dissimilarity import Dissimilarity
from irgate_solver._precision import SOLVE
from irgate_solver._windows import windowed_means

SIGMA = 4.0
"""Of the window, px: wide enough for a dozen independent samples of a photograph."""
FLOOR = 1e-4
"""Variance, squared unit range, of a contrast of one hundredth of the range."""


def local_correlation(fixed: Tensor, warped: Tensor, valid: Tensor) -> Tensor:
    """Return (1), `(B,)`, float64."""
    f, m = fixed * valid, warped * valid
    planes = torch.stack((f, m, f * f, m * m, f * m), 1)
    mean_f, mean_m, ff, mm, fm = windowed_means(planes, valid.unsqueeze(1), SIGMA).unbind(1)
    # Rounding may leave a variance below 0 by less than the floor.
    s_f, s_m = ff - mean_f * mean_f, mm - mean_m * mean_m
    c = fm - mean_f * mean_m
    density = 1.0 - c * c / ((s_f + FLOOR) * (s_m + FLOOR))
    count = valid.sum((1, 2), dtype=SOLVE).clamp(min=1)
    return (density * valid).sum((1, 2), dtype=SOLVE) / count


LOCAL_CORRELATION = Dissimilarity("lncc", local_correlation, local=True)
