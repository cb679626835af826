"""Properties that a registration has on every pair: what the fuzz suite asks.

Each is a function of a solver and a drawn problem that raises `Broken`. `falsify` looks for a
problem that breaks one, and shrinks it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from irgate_battery.interface.protocol import Solver
from irgate_battery.judge.limits import FOUND_PX, SYMMETRY_PX
from irgate_battery.judge.measure import inside
from irgate_battery.suites import symmetries
from irgate_battery.suites.symmetries import (
    BRIGHTENED,
    FLIPPED_HORIZONTALLY,
    GAIN,
    OFFSET,
    SWAPPED,
    TRANSPOSED,
)
from irgate_fixtures import pixel_grid

if TYPE_CHECKING:
    from irgate_battery.suites.problem import Problem

Field = NDArray[np.float64]

CROP = symmetries.cropped((3, 5), (6, 2))
"""Rows and columns cut off the top left of the fixed and of the moving image."""


class Broken(Exception):
    """The property does not hold; the message has the numbers."""


@dataclass(frozen=True)
class Property:
    """One property: its name in ids, what it asks, and the check.

    Attributes:
        models: families on which it is defined; all if empty.
        masked, moving_masked: whether its problems have a mask, and a moving mask.
        needs: arguments that the solver must take.
    """

    name: str
    about: str
    check: Callable[[Solver, Problem, float | None], None]
    models: tuple[str, ...] = ()
    masked: bool = False
    moving_masked: bool = False
    needs: tuple[str, ...] = ()


def recovered(solver: Solver, problem: Problem, timeout: float | None) -> None:
    """A drawn warp is found."""
    found = _solve(solver, problem, timeout)
    _near(found, _truth(problem), FOUND_PX, "the answer and the truth")


def identity(solver: Solver, problem: Problem, timeout: float | None) -> None:
    """An image registered to itself stays where it is."""
    found = _solve(solver, replace(problem, fixed=problem.moving), timeout)
    _near(found, np.zeros_like(found), SYMMETRY_PX, "the answer and the identity")


def swapped(solver: Solver, problem: Problem, timeout: float | None) -> None:
    """Swapping fixed and moving inverts the answer: S(T(x)) = x where T(x) is in the image."""
    forth = _solve(solver, problem, timeout)
    back = _solve(solver, SWAPPED.changed(problem), timeout)
    # x + u(x) + v(x + u(x)) is x again.
    rest = np.linalg.norm(forth - SWAPPED.restored(back, forth), axis=-1)
    off = rest[inside(pixel_grid(problem.shape) + forth, problem.shape)].mean()
    if off > FOUND_PX:
        raise Broken(f"there and back again ends {off:.3g} px off; at most {FOUND_PX} px expected")


def gain_and_offset(solver: Solver, problem: Problem, timeout: float | None) -> None:
    """Where intensities may vary, a gain and an offset on one image change nothing."""
    plain = _solve(solver, problem, timeout, intensity="varying")
    found = _solve(solver, BRIGHTENED.changed(problem), timeout, intensity="varying")
    what = f"the answers with and without gain {GAIN} and offset {OFFSET}"
    _near(BRIGHTENED.restored(found, plain), plain, SYMMETRY_PX, what)


def transposed(solver: Solver, problem: Problem, timeout: float | None) -> None:
    """Transposing both images transposes the answer."""
    plain = _solve(solver, problem, timeout)
    found = _solve(solver, TRANSPOSED.changed(problem), timeout)
    what = "the answer and that to the transpose"
    _near(TRANSPOSED.restored(found, plain), plain, SYMMETRY_PX, what)


def flipped(solver: Solver, problem: Problem, timeout: float | None) -> None:
    """Flipping both images left to right flips the answer."""
    plain = _solve(solver, problem, timeout)
    found = _solve(solver, FLIPPED_HORIZONTALLY.changed(problem), timeout)
    what = "the answer and that to the mirror image"
    _near(FLIPPED_HORIZONTALLY.restored(found, plain), plain, SYMMETRY_PX, what)


def cropped(solver: Solver, problem: Problem, timeout: float | None) -> None:
    """Cutting whole rows and columns off both images shifts the answer by their difference."""
    found = _solve(solver, CROP.changed(problem), timeout)
    truth = _truth(problem)
    what = "the answer to the crop and the shifted truth"
    _near(CROP.restored(found, truth), truth, FOUND_PX, what)


PROPERTIES = (
    Property("recovered", "a drawn warp is found", recovered),
    Property(
        "recovered_behind_a_mask",
        "a drawn warp is found though what is masked is inverted",
        recovered,
        models=("translation", "rigid", "affine"),
        masked=True,
        needs=("mask",),
    ),
    Property(
        "recovered_behind_a_moving_mask",
        "a drawn warp is found though what is masked in the moving image is inverted",
        recovered,
        models=("translation", "rigid", "affine"),
        moving_masked=True,
        needs=("moving_mask",),
    ),
    Property("identity", "identity in, identity out", identity),
    Property(
        "swapped",
        "swapping fixed and moving inverts",
        swapped,
        models=("translation", "rigid", "affine"),
    ),
    Property(
        "gain_and_offset",
        "a gain and an offset change nothing where intensities may vary",
        gain_and_offset,
        needs=("intensity",),
    ),
    Property("transposed", "transposing both images transposes the answer", transposed),
    Property("flipped", "flipping both images flips the answer", flipped),
    Property(
        "cropped",
        "cropping whole pixels shifts the answer by them",
        cropped,
        models=("translation", "rigid", "affine"),
    ),
)
"""`swapped` and `cropped` leave the FFD out: its inverse is no FFD, and its crop is an FFD on
another domain."""


def falsify(
    prop: Property, solver: Solver, examples: int, drawn_with: int, timeout: float | None
) -> tuple[Problem, Exception] | None:
    """Look for a problem that breaks a property; return the smallest found, and what was said.

    Args:
        prop: the property.
        solver: takes what the property needs, and has one of its models.
        examples: how many problems to draw.
        drawn_with: the seed; the same seed draws the same problems.
        timeout: seconds for each call of the solver.
    """
    # Whoever lists the properties need not wait for hypothesis.
    from hypothesis import HealthCheck, Phase, given, seed, settings

    from irgate_battery.suites.drawn_problems import problems

    models = models_of(prop, solver)
    last: list[tuple[Problem, Exception]] = []

    # These settings hold here only; a profile would change everybody's.
    @seed(drawn_with)
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
        print_blob=False,
    )
    @given(problems(models, masked=prop.masked, moving_masked=prop.moving_masked))
    def holds(problem: Problem) -> None:
        try:
            prop.check(solver, problem, timeout)
        except Exception as error:
            last[:] = [(problem, error)]
            raise

    try:
        holds()
    except Exception:
        # The last problem that broke is the one that hypothesis shrank to.
        if not last:
            raise
    return last[0] if last else None


def models_of(prop: Property, solver: Solver) -> list[str]:
    """Return the solver's models on which a property is defined."""
    return [model for model in solver.models if not prop.models or model in prop.models]


def _solve(
    solver: Solver, problem: Problem, timeout: float | None, intensity: str = "same"
) -> Field:
    answer, _ = solver.solve(
        problem.fixed,
        problem.moving,
        model=problem.model,
        mask=problem.mask,
        moving_mask=problem.moving_mask,
        intensity=intensity,
        timeout=timeout,
    )
    return answer.displacement


def _truth(problem: Problem) -> Field:
    return problem.truth.displacement(problem.shape)


def _near(one: Field, other: Field, limit: float, what: str) -> None:
    off = float(np.nanmean(np.linalg.norm(one - other, axis=-1)))
    if off > limit:
        raise Broken(f"{what} are {off:.3g} px apart; at most {limit} px expected")
