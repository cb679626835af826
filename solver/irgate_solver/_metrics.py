"""Objectives: what is minimised, its residual, and what its normal equations need.

All are means over the *valid* pixels V: trusted by the mask, and mapped between the outermost
samples of the moving image, [0, W-1] x [0, H-1]. With f the fixed and m the warped moving image,
in unit range:

(1)  ssd    mean_V (m - f)^2
(2)  huber  mean_V rho_k(m - f),  rho_k(r) = r^2 for |r| <= k, else 2 k |r| - k^2
(3)  ncc    1 - rho^2 = min_ab sum_V (a m + b - f)^2 / sum_V (f - mean f)^2

(1) and (3) are ITK's MeanSquares and, up to its sign and constant, Correlation. In (3) gain a and
offset b are nuisance parameters that are eliminated exactly (variable projection, Golub & Pereyra
1973): with S_t = J^T t for the columns t = dr/da, dr/db the reduced Hessian is
J^T J - sum_t S_t S_t^T / |t|^2. Inverted contrast (a < 0) counts as well as upright, as in ITK.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from irgate_solver._precision import (
    HUBER_WIDTH,
    MAD_TO_SIGMA,
    SOLVE,
    rounding_of_square_sum,
    squared_rounding,
)

METRICS = ("ssd", "ncc", "huber")


@dataclass(frozen=True)
class Fit:
    """One comparison of f and m.

    With J the Jacobian of m, the gradient is scale gain J^T psi, and the normal matrix
    scale gain (gain J^T diag(curvature) J + sum psi d^2 m) - sum over nuisances (t, s) of
    s (J^T t)(J^T t)^T. The Gauss-Newton matrix leaves out the term of second derivatives. `scale`
    and `gain` are not multiplied into the images, which saves a product for each pixel.

    Attributes:
        objective: (1), (2) or (3), `(B,)`, float64; infinite where no pixel is valid.
        rounding: largest change of the objective that rounding alone can cause, `(B,)`.
        count: number of valid pixels, `(B,)`, float64.
        gain: a of (3), 1 otherwise, `(B,)`, float64.
        scale: 2 over what the objective is a mean of, `(B,)`, float64.
        psi: derivative of rho(r) / 2 by r, zero outside V, `(B, h, w)`.
        curvature: derivative of psi by r, `(B, h, w)`.
        nuisances: columns t of eliminated parameters, `(B, k, h, w)`, or None.
        shares: their s, `(B, k)`, or None.

    """

    objective: Tensor
    rounding: Tensor
    count: Tensor
    gain: Tensor
    scale: Tensor
    psi: Tensor
    curvature: Tensor
    nuisances: Tensor | None = None
    shares: Tensor | None = None

    @property
    def noise(self) -> Tensor:
        """The gradient's variance under independent noise per normal matrix, `(B,)`.

        With unit range residuals of variance s^2 both hold scale J^T J: scale s^2 (`_uncertainty`).
        """
        return self.scale * total(self.psi * self.psi) / total(self.curvature).clamp(min=1)


Metric = Callable[[Tensor, Tensor, Tensor, bool], Fit]
"""Compare `(fixed, moved, valid, exact)`, images and 0/1 weights `(B, h, w)`; `exact` asks for the
true second derivative instead of the positive one that descent prefers."""


def total(image: Tensor) -> Tensor:
    """Sum `(B, h, w)` over its pixels in float64: `(B,)`."""
    return image.sum((1, 2), dtype=SOLVE)


def squared_differences(fixed: Tensor, moved: Tensor, valid: Tensor, exact: bool) -> Fit:
    """Compare by (1)."""
    seen = total(valid)
    count = seen.clamp(min=1)
    residual = (moved - fixed) * valid
    square = total(residual * residual)
    scale = 2.0 / count
    return Fit(
        objective=_mean(square, seen),
        rounding=rounding_of_square_sum(square, count, fixed.dtype) / count,
        count=seen,
        gain=torch.ones_like(count),
        scale=scale,
        psi=residual,
        curvature=valid,
    )


@dataclass(frozen=True, eq=False)
class Huber:
    """The comparison by (2).

    Attributes:
        width: k, `(B,)`, unit range.

    """

    width: Tensor

    def __call__(self, fixed: Tensor, moved: Tensor, valid: Tensor, exact: bool) -> Fit:
        """Compare by (2)."""
        seen = total(valid)
        count = seen.clamp(min=1)
        residual = (moved - fixed) * valid
        k = _spread(self.width, fixed)
        clipped = residual.clamp(-k, k)
        # rho = r^2 - (|r| - k)^2 beyond k, and r = clipped + beyond.
        beyond = residual - clipped
        loss = total(residual * residual - beyond * beyond)
        within = (beyond == 0).to(fixed.dtype)
        # psi(r) / r: positive, and its quadratic lies above rho (Huber 1981, 7.8).
        weight = torch.where(beyond == 0, torch.ones_like(residual), clipped / residual)
        curvature = (within if exact else weight) * valid
        return Fit(
            objective=_mean(loss, seen),
            rounding=rounding_of_square_sum(loss, count, fixed.dtype) / count,
            count=seen,
            gain=torch.ones_like(count),
            scale=2.0 / count,
            psi=clipped,
            curvature=curvature,
        )


def huber(width: Tensor) -> Metric:
    """Return the comparison by (2) with k = `width` `(B,)`, unit range."""
    return Huber(width)


def correlation(fixed: Tensor, moved: Tensor, valid: Tensor, exact: bool) -> Fit:
    """Compare by (3)."""
    seen = total(valid)
    count = seen.clamp(min=1)
    weights = valid.unsqueeze(1)
    both = torch.stack((fixed, moved), 1)
    means = (both * weights).sum((2, 3), dtype=SOLVE) / count.unsqueeze(1)
    both = (both - means.to(both.dtype).view(-1, 2, 1, 1)) * weights
    f, m = both.unbind(1)
    # Less is rounding and no content: its inverse would be the largest number of all.
    least = count * squared_rounding(fixed.dtype)
    energies = (both * both).sum((2, 3), dtype=SOLVE)
    flat = energies[:, 0] <= least
    fixed_energy, moved_energy = energies.maximum(least.unsqueeze(1)).unbind(1)
    gain = total(f * m) / moved_energy
    scaled = m * _spread(gain, fixed)
    residual = scaled - f
    square = total(residual * residual)
    scale = 2.0 / fixed_energy
    squared_gain = gain * gain
    if exact:
        nuisances = torch.stack((residual + scaled, valid), 1)
        shares = torch.stack((1.0 / moved_energy, squared_gain / count), 1)
    else:
        nuisances = torch.stack((m, valid), 1)
        shares = squared_gain.unsqueeze(1) / torch.stack((moved_energy, count), 1)
    return Fit(
        # Where either image is flat there is no correlation: the objective is then 1, the worst.
        objective=torch.where(flat, 1.0, square / fixed_energy),
        rounding=rounding_of_square_sum(square, count, fixed.dtype) / fixed_energy,
        count=seen,
        gain=gain,
        scale=scale,
        psi=residual,
        curvature=valid,
        nuisances=nuisances,
        shares=shares * scale.unsqueeze(1),
    )


def metric_of(name: str, width: Tensor | None) -> Metric:
    """Return the comparison called `name`; `width` is Huber's k and needed by it alone."""
    if name == "huber":
        assert width is not None
        return huber(width)
    return correlation if name == "ncc" else squared_differences


def huber_width(fixed: Tensor, moved: Tensor, valid: Tensor) -> Tensor:
    """Return k for the residuals at hand: 1.345 x 1.4826 x their median size, `(B,)`, float64.

    The width is at least a thousand roundings of the image type. For two images that match
    perfectly (2) is therefore quadratic.
    """
    size = (moved - fixed).abs().masked_fill(valid == 0, torch.nan).flatten(1)
    sigma = MAD_TO_SIGMA * size.nanmedian(1).values.to(SOLVE).nan_to_num(1.0)
    return HUBER_WIDTH * sigma.clamp(min=1e3 * torch.finfo(fixed.dtype).eps)


def _mean(sums: Tensor, count: Tensor) -> Tensor:
    # Without a valid pixel this is 0 / 0, and a descent must not be drawn there.
    return (sums / count).nan_to_num_(nan=torch.inf, posinf=torch.inf)


def _spread(per_pair: Tensor, like: Tensor) -> Tensor:
    """Shape `(B,)` to multiply images `(B, h, w)`, in their type."""
    return per_pair.to(like.dtype).view(-1, 1, 1)
