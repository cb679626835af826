"""What a metric says of itself: the residual, or the value, of a fixed and a warped image.

A metric is one function of three tensors, `(fixed, warped, valid)`, each `(B, h, w)`: the fixed
image, the moving image looked up at T(x; p), and weights that are 1 where a pixel counts and 0
elsewhere. It returns one of

(1)  r, `(B, C, h, w)`          the objective is  sum_V r^2 / (C sum_V 1)
(2)  (r, weights)               the objective is  sum_V weights r^2 / (C sum_V weights)
(3)  a value for each pair, `(B,)`; the objective is that, and less is better

with sums over channels and the valid pixels V. r may have any number of channels and may look at
any neighbourhood. Nuisances, such as a gain, are eliminated inside the function: it is
differentiated as a whole. It must be written in torch and be twice differentiable by `warped`, and
what it says of one pair must not depend on the others of a batch. Everything else (gradient,
Hessian, the derivative of the minimiser) is made of it here and in `_any_metric`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from irgate_solver._precision import SOLVE

Compare = Callable[[Tensor, Tensor, Tensor], Any]
"""`(fixed, warped, valid)` to (1), (2) or (3)."""


@dataclass(frozen=True)
class Dissimilarity:
    """A metric that is known by its function alone.

    Attributes:
        name: as messages show it.
        compare: the function, (1) to (3).
        local: whether what it says at a pixel depends on the warped image near that pixel only,
            over distances that are small beside those over which the family's basis changes. Then
            derivatives by two fields, the image's slopes, stand for those by every parameter.
        own_units: whether each image is brought to a range of its own, and not both to the fixed
            image's.

    """

    name: str
    compare: Compare
    local: bool = False
    own_units: bool = True

    def evaluate(self, fixed: Tensor, warped: Tensor, valid: Tensor) -> "Evaluation":
        """Call the function and bring what it returns to one form.

        Raises:
            TypeError, ValueError: it is none of (1) to (3).

        """
        found = self.compare(fixed, warped, valid)
        weights = valid.unsqueeze(1)
        if isinstance(found, tuple) and len(found) == 2:
            found, given = found
            weights = weights * given
        if not isinstance(found, Tensor) or not found.is_floating_point():
            raise TypeError(
                f"register: the metric {self.name} returned {type(found).__name__}; expected a "
                "tensor: a residual (B, C, H, W) or a value for each pair (B,)"
            )
        batch = len(fixed)
        if found.shape == (batch,) or (batch == 1 and found.dim() == 0):
            eps = torch.finfo(found.dtype).eps
            return Evaluation(found.reshape(batch).to(SOLVE), None, weights, None, eps)
        if found.dim() != 4 or found.shape[0] != batch or found.shape[2:] != fixed.shape[1:]:
            raise ValueError(
                f"register: the metric {self.name} returned shape {tuple(found.shape)} for images "
                f"{tuple(fixed.shape)}; expected a residual (B, C, H, W) of their size or a value "
                "for each pair (B,)"
            )
        # Whatever a residual holds where no pixel counts, NaN included, does not count.
        residual = torch.where(valid.unsqueeze(1) > 0, found, torch.zeros_like(found))
        weights = weights.expand(-1, residual.shape[1], -1, -1)
        share = 1.0 / weights.sum((1, 2, 3), dtype=SOLVE).clamp(min=1)
        square = (weights * residual * residual).sum((1, 2, 3), dtype=SOLVE)
        return Evaluation(share * square, residual, weights, share, torch.finfo(SOLVE).eps)


@dataclass(frozen=True)
class Evaluation:
    """What a metric says of one batch of images.

    Attributes:
        value: the objective, `(B,)`, float64; attached to the graph of the images.
        residual: r, `(B, C, h, w)`, 0 outside V; None where there is a value only.
        weights: of r's squares, with valid ones in them.
        share: 1 over the sum of the weights, `(B,)`, float64; None with (3).
        eps: relative spacing of the numbers in which the value was made.

    """

    value: Tensor
    residual: Tensor | None
    weights: Tensor
    share: Tensor | None
    eps: float
