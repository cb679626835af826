"""What is wrong with a solver: the solver is asked again, with one thing changed at a time.

Where no misreading explains an answer, the fault lies in the search, the descent or the objective.
Which of them shows when the solver is started elsewhere, or gets the same pair without its mask,
its brightness difference or its noise.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, map_coordinates

from irgate_battery.cases.catalogue import Case
from irgate_battery.diagnosis.answer_on_grid import AnswerOnGrid
from irgate_battery.diagnosis.explanation import Explanation
from irgate_battery.interface.answer import Answer
from irgate_battery.interface.protocol import Init, Solver, SolverFault
from irgate_battery.interface.start import Start
from irgate_battery.judge.acceptance import base_limit
from irgate_battery.judge.measure import inside, measure
from irgate_fixtures import Pair, pixel_grid

SLOWEST_SECONDS = 10.0
"""A solver that took longer than this is not asked again: fifty failures would take an hour."""

SAME_PX = 1e-6
"""Answers no farther apart than this are the same answer, up to rounding."""

NEARER = 0.5
"""A descent had stopped early where, started at its own answer, it leaves less than this part of
the distance to the truth."""

BRIGHTNESS_PX = 8.0
"""Blur, px, over which brightness is compared: wider than the structures that are registered,
narrower than the gain of a coil or a lamp."""

DARKEST = 0.05
"""Part of the largest brightness that is added to numerator and denominator, so that dark pixels
have a ratio too."""


@dataclass(frozen=True)
class ProbeContext:
    """What a question needs: the pair, the solver, what it answered, and what is near enough."""

    case: Case
    pair: Pair
    solver: Solver
    answer: Answer
    near_px: float
    timeout: float | None

    def again(self, pair: Pair, init: Init | None = None) -> Answer:
        """Ask for the pair's transform with one thing changed."""
        answer, _ = self.solver.solve(
            pair.fixed,
            pair.moving,
            model=self.case.model,
            mask=pair.mask,
            moving_mask=pair.moving_mask,
            init=init,
            intensity=self.case.intensity,
            timeout=self.timeout,
        )
        return answer

    def off(self, answer: Answer) -> float:
        """Return the mean distance of an answer to the truth over the fixed image, px."""
        on_grid = AnswerOnGrid(self.pair, answer.displacement, answer.matrix)
        return on_grid.off(on_grid.answer)

    def apart(self, answer: Answer) -> float:
        """Return the largest distance of an answer to the first one, px."""
        return float(np.abs(answer.displacement - self.answer.displacement).max())


def probe(
    case: Case,
    pair: Pair,
    solver: Solver,
    answer: Answer,
    *,
    near_px: float,
    seconds: float,
    timeout: float | None,
) -> Explanation | None:
    """Ask again until one change explains a wrong answer; `None` where none does.

    Args:
        case, pair: what was context.
        solver, answer: who answered what.
        near_px: a mean distance to the truth under which an answer is right.
        seconds: what the answer took; a slow solver is not asked again.
        timeout: seconds for each further call.

    """
    if seconds > SLOWEST_SECONDS:
        return None
    context = ProbeContext(case, pair, solver, answer, near_px, timeout)
    try:
        return _by_mask(context) or _by_images(context) or _by_start(context)
    except SolverFault:
        # The solver is not judged by what it does with a changed pair.
        return None


def _by_mask(context: ProbeContext) -> Explanation | None:
    for name, mask in (("mask", context.pair.mask), ("moving_mask", context.pair.moving_mask)):
        if mask is None or name not in context.solver.accepts:
            continue
        without = context.again(_masked(context.pair, name, None))
        if context.apart(without) <= SAME_PX:
            return _found(
                context,
                "mask ignored",
                f"your solver ignores the {name}: without it the answer is the same,",
                context.off(without),
            )
        inverted = context.off(context.again(_masked(context.pair, name, ~mask)))
        if inverted <= context.near_px:
            return _found(
                context,
                "mask inverted",
                f"your solver reads the {name} the wrong way round: True is where the image may be "
                "trusted; with the mask inverted it comes to",
                inverted,
            )
    return None


