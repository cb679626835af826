"""Examine a solver: one item at a time, or all of them without pytest.

The plugin and `check_solver` run the same two functions, `examine_check` and `examine_case`, and
so may anybody's own tests, parametrised over `irgate_battery.cases()`.
"""

import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from irgate_battery.cases import Case, base_cases
from irgate_battery.contract import CHECKS, Check, Violation
from irgate_battery.diagnosis import Explanation, explain
from irgate_battery.gate import evaluate, fixture_fault
from irgate_battery.judge import Measurement, measure
from irgate_battery.protocol import Solver, SolverFault
from irgate_battery.report import Report, SolverIdentity
from irgate_battery.row import Row
from irgate_battery.store import Mode, OracleStore, OracleUnavailable
from irgate_fixtures import MissingDataError

SUITES = ("contract", "base")
"""The suites of this version, in the order in which they run."""

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
    row: dict[str, Any] = {
        "id": f"irgate/contract.py::test_{check.name}",
        "suite": "contract",
        "case": check.name,
    }

    def examine() -> Row:
        check.run(solver, timeout)
        return Row(**row)

    return _guarded(examine, row)


def examine_case(
    case: Case, solver: Solver, store: OracleStore, timeout: float | None = DEFAULT_TIMEOUT
) -> Examined:
    """Let a solver register one case, and judge what it returns."""
    row: dict[str, Any] = {
        "id": f"irgate/{case.suite}.py::test_case[{case.id}]",
        "suite": case.suite,
        "case": case.id,
        "model": case.model,
    }

    def examine() -> Row:
        if case.model not in solver.models:
            reason = f"solver {solver.name!r} has no {case.model} model"
            message = f"{reason} (it declares {list(solver.models)})"
            return Row(**row, status="skipped", message=message)
        pair = case.pair()
        oracle, origin = store.get(case)
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
        fault = fixture_fault(measured)
        if fault is None:
            return Row(**row)
        reason = _because(explain(pair, answer.displacement, answer.matrix))
        return Row(
            **row, status="failed", message=f"{case.id}: {fault}; {_off(measured)}. {reason}"
        )

    return _guarded(examine, row)


def _guarded(examine: Callable[[], Row], row: dict[str, Any]) -> Examined:
    """Turn whatever goes wrong into a row, with what had been measured until then.

    What the solver did is `failed`; what broke in the gate or around it is `error`.
    """
    try:
        return Examined(examine())
    except Violation as violation:
        return Examined(Row(**row, status="failed", message=str(violation)))
    except SolverFault as fault:
        row["seconds"] = fault.seconds if row["suite"] != "contract" else None
        return Examined(Row(**row, status="failed", message=str(fault)), fault.detail)
    except (OracleUnavailable, MissingDataError) as trouble:
        return Examined(Row(**row, status="error", message=str(trouble)))
    except Exception as error:
        said = " ".join(str(error).split())
        message = f"the gate itself failed with {type(error).__name__}: {said}"
        return Examined(Row(**row, status="error", message=message), traceback.format_exc())


def check_solver(
    solver: object,
    *,
    suites: Sequence[str] = SUITES,
    oracle: Mode = "auto",
    timeout: float | None = DEFAULT_TIMEOUT,
) -> Report:
    """Examine a solver on every item of these suites, without pytest.

    Args:
        solver: a callable that fits the protocol; `def register(fixed, moving): return matrix`.
        suites: some of `SUITES`.
        oracle: `"auto"`, `"stored"` or `"live"`.
        timeout: seconds for one call of the solver; `None` for no limit.
    Returns: the report; `print` shows it, `.passed` says it, `.to_json()` keeps it.
    Raises: NotASolver, ValueError for an unknown suite or oracle mode.

    """
    unknown = [suite for suite in suites if suite not in SUITES]
    if unknown or not suites:
        raise ValueError(f"check_solver: suites {list(suites)}; expected some of {list(SUITES)}")
    known = Solver.of(solver)
    store = OracleStore(oracle)
    rows: list[Row] = []
    if "contract" in suites:
        rows += [examine_check(check, known, timeout).row for check in CHECKS]
    if "base" in suites:
        rows += [examine_case(case, known, store, timeout).row for case in base_cases()]
    verdicts = evaluate(rows, [case.id for case in base_cases()])
    failed = any(row.status in ("failed", "error", "missing") for row in rows)
    return Report(
        rows=tuple(rows),
        verdicts=verdicts,
        solver=SolverIdentity(spec=None, name=known.name, version=known.version),
        exit_status=int(failed or verdicts.hard_gate.status == "fail"),
    )


def _off(measured: Measurement) -> str:
    if measured.tre_px is None or measured.tre_max_px is None:
        return "nothing lands inside the moving image"
    return f"{measured.tre_px:.3g} px from the truth on average, {measured.tre_max_px:.3g} at most"


def _because(reason: Explanation | None) -> str:
    if reason is None:
        return "No simple fault explains it."
    return f"{reason.sentence[0].upper()}{reason.sentence[1:]}."
