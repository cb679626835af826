"""What a consistency check is, and how one asks a solver: two answers, and how far they are apart.

A check is a function of an `Asking` that yields the answers it holds against each other. It raises
`NotAsked` where the solver lacks what it needs, `ItemFailed` where the answer to the problem itself
is no registration, or `SolverFault` from a call.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from irgate_battery.diagnosis.explanation import explain
from irgate_battery.interface.protocol import Solver
from irgate_battery.judge.limits import CONSISTENT_FACTOR, CONSISTENT_PX, REGISTERED_PX
from irgate_battery.suites.evaluation import ItemFailed
from irgate_battery.suites.problem import Problem

Field = NDArray[np.float64]


@dataclass(frozen=True)
class Held:
    """One answer, held against what it must be.

    Attributes:
        what: which answer, and of which family, in words.
        apart_px: distance between the two, px.
        tolerance_px: the largest that passes.
        because: where the tolerance comes from.

    """

    what: str
    apart_px: float
    tolerance_px: float
    because: str

    @property
    def share(self) -> float:
        """The distance in units of the tolerance: over 1 fails."""
        return self.apart_px / self.tolerance_px


@dataclass(frozen=True)
class ConsistencyCheck:
    """One check.

    Attributes:
        name: in ids, and the name of the fault where it fails.
        about: what must be so, in one line.
        causes: what a failure usually means.
        run: yields what is held against what.

    """

    name: str
    about: str
    causes: str
    run: Callable[["Asking"], Iterable[Held]]


@dataclass(frozen=True, eq=False)
class OwnAnswer:
    """A solver's answer to a problem as it is.

    Attributes:
        field: `u`, `(H, W, 2)`, px.
        own_px: its mean distance to the truth where the images overlap, px.

    """

    field: Field
    own_px: float


_ANSWERED: WeakKeyDictionary[Solver, dict[tuple[int, str], OwnAnswer]] = WeakKeyDictionary()
"""The answers to unchanged problems, which several checks need. Each would ask for the same one, so
that a check finds the same whichever ran before it. A call that fails is not kept."""


@dataclass(frozen=True)
class Asking:
    """A solver, and how long a call of it may take.

    Attributes:
        solver: who is asked.
        timeout: seconds for each call; `None` for no limit.

    """

    solver: Solver
    timeout: float | None

    def answer(self, problem: Problem, intensity: str = "same", *, as_given: bool = False) -> Field:
        """Return the answer to a problem, `(H, W, 2)`, px.

        Args:
            problem: what is asked.
            intensity: what the solver is told.
            as_given: whether images are handed over in double precision and not in single.
        Raises: SolverFault.
        """
        images = problem.fixed, problem.moving
        if as_given:
            # A solver that writes into its images must not spoil the problem.
            images = images[0].copy(), images[1].copy()
        answer, _ = self.solver.solve(
            *images,
            model=problem.model,
            mask=problem.mask,
            intensity=intensity,
            timeout=self.timeout,
            as_given=as_given,
        )
        return answer.displacement

    def own(self, problem: Problem, intensity: str = "same") -> OwnAnswer:
        """Return the answer to an unchanged problem; it is asked for once. Raises: SolverFault.

        Args:
            problem: a fixed one: each stands in one place, and is known by it.
            intensity: what the solver is told.
        """
        answered = _ANSWERED.setdefault(self.solver, {})
        key = id(problem), intensity
        if key not in answered:
            field = self.answer(problem, intensity)
            truth = problem.truth.displacement(problem.shape)
            answered[key] = OwnAnswer(field, apart(field, truth, problem))
        return answered[key]

    def registered(self, problem: Problem, intensity: str = "same") -> OwnAnswer:
        """Return the same where it is a registration at all.

        Raises: ItemFailed, with a diagnosis where one fits: two wrong answers that agree would say
            nothing. SolverFault.
        """
        own = self.own(problem, intensity)
        if own.own_px <= REGISTERED_PX:
            return own
        reason = explain(problem.pair, own.field)
        said = f": {reason.sentence}" if reason else ""
        raise ItemFailed(
            f"solver {self.solver.name!r} stands {own.own_px:.3g} px from the truth of a clean "
            f"{problem.model} pair before anything is changed, expected {REGISTERED_PX:g} px at "
            f"most; there is nothing to hold its answers against{said}.",
            reason=reason,
        )


def apart(one: Field, other: Field, problem: Problem) -> float:
    """Return the mean distance of two displacements where the images overlap, px.

    Args:
        one, other: `(H, W, 2)`; NaN where one says nothing.
        problem: whose truth says where the images overlap.
    """
    return float(np.nanmean(np.linalg.norm(one - other, axis=-1)[problem.seen]))


def held(what: str, restored: Field, own: OwnAnswer, problem: Problem) -> Held:
    """Hold an answer to a changed problem against that to the problem itself.

    Args:
        what: which one, in words.
        restored: the former, taken back, `(H, W, 2)`; NaN where it says nothing.
        own: the latter.
        problem: the problem itself.
    """
    tolerance, because = tolerance_px(own.own_px)
    told = f"{problem.model}: {what}"
    return Held(told, apart(restored, own.field, problem), tolerance, because)


def tolerance_px(own_px: float, least: float = CONSISTENT_PX) -> tuple[float, str]:
    """Return the tolerance for two answers that must be the same, and where it comes from.

    Args:
        own_px: the solver's own distance to the truth of the clean pair.
        least: what every solver is allowed.
    """
    because = (
        f"{least:g} px, or {CONSISTENT_FACTOR:g} times the {own_px:.2g} px between its own answer "
        "and the truth"
    )
    return max(float(least), CONSISTENT_FACTOR * own_px), because


def worst(all_held: Iterable[Held]) -> Held:
    """Return what is farthest apart for its tolerance."""
    return max(all_held, key=lambda one: one.share)
