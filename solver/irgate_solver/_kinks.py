"""Whether an answer under bilinear sampling stands on a kink, where it has no derivative.

A bilinear interpolant bends at every row and column of samples, so the objective is a patchwork of
smooth pieces, thousands of them to a pixel. The implicit function theorem differentiates the piece
in which the answer lies. A change of the images that moves the answer into the next piece follows
another derivative: the mean over many pieces, whose Hessian contains the bends. So the derivative
of the piece is taken at its word only where

(1)  |S (A' - A) S|  <=  KINKED |S A S|,    S = |diag A|^(-1/2)

in the sense that A^-1 (A' - A) is small, with A the Hessian of the piece and A' in turn that with
the bends on average (`_sampling.LinearOnAverage`), and those of the pieces a step to either side.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from irgate_solver._objective import Problem
from irgate_solver._sampling import Jet, Linear, LinearOnAverage

BESIDE = 1e-4
"""Distance, px, to the pieces beside: a sample of 5000 lies so near to the border of its cell, or
all of them where the answer is a shift by whole pixels."""


@dataclass(frozen=True)
class _Beside(Linear):
    """Bilinear sampling a little beside the points, in both coordinates."""

    offset: float = 0.0

    def jet(self, points: Tensor, *, curvature: bool = False) -> Jet:
        """Return the bilinear jet at `points` + `offset`."""
        return super().jet(points + self.offset, curvature=curvature)


def bend(problem: Problem, p: Tensor, hessian: Tensor) -> Tensor:
    """Return the largest relative change of the answer's derivative by the kinks near `p`, `(B,)`.

    It is 0 for a sampler whose gradient is continuous.

    Args:
        problem: the objective on the full images.
        p: the answer, `(B, n)`.
        hessian: A of (1), `(B, n, n)`.

    """
    sampler = problem.sampler
    if not isinstance(sampler, Linear):
        return torch.zeros(len(p), dtype=p.dtype, device=p.device)
    image = sampler.image
    others = (LinearOnAverage(image), _Beside(image, BESIDE), _Beside(image, -BESIDE))
    scale = hessian.diagonal(dim1=1, dim2=2).abs().rsqrt()
    scaled = hessian * scale.unsqueeze(1) * scale.unsqueeze(2)
    worst = torch.zeros(len(p), dtype=p.dtype, device=p.device)
    for other in others:
        change = problem.resampled(other).complete().linearise(p).normal - hessian
        change = change * scale.unsqueeze(1) * scale.unsqueeze(2)
        share = torch.linalg.solve_ex(scaled, change)[0]
        size = torch.linalg.matrix_norm(share, 2) if bool(share.isfinite().all()) else torch.inf
        worst = torch.maximum(worst, torch.as_tensor(size, dtype=p.dtype, device=p.device))
    return worst
