"""Where a solve ended: what its stages hand to the result."""

from dataclasses import dataclass, replace

from torch import Tensor

from irgate_solver._objective import Objective
from irgate_solver._pyramid import Level


@dataclass(frozen=True)
class Solution:
    """Where a solve ended.

    Attributes:
        p: the parameters, `(B, n)`.
        value: the objective there, unit range, `(B,)`.
        overlap: valid fraction of the trusted fixed pixels, `(B,)`.
        normal: the normal matrix, `(B, n, n)`.
        states: how the last descent ended, for each pair.
        iterations: trial steps of each descent, coarsest first, for each pair.
        objective: the objective that the last descent minimised.
        levels: the pyramid, full images first.
        field: displacement on the fixed grid, px, `(B, 2, H, W)`, of a recipe whose answer is no
            member of the family; None where `p` says all.
        banded: whether the family is an FFD whose normal matrix is a band (`_band`).

    """

    p: Tensor
    value: Tensor
    overlap: Tensor
    normal: Tensor
    states: tuple[int, ...]
    iterations: tuple[tuple[int, ...], ...]
    objective: Objective
    levels: list[Level]
    field: Tensor | None = None
    banded: bool = False

    def released(self) -> "Solution":
        """Return a copy outside of inference mode, whose tensors autograd would refuse."""
        held = self.objective
        weight = held.settings.bending
        if isinstance(weight, Tensor) and weight.is_inference():
            held = replace(held, settings=replace(held.settings, bending=weight.clone()))
        objective = replace(
            held,
            width=None if held.width is None else held.width.clone(),
            region=None if held.region is None else held.region.clone(),
            origin=None if held.origin is None else held.origin.clone(),
        )
        return replace(
            self,
            p=self.p.clone(),
            value=self.value.clone(),
            overlap=self.overlap.clone(),
            normal=self.normal.clone(),
            objective=objective,
        )
