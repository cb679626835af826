"""Multistart: descents from the candidates of a search, and whether one of them beats an answer.

Answers are compared by the detail of the images that they show (`_octaves`), and by the metric
itself.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from irgate_solver import _levenberg, _octaves, _precision, _pyramid, _search, _start, _warps
from irgate_solver._levenberg import Descent
from irgate_solver._metrics import Metric, correlation
from irgate_solver._objective import Problem, Settings
from irgate_solver._pyramid import Level
from irgate_solver._template import Inverse, WarpedLevel
from irgate_solver._warps import LinearWarp

NEARING = 16
"""Most steps on the full images before an answer without a search is compared with a searched one.
With 6 one of 60 inverted pairs under a bias was lost, with 12 none."""
ELSEWHERE = 2.0
"""Distance, px, under which two answers lead to one minimum, so that there is nothing to choose."""


@dataclass(frozen=True)
class Multistart:
    """The search beyond an answer's neighbourhood, with what it needs of the solve.

    Attributes:
        levels: the pyramid, full images first.
        judged: index of the level on which the answer was found.
        settings: the solve's.
        metric: from warp, level and p to the comparison of single pixels that approaches.
        problem: from the same to the problem of the stages before the last.
        descend: from problem, p, iterations and tolerance to the descent that the settings name.

    """

    levels: list[Level]
    judged: int
    settings: Settings
    metric: Callable[[LinearWarp, Level, Tensor], Metric]
    problem: Callable[[LinearWarp, Level, Tensor], Problem]
    descend: Callable[[Problem, Tensor, int, float], Descent]

    def beyond(self, problem: Inverse, found: Descent) -> Descent:
        """Return, pair by pair, `found`, or the end of a search where that shows more.

        Args:
            problem: what was solved on the judged level.
            found: where that ended.

        """
        convincing = _search.convincing(problem, found.p)
        if all(convincing):
            return found
        warp, level, batch = problem.warp, problem.level, len(found.p)
        turning: LinearWarp
        if isinstance(warp, _warps.Translation):
            turning = warp
        else:
            turning = _warps.Rigid(warp.height, warp.width)
        place = max(_search.search_level(self.levels), self.judged)
        starts = _search.candidates(turning, self.levels[place])
        kept = len(starts)
        p = starts.flatten(0, 1)
        for index in range(place, self.judged - 1, -1):
            many = _pyramid.repeated(self.levels[index], kept)
            p = Inverse(turning, many, correlation).descend(p, self.settings.iterations).p
        # Only the detail of the full images tells one half of a head from the other half turned.
        best = self._evidence(turning, p, kept).view(kept, -1).argmax(0)
        chosen = p.view(kept, batch, -1)[best, torch.arange(batch, device=p.device)]
        start = _start.between_linear(turning, chosen, warp)
        rival = Inverse(warp, self.levels[self.judged], self.metric(warp, level, start))
        other = rival.descend(start, self.settings.iterations)
        return self._choose(warp, found, other, convincing)

    def _choose(
        self, warp: LinearWarp, found: Descent, other: Descent, kept: Sequence[bool]
    ) -> Descent:
        """Return, pair by pair, `other` where it shows more than `found`, but not where `kept`.

        What was found competes as what it becomes on the full images.
        """
        apart = _warps.length(warp, other.p - found.p) > ELSEWHERE
        before, after = self._evidence(warp, found.p), self._evidence(warp, other.p)
        more = (apart & (after > before)).tolist()
        rivals = [not sure and shows for sure, shows in zip(kept, more, strict=True)]
        if not any(rivals):
            return found
        found = _levenberg.choose_descent(rivals, self._nearer(warp, found), found)
        more = (after > self._evidence(warp, found.p)).tolist()
        worse = self._worse(warp, other.p, found.p)
        better = [
            all((rival, shows, not lost))
            for rival, shows, lost in zip(rivals, more, worse, strict=True)
        ]
        return _levenberg.choose_descent(better, other, found)

    def _nearer(self, warp: LinearWarp, found: Descent) -> Descent:
        """Return what `found` becomes on the full images, for a comparison with something else.

        They still draw in what a blur left outside. Metrics that are no sum over single pixels are
        compared by their own value afterwards, so that nothing is lost here.
        """
        if not isinstance(self.settings.approach, str):
            return found
        problem = self.problem(warp, self.levels[0], found.p)
        iterations = min(self.settings.iterations, NEARING)
        return self.descend(problem, found.p, iterations, _precision.NEAR).continuing(found)

    def _evidence(self, warp: LinearWarp, p: Tensor, times: int = 1) -> Tensor:
        """Return how much detail the images share at `p`, `(times B,)`; -inf out of view.

        Args:
            warp: the family.
            p: `(times B, n)`, the whole batch after itself.
            times: how often.

        """
        levels = [_pyramid.repeated(one, times) if times > 1 else one for one in self.levels]
        inverted = self.settings.approach not in ("ssd", "huber")
        found = _octaves.evidence(warp, levels, p, inverted=inverted)
        share = _search.share(WarpedLevel(warp, levels[0]), p)
        return torch.where(share >= _search.LEAST_SHARE, found, -torch.inf)

    def _worse(self, warp: LinearWarp, one: Tensor, other: Tensor) -> list[bool]:
        """Return, for each pair, whether `one` `(B, n)` is worse by the metric itself.

        It is worse where its objective is higher and it counts no more of the pixels: a mean over
        fewer pixels is lower by itself, one over as many is not.
        """
        if not isinstance(self.settings.approach, str):
            return [False] * len(one)
        figures = []
        for p in (one, other):
            here = self.problem(warp, self.levels[0], other).linearise(p)
            figures.append(zip(here.objective.tolist(), here.overlap.tolist(), strict=True))
        return [
            first[0] > second[0] and first[1] <= second[1]
            for first, second in zip(*figures, strict=True)
        ]


def ends_lower(one: Descent, other: Descent) -> list[bool]:
    """Return, for each pair, whether `one` ends lower, of those that show enough of the images."""
    figures = [
        zip(end.at.objective.tolist(), end.at.overlap.tolist(), strict=True) for end in (one, other)
    ]
    return [
        first[1] >= _search.LEAST_SHARE
        and (first[0] < second[0] or second[1] < _search.LEAST_SHARE)
        for first, second in zip(*figures, strict=True)
    ]
