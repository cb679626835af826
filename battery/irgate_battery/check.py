"""The gate without pytest: a solver in, a report out."""

from collections.abc import Callable, Iterator, Sequence

from irgate_battery.catalogue import base_cases
from irgate_battery.contract import CHECKS
from irgate_battery.examine import (
    DEFAULT_TIMEOUT,
    Examined,
    examine_case,
    examine_check,
    examine_gradient,
    examine_recovery,
)
from irgate_battery.gate import evaluate, has_failed
from irgate_battery.plan import SUITES, Plan
from irgate_battery.protocol import Solver
from irgate_battery.report import Report, SolverIdentity
from irgate_battery.store import Mode, OracleStore


def check_solver(
    solver: object,
    *,
    suites: Sequence[str] = SUITES,
    oracle: Mode = "auto",
    timeout: float | None = DEFAULT_TIMEOUT,
    plan: Plan | None = None,
    strict: bool = False,
) -> Report:
    """Examine a solver on every item of these suites, without pytest.

    Args:
        solver: a callable that fits the protocol; `def register(fixed, moving): return matrix`.
        suites: some of `SUITES`.
        oracle: `"auto"`, `"stored"` or `"live"`.
        timeout: seconds for one call of the solver; `None` for no limit.
        plan: seed and number of the battery's cases; the default ones if not given.
        strict: whether the mean ratio decides the exit status too.
    Returns: the report; `print` shows it, `.passed` says it, `.to_json()` keeps it.
    Raises: NotASolver, ValueError for an unknown suite or oracle mode.
    """
    unknown = [suite for suite in suites if suite not in SUITES]
    if unknown or not suites:
        raise ValueError(f"check_solver: suites {list(suites)}; expected some of {list(SUITES)}")
    known = Solver.of(solver)
    store = OracleStore(oracle)
    plan = Plan() if plan is None else plan
    examine: dict[str, Callable[[], Iterator[Examined]]] = {
        "contract": lambda: (examine_check(check, known, timeout) for check in CHECKS),
        "base": lambda: (examine_case(case, known, store, timeout) for case in base_cases()),
        "battery": lambda: (examine_case(case, known, store, timeout) for case in plan.battery()),
        "recovery": lambda: (
            examine_recovery(case, push, known, timeout) for case, push in plan.recovery()
        ),
        "gradient": lambda: (examine_gradient(case, known, timeout) for case in base_cases()),
    }
    rows = tuple(done.row for suite in SUITES if suite in suites for done in examine[suite]())
    verdicts = evaluate(rows, plan.expected())
    return Report(
        rows=rows,
        verdicts=verdicts,
        solver=SolverIdentity(spec=None, name=known.name, version=known.version),
        exit_status=int(has_failed(rows, verdicts, strict=strict)),
        seed=plan.seed,
        strict=strict,
    )
