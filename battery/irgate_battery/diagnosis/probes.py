"""What is wrong with a solver: it is asked again, with one thing changed at a time.

Where no misreading explains an answer, the fault lies in the search, the descent or the objective.
Which of them shows when the solver is started elsewhere, or gets the same pair without its mask,
its brightness difference or its noise.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, map_coordinates

from irgate_battery.answer import Answer
from irgate_battery.catalogue import Case
from irgate_battery.diagnosis.explanation import Explanation
from irgate_battery.diagnosis.view import View
from irgate_battery.judge import measure
from irgate_battery.protocol import Init, Solver, SolverFault
from irgate_battery.recovery import Start
from irgate_battery.rules import base_limit
from irgate_fixtures import Pair

SLOWEST_SECONDS = 10.0
"""A solver that took longer than this is not asked again: fifty failures would take an hour."""

SAME_PX = 1e-6
"""Answers no farther apart than this are one answer: rounding, no more."""

NEARER = 0.5
"""A descent that goes on from its own answer and leaves less than this part of the distance to the
truth had stopped early."""

BRIGHTNESS_PX = 8.0
"""Blur, in pixels, over which brightness is compared: wider than what is registered by, narrower
than a coil's or a lamp's gain."""

DARKEST = 0.05
"""Added above and below when two brightnesses are divided, in parts of the larger: no ratio is
taken of nothing."""


@dataclass(frozen=True)
class _Asked:
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
            init=init,
            intensity=self.case.intensity,
            timeout=self.timeout,
        )
        return answer

    def off(self, answer: Answer) -> float:
        """Return the mean distance of an answer to the truth over the fixed image, px."""
        view = View(self.pair, answer.displacement, answer.matrix)
        return view.off(view.answer)

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
        case, pair: what was asked.
        solver, answer: who answered what.
        near_px: a mean distance to the truth under which an answer is right.
        seconds: what the answer took; a slow solver is not asked again.
        timeout: seconds for each further call.

    """
    if seconds > SLOWEST_SECONDS:
        return None
    asked = _Asked(case, pair, solver, answer, near_px, timeout)
    try:
        return _by_mask(asked) or _by_images(asked) or _by_start(asked)
    except SolverFault:
        # What it does under a changed question is not what it is judged by.
        return None


def _by_mask(asked: _Asked) -> Explanation | None:
    mask = asked.pair.mask
    if mask is None or "mask" not in asked.solver.accepts:
        return None
    without = asked.again(replace(asked.pair, mask=None))
    if asked.apart(without) <= SAME_PX:
        return _found(
            asked,
            "mask ignored",
            "your solver ignores the mask: without it the answer is the same,",
            asked.off(without),
        )
    inverted = asked.off(asked.again(replace(asked.pair, mask=~mask)))
    if inverted <= asked.near_px:
        return _found(
            asked,
            "mask inverted",
            "your solver reads the mask the wrong way round: True is where the image may be "
            "trusted; with the mask inverted it comes to",
            inverted,
        )
    return None


def _by_images(asked: _Asked) -> Explanation | None:
    """Take the brightness difference away, then the noise; see which of them leads astray."""
    kind = asked.case.recipe.get("perturbation", {}).get("kind")
    if asked.case.intensity == "varying":
        left = asked.off(asked.again(_evenly_bright(asked.pair)))
        if left <= asked.near_px:
            return _found(
                asked,
                "intensity assumption",
                "your solver takes brightness to be constant where it varies: with the fixed image "
                "made as bright as the moving one it comes to",
                left,
            )
    if kind == "noise":
        left = asked.off(asked.again(replace(asked.pair, fixed=_seen_through_truth(asked.pair))))
        if left <= asked.near_px:
            return _found(
                asked,
                "noise",
                "your solver is led astray by noise: with the same noise in both it comes to",
                left,
            )
    return None


def _by_start(asked: _Asked) -> Explanation | None:
    if "init" not in asked.solver.accepts:
        return None
    shape = (asked.pair.fixed.shape[0], asked.pair.fixed.shape[1])
    before = asked.off(asked.answer)
    answer, truth = asked.answer, asked.pair.truth
    on = asked.again(asked.pair, Start(answer.matrix, answer.displacement))
    there = asked.again(asked.pair, Start(truth.matrix, truth.displacement(shape)))
    if max(asked.apart(on), asked.apart(there)) <= SAME_PX:
        # It ends at one place wherever it starts; whether init is heeded the recovery suite says.
        return None
    if asked.off(on) < NEARER * before:
        return _found(
            asked,
            "stops early",
            "your solver stops early: started at its own answer it goes on, and comes to",
            asked.off(on),
        )
    if asked.off(there) <= asked.near_px:
        return _found(
            asked,
            "wrong start",
            "your solver does not find its way: the search or the descent ends in another "
            "optimum; started at the truth it stays, and comes to",
            asked.off(there),
        )
    measured = measure(asked.pair, there.displacement, asked.answer.displacement)
    if measured.escaped:
        return _found(
            asked,
            "flees the overlap",
            "your solver flees the overlap: started at the truth, it leaves with "
            f"{measured.coverage:.0%} of the image covered, where the truth covers "
            f"{measured.truth_coverage:.0%} (a sum or a mean that fewer pixels make smaller); it "
            "ends",
            asked.off(there),
        )
    if measured.rmse is None or measured.rmse > base_limit(measured.truth_rmse or 0.0):
        return _found(
            asked,
            "worsens its start",
            "your solver makes its start worse: started at the truth it leaves for a larger RMSE. "
            "Either a step that does not improve was accepted (a wrong sign, side or scale, or the "
            "last step returned instead of the best), or its own objective counts what it should "
            "not, such as pixels beyond the border; it ends",
            asked.off(there),
        )
    return _found(
        asked,
        "another objective",
        "your solver has its optimum elsewhere: started at the truth it leaves for a place with "
        "as small an RMSE, so it is the objective that differs (border, sampling, precision, "
        "weights); it ends",
        asked.off(there),
    )


def _found(asked: _Asked, fault: str, words: str, after: float) -> Explanation:
    before = asked.off(asked.answer)
    sentence = f"{words} {after:.3g} px from the truth, now {before:.3g} px"
    return Explanation(fault, sentence, before, after, (fault,))


def _seen_through_truth(pair: Pair) -> NDArray[np.float64]:
    """Return moving(T(x)), by cubic splines; the fixed image where T leaves the moving one."""
    height, width = pair.moving.shape
    points = pair.truth.displacement((pair.fixed.shape[0], pair.fixed.shape[1])) + np.stack(
        np.meshgrid(*(np.arange(n, dtype=float) for n in pair.fixed.shape[::-1])), -1
    )
    x, y = points[..., 0], points[..., 1]
    inside = (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)
    seen = map_coordinates(pair.moving, [y, x], order=3, mode="mirror")
    return np.where(inside, seen, pair.fixed)


def _evenly_bright(pair: Pair) -> Pair:
    """Return the pair with the fixed image multiplied to the moving one's local brightness."""
    blurred: list[Any] = [
        gaussian_filter(image, BRIGHTNESS_PX) for image in (_seen_through_truth(pair), pair.fixed)
    ]
    floor = DARKEST * max(float(image.max()) for image in blurred)
    return replace(pair, fixed=pair.fixed * (blurred[0] + floor) / (blurred[1] + floor))
