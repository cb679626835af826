"""Examine a solver on one item: call it, judge what it returns, make the row.

The plugin and `check_solver` run the same four functions, `examine_check`, `examine_case`,
`examine_recovery` and `examine_gradient`, and so may anybody's own tests.
"""

import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from irgate_battery.catalogue import Case
from irgate_battery.contract import Check, Violation
from irgate_battery.diagnosis import Explanation, explain
from irgate_battery.diagnosis.pattern import SEPARATOR
from irgate_battery.diagnosis.probes import probe
from irgate_battery.diagnostics import RECOVERY_LIMIT
from irgate_battery.doubt import doubt
from irgate_battery.gradient import TOLERANCE as GRADIENT_TOLERANCE
from irgate_battery.gradient import GradientError, compare_gradients, gradient_fault
from irgate_battery.judge import Measurement, measure, measure_without_truth
from irgate_battery.own_pairs import OwnPair, PairError
from irgate_battery.plan import PAIR, item_id, recovery_name
from irgate_battery.protocol import Solver, SolverFault
from irgate_battery.recovery import RECOVERED_PX, STOPPED_PX, measure_recovery
from irgate_battery.row import Row
from irgate_battery.rules import base_limit, battery_fault, fixture_fault
from irgate_battery.store import OracleStore, OracleUnavailable
from irgate_battery.tolerance import tolerance_px
from irgate_fixtures import MissingDataError

OCCLUSION = "occlusion"
"""The kind of perturbation that no solver without a mask can be asked to see through."""

DEFAULT_TIMEOUT = 300.0
"""Seconds for one call: no pair of 200 px needs it, and a call that hangs ends all the same."""


@dataclass(frozen=True)
class Examined:
    """A row, and what a front end may show beside it.

    Attributes:
        row: what was measured.
        detail: the solver's own traceback where it raised, else empty.

    """

    row: Row
    detail: str = ""


def examine_check(
    check: Check, solver: Solver, timeout: float | None = DEFAULT_TIMEOUT
) -> Examined:
    """Run one contract check; a violation becomes a failed row."""
    row = _row("contract", check.name)

    def examine() -> Row:
        check.run(solver, timeout)
        return Row(**row)

    return _guarded(examine, row)


def examine_case(
    case: Case, solver: Solver, store: OracleStore, timeout: float | None = DEFAULT_TIMEOUT
) -> Examined:
    """Let a solver register a base fixture or a battery case, and judge what it returns."""
    row = _row(case.suite, case.id, case.model)

    def examine() -> Row:
        missing = _lacks(solver, case)
        if missing:
            return Row(**row, status="skipped", message=missing)
        pair = case.pair()
        oracle, origin = store.get(case, pair)
        row.update(oracle=origin, oracle_seconds=oracle.seconds)
        answer, row["seconds"] = solver.solve(
            pair.fixed,
            pair.moving,
            model=case.model,
            mask=pair.mask,
            intensity=case.intensity,
            timeout=timeout,
        )
        shape = (pair.fixed.shape[0], pair.fixed.shape[1])
        measured = measure(pair, answer.displacement, oracle.transform.displacement(shape))
        row.update(measured.to_dict())
        if measured.oracle_diverged:
            row["oracle"] = "diverged"
        # An oracle that is lost itself excuses nobody.
        oracle_px = 0.0 if measured.oracle_diverged else measured.oracle_tre_px or 0.0
        near_px = tolerance_px(case, oracle_px)
        if case.suite == "base":
            fault = fixture_fault(measured)
        else:
            row["tolerance_px"] = near_px
            fault = battery_fault(measured, near_px)
        if fault is None:
            return Row(**row)
        reason = explain(pair, answer.displacement, answer.matrix, oracle_px) or probe(
            case,
            pair,
            solver,
            answer,
            near_px=near_px,
            seconds=row["seconds"],
            timeout=timeout,
        )
        row.update(_diagnosed(reason))
        message = f"{case.id}: {fault}; {_off(measured)}. {_because(reason)}"
        return Row(**row, status="failed", message=message)

    return _guarded(examine, row)


def examine_pair(
    pair: OwnPair, solver: Solver, store: OracleStore, timeout: float | None = DEFAULT_TIMEOUT
) -> Examined:
    """Let a solver register a user's own pair, and hold the answer against the oracle's.

    The rule is that of a base fixture. Where the oracle itself is in doubt, or where doing nothing
    would pass too, a pass would say nothing: the row is skipped, and says why.
    """
    row = _row(PAIR, pair.id, pair.model)

    def examine() -> Row:
        missing = _lacks_for_pair(solver, pair)
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
                row.update(_diagnosed(reason))
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

    return _guarded(examine, row)


