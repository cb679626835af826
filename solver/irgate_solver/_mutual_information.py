"""Normalised mutual information of two images that share no intensities.

With p the joint histogram of the fixed and the warped image over the valid pixels, each intensity
spread over bins by a cubic B-spline (Parzen window),

(1)  NMI = (H_f + H_m) / H_fm,    H = -sum p log p,    E = 2 - NMI, in 0..1.

The window makes p smooth in the intensities, so that (1) has two derivatives. It is that of Mattes
et al. 2003, "PET-CT image registration in the chest using free-form deformations", eq. 4, for both
images; the ratio is that of Studholme et al. 1999, eq. 9, which does not reward a small overlap.
"""

import torch
from torch import Tensor

from irgate_solver import _spline
from irgate_solver._dissimilarity import Dissimilarity
from irgate_solver._precision import SOLVE

BINS = 32
"""Bins of each image."""
BEYOND = 2
"""Cells of the histogram beyond each end of unit range: splines overshoot at sharp edges."""


def information(fixed: Tensor, warped: Tensor, valid: Tensor, bins: int = BINS) -> Tensor:
    """Return E of (1), `(B,)`, float64."""
    count = valid.sum((1, 2), dtype=SOLVE).clamp(min=1)
    first = _windows(fixed, bins) * valid.to(SOLVE).flatten(1).unsqueeze(1)
    joint = first @ _windows(warped, bins).mT / count.view(-1, 1, 1)
    return 2.0 - (_entropy(joint.sum(2)) + _entropy(joint.sum(1))) / _entropy(joint.flatten(1))


def _windows(image: Tensor, bins: int) -> Tensor:
    """Return what each pixel gives to each bin, `(B, bins, h w)`, float64.

    A cubic spline of `bins` coefficients has `bins - 3` cells. What lies beyond them is counted at
    their end.
    """
    cells = bins - _spline.SUPPORT + 1
    inner = cells - 2 * BEYOND
    place = (image.to(SOLVE).flatten(1) * inner + BEYOND).clamp(0, cells)
    cell = place.detach().floor().clamp(0, cells - 1)
    weights = _spline.weights(place - cell)[0]
    index = cell.long().unsqueeze(-1) + torch.arange(_spline.SUPPORT, device=image.device)
    spread = weights.new_zeros(*place.shape, bins).scatter(2, index, weights)
    return spread.mT


def _entropy(share: Tensor) -> Tensor:
    """Return -sum p log p over the last axis, with finite derivatives where p is 0."""
    logarithm = torch.where(share > 0, share, 1.0).log()
    return -(share * logarithm).sum(-1)


MUTUAL_INFORMATION = Dissimilarity("nmi", information)
