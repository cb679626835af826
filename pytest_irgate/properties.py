"""Properties that a registration has on every pair: the fuzz suite's checks.

Each is a function of a solver and a drawn problem that raises `Broken`. `falsify` looks for a
problem that breaks one, shrinks it, and says how to see it again.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from hypothesis import HealthCheck, Phase, given, seed, settings
from numpy.typing import NDArray

from irgate_battery import Examined, Row, Solver
from irgate_fixtures import pixel_grid
from pytest_irgate.strategies import Problem, problems

Field = NDArray[np.float64]

FOUND_PX = 0.1
"""How near to the truth an answer must stand, mean over the image: linear sampling of a scene with
structure down to 12 px leaves 0.01, an FFD's outer control points five times that."""

SAME_PX = 0.02
"""How near two answers must stand that are the same by symmetry: both stop at a minimum of the same
objective, whose kinks and borders may lie otherwise."""

CROP = ((3, 5), (6, 2))
"""Rows and columns cut off the top left of the fixed and of the moving image."""


class Broken(Exception):
    """The property does not hold; the message has the numbers."""


@dataclass(frozen=True)
class Property:
    """One property: its name in ids, what it asks, and the check.

    Attributes:
        models: families on which it is defined; all if empty.
        masked: whether its problems have a mask.
        needs: arguments that the solver must take.
    """

    name: str
    about: str
    check: Callable[[Solver, Problem, float | None], None]
    models: tuple[str, ...] = ()
    masked: bool = False
    needs: tuple[str, ...] = ()


def recovered(solver: Solver, problem: Problem, timeout: float | None) -> None:
    """A drawn warp is found."""
    found = _solve(solver, problem, timeout)
    _near(found, _truth(problem), FOUND_PX, "the answer and the truth")


def identity(solver: Solver, problem: Problem, timeout: float | None) -> None:
    """An image registered to itself stays where it is."""
    found = _solve(solver, replace(problem, fixed=problem.moving), timeout)
    _near(found, np.zeros_like(found), SAME_PX, "the answer and the identity")


def swapped(solver: Solver, problem: Problem, timeout: float | None) -> None:
    """Swapping fixed and moving inverts the answer: S(T(x)) = x where T(x) is in the image."""
    forth = _solve(solver, problem, timeout)
    back = _solve(solver, replace(problem, fixed=problem.moving, moving=problem.fixed), timeout)
    shape = problem.fixed.shape
    there = pixel_grid((shape[0], shape[1])) + forth
    inside = np.all((there >= 0) & (there <= (shape[1] - 1, shape[0] - 1)), axis=-1)
    returned = there + _sampled(back, there)
    off = np.linalg.norm(returned - pixel_grid((shape[0], shape[1])), axis=-1)[inside].mean()
    if off > FOUND_PX:
        raise Broken(f"there and back again ends {off:.3g} px off; at most {FOUND_PX} px expected")


def gain_and_offset(solver: Solver, problem: Problem, timeout: float | None) -> None:
    """Where intensities may vary, a gain and an offset on one image change nothing."""
    plain = _solve(solver, problem, timeout, intensity="varying")
    changed = replace(problem, moving=0.6 * problem.moving + 0.3)
    found = _solve(solver, changed, timeout, intensity="varying")
    _near(found, plain, SAME_PX, "the answers with and without gain 0.6 and offset 0.3")


def transposed(solver: Solver, problem: Problem, timeout: float | None) -> None:
    """Transposing both images transposes the answer."""
    plain = _solve(solver, problem, timeout)
    turned = replace(problem, fixed=problem.fixed.T, moving=problem.moving.T)
    found = _solve(solver, turned, timeout)
    _near(found.swapaxes(0, 1)[..., ::-1], plain, SAME_PX, "the answer and that to the transpose")


def flipped(solver: Solver, problem: Problem, timeout: float | None) -> None:
    """Flipping both images left to right flips the answer."""
    plain = _solve(solver, problem, timeout)
    mirrored = replace(problem, fixed=problem.fixed[:, ::-1], moving=problem.moving[:, ::-1])
    found = _solve(solver, mirrored, timeout)
    _near(found[:, ::-1] * (-1, 1), plain, SAME_PX, "the answer and that to the mirror image")


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
"""The inverse of an FFD is no FFD, and a crop of one is one on another domain: both properties are
those of the groups only."""