def examine_recovery(
    case: Case, push: str, solver: Solver, timeout: float | None = DEFAULT_TIMEOUT
) -> Examined:
    """Push a solver's optimum on a base fixture away, and see whether it comes back."""
    row = _row("recovery", recovery_name(case, push), case.model)

    def examine() -> Row:
        missing = _lacks(solver, case)
        if missing is None and "init" not in solver.accepts:
            missing = f"solver {solver.name!r} takes no init, so it cannot be started anywhere"
        if missing:
            return Row(**row, status="skipped", message=missing)
        result = measure_recovery(case, push, solver, timeout)
        if not result.heeded:
            message = (
                f"{row['case']}: init changes not one bit of the answer, for ten different starts; "
                "expected a solve that begins there. Use it, or take it out of the signature."
            )
            row.update(recovered=0, tried=result.tried, **_named("init ignored"))
            return Row(**row, status="failed", message=message)
        row.update(recovered=result.recovered, tried=result.tried)
        if result.recovered >= RECOVERY_LIMIT * result.tried:
            return Row(**row)
        message = (
            f"{row['case']}: {result.recovered} of {result.tried} starts came back to within "
            f"{RECOVERED_PX:g} px of the solver's own optimum, expected {RECOVERY_LIMIT:.0%}; the "
            f"farthest ended {result.farthest_px:.3g} px away. Either init is not heeded, or the "
            "descent stops early, or the optimum's basin is narrower than the push."
        )
        near = result.farthest_px <= STOPPED_PX
        row.update(_named("stops early" if near else "narrow basin"))
        return Row(**row, status="failed", message=message)

    return _guarded(examine, row)


def examine_gradient(
    case: Case, solver: Solver, timeout: float | None = DEFAULT_TIMEOUT
) -> Examined:
    """Compare autograd through a solver with central differences of the solver."""
    row = _row("gradient", case.id, case.model)

    def examine() -> Row:
        missing = _lacks(solver, case)
        if missing is None and not solver.differentiable:
            missing = f"solver {solver.name!r} does not say that it is differentiable"
        if missing:
            return Row(**row, status="skipped", message=missing)
        compared = compare_gradients(case, solver, timeout)
        row["relative_error"] = max(comparison.error for comparison in compared)
        if row["relative_error"] <= GRADIENT_TOLERANCE:
            return Row(**row)
        fault, words = gradient_fault(compared)
        row.update(_named(fault))
        message = (
            f"{case.id}: autograd and central differences of the solver itself differ by "
            f"{row['relative_error']:.1e} relative, at most {GRADIENT_TOLERANCE:g} is expected: "
            f"{words}."
        )
        return Row(**row, status="failed", message=message)

    return _guarded(examine, row)


def _row(suite: str, case: str, model: str | None = None) -> dict[str, Any]:
    """Return a row's first fields, with the node id that the plugin gives the item."""
    return {"id": item_id(suite, case), "suite": suite, "case": case, "model": model}


def _lacks(solver: Solver, case: Case) -> str | None:
    """Return why a solver cannot take a case, or `None` where it can."""
    if case.model not in solver.models:
        return (
            f"solver {solver.name!r} has no {case.model} model (it declares {list(solver.models)})"
        )
    if (
        "mask" not in solver.accepts
        and case.recipe.get("perturbation", {}).get("kind") == OCCLUSION
    ):
        return f"solver {solver.name!r} takes no mask"
    return None


def _lacks_for_pair(solver: Solver, pair: OwnPair) -> str | None:
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


def _guarded(examine: Callable[[], Row], row: dict[str, Any]) -> Examined:
    """Turn whatever goes wrong into a row, with what had been measured until then.

    What the solver did is `failed`; what broke in the gate or around it is `error`.
    """
    try:
        return Examined(examine())
    except Violation as violation:
        row.update(_diagnosed(violation.reason) if violation.reason else _named(row["case"]))
        return Examined(Row(**row, status="failed", message=str(violation)))
    except GradientError as error:
        row.update(_named(error.fault) if error.fault else {})
        return Examined(Row(**row, status="failed", message=str(error)))
    except SolverFault as fault:
        if row["suite"] in ("base", "battery", PAIR):
            row["seconds"] = fault.seconds
        return Examined(Row(**row, status="failed", message=str(fault)), fault.detail)
    except (OracleUnavailable, MissingDataError, PairError) as trouble:
        return Examined(Row(**row, status="error", message=str(trouble)))
    except Exception as error:
        said = " ".join(str(error).split())
        message = f"the gate itself failed with {type(error).__name__}: {said}"
        return Examined(Row(**row, status="error", message=message), traceback.format_exc())


def _diagnosed(reason: Explanation | None) -> dict[str, Any]:
    """Return a row's fields for an explanation."""
    if reason is None:
        return {}
    return {
        "diagnosis": reason.fault,
        "explanations": SEPARATOR.join(reason.fits),
        "undone_px": reason.after_px,
    }


def _named(fault: str) -> dict[str, Any]:
    """Return a row's fields for a fault without a distance."""
    return {"diagnosis": fault, "explanations": fault}


def _off(measured: Measurement) -> str:
    if measured.tre_px is None or measured.tre_max_px is None:
        return "nothing lands inside the moving image"
    return f"{measured.tre_px:.3g} px from the truth on average, {measured.tre_max_px:.3g} at most"


def _because(reason: Explanation | None) -> str:
    if reason is None:
        return "No simple fault explains it."
    return f"{reason.sentence[0].upper()}{reason.sentence[1:]}."
