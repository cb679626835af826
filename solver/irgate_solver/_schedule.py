"""The stages of a solve: start, family, level and linearisation of each."""

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import replace
from typing import Any, Self

import torch
from torch import Tensor
from torch.nn import functional

from irgate_solver import (
    _compiled_descent,
    _first_order,
    _levenberg,
    _metrics,
    _precision,
    _pyramid,
    _sampling,
    _search,
    _start,
    _stops,
    _warps,
)
from irgate_solver._any_metric import AnyMetric
from irgate_solver._channels import Channels, spread
from irgate_solver._dissimilarity import Dissimilarity
from irgate_solver._homography import AnyWarp, Homography, points_of
from irgate_solver._levenberg import Descent
from irgate_solver._lucas_kanade import valid_on
from irgate_solver._multistart import Multistart, ends_lower
from irgate_solver._objective import AUTO, Objective, Problem, Settings, full_level
from irgate_solver._pair import Pair
from irgate_solver._precision import Units
from irgate_solver._pyramid import Level
from irgate_solver._rows import taken
from irgate_solver._solution import Solution
from irgate_solver._template import Inverse
from irgate_solver._warps import FreeForm, LinearWarp, Warp

FREE_FORM_LEVELS = 3
"""Number of levels on which an FFD is solved, full images included. On a coarser level there are
too few pixels to determine its control points."""
AUTO_BENDING = 300.0
"""That weight over the affine start's objective, px^2, the area of one where pixels have a spacing.
From 100 to 1000 lies what serves best with
4 x 4 and 8 x 8 points, with noise from 0 to 5 %, and between two slices of a head: without it
control points where nothing is to be seen ran off by 10^5 px, and it costs 0.003 px at most."""
JUDGED_LEVEL = 1
"""Index of the level on which a solution from the identity is judged. It is fine enough for detail
to tell a head from its mirror image, and coarse enough to be quick and to average noise."""


DESCENTS: dict[str, Callable[..., Descent]] = {
    "lbfgs": _first_order.lbfgs,
    "adam": _first_order.adam,
}
"""Besides "lm", by the names that a recipe gives them."""


OF_PAIRS = (
    *("mask", "moving_mask", "settings", "fixed_units", "moving_units", "given", "levels"),
    *("ranges", "full", "origin"),
)
"""What a schedule holds of the pairs of its batch."""


