"""Examine a solver on a user's own pair: call it, hold it against the oracle, make the row."""

from typing import Any

from irgate_battery.diagnosis import explain
from irgate_battery.examine import DEFAULT_TIMEOUT, Examined, diagnosed, first_fields, guarded
from irgate_battery.judge import measure_without_truth
from irgate_battery.own.doubt import doubt
from irgate_battery.own.named import OwnPair
from irgate_battery.plan import PAIR
from irgate_battery.protocol import Solver
from irgate_battery.row import Row
from irgate_battery.rules import base_limit, fixture_fault
from irgate_battery.store import OracleStore


def examine_pair(
    pair: OwnPair, solver: Solver, store: OracleStore, timeout: float | None = DEFAULT_TIMEOUT
) -> Examined:
    """Let a solver register a user's own pair, and hold the answer against the oracle's.

    The rule is that of a base fixture. Where the oracle itself is in doubt, or where doing nothing
    would pass too, a pass would say nothing: the row is skipped, and says why.
    """
    row = first_fields(PAIR, pair.id, pair.model)

    def examine() -> Row:
        missing = _lacks(solver, pair)
        if missing:
            return Row(**row, status="skipped", message=missing)
        images = pair.images()
        row.update(preparation=images.preparation, spacing_mm=images.spacing_mm)
        oracle, row["oracle"] = store.get(images, images)
        row["oracle_seconds"] = oracle.seconds
        shape = (images.fixed.shape[0], images.fixed.shape[1])
        oracle_displacement = oracle.transform.displacement(shape)
        doubted = doubt(images, oracle_displacement)
        row["identity_rmse"] = doubted.identity_rmse
        if doubted.reason:
            row["oracle"] = "doubtful"
        answer, row["seconds"] = solver.solve(
            images.fixed,
            images.moving,
            model=pair.model,
            mask=images.mask,
            intensity=pair.intensity,
            timeout=timeout,
        )
        measured = measure_without_truth(images, answer.displacement, oracle_displacement)
        row.update(measured.to_dict())
        if images.spacing_mm is not None and measured.oracle_distance_px is not None:
            row["oracle_distance_mm"] = measured.oracle_distance_px * images.spacing_mm
        if doubted.reason:
            message = f"{pair.id}: not evaluated: SimpleITK's result is in doubt: {doubted.reason}"
            return Row(**row, status="skipped", message=message)
        fault = fixture_fault(measured)
        if fault is not None:
            message = f"{pair.id}: {fault}; {_apart(row)}."
            reason = explain(images.beside(oracle.transform), answer.displacement, answer.matrix)
            if reason:
                row.update(diagnosed(reason))
                message += f" Taking SimpleITK's transform for the truth: {reason.sentence}."
            return Row(**row, status="failed", message=message)
        limit = base_limit(measured.oracle_rmse or 0.0)
        if doubted.identity_rmse is not None and doubted.identity_rmse <= limit:
            message = (
                f"{pair.id}: not evaluated: within its limit, but doing nothing would be too (RMSE "
                f"{doubted.identity_rmse:.3g} where nothing is moved, limit {limit:.3g})"
            )
            return Row(**row, status="skipped", message=message)
        return Row(**row)

    return guarded(examine, row)


def _lacks(solver: Solver, pair: OwnPair) -> str | None:
    """Return why a solver cannot take an own pair, or `None` where it can."""
    if pair.model not in solver.models:
        return (
            f"solver {solver.name!r} has no {pair.model} model (it declares {list(solver.models)})"
        )
    if pair.mask is not None and "mask" not in solver.accepts:
        return f"solver {solver.name!r} takes no mask"
    return None


def _apart(row: dict[str, Any]) -> str:
    """Say how far from the oracle's transform a row's answer stands."""
    if row["oracle_distance_px"] is None:
        return "nothing lands inside the moving image"
    mm = "" if row.get("oracle_distance_mm") is None else f" ({row['oracle_distance_mm']:.3g} mm)"
    return f"{row['oracle_distance_px']:.3g} px{mm} from SimpleITK's transform on average"
