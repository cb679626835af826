"""What a contract check is, and what the checks ask with: a pair, a model, one call.

A check is a function of a solver and a time limit. It raises `ItemFailed` with a message for the
solver's author, `NotAsked` where the solver takes no such argument, or `SolverFault` from the call
itself.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np

import irgate_fixtures
from irgate_battery.interface.answer import Answer
from irgate_battery.interface.call import Call, Watch
from irgate_battery.interface.protocol import Solver
from irgate_battery.suites.evaluation import NotAsked
from irgate_fixtures import Pair

Run = Callable[[Solver, float | None], None]


@dataclass(frozen=True)
class ContractCheck:
    """One check of the contract.

    Attributes:
        name: in ids; its failure is the fault of that name, where no diagnosis says more.
        about: what it asks, in one line.
        run: the check.

    """

    name: str
    about: str
    run: Run

    @classmethod
    def of(cls, run: Run) -> "ContractCheck":
        """Make a check of a function: its name, and the first line of its docstring."""
        return cls(run.__name__, (run.__doc__ or "").splitlines()[0], run)


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
    answer, _ = solver.solve_pair(
        pair, first_model(solver), intensity=pair.intensity, timeout=timeout
    )
    return answer


def require_shared(solver: Solver) -> None:
    """Skip what nobody shares with a program. Raises: NotAsked."""
    if solver.declaration.program:
        raise NotAsked(
            f"solver {solver.name!r} is a program: its files, its output and its state are its own"
        )


def shifted_call(solver: Solver, watch: Watch, pair: Pair | None = None) -> Call:
    """Return a call with the shifted pair, or another, that is watched; its arrays are its own."""
    pair = pair or shifted_pair()
    return Call(
        np.array(pair.fixed, np.float32),
        np.array(pair.moving, np.float32),
        first_model(solver),
        mask=None if pair.mask is None else np.array(pair.mask, bool),
        moving_mask=None if pair.moving_mask is None else np.array(pair.moving_mask, bool),
        intensity=pair.intensity,
        watch=watch,
    )
