"""Multistart: descents from the candidates of a search, and whether one of them beats an answer.

Answers are compared by the detail of the images that they show (`_octaves`), and by the metric
itself.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from irgate_solver import _levenberg, _octaves, _precision, _pyramid, _search, _start, _warps
from irgate_solver._levenberg import Descent
from irgate_solver._metrics import Metric, correlation
from irgate_solver._objective import Problem, Settings
from irgate_solver._pyramid import Level
from irgate_solver._template import Inverse
from irgate_solver._warps import LinearWarp

NEARING = 16
"""Most steps on the full images before an answer without a search is compared with a searched one.
With 6 one of 60 inverted pairs under a bias was lost, with 12 none."""
ELSEWHERE = 2.0
"""Distance, px, under which two answers lead to one minimum, so that there is nothing to choose."""


FINALISTS = 4
"""Most candidates that the full images rank."""
NEAR_FIRST = 0.5
"""Least evidence of such a candidate on coarse levels, as a part of the first one's. Of 554
searches the full images preferred another than the first in 36; it was the fourth at most, and had
0.73 of the first one's evidence or more."""


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

    def beyond(self, warp: LinearWarp, level: Level, found: Descent) -> Descent:
        """Return, pair by pair, `found`, or the end of a search where that shows more.

        Args:
            warp: the family.
            level: on which the answer was found.
            found: the answer.

        """
        batch = len(found.p)
        turning: LinearWarp
        if isinstance(warp, _warps.Translation):
            turning = warp
        else:
            turning = _warps.Rigid(warp.height, warp.width, warp.spacing)
        place = max(_search.search_level(self.levels), self.judged)
        starts = _search.candidates(turning, self.levels[place])
        kept = len(starts)
        p = starts.flatten(0, 1)
        for index in range(place, self.judged - 1, -1):
            many = _pyramid.repeated(self.levels[index], kept)
            p = Inverse(turning, many, correlation).descend(p, self.settings.iterations).p
        chosen = self._best(turning, p.view(kept, batch, -1))
        start = _start.between_linear(turning, chosen, warp)
        rival = Inverse(warp, self.levels[self.judged], self.metric(warp, level, start))
        other = rival.descend(start, self.settings.iterations)
        return self._choose(warp, found, other)

    def _choose(self, warp: LinearWarp, found: Descent, other: Descent) -> Descent:
        """Return, pair by pair, `other` where it shows more than `found`.

        What was found competes as what it becomes on the full images.
        """
        apart = _warps.length(warp, other.p - found.p) > ELSEWHERE
        if not bool(apart.any()):
            return found
        before, after = self._evidence(warp, found.p), self._evidence(warp, other.p)
        rivals = (apart & (after > before)).tolist()
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

    def _best(self, warp: LinearWarp, p: Tensor) -> Tensor:
        """Return, for each pair, the candidate of `p` `(k, B, n)` that shows most, `(B, n)`.

        Coarse levels rank all of them. Only the detail of the full images tells one half of a head
        from the other half turned, but they have three times the pixels of all other levels, and
        see only those that come near the first.
        """
        full, coarse = self.levels[:1], self.levels[1:] or self.levels
        pairs = torch.arange(p.shape[1], device=p.device)
        found, shown = self._shared(warp, p, coarse)
        values, order = _seen(found, shown).topk(min(FINALISTS, len(p)), dim=0)
        close = int((values >= NEAR_FIRST * values[0]).sum(0).max())
        if close == 1 or len(self.levels) == 1:
            return p[order[0], pairs]
        few = order[:close]
        p, found = p[few, pairs], found[:, few, pairs]
        more, shown = self._shared(warp, p, full)
        return p[_seen(found + more, shown).argmax(0), pairs]

    def _evidence(self, warp: LinearWarp, p: Tensor) -> Tensor:
        """Return how much detail the images share at `p` `(B, n)`, `(B,)`; -inf out of view."""
        found, shown = self._shared(warp, p[None], self.levels)
        return _seen(found, shown)[0]

    def _shared(self, warp: LinearWarp, p: Tensor, levels: list[Level]) -> tuple[Tensor, Tensor]:
        """Return the detail that `levels` share at `p` `(k, B, n)`, and how much they show.

        Returns: nats for each sign asked, `(1 or 2, k, B)`, and the part of the first level's
            trusted pixels in view, `(k, B)`.
        """
        inverted = self.settings.approach not in ("ssd", "huber")
        if len(p) > 1:
            levels = [_pyramid.repeated(level, len(p)) for level in levels]
        flat = p.flatten(0, 1)
        found = [_octaves.shared(warp, level, flat, inverted=inverted) for level in levels]
        nats = torch.stack([one for one, _ in found]).sum(0)
        return nats.view(-1, *p.shape[:2]), found[0][1].view(p.shape[:2])

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


def _seen(nats: Tensor, shown: Tensor) -> Tensor:
    """Return the evidence of the better sign, `(k, B)`; -inf where too little is in view."""
    return torch.where(shown >= _search.LEAST_SHARE, nats.amax(0), -torch.inf)


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
