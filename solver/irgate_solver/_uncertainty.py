"""How well the images determine the parameters: covariance, and standard errors in px.

(1)  Cov(p) = s^2 (J^T J)^-1,    s^2 = sum r^2 / (n - n_p)

for residuals that are independent from pixel to pixel and of one variance: noise of the fixed
image is; noise of the moving image is averaged by interpolation, and then (1) is an upper bound of
what it adds. With Huber's metric s^2 is mean psi^2 / (mean psi')^2 (Huber 1981, eq. 7.6.3 less its
correction for finite n); with a prior (1) is the posterior's covariance.
"""

import torch
from torch import Tensor

from irgate_solver._implicit import reciprocal_condition
from irgate_solver._levenberg import Linearisation
from irgate_solver._precision import RECIPROCAL_CONDITION
from irgate_solver._warps import Warp


def covariance(at: Linearisation) -> tuple[Tensor, Tensor]:
    """Return (1), `(B, n, n)`, px^2, and the normal matrix's reciprocal condition number, `(B,)`.

    The covariance is infinite where the normal matrix is singular.
    """
    condition = reciprocal_condition(at.normal)
    inverse, _ = torch.linalg.inv_ex(at.normal)
    found = at.noise.view(-1, 1, 1) * inverse
    singular = (condition < RECIPROCAL_CONDITION).view(-1, 1, 1)
    return torch.where(singular, torch.full_like(found, torch.inf), found), condition


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
