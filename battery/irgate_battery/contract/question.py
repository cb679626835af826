"""What the checks of the contract ask with: a pair, one call, and how a check ends."""

from functools import cache

import irgate_fixtures
from irgate_battery.answer import Answer
from irgate_battery.diagnosis import Explanation
from irgate_battery.protocol import Solver
from irgate_fixtures import Pair


class Violation(Exception):
    """The solver breaks the contract; the message says what came and what was expected.

    Attributes:
        reason: the fault that explains it, or `None` where the check's own name says it all.
    """

    def __init__(self, message: str, reason: Explanation | None = None) -> None:
        super().__init__(message)
        self.reason = reason


class NotAsked(Exception):
    """The solver takes no argument that this check is about; the message says which."""


@cache
def shifted_pair() -> Pair:
    """A pure shift of a smooth scene: it lies in every model, and is no multiple of anything.

    Made once: no check hands a solver these arrays themselves.
    """
    return irgate_fixtures.pair("synth_translate_2d")


def first_model(solver: Solver) -> str:
    """Return the smallest family that the solver declares: a shift lies in each."""
    return solver.models[0]


def answer_of(solver: Solver, pair: Pair, timeout: float | None) -> Answer:
    """Return what the solver answers to a pair. Raises: SolverFault."""
    answer, _ = solver.solve(
        pair.fixed,
        pair.moving,
        model=first_model(solver),
        mask=pair.mask,
        intensity=pair.intensity,
        timeout=timeout,
    )
    return answer
