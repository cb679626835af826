"""The stages of the recipes with a SIREN: alone, or as the start of an FFD's descent."""

from typing import Any

from torch import Tensor

from irgate_solver import _levenberg, _start
from irgate_solver._homography import Homography
from irgate_solver._schedule import FREE_FORM_LEVELS, Schedule
from irgate_solver._siren import STEPS, Siren
from irgate_solver._solution import Solution
from irgate_solver._warps import FreeForm, Warp

START_STEPS = (150,)
"""Steps of Adam on the coarsest level of an FFD, for a start: the descent finds the rest."""


class SirenStart(Schedule):
    """A SIREN on the coarsest level, projected on the control grid by least squares, then LM."""

    def _bent(self, warp: FreeForm, start: Tensor) -> Tensor:
        coarsest = self.levels[:FREE_FORM_LEVELS][-1:]
        return self._siren(warp, start, coarsest).run(START_STEPS).parameters()

    def _siren(self, warp: Warp, start: Tensor, levels: list[Any]) -> Siren:
        # Brightness varies where each image has a range of its own.
        local = self.settings.own_units
        return Siren(warp, levels, self.extent, local=local, start=start)


class SirenAlone(SirenStart):
    """A SIREN on every level, from the identity or `init`, and nothing else."""

    def run(self, warp: Warp | Homography, init: Any) -> Solution:
        assert not isinstance(warp, Homography)  # `register` refuses it
        start = None if init is None else _start.read(init, warp, self.batch, self.device)
        self.origin = start
        if start is None:
            start = _start.identity(warp, self.batch, self.device)
        else:
            _start.require_overlap(warp, start, self.levels[0], self.given[0], self.extent)
        siren = self._siren(warp, start, self.levels).run()
        p = siren.parameters()
        objective = self._objective(warp, self.levels[0], p)
        at = objective.on(self.levels[0], self.extent).linearise(p)
        field = siren.displacement() if isinstance(warp, FreeForm) else None
        counts = (STEPS[-len(self.levels) :],) * self.batch
        states = (_levenberg.SCHEDULED,) * self.batch
        return Solution(
            p, at.objective, at.overlap, at.normal, states, counts, objective, self.given, field
        )
