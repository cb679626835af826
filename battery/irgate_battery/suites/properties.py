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
from irgate_battery.judge.measure import inside, look_up
from irgate_fixtures import pixel_grid

if TYPE_CHECKING:
    from irgate_battery.suites.drawn_problems import Problem

Field = NDArray[np.float64]

CROP = ((3, 5), (6, 2))
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
    back = _solve(solver, replace(problem, fixed=problem.moving, moving=problem.fixed), timeout)
    grid = pixel_grid(problem.shape)
    there = grid + forth
    returned = there + np.stack([look_up(part, there) for part in np.moveaxis(back, -1, 0)], -1)
    off = np.linalg.norm(returned - grid, axis=-1)[inside(there, problem.shape)].mean()
    if off > FOUND_PX:
        raise Broken(f"there and back again ends {off:.3g} px off; at most {FOUND_PX} px expected")


def gain_and_offset(solver: Solver, problem: Problem, timeout: float | None) -> None:
    """Where intensities may vary, a gain and an offset on one image change nothing."""
    plain = _solve(solver, problem, timeout, intensity="varying")
    changed = replace(problem, moving=0.6 * problem.moving + 0.3)
    found = _solve(solver, changed, timeout, intensity="varying")
    _near(found, plain, SYMMETRY_PX, "the answers with and without gain 0.6 and offset 0.3")


def transposed(solver: Solver, problem: Problem, timeout: float | None) -> None:
    """Transposing both images transposes the answer."""
    plain = _solve(solver, problem, timeout)
    turned = replace(problem, fixed=problem.fixed.T, moving=problem.moving.T)
    found = _solve(solver, turned, timeout)
    _near(
        found.swapaxes(0, 1)[..., ::-1], plain, SYMMETRY_PX, "the answer and that to the transpose"
    )


def flipped(solver: Solver, problem: Problem, timeout: float | None) -> None:
    """Flipping both images left to right flips the answer."""
    plain = _solve(solver, problem, timeout)
    mirrored = replace(problem, fixed=problem.fixed[:, ::-1], moving=problem.moving[:, ::-1])
    found = _solve(solver, mirrored, timeout)
    _near(found[:, ::-1] * (-1, 1), plain, SYMMETRY_PX, "the answer and that to the mirror image")


def cropped(solver: Solver, problem: Problem, timeout: float | None) -> None:
    """Cutting whole rows and columns off both images shifts the answer by their difference."""
    (top, left), (moving_top, moving_left) = CROP
    cut = replace(
        problem, fixed=problem.fixed[top:, left:], moving=problem.moving[moving_top:, moving_left:]
    )
    found = _solve(solver, cut, timeout)
    expected = _truth(problem)[top:, left:] + (left - moving_left, top - moving_top)
    _near(found, expected, FOUND_PX, "the answer to the crop and the shifted truth")


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
    off = float(np.linalg.norm(one - other, axis=-1).mean())
    if off > limit:
        raise Broken(f"{what} are {off:.3g} px apart; at most {limit} px expected")
