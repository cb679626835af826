"""How a pair of the user's own is evaluated that brings its truth: a transform, or landmarks.

SimpleITK is not asked: the truth alone decides.
"""

from dataclasses import replace

import numpy as np

from irgate_battery.cases.own_pairs import PreparedPair
from irgate_battery.cases.truth import Landmarks
from irgate_battery.diagnosis.explanation import explain
from irgate_battery.interface.answer import Answer
from irgate_battery.interface.protocol import Solver
from irgate_battery.judge.acceptance import landmark_fault, tolerance_px, truth_fault
from irgate_battery.judge.landmark_error import LandmarkError
from irgate_battery.judge.limits import LANDMARK_PX
from irgate_battery.judge.measure import measure_without_oracle, warp
from irgate_battery.results.result_row import ResultRow
from irgate_battery.suites.evaluation import Draft, require_argument, require_model, require_reach
from irgate_battery.suites.suite import EvaluationSetup
from irgate_fixtures import Transform


def evaluate_beside_truth(
    draft: Draft,
    prepared: PreparedPair,
    solver: Solver,
    setup: EvaluationSetup,
    tolerance: float | None,
) -> ResultRow:
    """Let a solver register a pair, and hold its answer against the pair's truth.

    Args:
        draft: the item's row.
        prepared: the pair; it has a truth.
        solver: who registers it.
        setup: the time limit.
        tolerance: largest mean distance to the truth that passes, px; `None` for the gate's own.
    """
    require_model(solver, prepared.model)
    for argument in ("mask", "moving_mask"):
        if getattr(prepared, argument) is not None:
            require_argument(solver, argument)
    truth = prepared.truth
    if truth is None:
        raise ValueError(f"{prepared.id}: a pair without a truth")
    most = largest_distance(prepared) if tolerance is None else tolerance
    draft.row = replace(
        draft.row,
        preparation=prepared.preparation,
        spacing_mm=prepared.spacing_mm,
        tolerance_px=most,
        identity_rmse=warp(prepared, np.zeros((*prepared.shape, 2))).rmse,
    )
    known = truth.fit() if isinstance(truth, Landmarks) else truth
    require_reach(solver, prepared.beside(known))
    answer, seconds = solver.solve(
        prepared.fixed,
        prepared.moving,
        model=prepared.model,
        mask=prepared.mask,
        moving_mask=prepared.moving_mask,
        intensity=prepared.intensity,
        timeout=setup.timeout,
    )
    draft.row = replace(draft.row, seconds=seconds)
    draft.answered(answer, None, prepared.shape)
    if isinstance(truth, Landmarks):
        return _beside_landmarks(draft, prepared, answer, truth, most)
    return _beside_transform(draft, prepared, answer, truth, most)


def largest_distance(prepared: PreparedPair) -> float:
    """Return the largest mean distance that passes where a pair states none, px."""
    if isinstance(prepared.truth, Landmarks):
        return float(LANDMARK_PX)
    return tolerance_px(prepared.model, prepared.intensity, 0.0, 0.0)


def _beside_transform(
    draft: Draft, prepared: PreparedPair, answer: Answer, truth: Transform, most: float
) -> ResultRow:
    known = truth.displacement(prepared.shape)
    measured = measure_without_oracle(prepared, answer.displacement, known)
    draft.measured(measured)
    fault = truth_fault(measured, most)
    if fault is None:
        return draft.row
    farthest = (
        "" if measured.tre_max_px is None else f", {measured.tre_max_px:.3g} px at most of a pixel"
    )
    reason = explain(prepared.beside(truth), answer.displacement, answer.matrix)
    draft.explained(reason)
    because = f" {reason.sentence[0].upper()}{reason.sentence[1:]}." if reason else ""
    return draft.failed(f"{fault}{farthest}.{because}")


def _beside_landmarks(
    draft: Draft, prepared: PreparedPair, answer: Answer, truth: Landmarks, most: float
) -> ResultRow:
    measured = measure_without_oracle(prepared, answer.displacement, None)
    draft.measured(measured)
    error = LandmarkError.of(truth, answer.displacement)
    side = prepared.spacing_mm
    draft.figures(
        landmarks=error.count,
        landmark_mean_px=error.mean,
        landmark_median_px=error.median,
        landmark_p95_px=error.p95,
        landmark_mean_mm=None if side is None else error.mean * side,
    )
    fault = landmark_fault(measured, error.mean, most)
    if fault is None:
        return draft.row
    mm = "" if side is None else f" ({error.mean * side:.3g} mm)"
    told = (
        f"{fault}{mm}; of {error.count} landmarks: median {error.median:.3g} px, 95th percentile "
        f"{error.p95:.3g} px."
    )
    fit = truth.fit()
    if LandmarkError.of(truth, fit.displacement(prepared.shape)).mean <= most:
        reason = explain(prepared.beside(fit), answer.displacement, answer.matrix)
        draft.explained(reason)
        if reason:
            told += f" Taking the landmarks' affine fit for the truth: {reason.sentence}."
    return draft.failed(told)
