"""The checks on what a solver answers: form, direction, axis order, repeatability, identity."""

import numpy as np

from irgate_battery.diagnosis.answer_on_grid import AnswerOnGrid
from irgate_battery.diagnosis.explanation import (
    COARSE_SHARE,
    CONVENTIONS,
    explain,
    nearest_reading,
)
from irgate_battery.interface.answer import Answer
from irgate_battery.interface.protocol import Solver
from irgate_battery.judge.limits import CONVENTION_PX, IDENTITY_PX, REPEAT_PX
from irgate_battery.suites.contract_checks.contract_check import (
    answer_of,
    first_model,
    shifted_pair,
)
from irgate_battery.suites.evaluation import ItemFailed
from irgate_fixtures import Pair

COARSE = "coarse answer"


def output_form(solver: Solver, timeout: float | None) -> None:
    """What comes back is a finite transform of a form that the protocol knows."""
    answer_of(solver, shifted_pair(), timeout)


def direction(solver: Solver, timeout: float | None) -> None:
    """The transform maps points of the fixed image to points of the moving image."""
    pair = shifted_pair()
    answer = answer_of(solver, pair, timeout)
    on_grid = AnswerOnGrid(pair, answer.displacement, answer.matrix)
    right = min(on_grid.off(mapped) for mapped in (on_grid.answer, on_grid.swapped()))
    wrong = min(on_grid.back(mapped) for mapped in (on_grid.answer, on_grid.swapped()))
    _require_convention(pair, answer, right, wrong, "direction")


def axis_order(solver: Solver, timeout: float | None) -> None:
    """Points are (x, y): the column first. The pair is not square, its shift not symmetric."""
    pair = shifted_pair()
    answer = answer_of(solver, pair, timeout)
    on_grid = AnswerOnGrid(pair, answer.displacement, answer.matrix)
    right = min(on_grid.off(on_grid.answer), on_grid.back(on_grid.answer))
    wrong = min(on_grid.off(on_grid.swapped()), on_grid.back(on_grid.swapped()))
    _require_convention(pair, answer, right, wrong, "axis order")


def repeatable(solver: Solver, timeout: float | None) -> None:
    """Two calls with the same images give the same transform."""
    pair = shifted_pair()
    first, second = (answer_of(solver, pair, timeout).displacement for _ in range(2))
    off = float(np.linalg.norm(first - second, axis=-1).max())
    if off > REPEAT_PX:
        raise ItemFailed(
            f"solver {solver.name!r} gave a different answer on each call: up to {off:.3g} px "
            f"apart on the same images; at most {REPEAT_PX:g} px is rounding. Fix the seed of "
            "whatever it draws, and keep no state between calls."
        )


def identity(solver: Solver, timeout: float | None) -> None:
    """An image registered to itself stays where it is."""
    pair = shifted_pair()
    answer, _ = solver.solve(
        pair.fixed,
        pair.fixed,
        model=first_model(solver),
        intensity=pair.intensity,
        timeout=timeout,
    )
    moved = float(np.linalg.norm(answer.displacement, axis=-1).max())
    if moved > IDENTITY_PX:
        raise ItemFailed(
            f"solver {solver.name!r} moved an image against itself by up to {moved:.3g} px; "
            f"expected the identity to {IDENTITY_PX:g} px. A half pixel or a wrong centre in the "
            "sampler shows here first.",
            # An answer that is the identity has that name.
            "moves identical images",
        )


def _require_convention(pair: Pair, answer: Answer, right: float, wrong: float, what: str) -> None:
    """Pass where the answer is the truth, up to the conventions that this check does not ask about.
    An answer that is far from the truth in every convention shows none, so it must not pass.
    """
    if right <= CONVENTION_PX and right <= wrong:
        return
    reason = explain(pair, answer.displacement, answer.matrix) or nearest_reading(
        pair, answer.displacement, answer.matrix, CONVENTIONS
    )
    coarse = reason is None and right <= COARSE_SHARE * wrong
    if reason:
        said = reason.sentence
    elif coarse:
        said = (
            f"{right:.2f} px off, and {wrong:.2f} px with the other {what}: it is coarse, and its "
            f"{what} is right; refine it"
        )
    else:
        said = (
            f"no convention brings it near: {right:.2f} px off, {wrong:.2f} with the other {what}"
        )
    raise ItemFailed(
        f"on a known shift of (3.5, -2.23) px the {what} does not show: {said}; expected an answer "
        f"within {CONVENTION_PX} px.",
        COARSE if coarse else None,
        reason=reason,
    )
