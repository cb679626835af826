"""The numerical contract: which precision holds what, and every threshold with its reason.

1. Images, residuals and image gradients have the *image type*: float64 where an input is float64,
   else float32.
2. Parameters, mapped points, the normal equations, their factorisation and the answer are always
   float64. The condition of a 4x4 FFD's normal matrix reaches 1e9, which is too much for float32.
   Its entries are float64 sums of float32 products and are good to 1e-9. Linear families have
   well-conditioned matrices of at most 6 x 6. Their sums run down a column of the image in the
   image type and across columns in float64, which takes a quarter of the time. Coarse levels need
   a tenth of a pixel only: they sum in the image type and factorise in float64.
3. A mapped point is split in float64 into its cell (whole) and its place in the cell (fraction);
   only the fraction is rounded to the image type, so that a large coordinate costs no digits.
4. First of all, intensities are brought to unit range (`Units`), and coordinates are centred and
   divided by half the longer side (`_linear`). No threshold depends on the caller's units then.
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
"""Least damping after a rejection: with less the next step would be nearly the same one."""
DAMPING_FLOOR = 1e-15
"""Smallest damping: it is lost in the rounding of a float64 sum, so a smaller one changes
nothing."""
DAMPING_CEILING = 1e10
"""Largest damping: steps are then 1e-10 of a gradient step, and the descent gives up."""
UNDAMPED = 1e-2
"""Largest damping that hardly shortens a step: with more it may be short far from a minimum."""
GAUGE = 1e-12
"""Floor of the damped diagonal, relative to its mean: control points that no pixel depends on stay
where they are. It pulls towards the current iterate and not towards zero, so it moves no
minimum."""
RESERVE = 3.0
"""The same floor over lambda, up to the mean itself, for fine grids of control points. Those that a
few pixels hold wait until the others have settled: without it the corners of a 16 x 16 grid ran off
by 10^4 px in the first step. What it adds falls with lambda squared, so it holds nothing back at
the end."""

NO_PROGRESS = 1e-6
"""Least relative decrease of the objective that counts as progress. A step that decreases it by
less and is longer than half the shortest step so far makes no progress."""
PATIENCE = 12
"""Number of steps without progress after which a descent gives up. Such a descent follows a kink of
bilinear sampling. A Gauss-Newton iteration that converges at least halves its steps, and Newton's
squares them."""
SHORT = 1e-3
"""Step, px, under which steps are expected to go on shrinking at the present rate. Kinks and
rounding, which would stop that, show themselves by steps that do not shrink."""
SLACK_SHARE = 0.1
"""Distance to the minimum over the standard error at which a descent under noise may end: it adds
half a per cent to the answer's error."""
COARSE_TOLERANCE = 0.1
"""Step, in pixels of the level, that ends a coarse level. A smaller one saves no steps on the next
level, which starts with an error from the blur anyway (measured on the five fixtures from 0.02 to
0.1)."""
COARSE_ITERATIONS = 12
"""Most steps on one level of the approach. A successful approach takes two to eight; one that needs
more is usually wrong, and the search does better."""
NEAR = 0.02
"""Step, px, that ends the first round on the full images, before the valid region is frozen. The
error after such a step is about a hundredth of it. That still moves a border pixel in or out now
and then; another round then freezes the region anew."""
ROUNDS = 5
"""Most rounds of freezing the region; two are usual. Where rounds alternate between two regions,
either is right: each answer is the minimum over the pixels that it counts."""
OVERLAP_KEPT = 0.5
"""Least overlap after a step, as a fraction of the overlap at the start of its level."""
FREE_FORM_KEPT = 0.9
"""The same for an FFD: an affine map comes before it, so that it has little to lose. With less a
background that does not fit is pushed out of view: it was at an overlap of 0.55."""
OVERLAP_FLOOR = 0.05
"""Least overlap after a step, as a fraction of the fixed image's trusted pixels."""

HUBER_WIDTH = 1.345
"""Huber's k over the noise's standard deviation: 95 % efficiency under Gauss (Huber 1981, 4.5)."""
MAD_TO_SIGMA = 1.4826
"""1 / Phi^-1(3/4): a Gaussian's standard deviation over its median absolute deviation."""

SOFTNESS = 0.04
"""Of the ends of smooth units, over the standard deviation: a hundredth of the range, as a rule."""

