"""What a solve minimises, as a function of the images: the settings, and the objective."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from irgate_solver import _metrics, _precision, _sampling
from irgate_solver._any_metric import AnyMetric
from irgate_solver._channels import Channels, spread
from irgate_solver._dissimilarity import Dissimilarity
from irgate_solver._homography import Homography, Projective
from irgate_solver._lucas_kanade import Forward, level_basis
from irgate_solver._precision import Units
from irgate_solver._priors import Priors
from irgate_solver._pyramid import Level, filled
from irgate_solver._smoothing import Smoothing
from irgate_solver._warps import FreeForm, Warp

Weight = float | Tensor
"""The weight of a prior: a number, or a scalar tensor that may require grad."""
AUTO = "auto"
"""The weight of the bending energy that is chosen from the images."""


@dataclass(frozen=True)
class Settings:
    """What a caller may choose about the solve.

    Attributes:
        metric: "ssd", "ncc" or "huber", or any other metric.
        approach: what the stages before the last minimise; the same again, as a rule.
        descent: what goes down on the way: "lm", "lbfgs" or "adam".
        sampling: the sampler's name.
        huber_width: k of the Huber metric in the units of the given images; None to take it from
            the residuals.
        huber_share: k as a part of the fixed image's range, where `huber_width` is None; None to
            take it from the residuals.
        bending, total_variation, anchor: weights of the priors in the given images' squared units,
            or without a unit for metrics that have none.
        bending_chosen: whether the bending's weight was chosen from the images, for each pair.
        search: whether to search all rotations and shifts where the solution from the identity is
            not convincing.
        smoothing: of both full images; None for none.
        iterations: most trial steps on each level.
        tolerance: step, px, that ends the last level.
        heeds_noise: whether a step ends it, too, that is far below the answer's standard error.

    """

    metric: str | Dissimilarity
    approach: str | Dissimilarity
    descent: str
    sampling: str
    huber_width: float | None
    huber_share: float | None
    bending: Weight | str
    total_variation: Weight
    anchor: Weight
    search: bool
    iterations: int
    tolerance: float
    smoothing: Smoothing | None = None
    bending_chosen: bool = False
    heeds_noise: bool = False

    @property
    def weights(self) -> tuple[Weight, Weight, Weight]:
        """The priors' weights: bending, total variation, anchor."""
        assert not isinstance(self.bending, str)
        return self.bending, self.total_variation, self.anchor

    @property
    def estimates_width(self) -> bool:
        """Whether Huber's width is taken from the residuals."""
        given = self.huber_width is not None or self.huber_share is not None
        return self.metric == "huber" and not given

    @property
    def unitless(self) -> bool:
        """Whether the objective has no unit, and not squared intensities."""
        return self.metric not in ("ssd", "huber")

    @property
    def own_units(self) -> bool:
        """Whether each image is brought to a range of its own."""
        if isinstance(self.metric, Dissimilarity):
            return self.metric.own_units
        return self.metric == "ncc"

    @property
    def contrast(self) -> str:
        """How the two images' contrast may differ, as `_confidence.measure` takes it."""
        if isinstance(self.metric, Dissimilarity):
            return "axes"
        return "either" if self.metric == "ncc" else "upright"

    def units(
        self,
        fixed: Tensor,
        moving: Tensor,
        mask: Tensor,
        moving_mask: Tensor | None,
        channels: int = 1,
    ) -> tuple[Units, Units]:
        """Return the units of both images for a metric that may depend on them.

        Each channel has units of its own where each image has, and else all channels of a fixed
        image have the same.

        Args:
            fixed, moving: `(B C, h, w)`, given intensities.
            mask, moving_mask: bool, the same shapes; None for all.
            channels: C.

        """
        if self.own_units:
            return Units.smooth(fixed, mask), Units.smooth(moving, moving_mask)
        rows = (-1, channels * fixed.shape[1], fixed.shape[2])
        units = Units.smooth(fixed.reshape(rows), mask.reshape(rows))
        units = Units(spread(units.offset, channels), spread(units.span, channels))
        return units, units

    def approaching(self) -> "Settings":
        """Return the settings of the stages before the last."""
        return replace(self, metric=self.approach)


def full_level(
    fixed: Tensor,
    mask: Tensor,
    moving: Tensor,
    moving_mask: Tensor | None,
    smoothing: Smoothing | None,
) -> Level:
    """Return the full images as they are compared; differentiable by both.

    Args:
        fixed: `(B, H, W)`, unit range.
        mask: bool, what is trusted of it.
        moving: `(B, H', W')`, unit range.
        moving_mask: bool, what is trusted of it; None for all.
        smoothing: of both; None for none.

    """
    if smoothing is not None:
        seen = torch.ones_like(moving, dtype=torch.bool) if moving_mask is None else moving_mask
        fixed = smoothing.apply(fixed, mask.to(fixed.dtype))
        moving = smoothing.apply(moving, seen.to(moving.dtype))
        mask, moving_mask = smoothing.shrunk(mask), smoothing.shrunk(seen)
    trusted, hidden = mask.to(fixed.dtype), None
    if moving_mask is not None:
        hidden = (~moving_mask).to(moving.dtype)
        moving = filled(moving, hidden)
    return Level(fixed * trusted, trusted, moving, 1, hidden=hidden)


Problem = Forward | AnyMetric | Channels
"""The forward-additive problem of one level."""


