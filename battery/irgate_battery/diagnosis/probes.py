"""What is wrong with a solver: the solver is asked again, with one thing changed at a time.

Where no misreading explains an answer, the fault lies in the search, the descent or the objective.
Which of them shows when the solver is started elsewhere, or gets the same pair without its mask,
its brightness difference or its noise.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

import irgate_fixtures
from irgate_battery.cases.catalogue import Case
from irgate_battery.diagnosis.answer_on_grid import AnswerOnGrid
from irgate_battery.diagnosis.changed_pairs import (
    evenly_bright,
    seen_through_truth,
    within,
    without_ring,
)
from irgate_battery.diagnosis.found import Explanation
from irgate_battery.diagnosis.objectives import RIGHT, WRONG_OBJECTIVES, minimum
from irgate_battery.diagnosis.probe_context import NEARER, ProbeContext
from irgate_battery.interface.answer import Answer
from irgate_battery.interface.protocol import Solver, SolverFault
from irgate_battery.interface.start import Start
from irgate_battery.judge.acceptance import base_limit
from irgate_battery.judge.measure import Measurement, measure
from irgate_fixtures import Pair

SLOWEST_SECONDS = 10.0
"""A solver that took longer than this is not asked again: fifty failures would take an hour."""

SAME_PX = 1e-6
"""Answers no farther apart than this are the same answer, up to rounding."""

SAME_SHARE = 0.1
"""Started at the truth, a solver comes back to its answer where it ends nearer to it than this part
of the answer's distance to the truth."""

GOES_ON = 0.98
"""A descent had not ended, either, where two starts in a row each leave less than this part."""

BRIGHTER = 255.0
"""Both images times this are the same images to a solver that has no fixed threshold."""

FAR_WORSE = 2.0
"""A read-out is suspected where the RMSE is this many times what a fixture may have."""

STUCK_SHARE = 0.2
LEAST_OPTIMUM_PX = 2e-3
"""A solver takes no steps where, started at the truth, it stays nearer to it than this part of the
optimum's distance, and the optimum is this far from the truth, px."""

FLED = 1.05
"""A sum is left for a smaller one where it becomes less than this many times the truth's."""

NOT_LOST_PX = 3.0
"""An answer nearer than this to the truth found its way."""


BORDER_SHARE = 0.1
"""Without a border less than this part of the error is left: other pixels move any answer a little.
"""

FAINT_NOISE = 1e-3
"""Sigma of what is added to every pixel: a quarter of a grey level, which moves a good answer by
some 1e-4 px."""

FAINT_SHARE = 0.1
"""An answer hangs on it where it moves by this part of its error."""

PEAK_FOUND_PX = 1.5
"""An answer this near to the truth stands by the right peak, px."""


def probe(
    case: Case,
    pair: Pair,
    solver: Solver,
    answer: Answer,
    *,
    near_px: float,
    optimum_px: float,
    seconds: float,
    timeout: float | None,
) -> Explanation | None:
    """Ask again until one change explains a wrong answer; `None` where none does.

    Args:
        case, pair: what was context.
        solver, answer: who answered what.
        near_px: a mean distance to the truth under which an answer is right.
        optimum_px: how far the right objective's optimum is from the truth; 0 if not known.
        seconds: what the answer took; a slow solver is not asked again.
        timeout: seconds for each further call.

    """
    if seconds > SLOWEST_SECONDS:
        return None
    context = ProbeContext(case, pair, solver, answer, near_px, optimum_px, timeout)
    try:
        return (
            _by_mask(context)
            or _by_start(context)
            or _by_images(context)
            or _by_scale(context)
            or _by_faint_noise(context)
            or _by_border(context)
            or _by_where_the_truth_leads(context)
        )
    except SolverFault:
        # The solver is not judged by what it does with a changed pair.
        return None


def _by_mask(context: ProbeContext) -> Explanation | None:
    for name, mask in (("mask", context.pair.mask), ("moving_mask", context.pair.moving_mask)):
        if mask is None or name not in context.solver.accepts:
            continue
        without = context.again(_masked(context.pair, name, None))
        inverted = context.again(_masked(context.pair, name, ~mask))
        # One whom the occluder does not draw answers the same without the mask, and not inside it.
        if max(context.apart(without), context.apart(inverted)) <= SAME_PX:
            return _found(
                context,
                "mask ignored",
                f"your solver ignores the {name}: without it the answer is the same,",
                context.off(without),
            )
        if context.off(inverted) <= context.near_px:
            return _found(
                context,
                "mask inverted",
                f"your solver reads the {name} the wrong way round: True is where the image may be "
                "trusted; with the mask inverted it comes to",
                context.off(inverted),
            )
    return None


def _masked(pair: Pair, name: str, mask: NDArray[np.bool_] | None) -> Pair:
    return replace(pair, mask=mask) if name == "mask" else replace(pair, moving_mask=mask)


