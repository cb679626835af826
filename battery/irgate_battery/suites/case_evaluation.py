"""How a case with a known truth is evaluated: fixtures, battery and conditions."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from irgate_battery.cases.catalogue import Case
from irgate_battery.diagnosis.cause import cause
from irgate_battery.diagnosis.error_place import error_place
from irgate_battery.diagnosis.found import Explanation
from irgate_battery.interface.protocol import Solver
from irgate_battery.judge.acceptance import oracle_moved, tolerance_px
from irgate_battery.judge.limits import CLEAN_PX
from irgate_battery.judge.measure import Measurement, measure, warp
from irgate_battery.judge.motion import Motion
from irgate_battery.judge.signed_error import SignedError
from irgate_battery.oracle.store import stored_distance_px
from irgate_battery.results.result_row import ResultRow
from irgate_battery.suites.evaluation import Draft, require_argument, require_model, require_reach
from irgate_battery.suites.suite import EvaluationSetup

Rule = Callable[[Measurement, float], str | None]
"""What is wrong with a measurement, given the largest distance to the truth that passes, px."""


def evaluate_case(
    draft: Draft, case: Case, solver: Solver, setup: EvaluationSetup, rule: Rule
) -> ResultRow:
    """Let a solver register a case, and judge what it returns.

    Args:
        draft: the item's row.
        case: what is registered.
        solver: who registers it.
        setup: the oracle's store and the time limit.
        rule: says what is wrong, if anything is.
    """
    require_model(solver, case.model)
    for argument in case.needs:
        require_argument(solver, argument)
    pair = case.pair()
    require_reach(solver, pair)
    motion = Motion.of(pair)
    draft.figures(motion_px=motion.px, motion_degrees=motion.degrees, motion_mean_px=motion.mean_px)
    oracle, origin = setup.store.get(case, pair)
    draft.row = replace(draft.row, oracle=origin, oracle_seconds=oracle.seconds)
    answer, seconds = solver.solve_pair(
        pair, case.model, intensity=case.intensity, timeout=setup.timeout
    )
    draft.row = replace(draft.row, seconds=seconds)
    draft.answered(answer, oracle.transform, pair.shape)
    measured = told_of_oracle(
        case, measure(pair, answer.displacement, oracle.transform.displacement(pair.shape))
    )
    draft.measured(measured)
    if case.is_clean:
        valid = warp(pair, answer.displacement).valid
        draft.erred(SignedError.of(pair, answer.displacement, valid))
    if measured.oracle_diverged:
        draft.row = replace(draft.row, oracle="diverged")
    oracle_px, near_px = nearness(case, measured)
    fault = rule(measured, near_px)
    if fault is None:
        return draft.row
    reason = cause(
        case,
        pair,
        solver,
        answer,
        oracle=None if measured.oracle_diverged else oracle,
        oracle_px=oracle_px,
        near_px=near_px,
        seconds=seconds,
        timeout=setup.timeout,
    )
    draft.explained(reason)
    off = np.linalg.norm(answer.displacement - pair.truth.displacement(pair.shape), axis=-1)
    place = error_place(off, warp(pair, answer.displacement).valid)
    told = _off(measured)
    if place is not None:
        draft.row = replace(draft.row, error_place=place.name)
        told += f", {place.share:.0%} of it in {place.name}"
    return draft.failed(f"{fault}; {told}. {_because(reason, solver)}")


def told_of_oracle(case: Case, measured: Measurement) -> Measurement:
    """Return a measurement that says so where the oracle has diverged from what was stored."""
    if oracle_moved(measured.oracle_tre_px, stored_distance_px(case)):
        return replace(measured, oracle_diverged=True)
    return measured


def nearness(case: Case, measured: Measurement) -> tuple[float, float]:
    """Return the oracle's distance to the truth that counts, and the largest that passes, px."""
    # An oracle that is lost does not widen the tolerance.
    oracle_px = 0.0 if measured.oracle_diverged else measured.oracle_tre_px or 0.0
    if case.tight:
        return oracle_px, float(CLEAN_PX)
    return oracle_px, tolerance_px(case.model, case.intensity, case.noise, oracle_px)


def _off(measured: Measurement) -> str:
    if measured.tre_px is None or measured.tre_max_px is None:
        return "nothing lands inside the moving image"
    return f"{measured.tre_px:.3g} px from the truth on average, {measured.tre_max_px:.3g} at most"


def _because(reason: Explanation | None, solver: Solver) -> str:
    if reason is not None:
        return f"{reason.sentence[0].upper()}{reason.sentence[1:]}."
    if "init" not in solver.accepts:
        return (
            "No simple fault explains it, and the solver takes no init: with one it could be "
            "started at the truth, which tells a wrong search from a wrong objective."
        )
    return "No simple fault explains it."
