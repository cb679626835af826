"""The numerical contract: which precision holds what, and every threshold with its reason.

1. Images, residuals and image gradients have the *image type*: float64 where an input is float64,
   else float32.
2. Parameters, mapped points, the normal equations, their factorisation and the answer are
   float64, always. The condition of a 4x4 FFD's normal matrix reaches 1e9, more than float32 can
   hold; its entries, summed in float64 from float32 products, are good to 1e-9. Linear families
   have well-conditioned matrices of at most 6 x 6: their sums run down a column of the image in
   the image type and across in float64, at a quarter of the time; and the coarse levels, which
   are left at a tenth of a pixel, sum in the image type and factorise in float64.
3. A mapped point is split in float64 into its cell (whole) and its place in the cell (fraction);
   only the fraction is rounded to the image type, so that a large coordinate costs no digits.
4. Before anything else intensities are brought to unit range (`unit_range`) and coordinates are
   centred and divided by half the longer side (`_warps`), so that no threshold has a unit hidden
   in it.
5. Nothing global is set: no default type, no thread count, no seed, no grad mode.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

SOLVE = torch.float64
"""The type of parameters, mapped points and normal equations."""

DAMPING_START = 1e-3
"""Levenberg-Marquardt damping at the start of each level, relative to the diagonal."""
DAMPING_RATIO = 10.0
"""Damping is multiplied by this on rejection and divided by it on acceptance (Marquardt 1963)."""
REJECTED = 0.1
"""Least damping after a rejection: under it the next step would hardly be another."""
DAMPING_FLOOR = 1e-15
"""Smallest damping: under the rounding of a float64 sum it does nothing any more."""
DAMPING_CEILING = 1e10
"""Damping from which on no step is worth trying: steps are then 1e-10 of a gradient step."""
GAUGE = 1e-12
"""Floor of the damped diagonal over its mean: control points that no pixel sees stay where they
are. It pulls to the current iterate, not to zero, so it moves no minimum."""

NO_PROGRESS = 1e-6
"""A step that lowers the objective by less than this part of it, and is more than half as long as
the shortest before, makes no progress."""
PATIENCE = 12
"""Steps without progress after which a descent gives up: it walks along a kink of bilinear
sampling, where steps neither pay nor shrink. A Gauss-Newton iteration that converges at all halves
its steps, and Newton's squares them."""
SHORT = 1e-3
"""Step, px, under which a descent is trusted to go on shrinking its steps as it just did: kinks
and rounding, which stop it, show as steps that do not shrink."""
COARSE_TOLERANCE = 0.1
"""A coarse level is left with a step that moves no probe by more than this many of *its* pixels:
the next level starts with an error of its own blur anyway, and a smaller one saves no steps there
(measured on the five fixtures from 0.02 to 0.1)."""
COARSE_ITERATIONS = 12
"""Most steps of an approach on one level: right ones take two to eight, and a wrong one that crawls
is better left to the search."""
NEAR = 0.02
"""Step, px, that ends the first round on the full images, before the valid region is frozen: what
is left after such a step is a hundredth of it, which moves a border pixel in or out now and then;
the region is then frozen anew."""
ROUNDS = 5
"""Most rounds of freezing the region; two are usual, and at a draw between two regions either will
do: each is the minimum over the pixels that it counts."""
OVERLAP_KEPT = 0.5
"""A step may lose at most this part of the overlap that its level began with."""
OVERLAP_FLOOR = 0.05
"""No step may end with less than this fraction of the fixed image's trusted pixels."""

HUBER_WIDTH = 1.345
"""Huber's k over the noise's standard deviation: 95 % efficiency under Gauss (Huber 1981, 4.5)."""
MAD_TO_SIGMA = 1.4826
"""1 / Phi^-1(3/4): a Gaussian's standard deviation over its median absolute deviation."""

RECIPROCAL_CONDITION = 1e-12
"""Under this reciprocal condition number (1-norm, after scaling to unit diagonal) a solve with the
matrix is not trusted: float64 keeps fewer than four digits of it."""


STATIONARY = 0.01
"""A Newton step longer than this, px, at the end of a solve means that it did not end at a
stationary point (an edge of the valid region, say). A gradient is off by about a fifth of the
distance in px, relatively (measured on noisy affine pairs)."""


def final_tolerance(dtype: torch.dtype) -> float:
    """Return the step, in px, that ends the last level: 1e-6 in float32, 1e-9 in float64.

    Gauss-Newton gains a factor of about ten an iteration near the end, so the error left is a
    tenth of it. Float32 residuals carry noise of 1e-7, which moves the root of their sum over
    some 10^4 pixels by 1e-7 px or less; float64 is limited by the kinks of bilinear sampling.
    """
    return 1e-6 if dtype == torch.float32 else 1e-9


def rounding_of_square_sum(square: Tensor, count: Tensor, dtype: torch.dtype) -> Tensor:
    """Return how far rounding may move a sum of `count` squared residuals of unit-range images.

    A residual carries an error of about eps, so the sum of squares moves by 2 eps times its root
    at random, and by eps^2 a pixel; four standard deviations are taken, and float64's own rounding
    of the sum. Steps that change the objective by less can be neither blamed nor praised, and are
    accepted: the gradient is far more exact than the value there.

    Args:
        square: the sum, `(B,)`, float64.
        count: number of pixels in it, `(B,)`.
        dtype: image type.
    Returns: `(B,)`, float64.

    """
    eps = torch.finfo(dtype).eps
    random = square.sqrt().mul_(8.0 * eps)
    return random.add_(count, alpha=eps * eps).add_(square, alpha=8.0 * torch.finfo(SOLVE).eps)


@dataclass(frozen=True)
class Units:
    """Intensity units: unit-range value = (given value - offset) / span; each `(B, 1, 1)`."""

    offset: Tensor
    span: Tensor

    def normalise(self, image: Tensor) -> Tensor:
        """Bring `(B, H, W)` intensities to these units, in the image's own type."""
        return (image - self.offset) / self.span