RECIPROCAL_CONDITION = 1e-12
"""Least reciprocal condition number (1-norm, after scaling to unit diagonal) of a matrix that is
solved with. Under it float64 keeps fewer than four digits of the solution."""
ROUNDINGS = 16.0
"""Roundings of the image type over which a parameter must move the image, relative to the others:
a spline through stripes has slopes along them, of a rounding or two."""

STATIONARY = 0.01
"""Longest Newton step, px, that is still left at a stationary point. A longer one means that the
solve ended elsewhere, at an edge of the valid region for example. The relative error of a gradient
is about a fifth of the distance to the stationary point in px (measured on noisy affine pairs)."""


KINKED = 1e-3
"""Largest relative change of a derivative by kinks of bilinear sampling that is not warned of."""


def squared_rounding(dtype: torch.dtype) -> float:
    """Return the square of `ROUNDINGS` of the image type: what a sum of squared slopes may hold."""
    return float((ROUNDINGS * torch.finfo(dtype).eps) ** 2)


def final_tolerance(dtype: torch.dtype) -> float:
    """Return the step, in px, that ends the last level: 1e-6 in float32, 1e-9 in float64.

    Near the end Gauss-Newton gains a factor of about ten an iteration, so the error that is left is
    a tenth of the step. Float32 residuals carry noise of 1e-7. Summed over some 10^4 pixels it
    moves the minimum by 1e-7 px or less. Float64 is limited by the kinks of bilinear sampling.
    """
    return 1e-6 if dtype == torch.float32 else 1e-9


def rounding_of_square_sum(square: Tensor, count: Tensor, dtype: torch.dtype) -> Tensor:
    """Return how far rounding may move a sum of `count` squared residuals of unit-range images.

    A residual carries an error of about eps, so the sum of squares moves by 2 eps times its root
    at random, and by eps^2 a pixel. Four standard deviations are taken, and float64's own rounding
    of the sum is added. A step that changes the objective by less is accepted: its value says
    nothing there, while the gradient is still exact.

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

    @classmethod
    def of(cls, image: Tensor, trusted: Tensor | None) -> "Units":
        """Return the units in which the trusted part of `image` `(B, H, W)` runs from 0 to 1."""
        low, high = _extremes(image, trusted)
        return cls(offset=low, span=high - low)

    @classmethod
    def smooth(cls, image: Tensor, trusted: Tensor | None) -> "Units":
        """Return units whose ends are smooth functions of `image`, a little beyond its range.

        (1)  high = t log sum exp(I / t),  low = -t log sum exp(-I / t),  t = SOFTNESS std I

        The brightest pixel itself has no derivative where another is as bright, as in a background
        of zeros.
        """
        low, high = _extremes(image.detach(), trusted)
        weight = torch.ones_like(image) if trusted is None else trusted.to(image.dtype)
        count = weight.sum((1, 2), keepdim=True)
        mean = (weight * image).sum((1, 2), keepdim=True) / count
        variance = (weight * (image - mean) ** 2).sum((1, 2), keepdim=True) / count
        # A flat image of a batch has no units; whatever stands for them must be finite.
        t = SOFTNESS * variance.clamp(min=torch.finfo(image.dtype).tiny).sqrt()
        # Taking the extremes off first changes nothing but the rounding.
        above, below = (image - high) / t, (low - image) / t
        if trusted is not None:
            above, below = (tail.masked_fill(~trusted, -torch.inf) for tail in (above, below))
        top = high + t * above.flatten(1).logsumexp(1).view(-1, 1, 1)
        bottom = low - t * below.flatten(1).logsumexp(1).view(-1, 1, 1)
        return cls(offset=bottom, span=top - bottom)

    def normalise(self, image: Tensor) -> Tensor:
        """Bring `(B, H, W)` intensities to these units, in the image's own type."""
        return (image - self.offset) / self.span


def _extremes(image: Tensor, trusted: Tensor | None) -> tuple[Tensor, Tensor]:
    """Return the smallest and the largest trusted value of each image, `(B, 1, 1)`."""
    if trusted is None:
        return image.amin((1, 2), keepdim=True), image.amax((1, 2), keepdim=True)
    low = image.masked_fill(~trusted, torch.inf).amin((1, 2), keepdim=True)
    return low, image.masked_fill(~trusted, -torch.inf).amax((1, 2), keepdim=True)