def _by_scale(context: ProbeContext) -> Explanation | None:
    """Multiply both images: no minimum moves, and a threshold of intensity does."""
    pair = context.pair
    brighter = replace(pair, fixed=BRIGHTER * pair.fixed, moving=BRIGHTER * pair.moving)
    left = context.off(context.again(brighter))
    if not context.helps(left):
        return None
    return _found(
        context,
        "intensity scale",
        f"your solver depends on the scale of intensities: with both images times {BRIGHTER:g} (a "
        "threshold, a damping or a tolerance that does not scale with them) it comes to",
        left,
    )


def _by_faint_noise(context: ProbeContext) -> Explanation | None:
    """Change every pixel by a quarter of a grey level: a peak of whitened images moves.

    Asked of pure shifts. A spectrum that is divided by its magnitude gives frequencies that hold
    nothing but noise the same say as the image's own.
    """
    pair = context.pair
    if pair.model != "translation" or np.ptp(context.answer.displacement, axis=(0, 1)).max() > 0:
        # A field that is no one shift was read off no peak.
        return None
    draw = np.random.default_rng(0)
    fixed, moving = (
        image + FAINT_NOISE * draw.standard_normal(image.shape)
        for image in (pair.fixed, pair.moving)
    )
    again = context.again(replace(pair, fixed=fixed, moving=moving))
    moved = context.apart(again)
    if moved < FAINT_SHARE * context.before:
        return None
    alike = ("every frequency weighted alike", "centroid of negative values")
    if context.before < PEAK_FOUND_PX:
        # The peak is found, and what lies around it decides.
        alike = alike[::-1]
    return _found(
        context,
        alike[0],
        "your solver's answer hangs on the faintest noise: a quarter of a grey level moves it by "
        f"{moved:.2g} px (a spectrum divided by its magnitude; a peak refined by values of both "
        "signs); it is",
        context.before,
        alike[1],
    )


def _by_images(context: ProbeContext) -> Explanation | None:
    """Take the brightness difference away, then the noise; see which of them leads astray."""
    if context.case.intensity == "varying":
        left = context.off(context.again(evenly_bright(context.pair)))
        if context.helps(left):
            return _found(
                context,
                "intensity assumption",
                "your solver takes brightness to be constant where it varies: with the fixed image "
                "made as bright as the moving one it comes to",
                left,
            )
    if context.case.kind == "noise":
        left = context.off(
            context.again(replace(context.pair, fixed=seen_through_truth(context.pair)))
        )
        if context.helps(left) and _right_without_noise(context):
            return _found(
                context,
                "noise",
                "your solver is led astray by noise: with the same noise in both it comes to",
                left,
            )
    return None


def _right_without_noise(context: ProbeContext) -> bool:
    """Whether the same pair without noise is registered, so that noise alone leads astray."""
    clean = irgate_fixtures.pair(context.case.fixture)
    answer = context.again(clean)
    on_grid = AnswerOnGrid(clean, answer.displacement, answer.matrix)
    return on_grid.off(on_grid.answer) < NEARER * context.before


def _by_start(context: ProbeContext) -> Explanation | None:
    """Start at the answer, and at the truth; see whether either leads on."""
    on, there = context.from_answer, context.from_truth
    if on is None or there is None:
        return None
    first = context.off(on)
    if first < NEARER * context.before or _goes_on(context, on, first):
        return _found(
            context,
            "stops early",
            "your solver stops early: started at its own answer it goes on, and comes to",
            first,
        )
    stayed = context.off(there)
    if context.optimum_px >= LEAST_OPTIMUM_PX and stayed < STUCK_SHARE * context.optimum_px:
        return _found(
            context,
            "stops early",
            "your solver takes no steps: started at the truth it stays there to the digit, where "
            f"the optimum is {context.optimum_px:.2g} px away; it ends",
            stayed,
        )
    if context.helps(stayed):
        onward = minimum(context.pair, context.case.intensity, RIGHT, context.answer.displacement)
        if onward is not None:
            left = context.off(Answer(onward.displacement(context.pair.shape), onward.matrix))
            if context.helps(left):
                # At the truth a border that counts may have a minimum of its own.
                return _by_border(context) or _found(
                    context,
                    "stops early",
                    "your solver stops early: a plain Gauss-Newton descent on the full images "
                    "goes on from its answer, and comes to",
                    left,
                )
        return _found(
            context,
            "wrong start",
            "your solver does not find its way: the search or the descent ends in another "
            "optimum; started at the truth it stays, and comes to",
            stayed,
        )
    return None


def _goes_on(context: ProbeContext, on: Answer, first: float) -> bool:
    """Whether each start at the last answer leads nearer, as no end of a descent does."""
    if first > GOES_ON * context.before:
        return False
    again = context.again(context.pair, Start(on.matrix, on.displacement))
    return context.off(again) < GOES_ON * first