def examine_property(
    asked: Property,
    solver: Solver,
    examples: int,
    drawn_with: int,
    timeout: float | None,
    replay: str,
) -> Examined:
    """Look for a problem that breaks a property; make the row.

    Args:
        asked: the property.
        solver: any; what it cannot take is a skip.
        examples, drawn_with, timeout: as for `falsify`.
        replay: the command that shows a failure again.
    """
    row: dict[str, Any] = {
        "id": f"irgate/fuzz.py::test_property[{asked.name}]",
        "suite": "fuzz",
        "case": asked.name,
    }
    lacking = [name for name in asked.needs if name not in solver.accepts]
    if lacking:
        message = f"solver {solver.name!r} takes no {lacking[0]}"
        return Examined(Row(**row, status="skipped", message=message))
    if not _models(asked, solver):
        message = f"solver {solver.name!r} has none of the models {list(asked.models)}"
        return Examined(Row(**row, status="skipped", message=message))
    broken = falsify(asked, solver, examples, drawn_with, timeout)
    if broken is None:
        return Examined(Row(**row))
    problem, error = broken
    message = f"{asked.about}: {error}; smallest found: {problem!r}. Replay: {replay}"
    return Examined(Row(**row, status="failed", message=message), getattr(error, "detail", ""))


def falsify(
    asked: Property, solver: Solver, examples: int, drawn_with: int, timeout: float | None
) -> tuple[Problem, Exception] | None:
    """Look for a problem that breaks a property; return the smallest found, and what was said.

    Args:
        asked: the property.
        solver: takes what the property needs, and has one of its models.
        examples: how many problems to draw.
        drawn_with: the seed; the same seed draws the same problems.
        timeout: seconds for each call of the solver.
    """
    models = _models(asked, solver)
    last: list[tuple[Problem, Exception]] = []

    # Settings of its own: a profile would be everybody's.
    @seed(drawn_with)
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
        print_blob=False,
    )
    @given(problems(models, masked=asked.masked))
    def holds(problem: Problem) -> None:
        try:
            asked.check(solver, problem, timeout)
        except Exception as error:
            last[:] = [(problem, error)]
            raise

    try:
        holds()
    except Exception:
        # Whatever hypothesis adds, the last problem that broke is the one it shrank to.
        if not last:
            raise
    return last[0] if last else None


def _models(asked: Property, solver: Solver) -> list[str]:
    return [model for model in solver.models if not asked.models or model in asked.models]


def _solve(
    solver: Solver, problem: Problem, timeout: float | None, intensity: str = "same"
) -> Field:
    answer, _ = solver.solve(
        problem.fixed,
        problem.moving,
        model=problem.model,
        mask=problem.mask,
        intensity=intensity,
        timeout=timeout,
    )
    return answer.displacement


def _truth(problem: Problem) -> Field:
    return problem.truth.displacement((problem.fixed.shape[0], problem.fixed.shape[1]))


def _near(one: Field, other: Field, limit: float, what: str) -> None:
    off = float(np.linalg.norm(one - other, axis=-1).mean())
    if off > limit:
        raise Broken(f"{what} are {off:.3g} px apart; at most {limit} px expected")


def _sampled(field: Field, points: Field) -> Field:
    """Return a displacement between its grid's points, linear, clamped at the border."""
    height, width = field.shape[:2]
    x = np.clip(points[..., 0], 0, width - 1)
    y = np.clip(points[..., 1], 0, height - 1)
    left = np.minimum(x.astype(int), width - 2)
    top = np.minimum(y.astype(int), height - 2)
    fx, fy = (x - left)[..., None], (y - top)[..., None]
    upper = (1 - fx) * field[top, left] + fx * field[top, left + 1]
    lower = (1 - fx) * field[top + 1, left] + fx * field[top + 1, left + 1]
    return np.asarray((1 - fy) * upper + fy * lower)
