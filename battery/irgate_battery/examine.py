"""Examine a solver on one item: call it, judge what it returns, make the row.

The plugin and `check_solver` run the same functions, `examine_check`, `examine_case`,
`examine_recovery` and `examine_gradient`, and so may anybody's own tests; a user's own pair is
examined in `own.examination`.
"""

import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from irgate_battery.catalogue import Case
from irgate_battery.contract import Check, NotAsked, Violation
from irgate_battery.diagnosis import Explanation, explain
from irgate_battery.diagnosis.pattern import SEPARATOR
from irgate_battery.diagnosis.probes import probe
from irgate_battery.diagnostics import RECOVERY_LIMIT
from irgate_battery.gradient import TOLERANCE as GRADIENT_TOLERANCE
from irgate_battery.gradient import GradientError, compare_gradients, gradient_fault
from irgate_battery.judge import Measurement, measure
from irgate_battery.own.named import PairError
from irgate_battery.plan import PAIR, item_id, recovery_name
from irgate_battery.protocol import Solver, SolverFault
from irgate_battery.recovery import RECOVERED_PX, STOPPED_PX, measure_recovery
from irgate_battery.row import Row
from irgate_battery.rules import battery_fault, fixture_fault
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
    row = first_fields("contract", check.name)

    def examine() -> Row:
        try:
            check.run(solver, timeout)
        except NotAsked as reason:
            return Row(**row, status="skipped", message=str(reason))
        return Row(**row)

    return guarded(examine, row)


def examine_case(
    case: Case, solver: Solver, store: OracleStore, timeout: float | None = DEFAULT_TIMEOUT
) -> Examined:
    """Let a solver register a base fixture or a battery case, and judge what it returns."""
    row = first_fields(case.suite, case.id, case.model)

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
        row.update(diagnosed(reason))
        message = f"{case.id}: {fault}; {_off(measured)}. {_because(reason)}"
        return Row(**row, status="failed", message=message)

    return guarded(examine, row)


def examine_recovery(
    case: Case, push: str, solver: Solver, timeout: float | None = DEFAULT_TIMEOUT
) -> Examined:
    """Push a solver's optimum on a base fixture away, and see whether it comes back."""
    row = first_fields("recovery", recovery_name(case, push), case.model)

    def examine() -> Row:
        missing = _lacks(solver, case)
        if missing is None and "init" not in solver.accepts:
            missing = f"solver {solver.name!r} takes no init, so it cannot be started anywhere"
        if missing:
            return Row(**row, status="skipped", message=missing)
        result = measure_recovery(case, push, solver, timeout)
        if not result.heeded:
            message = (
                f"{row['case']}: init changes not one bit of the answer, for ten starts nearby and "
                "one half an image away; expected a solve that begins there. Use it, or take it "
                "out of the signature."
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

    return guarded(examine, row)


def examine_gradient(
    case: Case, solver: Solver, timeout: float | None = DEFAULT_TIMEOUT
) -> Examined:
    """Compare autograd through a solver with central differences of the solver."""
    row = first_fields("gradient", case.id, case.model)

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

    return guarded(examine, row)


def first_fields(suite: str, case: str, model: str | None = None) -> dict[str, Any]:
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


def guarded(examine: Callable[[], Row], row: dict[str, Any]) -> Examined:
    """Turn whatever goes wrong into a row, with what had been measured until then.

    What the solver did is `failed`; what broke in the gate or around it is `error`.
    """
    try:
        return Examined(examine())
    except Violation as violation:
        row.update(diagnosed(violation.reason) if violation.reason else _named(row["case"]))
        return Examined(Row(**row, status="failed", message=str(violation)))
    except GradientError as error:
        row.update(_named(error.fault) if error.fault else {})
        return Examined(Row(**row, status="failed", message=str(error)))
    except SolverFault as fault:
        if row["suite"] in ("base", "battery", PAIR):
            row["seconds"] = fault.seconds
        row.update(_named(fault.fault) if fault.fault else {})
        return Examined(Row(**row, status="failed", message=str(fault)), fault.detail)
    except (OracleUnavailable, MissingDataError, PairError) as trouble:
        return Examined(Row(**row, status="error", message=str(trouble)))
    except Exception as error:
        said = " ".join(str(error).split())
        message = f"the gate itself failed with {type(error).__name__}: {said}"
        return Examined(Row(**row, status="error", message=message), traceback.format_exc())


def diagnosed(reason: Explanation | None) -> dict[str, Any]:
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