def _by_border(context: ProbeContext) -> Explanation | None:
    """Crop the fixed image until all of it lands inside the moving one."""
    if context.from_truth is None and context.before > NOT_LOST_PX:
        # A search may find its way on a cropped pair by chance.
        return None
    masked = "mask" in context.solver.accepts
    ringless = without_ring(context.pair) if masked else None
    for seen, words in (
        (within(context.pair), "the fixed image cropped until all of it lands inside"),
        (ringless, "a mask over all that is near a border"),
    ):
        if seen is None:
            continue
        answer = context.again(seen)
        on_grid = AnswerOnGrid(seen, answer.displacement, answer.matrix)
        left = on_grid.off(on_grid.answer)
        if context.helps(left) and left < BORDER_SHARE * context.before:
            return _found(
                context,
                "border repeated and counted",
                "your solver counts pixels beyond the moving image's border, or blurred with what "
                f"is beyond it (repeated, mirrored, wrapped or as 0): with {words}, it comes to",
                left,
                *[objective.fault for objective in WRONG_OBJECTIVES if objective.beyond][1:],
            )
    return None


def _by_where_the_truth_leads(context: ProbeContext) -> Explanation | None:
    """Started at the truth it leaves; where for?"""
    there, before = context.from_truth, context.before
    if there is None:
        return None
    measured = measure(context.pair, there.displacement, context.answer.displacement)
    if measured.escaped and _sum_is_smaller(measured):
        return _found(
            context,
            "flees the overlap",
            "your solver flees the overlap: started at the truth, it leaves with "
            f"{measured.coverage:.0%} of the image covered, where the truth covers "
            f"{measured.truth_coverage:.0%} (a sum or a mean that fewer pixels make smaller); it "
            "ends",
            context.off(there),
        )
    floor = measured.truth_rmse or 0.0
    comes_back = context.apart(there) <= max(SAME_PX, SAME_SHARE * before)
    if comes_back and (measured.rmse is None or measured.rmse > FAR_WORSE * base_limit(floor)):
        return _found(
            context,
            "read-out",
            "your solver comes back to this answer from the truth, although the images match far "
            "better there: its search is innocent, and hardly an objective can be that wrong, so "
            "what is returned is not what was found (the order of two stages, the angle's sign or "
            f"centre, the last step instead of the best){_parts_off(context)}; it ends",
            context.off(there),
        )
    if measured.rmse is None or measured.rmse > base_limit(floor):
        return _found(
            context,
            "worsens its start",
            "your solver makes its start worse: started at the truth it leaves for a larger RMSE. "
            "Either a step that does not improve was accepted (a wrong sign, side or scale, or the "
            "last step returned instead of the best), or its own objective counts what it should "
            "not; it ends",
            context.off(there),
            *(["read-out"] if comes_back else []),
        )
    return _found(
        context,
        "another objective",
        "your solver has its optimum elsewhere: started at the truth it leaves for a place with "
        "as small an RMSE, so it is the objective that differs (border, sampling, precision, "
        "weights), or a last step that this pair's RMSE does not show; it ends",
        context.off(there),
        "worsens its start",
    )


def _sum_is_smaller(measured: Measurement) -> bool:
    """Whether the squares of fewer pixels add up to no more than those at the truth."""
    if measured.rmse is None or measured.truth_rmse is None or measured.truth_coverage is None:
        return True
    there = measured.rmse**2 * measured.coverage
    return there <= FLED * measured.truth_rmse**2 * measured.truth_coverage


def _parts_off(context: ProbeContext) -> str:
    """Say whether the linear part or the shift of a matrix is off; nothing where both are."""
    truth = context.pair.truth.matrix
    on_grid = AnswerOnGrid(context.pair, context.answer.displacement, context.answer.matrix)
    if truth is None or on_grid.matrix is None:
        return ""
    (A, d), (true_A, true_d) = on_grid.parts(on_grid.matrix), on_grid.parts(truth)
    off = context.before
    if on_grid.off_matrix(on_grid.built(true_A, d)) < SAME_SHARE * off:
        angle = np.degrees(np.arctan2(A[1, 0] - A[0, 1], A[0, 0] + A[1, 1]))
        true = np.degrees(np.arctan2(true_A[1, 0] - true_A[0, 1], true_A[0, 0] + true_A[1, 1]))
        return f"; the shift at the centre is right, the angle {angle - true:+.3g} degrees off"
    if on_grid.off_matrix(on_grid.built(A, true_d)) < SAME_SHARE * off:
        return (
            f"; the linear part is right, the shift ({d[0] - true_d[0]:+.3g}, "
            f"{d[1] - true_d[1]:+.3g}) px off"
        )
    return ""


def _found(context: ProbeContext, fault: str, words: str, after: float, *alike: str) -> Explanation:
    """Return what was found; `alike` are faults that this pair cannot tell from it."""
    before = context.before
    sentence = f"{words} {after:.3g} px from the truth, now {before:.3g} px"
    return Explanation(fault, sentence, before, after, (fault, *alike))