class Schedule:
    """One call's pyramid and settings, and the stages of its solve."""

    def __init__(self, pair: Pair, settings: Settings) -> None:
        self.mask, self.moving_mask = pair.mask, pair.moving_mask
        self.settings = settings
        self.fixed_units = pair.fixed_units
        # Correlation does not depend on units, so each image gets its own.
        self.moving_units = pair.moving_units if settings.own_units else pair.fixed_units
        fixed, moving = pair.fixed.detach(), pair.moving.detach()
        if isinstance(settings.metric, Dissimilarity):
            self.fixed_units, self.moving_units = settings.units(
                fixed, moving, pair.mask, pair.moving_mask
            )
        fixed, moving = self.fixed_units.normalise(fixed), self.moving_units.normalise(moving)
        if pair.whole:
            trusted = torch.ones_like(fixed)
        else:
            trusted = pair.mask.to(fixed.dtype)
            fixed = fixed * trusted
        hidden = None
        if pair.moving_mask is not None:
            hidden = (~pair.moving_mask).to(moving.dtype)
            moving = _pyramid.filled(moving, hidden)
        self.given = self.levels = _pyramid.build(fixed, trusted, moving, pair.whole, hidden)
        if settings.smoothing is not None:
            # Coarser levels are blurred anyway.
            full = full_level(fixed, pair.mask, moving, pair.moving_mask, settings.smoothing)
            self.levels = [full, *self.given[1:]]
        self.channels = pair.channels
        self.ranges = _ranges(pair)
        self.full = self.levels[0] if pair.colours is None else self._coloured(pair)
        self.judged = min(JUDGED_LEVEL, len(self.levels) - 1)
        self.extent = (pair.moving.shape[1], pair.moving.shape[2])
        self.batch, self.device = len(pair.fixed), pair.fixed.device

    def _coloured(self, pair: Pair) -> Level:
        """Return the full images with their channels, as pairs of their own."""
        grey, count = self.levels[0], pair.channels
        first, second = (image.detach() for image in pair.settled_on)
        mask = spread(pair.mask, count)
        moving_mask = None if pair.moving_mask is None else spread(pair.moving_mask, count)
        units = [
            Units(spread(one.offset, count), spread(one.span, count))
            for one in (self.fixed_units, self.moving_units)
        ]
        if isinstance(self.settings.metric, Dissimilarity):
            units = list(self.settings.units(first, second, mask, moving_mask, count))
        fixed, moving = units[0].normalise(first), units[1].normalise(second)
        if self.settings.smoothing is not None:
            smoothing = self.settings.smoothing.each(count)
            return full_level(fixed, mask, moving, moving_mask, smoothing)
        trusted = spread(grey.trusted, count)
        hidden = None if grey.hidden is None else spread(grey.hidden, count)
        if hidden is not None:
            moving = _pyramid.filled(moving, hidden)
        return Level(fixed * trusted, trusted, moving, 1, grey.whole, hidden)

    def run(self, warp: AnyWarp, init: Any) -> Solution:
        """Solve from `init`, or without one from the identity or a searched start."""
        start = None if init is None else _start.read(init, warp, self.batch, self.device)
        self.origin = start
        if start is not None:
            _start.require_overlap(warp, start, self.levels[0], self.given[0], self.extent)
        if isinstance(warp, Homography):
            return self._homography(warp, start)
        if isinstance(warp, FreeForm):
            return self._free_form(warp, start)
        assert isinstance(warp, LinearWarp)
        descents = self._from_identity(warp) if start is None else self._approach(warp, start)
        return self._settle(warp, descents, descents[-1].p, self.levels[:1])

    def _free_form(self, warp: FreeForm, start: Tensor | None) -> Solution:
        """Solve an affine map on the coarser levels, then the FFD from there, coarse to fine."""
        descents: list[Descent] = []
        given = start is not None
        if start is None:
            affine = _warps.Affine(warp.height, warp.width, warp.spacing)
            descents = self._from_identity(affine)
            start = _start.to_free_form(affine, descents[-1].p, warp)
        if self.settings.bending == AUTO:
            weight = self._bending(warp, start)
            self.settings = replace(self.settings, bending=weight, bending_chosen=True)
        if not given:
            start = self._bent(warp, start)
        return self._settle(warp, descents, start, self.levels[:FREE_FORM_LEVELS])

    def _bent(self, warp: FreeForm, start: Tensor) -> Tensor:
        """Return where the FFD starts, given the affine start: there, in most recipes."""
        return start

    def _bending(self, warp: FreeForm, start: Tensor) -> Tensor:
        """Return the weight of the bending energy that the affine start suggests, `(B,)`.

        The more an affine map leaves unexplained the more there is for an FFD to run after, noise
        and what is in one image only included.
        """
        level = self.full
        plain = replace(self.settings, bending=0.0)
        left = self._objective(warp, level, start, plain).on(level, self.extent).linearise(start)
        span = self.fixed_units.span.view(-1).to(_precision.SOLVE)
        unit = torch.ones_like(span) if plain.unitless else span * span
        area = warp.spacing[0] * warp.spacing[1]
        return AUTO_BENDING * area * unit * left.objective

    def _homography(self, warp: Homography, start: Tensor | None) -> Solution:
        """Solve an affine map on the coarser levels, then the homography from there."""
        descents: list[Descent] = []
        if start is None:
            descents = self._from_identity(warp.affine)
            start = functional.pad(descents[-1].p, (0, 2))
        return self._settle(warp, descents, start, self.levels[:FREE_FORM_LEVELS])

    def _settle(
        self, warp: AnyWarp, descents: list[Descent], p: Tensor, levels: list[Level]
    ) -> Solution:
        """Descend forward-additively through `levels` (full images first), coarsest first."""
        for level in reversed(levels[1:]):
            problem = self._problem(warp, level, p)
            tolerance = _precision.COARSE_TOLERANCE * level.scale
            descents = [*descents, self._go_down(problem, p, self.settings.iterations, tolerance)]
            p = descents[-1].p
        last, objective = self._settle_on_full_images(warp, p)
        counts = [descent.iterations for descent in (*descents, last)]
        return Solution(
            last.p,
            last.at.objective,
            last.at.overlap,
            last.at.normal,
            last.state,
            tuple(zip(*counts, strict=True)),
            objective,
            self.given,
            banded=last.at.banded,
        )

    def _settle_on_full_images(self, warp: AnyWarp, p: Tensor) -> tuple[Descent, Objective]:
        """Descend to a minimum whose valid pixels are the ones that were counted to find it.

        A first round approaches. Each further round freezes the valid pixels and finds the minimum
        over them; rounds end when that minimum has these same valid pixels. Where the sampler has a
        continuous gradient, these rounds use Newton's method.
        """
        level = self.full
        newton = self.settings.sampling != "linear"
        near = max(_precision.NEAR, self.settings.tolerance)
        if self.settings.approach != self.settings.metric:
            nearing = self._problem(warp, level, p)
            p = self._go_down(nearing, p, self.settings.iterations, near).p
        objective = self._objective(warp, level, p)
        problem = objective.on(level, self.extent)
        descent = self._go_down(problem, p, self.settings.iterations, near)
        slack = _stops.slack(problem, descent.at) if self.settings.heeds_noise else None
        if newton:
            problem = problem.newton()
        region = found = problem.inside_at(descent.p)
        unsettled = [True] * self.batch
        for _ in range(_precision.ROUNDS):
            region = _levenberg.choose(unsettled, found, region)
            again = self._continue(replace(problem, region=region), descent, slack)
            descent = _levenberg.choose_descent(unsettled, again, descent)
            found = problem.inside_at(descent.p)
            other = (found != region).flatten(1).any(1).tolist()
            # A descent that stalled on a kink would only stall on another kink in another region.
            unsettled = [
                was and differs and state == _levenberg.CONVERGED
                for was, differs, state in zip(unsettled, other, descent.state, strict=True)
            ]
            if not any(unsettled):
                break
        stalled = [state == _levenberg.STALLED for state in descent.state]
        alone = problem.each if isinstance(problem, Channels) else problem
        if isinstance(alone, AnyMetric) and problem.exact and any(stalled):
            # The local form steers too roughly to come all the way where the objective is flat.
            whole = replace(problem, region=region).complete()
            again = self._continue(whole, descent)
            descent = _levenberg.choose_descent(stalled, again, descent)
        return descent, replace(objective, region=region)

    def _go_down(self, problem: Problem, p: Tensor, iterations: int, tolerance: float) -> Descent:
        """Descend on the way to the minimum, by the descent that the settings name."""
        kept = overlap_kept(problem)
        if self.settings.descent != "lm":
            descend = DESCENTS[self.settings.descent]
            return descend(problem, p, iterations=iterations, tolerance=tolerance, kept=kept)
        return _compiled_descent.nearing(
            problem, p, iterations=iterations, tolerance=tolerance, kept=kept
        )

    def _descend(
        self, problem: Problem, p: Tensor, after: Descent, slack: Sequence[float] | None
    ) -> Descent:
        return _compiled_descent.nearing(
            problem,
            p,
            iterations=self.settings.iterations,
            tolerance=self.settings.tolerance,
            after=after,
            kept=overlap_kept(problem),
            slack=slack,
        )

    def _continue(
        self, problem: Problem, before: Descent, slack: Sequence[float] | None = None
    ) -> Descent:
        """Continue a descent on the same level; its steps are added to the earlier ones."""
        after = self._descend(problem, before.p, before, slack)
        return after.continuing(before)

    def _approach(self, warp: LinearWarp, p: Tensor) -> list[Descent]:
        """Descend from `p` to the judged level."""
        levels = self.levels[self.judged :]
        if isinstance(self.settings.approach, str):
            return self._approach_inversely(warp, p, levels)[0]
        return self._approach_additively(warp, p, levels)

    def _approach_inversely(
        self, warp: LinearWarp, p: Tensor, levels: list[Level]
    ) -> tuple[list[Descent], Inverse]:
        """Descend inverse-compositionally through `levels` (finest first), coarsest first.

        Returns: the descents, and the problem of the last one.
        """
        descents = []
        for level in reversed(levels):
            problem = Inverse(warp, level, self._pointwise(warp, level, p))
            descents.append(problem.descend(p, self.settings.iterations))
            p = descents[-1].p
        return descents, problem

    def _approach_additively(
        self, warp: LinearWarp, p: Tensor, levels: list[Level]
    ) -> list[Descent]:
        """Descend forward-additively through `levels` (finest first), coarsest first."""
        descents = []
        for level in reversed(levels):
            problem = self._problem(warp, level, p)
            iterations = min(self.settings.iterations, _precision.COARSE_ITERATIONS)
            tolerance = _precision.COARSE_TOLERANCE * level.scale
            descents.append(self._go_down(problem, p, iterations, tolerance))
            p = descents[-1].p
        return descents

    def _from_identity(self, warp: LinearWarp) -> list[Descent]:
        """Approach from the identity, and where that does not convince, from a search."""
        start = _start.identity(warp, self.batch, self.device)
        levels = self.levels[self.judged :]
        if isinstance(self.settings.approach, str):
            descents, problem = self._approach_inversely(warp, start, levels)
            if self.settings.search:
                descents[-1] = self._search_beyond(problem, descents[-1])
            return descents
        if not self.settings.search:
            return self._approach_additively(warp, start, levels)
        # Correlation is quick, and where it convinces it has the answer, whatever the metric.
        descents, problem = self._approach_inversely(warp, start, levels)
        correlated = self._search_beyond(problem, descents[-1])
        (other,) = self._approach_additively(warp, correlated.p, levels[:1])
        if all(_search.convincing(problem, descents[-1].p)):
            return [*descents, other]
        own = self._approach_additively(warp, start, levels)
        return [*own[:-1], _levenberg.choose_descent(ends_lower(other, own[-1]), other, own[-1])]

    def _search_beyond(self, problem: Inverse, found: Descent) -> Descent:
        """Return `found`, or where that does not convince the end of a search that shows more."""
        convincing = _search.convincing(problem, found.p)
        doubted = [index for index, sure in enumerate(convincing) if not sure]
        if not doubted:
            return found
        part = self.rows(doubted)
        multistart = Multistart(
            part.levels,
            part.judged,
            part.settings,
            metric=part._pointwise,
            problem=part._problem,
            descend=part._go_down,
        )
        level = taken(problem.level, doubted, self.batch)
        other = multistart.beyond(problem.warp, level, found.rows(doubted))
        return found.with_rows(doubted, other)

    def rows(self, rows: Sequence[int]) -> Self:
        """Return the schedule of these pairs of the batch."""
        if len(rows) == self.batch:
            return self
        part = copy(self)
        for name in OF_PAIRS:
            setattr(part, name, taken(getattr(self, name), rows, self.batch))
        if self.full is self.levels[0]:
            part.full = part.levels[0]
        part.batch = len(rows)
        return part

    def _pointwise(self, warp: Warp, level: Level, p: Tensor) -> _metrics.Metric:
        """Return the comparison of single pixels that approaches: correlation for any metric."""
        if isinstance(self.settings.approach, str):
            return self._approaching(warp, level, p).metric()
        return _metrics.correlation

    def _problem(self, warp: AnyWarp, level: Level, p: Tensor) -> Problem:
        """Return the problem of the stages before the last, on a level."""
        return self._approaching(warp, level, p).on(level, self.extent)

    def _approaching(self, warp: AnyWarp, level: Level, p: Tensor) -> Objective:
        """Return the objective of the stages before the last."""
        return self._objective(warp, level, p, self.settings.approaching())

    def _objective(
        self, warp: AnyWarp, level: Level, p: Tensor, settings: Settings | None = None
    ) -> Objective:
        """Return the objective; Huber's width is given, or that of the residuals at `p`."""
        settings = settings or self.settings
        plain = Objective(
            warp,
            settings,
            self.mask,
            self.fixed_units,
            self.moving_units,
            origin=self.origin,
            moving_mask=self.moving_mask,
            smoothing=settings.smoothing,
            channels=1 if level is not self.full else self.channels,
        )
        if settings.metric != "huber":
            return plain
        span = self.fixed_units.span.view(-1).to(_precision.SOLVE)
        if settings.huber_width is not None:
            width = settings.huber_width / span
        elif settings.huber_share is not None:
            width = settings.huber_share * (
                self.ranges if plain.channels > 1 else torch.ones_like(span)
            )
        else:
            points = points_of(warp, level, p)
            points = spread(points, plain.channels)
            valid = valid_on(level, points, self.extent)
            moved = _sampling.Linear(level.moving).value(points / level.scale)
            width = _metrics.huber_width(level.fixed, moved, valid)
        if len(width) == self.batch:
            width = spread(width, plain.channels)
        return replace(plain, width=width)


def _ranges(pair: Pair) -> Tensor:
    """Return the range of each channel of the fixed image, unit range, `(B C,)`."""
    image, count = pair.settled_on[0].detach(), pair.channels
    if count == 1:
        return torch.ones(len(image), dtype=_precision.SOLVE, device=image.device)
    spans = Units.of(image, spread(pair.mask, count)).span / spread(pair.fixed_units.span, count)
    return spans.view(-1).to(_precision.SOLVE)


def overlap_kept(problem: Problem) -> float:
    """Return how much of its overlap a descent keeps at least."""
    free = isinstance(problem.warp, FreeForm)
    return _precision.FREE_FORM_KEPT if free else _precision.OVERLAP_KEPT
