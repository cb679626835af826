"""What a probe needs to ask a solver again: the pair, the answer, and how far answers are off."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from irgate_battery.cases.catalogue import Case
from irgate_battery.diagnosis.answer_on_grid import AnswerOnGrid
from irgate_battery.interface.answer import Answer
from irgate_battery.interface.call import Init
from irgate_battery.interface.protocol import Solver
from irgate_battery.interface.start import Start
from irgate_fixtures import Pair

NEARER = 0.5
"""A change explains an answer only where it leaves less than this part of the distance to the
truth."""


@dataclass(frozen=True)
class ProbeContext:
    """What a question needs: the pair, the solver, what it answered, and what is near enough."""

    case: Case
    pair: Pair
    solver: Solver
    answer: Answer
    near_px: float
    optimum_px: float
    timeout: float | None

    def again(self, pair: Pair, init: Init | None = None) -> Answer:
        """Ask for the pair's transform with one thing changed."""
        answer, _ = self.solver.solve_pair(
            pair,
            self.case.model,
            intensity=self.case.intensity,
            init=init,
            timeout=self.timeout,
        )
        return answer

    def off(self, answer: Answer) -> float:
        """Return the mean distance of an answer to the truth over the fixed image, px."""
        on_grid = AnswerOnGrid(self.pair, answer.displacement, answer.matrix)
        return on_grid.off(on_grid.answer)

    @cached_property
    def before(self) -> float:
        """The answer's own distance to the truth, px."""
        return self.off(self.answer)

    @cached_property
    def from_answer(self) -> Answer | None:
        """What comes of the answer as a start; `None` where starts are not used."""
        return self._starts[0]

    @cached_property
    def from_truth(self) -> Answer | None:
        """What comes of the truth as a start; `None` where starts are not used."""
        return self._starts[1]

    @cached_property
    def _starts(self) -> tuple[Answer | None, Answer | None]:
        if "init" not in self.solver.accepts:
            return None, None
        answer, truth = self.answer, self.pair.truth
        on = self.again(self.pair, Start(answer.matrix, answer.displacement))
        there = self.again(self.pair, Start(truth.matrix, truth.displacement(self.pair.shape)))
        # The same to the last bit: the start is not used, as the recovery suite says.
        used = max(self.apart(on), self.apart(there)) > 0.0
        return (on, there) if used else (None, None)

    def helps(self, left: float) -> bool:
        """Whether a change that leaves this distance, px, brings the answer to the truth."""
        return left <= self.near_px and left < NEARER * self.before

    def apart(self, answer: Answer) -> float:
        """Return the largest distance of an answer to the first one, px."""
        return float(np.abs(answer.displacement - self.answer.displacement).max())
