"""Convergence recovery: a solver's own optimum, pushed away from, is found again.

Nothing is compared with SimpleITK or with the truth: what is asked is that the optimum has a basin,
and that `init` is heeded.
"""

import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from irgate_battery.answer import Answer
from irgate_battery.catalogue import Case
from irgate_battery.protocol import Solver, SolverFault
from irgate_fixtures import Matrix, pixel_grid, rigid, translation

PUSHES = ("shift1px", "shift5px", "turn100mrad")
"""1 px and 5 px in a drawn direction; 0.1 rad about a drawn point near the centre."""

PURPOSES = {
    "shift1px": "from 1 px off its own optimum: a start that is ignored, a stop that comes early",
    "shift5px": "from 5 px off its own optimum: a start with swapped axes, a basin too narrow",
    "turn100mrad": "from 0.1 rad off its own optimum: a start composed on the wrong side",
}
"""What each is for: the faults that it shows."""

SEEDS = 10

RECOVERED_PX = 1e-3
"""Mean distance between the optimum and where the solver comes back to."""

STOPPED_PX = 0.05
"""Where even the farthest start ends this near, the solver found its optimum and stopped early;
another optimum is farther away."""

CENTRE_ROOM = 0.1
"""How far from the centre a turn's pivot may lie, as a part of the image's size: about the centre
itself there would be two different turns, and not ten."""


@dataclass(frozen=True, eq=False)
class Start:
    """The `init` that a solver is handed.

    Attributes:
        matrix: `(3, 3)` about the pixel origin, or `None` for a dense transform.
    """

    matrix: NDArray[np.float64] | None
    _displacement: NDArray[np.float64]

    def displacement(self, shape: tuple[int, int]) -> NDArray[np.float64]:
        """Return `u(x) = T(x) - x` on the fixed image's grid, `(H, W, 2)`, px."""
        if shape != self._displacement.shape[:2]:
            raise ValueError(
                f"init.displacement({shape}): the fixed image is {self._displacement.shape[:2]}"
            )
        return self._displacement.copy()


@dataclass(frozen=True)
class Recovery:
    """How many seeds came back, and the farthest mean distance to the optimum, px.

    Attributes:
        heeded: whether any start changed any bit of the answer, one far off at the last. Where none
            did, the solver did not come back: it never left.
    """

    recovered: int
    tried: int
    farthest_px: float
    heeded: bool


def measure_recovery(case: Case, push: str, solver: Solver, timeout: float | None) -> Recovery:
    """Solve, push the optimum away ten times, solve again from there.

    Args:
        case: a base fixture.
        push: one of `PUSHES`.
        solver: takes `init`.
        timeout: seconds for each of the calls.
    Raises: SolverFault from any of them.
    """
    pair = case.pair()
    shape = (pair.fixed.shape[0], pair.fixed.shape[1])

    def solve(init: Start | None) -> Answer:
        answer, _ = solver.solve(
            pair.fixed,
            pair.moving,
            model=case.model,
            mask=pair.mask,
            init=init,
            intensity=case.intensity,
            timeout=timeout,
        )
        return answer

    optimum = solve(None)
    distances = []
    heeded = False
    for away in pushes(push, case.id, shape):
        found = solve(pushed(optimum, away)).displacement
        heeded = heeded or not np.array_equal(found, optimum.displacement)
        distances.append(float(np.linalg.norm(found - optimum.displacement, axis=-1).mean()))
    # In single precision a descent may end at the very same bits from everywhere around. From half
    # an image away and upside down none does, unless it does not look at its start.
    far = rigid(math.pi, shape[1] / 2, shape[0] / 2, shape)
    heeded = heeded or _differs(solve, optimum, far)
    return Recovery(
        recovered=sum(distance <= RECOVERED_PX for distance in distances),
        tried=len(distances),
        farthest_px=max(distances),
        heeded=heeded,
    )


def _differs(solve: Callable[[Start], Answer], optimum: Answer, away: Any) -> bool:
    """Whether the answer from one more start is another one; to fail from there is one too."""
    try:
        found = solve(pushed(optimum, away)).displacement
    except SolverFault:
        return True
    return not np.array_equal(found, optimum.displacement)


def pushed(optimum: Answer, away: Matrix) -> Start:
    """Return away(optimum(x)) as a start, dense where the optimum is."""
    height, width = optimum.displacement.shape[:2]
    if optimum.matrix is not None:
        moved = Matrix(away.matrix @ optimum.matrix)
        return Start(moved.matrix, moved.displacement((height, width)))
    grid = pixel_grid((height, width))
    return Start(None, away(grid + optimum.displacement) - grid)


def pushes(push: str, name: str, shape: tuple[int, int]) -> Iterator[Matrix]:
    """Draw the ten transforms of a push, the same ones for every solver."""
    for seed in range(SEEDS):
        draw = random.Random(f"irgate recovery {name} {push} {seed}")
        direction = 2 * math.pi * draw.random()
        match push:
            case "shift1px":
                yield translation(math.cos(direction), math.sin(direction))
            case "shift5px":
                yield translation(5 * math.cos(direction), 5 * math.sin(direction))
            case "turn100mrad":
                height, width = shape
                about = translation(
                    CENTRE_ROOM * width * math.cos(direction),
                    CENTRE_ROOM * height * math.sin(direction),
                )
                turn: Any = rigid(draw.choice((-0.1, 0.1)), 0.0, 0.0, shape)
                yield Matrix(about.matrix @ turn.matrix @ np.linalg.inv(about.matrix))
            case _:
                raise KeyError(f"no push {push!r}; there are {', '.join(PUSHES)}")