def _masked(pair: Pair, name: str, mask: NDArray[np.bool_] | None) -> Pair:
    return replace(pair, mask=mask) if name == "mask" else replace(pair, moving_mask=mask)


def _by_images(context: ProbeContext) -> Explanation | None:
    """Take the brightness difference away, then the noise; see which of them leads astray."""
    if context.case.intensity == "varying":
        left = context.off(context.again(_evenly_bright(context.pair)))
        if left <= context.near_px:
            return _found(
                context,
                "intensity assumption",
                "your solver takes brightness to be constant where it varies: with the fixed image "
                "made as bright as the moving one it comes to",
                left,
            )
    if context.case.kind == "noise":
        left = context.off(
            context.again(replace(context.pair, fixed=_seen_through_truth(context.pair)))
        )
        if left <= context.near_px:
            return _found(
                context,
                "noise",
                "your solver is led astray by noise: with the same noise in both it comes to",
                left,
            )
    return None


def _by_start(context: ProbeContext) -> Explanation | None:
    if "init" not in context.solver.accepts:
        return None
    before = context.off(context.answer)
    answer, truth = context.answer, context.pair.truth
    on = context.again(context.pair, Start(answer.matrix, answer.displacement))
    there = context.again(context.pair, Start(truth.matrix, truth.displacement(context.pair.shape)))
    if max(context.apart(on), context.apart(there)) <= SAME_PX:
        # It ends at one place wherever it starts. The recovery suite says whether it uses init.
        return None
    if context.off(on) < NEARER * before:
        return _found(
            context,
            "stops early",
            "your solver stops early: started at its own answer it goes on, and comes to",
            context.off(on),
        )
    if context.off(there) <= context.near_px:
        return _found(
            context,
            "wrong start",
            "your solver does not find its way: the search or the descent ends in another "
            "optimum; started at the truth it stays, and comes to",
            context.off(there),
        )
    measured = measure(context.pair, there.displacement, context.answer.displacement)
    if measured.escaped:
        return _found(
            context,
            "flees the overlap",
            "your solver flees the overlap: started at the truth, it leaves with "
            f"{measured.coverage:.0%} of the image covered, where the truth covers "
            f"{measured.truth_coverage:.0%} (a sum or a mean that fewer pixels make smaller); it "
            "ends",
            context.off(there),
        )
    if measured.rmse is None or measured.rmse > base_limit(measured.truth_rmse or 0.0):
        return _found(
            context,
            "worsens its start",
            "your solver makes its start worse: started at the truth it leaves for a larger RMSE. "
            "Either a step that does not improve was accepted (a wrong sign, side or scale, or the "
            "last step returned instead of the best), or its own objective counts what it should "
            "not, such as pixels beyond the border; it ends",
            context.off(there),
        )
    return _found(
        context,
        "another objective",
        "your solver has its optimum elsewhere: started at the truth it leaves for a place with "
        "as small an RMSE, so it is the objective that differs (border, sampling, precision, "
        "weights); it ends",
        context.off(there),
    )


def _found(context: ProbeContext, fault: str, words: str, after: float) -> Explanation:
    before = context.off(context.answer)
    sentence = f"{words} {after:.3g} px from the truth, now {before:.3g} px"
    return Explanation(fault, sentence, before, after, (fault,))


def _seen_through_truth(pair: Pair) -> NDArray[np.float64]:
    """Return moving(T(x)), by cubic splines; the fixed image where T leaves the moving one."""
    points = pair.truth(pixel_grid(pair.shape))
    seen = map_coordinates(pair.moving, [points[..., 1], points[..., 0]], order=3, mode="mirror")
    return np.where(inside(points, pair.moving.shape), seen, pair.fixed)


def _evenly_bright(pair: Pair) -> Pair:
    """Return the pair with the fixed image multiplied to the moving one's local brightness."""
    blurred: list[Any] = [
        gaussian_filter(image, BRIGHTNESS_PX) for image in (_seen_through_truth(pair), pair.fixed)
    ]
    floor = DARKEST * max(float(image.max()) for image in blurred)
    return replace(pair, fixed=pair.fixed * (blurred[0] + floor) / (blurred[1] + floor))