@dataclass(frozen=True)
class Objective:
    """What is minimised on the full images, as a function of them and the parameters.

    Attributes:
        warp: the family.
        settings: the metric, the sampler's name and the priors' weights.
        mask: bool, `(B, H, W)`.
        fixed_units, moving_units: unit ranges, held constant.
        width: Huber's k in unit range, `(B,)`, held constant; None for the other metrics.
        region: 0/1 weights of the valid pixels of the full images, held constant, `(B, H, W)`;
            None to count those that map inside.
        origin: parameters of the anchor's origin, `(B, n)`; None for the identity.
        moving_mask: bool, `(B, H', W')`; None where all of the moving image is trusted.
        smoothing: of both images; None for none.
        channels: number of channels C of each image. With more than one, images are `(B C, H, W)`,
            and so is `width` `(B C,)`.

    """

    warp: Warp | Homography
    settings: Settings
    mask: Tensor
    fixed_units: Units
    moving_units: Units
    width: Tensor | None = None
    region: Tensor | None = None
    origin: Tensor | None = None
    moving_mask: Tensor | None = None
    smoothing: Smoothing | None = None
    channels: int = 1

    def each(self) -> "Objective":
        """Return the objective of the channels as pairs of their own, which share no parameters."""
        count = self.channels
        if count == 1:
            return self

        def wide(value: Tensor | None) -> Tensor | None:
            return None if value is None else spread(value, count)

        units = (
            Units(spread(each.offset, count), spread(each.span, count))
            for each in (self.fixed_units, self.moving_units)
        )
        fixed_units, moving_units = units
        settings, weight = self.settings, self.settings.bending
        if isinstance(weight, Tensor) and weight.dim() > 0:  # one for each pair
            settings = replace(settings, bending=spread(weight, count))
        return replace(
            self,
            settings=settings,
            mask=spread(self.mask, count),
            fixed_units=fixed_units,
            moving_units=moving_units,
            region=wide(self.region),
            origin=wide(self.origin),
            moving_mask=wide(self.moving_mask),
            smoothing=None if self.smoothing is None else self.smoothing.each(count),
            channels=1,
        )

    def level(self, fixed: Tensor, moving: Tensor) -> Level:
        """Return the full images in unit range; differentiable by both.

        Metrics that are no sum over single pixels may depend on the units, by their floors and
        bins: there the units are functions of the images too.
        """
        each = self.each()
        fixed_units, moving_units = each.fixed_units, each.moving_units
        if isinstance(self.settings.metric, Dissimilarity):
            fixed_units, moving_units = self.settings.units(
                fixed, moving, each.mask, each.moving_mask, self.channels
            )
        fixed, moving = fixed_units.normalise(fixed), moving_units.normalise(moving)
        return full_level(fixed, each.mask, moving, each.moving_mask, each.smoothing)

    def weighted(self, bending: Tensor, total_variation: Tensor, anchor: Tensor) -> "Objective":
        """Return the same objective with other weights of the priors."""
        settings = replace(
            self.settings, bending=bending, total_variation=total_variation, anchor=anchor
        )
        return replace(self, settings=settings)

    def following(self, fixed: Tensor) -> "Objective":
        """Return the objective whose Huber's width, a share of the range, follows `fixed`.

        Args:
            fixed: `(B C, H, W)`, given intensities, which the width is then differentiable by; each
                channel's width follows its own range.

        """
        share = self.settings.huber_share
        if self.settings.metric != "huber" or self.settings.huber_width is not None or not share:
            return self
        ranges = Units.of(fixed, spread(self.mask, self.channels)).span
        span = ranges / spread(self.fixed_units.span, self.channels)
        return replace(self, width=share * span.view(-1).to(_precision.SOLVE))

    def metric(self) -> _metrics.Metric:
        """Return the comparison of single pixels by the metric."""
        assert isinstance(self.settings.metric, str)
        return _metrics.metric_of(self.settings.metric, self.width)

    def priors(self) -> Priors:
        """Return the priors with their weights in squared unit range."""
        if isinstance(self.warp, Homography):
            return Priors()
        bending = self.settings.weights[0] if isinstance(self.warp, FreeForm) else 0.0
        return Priors(
            self._in_unit_range(bending),
            self._in_unit_range(self.settings.total_variation),
            self._in_unit_range(self.settings.anchor),
            self.origin,
        )

    def _in_unit_range(self, weight: Weight) -> Tensor | None:
        """Return a prior's weight, `(B,)`; None where it is the number 0."""
        if not isinstance(weight, Tensor) and weight == 0:
            return None
        span = self.fixed_units.span.view(-1).to(_precision.SOLVE)
        scale = torch.ones_like(span) if self.settings.unitless else span * span
        return torch.as_tensor(weight, dtype=_precision.SOLVE, device=span.device) / scale

    def on(self, level: Level, extent: tuple[int, int]) -> Problem:
        """Return the forward-additive problem of `level`."""
        if self.channels > 1:
            each = replace(self.each(), region=None)
            alone = each.weighted(*(torch.zeros(()) for _ in range(3))).on(level, extent)
            assert not isinstance(alone, Channels)
            alone = replace(alone, priors=Priors())
            return Channels(alone, self.channels, priors=self.priors(), region=self.region)
        sampler = _sampling.make_sampler(self.settings.sampling, level.moving)
        if isinstance(self.warp, Homography):
            basis = level_basis(self.warp.affine, level)
            metric, region = self.metric(), self.region
            return Projective(self.warp, basis, level, sampler, extent, metric, region=region)
        basis = level_basis(self.warp, level)
        priors, region = self.priors(), self.region
        chosen = self.settings.metric
        if isinstance(chosen, Dissimilarity):
            return AnyMetric(
                self.warp, basis, level, sampler, extent, chosen, priors=priors, region=region
            )
        metric = self.metric()
        return Forward(
            self.warp, basis, level, sampler, extent, metric, priors=priors, region=region
        )
