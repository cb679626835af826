"""How near to the minimum a solve must end: not nearer than noise lets an answer mean.

With E the mean squared residual at a point, n the pixels that count and N the normal matrix there,
noise that makes this residual gives the answer the covariance

(1)  C = 2 E / n  N^-1

(`_uncertainty`, with all of the residual taken for noise). What is far below the standard error
is moved by another draw of the noise more than by further steps, and under noise the last steps
follow the kinks of bilinear sampling. Where the images are clean, descents end as the image type
lets them: E is the interpolation's error then, and the same in every draw.
"""

import torch

from irgate_solver._any_metric import AnyMetric
from irgate_solver._channels import Channels
from irgate_solver._homography import Homography
from irgate_solver._levenberg import Linearisation
from irgate_solver._objective import Problem
from irgate_solver._precision import SLACK_SHARE
from irgate_solver._warps import FreeForm, probes

CLEAN = 2e-3
"""Largest E over the mean squared gradient, px^2, of clean images: a thousandth for each of the
two, which is where `smoothing="auto"` begins to see noise."""


def slack(problem: Problem, at: Linearisation) -> list[float]:
    """Return how far from the minimum each pair may end, px: `SLACK_SHARE` of its standard error.

    It is 0 where the images are clean, where the matrix is not positive, and for metrics that are
    no sum over single pixels. It is 0, too, for an FFD, whose standard error at a corner says
    nothing about the middle, and for a homography.

    Args:
        problem: the full images' problem.
        at: its linearisation near the minimum.

    """
    warp = problem.warp
    if isinstance(problem, AnyMetric) or isinstance(warp, FreeForm | Homography):
        return [0.0] * len(at.objective)
    # The first two parameters are the shift, by which the image changes at its gradient's rate.
    energy = 0.5 * (at.normal[:, 0, 0] + at.normal[:, 1, 1])
    noisy = at.objective > CLEAN * energy
    if not bool(noisy.any()):
        return [0.0] * len(at.objective)
    trusted = problem.level.count
    if isinstance(problem, Channels):
        # Each channel has a residual of its own, and E is their mean.
        trusted = trusted.view(-1, problem.count).sum(1)
    factor, info = torch.linalg.cholesky_ex(at.normal)
    whitened = torch.linalg.solve_triangular(factor, probes(warp, factor.device), upper=False)
    variance = whitened.square().sum(1).view(len(factor), 2, -1).sum(1).amax(1)
    variance = variance * 2.0 * at.objective / (at.overlap * trusted).clamp(min=1)
    told = noisy & (info == 0) & variance.isfinite()
    errors: list[float] = torch.where(told, SLACK_SHARE * variance.sqrt(), 0.0).tolist()
    return errors
