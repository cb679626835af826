"""The checks on what a solver answers: form, direction, axis order, repeatability, identity."""

import numpy as np

from irgate_battery.answer import Answer
from irgate_battery.contract.question import Violation, answer_of, first_model, shifted_pair
from irgate_battery.diagnosis import View, explain
from irgate_battery.protocol import Solver
from irgate_fixtures import Pair

CONVENTION_PX = 0.5
"""A convention is known as right only where the answer is this near: half a pixel off could be a
convention of its own."""

IDENTITY_PX = 0.01
"""What a solver may move an image against itself: a tenth of what a good solver leaves on a noisy
pair, and far over what any stopping rule leaves on this one."""

REPEAT_PX = 1e-6
"""What two calls with the same images may differ by: sums in another thread order, no more."""


def output_form(solver: Solver, timeout: float | None) -> None:
    """What comes back is a finite transform of a form that the protocol knows."""
    answer_of(solver, shifted_pair(), timeout)


def direction(solver: Solver, timeout: float | None) -> None:
    """The transform maps points of the fixed image to points of the moving image."""
    pair = shifted_pair()
    answer = answer_of(solver, pair, timeout)
    view = View(pair, answer.displacement, answer.matrix)
    right = min(view.off(mapped) for mapped in (view.answer, view.swapped()))
    wrong = min(view.back(mapped) for mapped in (view.answer, view.swapped()))
    _judge_convention(pair, answer, right, wrong, "direction")


def axis_order(solver: Solver, timeout: float | None) -> None:
    """Points are (x, y): the column first. The pair is not square, its shift not symmetric."""
    pair = shifted_pair()
    answer = answer_of(solver, pair, timeout)
    view = View(pair, answer.displacement, answer.matrix)
    right = min(view.off(view.answer), view.back(view.answer))
    wrong = min(view.off(view.swapped()), view.back(view.swapped()))
    _judge_convention(pair, answer, right, wrong, "axis order")


def repeatable(solver: Solver, timeout: float | None) -> None:
    """Two calls with the same images give the same transform."""
    pair = shifted_pair()
    first, second = (answer_of(solver, pair, timeout).displacement for _ in range(2))
    off = float(np.linalg.norm(first - second, axis=-1).max())
    if off > REPEAT_PX:
        raise Violation(
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
        raise Violation(
            f"solver {solver.name!r} moved an image against itself by up to {moved:.3g} px; "
            f"expected the identity to {IDENTITY_PX:g} px. A half pixel or a wrong centre in the "
            "sampler shows here first."
        )


def _judge_convention(pair: Pair, answer: Answer, right: float, wrong: float, what: str) -> None:
    """Pass where the answer stands at the truth, up to the conventions that are not asked here.

    An answer that stands nowhere cannot show its convention, and must not pass for one that does.
    """
    if right <= CONVENTION_PX and right <= wrong:
        return
    reason = explain(pair, answer.displacement, answer.matrix)
    said = (
        reason.sentence
        if reason
        else f"no simple fault explains it: {right:.2f} px off, {wrong:.2f} with the other {what}"
    )
    raise Violation(
        f"the {what} cannot be confirmed on a known shift of (3.5, -2.23) px: {said}; expected an "
        f"answer within {CONVENTION_PX} px.",
        reason,
    )
