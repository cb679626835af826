"""What a solve minimises, as a function of the images: the caller's settings and the objective."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from irgate_solver import _metrics, _precision, _sampling
from irgate_solver._lucas_kanade import Forward, level_basis
from irgate_solver._pyramid import Level
from irgate_solver._warps import FreeForm, Warp


@dataclass(frozen=True)
class Settings:
    """What a caller may choose about the solve.

    Attributes:
        metric: "ssd", "ncc" or "huber".
        sampling: "linear" or "cubic".
        huber_width: k of the Huber metric in the units of the given images; None to take it from
            the residuals.
        bending: weight of the bending energy in the given images' squared units; a number or a
            scalar tensor.
        search: whether to search all rotations and shifts where the solution from the identity is
            not convincing.
        iterations: most trial steps on each level.
        tolerance: step, px, that ends the last level.

    """

    metric: str
    sampling: str
    huber_width: float | None
    bending: float | Tensor
    search: bool
    iterations: int
    tolerance: float


@dataclass(frozen=True)
class Objective:
    """What is minimised on the full images, as a function of them and the parameters.

    Attributes:
        warp: the family.
        settings: the metric's name, the sampler's name and the prior's weight.
        mask: bool, `(B, H, W)`.
        fixed_units, moving_units: unit ranges, held constant.
        width: Huber's k in unit range, `(B,)`, held constant; None for the other metrics.
        region: 0/1 weights of the valid pixels of the full images, held constant, `(B, H, W)`;
            None to count those that map inside.

    """

    warp: Warp
    settings: Settings
    mask: Tensor
    fixed_units: _precision.Units
    moving_units: _precision.Units
    width: Tensor | None = None
    region: Tensor | None = None

    def level(self, fixed: Tensor, moving: Tensor) -> Level:
        """Return the full images in unit range; differentiable by both."""
        trusted = self.mask.to(fixed.dtype)
        normal = self.fixed_units.normalise(fixed) * trusted
        return Level(normal, trusted, self.moving_units.normalise(moving), 1)

    def weighted(self, bending: Tensor) -> "Objective":
        """Return the same objective with another weight of the bending energy."""
        return replace(self, settings=replace(self.settings, bending=bending))

    def metric(self) -> _metrics.Metric:
        """Return the comparison."""
        return _metrics.metric_of(self.settings.metric, self.width)

    def prior(self) -> Tensor | None:
        """Return the bending energy's weight in squared unit range, `(B,)`; None without one."""
        weight = self.settings.bending
        if not isinstance(self.warp, FreeForm) or (not isinstance(weight, Tensor) and weight == 0):
            return None
        span = self.fixed_units.span.view(-1).to(_precision.SOLVE)
        scale = torch.ones_like(span) if self.settings.metric == "ncc" else span * span
        return torch.as_tensor(weight, dtype=_precision.SOLVE, device=span.device) / scale

    def on(self, level: Level, extent: tuple[int, int]) -> Forward:
        """Return the forward-additive problem of `level`."""
        return Forward(
            self.warp,
            level_basis(self.warp, level),
            level,
            _sampling.make_sampler(self.settings.sampling, level.moving),
            extent,
            self.metric(),
            self.prior(),
            self.region,
        )
