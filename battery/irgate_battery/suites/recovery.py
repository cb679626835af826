"""Suite `recovery`: a solver's own optimum, pushed away from, is found again.

Nothing is compared with SimpleITK or with the truth: what is asked is that the optimum has a basin,
and that `init` is used.
"""

import math
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from irgate_battery.cases.catalogue import Case, base_cases
from irgate_battery.cases.run_spec import RunSpec
from irgate_battery.interface.answer import Answer
from irgate_battery.interface.protocol import Solver, SolverFault
from irgate_battery.interface.start import Start
from irgate_battery.judge.limits import RECOVERED_PX, RECOVERY_SEEDS, RECOVERY_SHARE
from irgate_battery.results.compared import Cell, Compared, SavedVerdicts
from irgate_battery.results.result_row import RAN, ResultRow
from irgate_battery.results.suite_results import SuiteResults
from irgate_battery.results.verdict import Verdict, VerdictStatus
from irgate_battery.suites.evaluation import (
    Draft,
    ItemFailed,
    NotAsked,
    require_model,
    require_reach,
)
from irgate_battery.suites.suite import EvaluationSetup, Item, Suite
from irgate_fixtures import Matrix, pixel_grid, rigid, translation

PUSHES = {
    "shift1px": "from 1 px off its own optimum: a start that is ignored, a stop that comes early",
    "shift5px": "from 5 px off its own optimum: a start with swapped axes, a basin too narrow",
    "turn100mrad": "from 0.1 rad off its own optimum: a start composed on the wrong side",
}
"""1 px and 5 px in a drawn direction, and 0.1 rad about a drawn point near the centre; with the
faults that each shows."""

SEEDS = int(RECOVERY_SEEDS)

STOPPED_PX = 0.05
"""Where even the farthest start ends this near to the optimum, px, the solver stopped early:
another optimum would be farther away."""

CENTRE_ROOM = 0.1
"""Distance of a turn's pivot from the centre, as a part of the image's size. About the centre
itself there would be only two different turns, one each way."""


@dataclass(frozen=True, kw_only=True)
class RecoveryVerdict(Verdict):
    """How many of the pushed starts came back to the optimum."""

    name = "recovery"
    title = "recovery"

    recovered: int
    tried: int
    limit: float


class RecoverySuite(Suite[tuple[Case, str]]):
    """The recovery suite: each base fixture with each push."""

    heading = "ten starts each, pushed off the solver's own optimum"
    function = "test_recovers"
    verdict_types = (RecoveryVerdict,)

    def items(self, spec: RunSpec) -> tuple[Item[tuple[Case, str]], ...]:
        """Return each base fixture with each push."""
        return tuple(
            self._item(
                recovery_name(case, push),
                (case, push),
                model=case.model,
                intensity=case.intensity,
                purpose=purpose,
                pictured=case,
            )
            for case in base_cases()
            for push, purpose in PUSHES.items()
        )

    def fill(
        self,
        draft: Draft,
        item: Item[tuple[Case, str]],
        solver: Solver,
        setup: EvaluationSetup,
    ) -> ResultRow:
        """At least 9 of 10 pushed starts come back to within 1e-3 px."""
        case, push = item.subject
        require_model(solver, case.model)
        if "init" not in solver.accepts:
            raise NotAsked(
                f"solver {solver.name!r} takes no init, so it cannot be started anywhere"
            )
        require_reach(solver, case.pair())
        result = measure_recovery(case, push, solver, setup.timeout)
        if not result.heeded:
            draft.row = replace(draft.row, recovered=0, tried=result.tried)
            raise ItemFailed(
                "init changes not one bit of the answer, for ten starts nearby and one half an "
                "image away; expected a solve that begins there. Use it, or take it out of the "
                "signature.",
                "init ignored",
            )
        draft.row = replace(draft.row, recovered=result.recovered, tried=result.tried)
        if result.recovered >= RECOVERY_SHARE * result.tried:
            return draft.row
        raise ItemFailed(
            f"{result.recovered} of {result.tried} starts came back to within "
            f"{RECOVERED_PX:g} px of the solver's own optimum, expected {RECOVERY_SHARE:.0%}; the "
            f"farthest ended {result.farthest_px:.3g} px away. Either init is not heeded, or the "
            "descent stops early, or the optimum's basin is narrower than the push.",
            "stops early" if result.farthest_px <= STOPPED_PX else "narrow basin",
        )

    def verdicts(self, results: SuiteResults) -> tuple[Verdict, ...]:
        """Return how many of the pushed starts came back."""
        return (recovery(results),)

    def compared(self, rows: Sequence[ResultRow], verdicts: SavedVerdicts) -> tuple[Compared, ...]:
        """Return the starts that came back."""
        ran = [row for row in rows if row.status in RAN]
        recovered, tried = _came_back(ran)
        cell = Cell(f"{recovered}/{tried}", float(-recovered)) if ran else Cell()
        return (Compared("starts that came back", cell),)


SUITE = RecoverySuite
"""What the registry loads."""


def recovery_name(case: Case, push: str) -> str:
    """Return a recovery item's name, `lena_affine_2d-shift5px`."""
    return f"{case.id}-{push}"


def recovery(results: SuiteResults) -> RecoveryVerdict:
    """Return how many of the pushed starts came back to the optimum."""
    recovered, tried = _came_back(results.ran)
    undecided = results.lost_or_undecided()
    status: VerdictStatus = "not_evaluated" if undecided else "fail" if results.failed else "pass"
    told = (
        f"{recovered} of {tried} starts came back; {RECOVERY_SHARE:.0%} of each item's must "
        f"({results.how_many})"
    )
    return RecoveryVerdict(
        status=status,
        reason=undecided or f"{told}{results.not_those()}",
        recovered=recovered,
        tried=tried,
        limit=RECOVERY_SHARE,
    )


def _came_back(rows: Sequence[ResultRow]) -> tuple[int, int]:
    """Count the starts that came back, and all starts. Where the solver raised, none came back."""
    return sum(row.recovered or 0 for row in rows), sum(row.tried or SEEDS for row in rows)


@dataclass(frozen=True)
class Recovery:
    """How many seeds came back, and the farthest mean distance to the optimum, px.

    Attributes:
        heeded: whether any start changed any bit of the answer. Where none did, the solver ignores
        `init`: it did not come back, because it never left.
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
    shape = pair.shape

    def solve(init: Start | None) -> Answer:
        answer, _ = solver.solve_pair(
            pair, case.model, intensity=case.intensity, init=init, timeout=timeout
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
    """Whether one more start gives another answer; a failure counts as another answer."""
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
