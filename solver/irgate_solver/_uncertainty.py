"""How well the images determine the parameters: covariance, and standard errors in px.

At a minimum g(p, images) = 0, and noise of variance s^2 on the residuals moves g by J^T noise, so

(1)  Cov(p) = s^2 A^-1 (J^T J) A^-1,    s^2 = sum r^2 / (n - n_p),

with A the Hessian of the objective, in the same units as J^T J (the "sandwich", White 1982). With
noise on the fixed image alone A and J^T J agree on average. Noise on the moving image is also in J
and makes J^T J too large. A corrects this: its residual terms average to minus what the noise adds.
With bilinear sampling A includes the kinks (`LinearOnAverage`). (1) does not account for the
correlation that interpolation brings into the noise of neighbouring pixels.

With Huber's metric the gradient's variance is J^T J mean psi^2 (Huber 1981, section 7.6). With a
prior A contains the prior. The predicted standard errors are within 20 % of the observed ones
(tested), but for bilinear sampling of a noisy moving image, where they are about three quarters.
"""

from dataclasses import replace

import torch
from torch import Tensor

from irgate_solver._implicit import reciprocal_condition
from irgate_solver._lucas_kanade import Forward
from irgate_solver._metrics import METRICS
from irgate_solver._objective import Objective
from irgate_solver._precision import RECIPROCAL_CONDITION
from irgate_solver._sampling import Linear, LinearOnAverage
from irgate_solver._warps import Warp


def covariance(objective: Objective, fixed: Tensor, moving: Tensor, p: Tensor) -> Tensor:
    """Return (1) at the minimiser `p` `(B, n)`: `(B, n, n)`, px^2; infinite where A is singular.

    Args:
        objective: the objective that `p` minimises.
        fixed: `(B, H, W)`, given intensities.
        moving: `(B, H', W')`, likewise.
        p: the minimiser.

    Raises:
        ValueError: the metric is none of single pixels: its noise is not that of its residual.

    """
    extent = (moving.shape[1], moving.shape[2])
    problem = objective.on(objective.level(fixed, moving), extent)
    if not isinstance(problem, Forward):
        raise ValueError(
            f"Result.covariance: the metric is {problem.metric.name}; expected one of "
            f"{', '.join(METRICS)}: how noise reaches another metric is not known"
        )
    normal = problem.linearise(p).normal
    _, fit = problem.compare(p)
    noise = fit.noise * fit.count / (fit.count - objective.warp.size).clamp(min=1)
    if objective.smoothing is not None:
        # What smoothing took off the noise's variance it made correlate between neighbours.
        correlated = torch.where(objective.smoothing.chosen, objective.smoothing.correlated, 1.0)
        noise = noise * correlated
    if isinstance(problem.sampler, Linear):
        problem = replace(problem, sampler=LinearOnAverage(problem.sampler.image))
    hessian = replace(problem, exact=True).linearise(p).normal
    inverse, _ = torch.linalg.inv_ex(hessian)
    # With an objective of (1/n) sum r^2 both matrices hold 2/n J^T J, and `noise` 2/n s^2.
    found = noise.view(-1, 1, 1) * (inverse @ normal @ inverse.mT)
    singular = (reciprocal_condition(hessian) < RECIPROCAL_CONDITION).view(-1, 1, 1)
    return torch.where(singular, torch.full_like(found, torch.inf), found)


def standard_error(warp: Warp, p: Tensor, covariances: Tensor, points: Tensor) -> Tensor:
    """Return the standard errors of T(x) at `points` `(m, 2)`, (x, y), px: `(B, m, 2)`.

    With D = dT/dp at the point, the variances are the diagonal of D Cov D^T.
    """
    rows, columns = warp.rows(points[:, 1]), warp.columns(points[:, 0])
    values = (rows.unsqueeze(2) * columns.unsqueeze(1)).flatten(1)
    size = values.shape[1]
    jacobian = warp.jacobian(p)
    if jacobian is None:
        jacobian = torch.eye(2 * size, dtype=p.dtype, device=p.device).expand(len(p), -1, -1)
    errors = []
    for axis in (0, 1):
        rates = values @ jacobian[:, axis * size : (axis + 1) * size]
        errors.append((rates @ covariances * rates).sum(-1).sqrt())
    return torch.stack(errors, -1)
