"""The gate without pytest: a solver in, a report out."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

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
from irgate_battery.own.examination import examine_pair
from irgate_battery.own.named import own_pairs
from irgate_battery.plan import PAIR, SUITES, Plan, item_id
from irgate_battery.protocol import Solver
from irgate_battery.report import Report, SolverIdentity
from irgate_battery.row import Row
from irgate_battery.store import Mode, OracleStore


def check_solver(
    solver: object,
    *,
    suites: Sequence[str] = SUITES,
    oracle: Mode = "auto",
    timeout: float | None = DEFAULT_TIMEOUT,
    plan: Plan | None = None,
    strict: bool = False,
    pairs: Sequence[str] = (),
    on_row: Callable[[Examined], None] | None = None,
) -> Report:
    """Examine a solver on every item of these suites, without pytest.

    Args:
        solver: a callable that fits the protocol; `def register(fixed, moving): return matrix`.
        suites: some of `SUITES`; `"pair"` for the own pairs alone.
        oracle: `"auto"`, `"stored"` or `"live"`.
        timeout: seconds for one call of the solver; `None` for no limit.
        plan: seed and number of the battery's cases; the default ones if not given.
        strict: whether the mean ratio decides the exit status too.
        pairs: your own images, each `"fixed.png,moving.png[,mask.png][,model][,same|varying]"`
            (see `irgate_battery.own.named`); they are judged after the suites.
        on_row: called with each item's result as soon as it is there.
    Returns: the report; `print` shows it, `.passed` says it, `.to_json()` keeps it.
    Raises: NotASolver; ValueError for an unknown suite or oracle mode; PairError, a ValueError, for
        a pair that cannot be read.
    """
    plan = Plan() if plan is None else plan
    if pairs:
        plan = replace(plan, pairs=own_pairs(pairs, Path.cwd()))
    known_suites = (*SUITES, PAIR) if plan.pairs else SUITES
    unknown = [suite for suite in suites if suite not in known_suites]
    if unknown or not suites:
        raise ValueError(
            f"check_solver: suites {list(suites)}; expected some of {list(known_suites)}"
            + (" (pair needs pairs=[...])" if PAIR in unknown else "")
        )
    if plan.pairs and oracle == "stored":
        raise ValueError("check_solver: oracle 'stored', but no result is stored for own pairs")
    for pair in plan.pairs:
        # A file that cannot be read is told now rather than after minutes.
        pair.images()
    known = Solver.of(solver)
    store = OracleStore(oracle)
    examine: dict[str, Callable[[], Iterator[Examined]]] = {
        "contract": lambda: (examine_check(check, known, timeout) for check in CHECKS),
        "base": lambda: (examine_case(case, known, store, timeout) for case in base_cases()),
        "battery": lambda: (examine_case(case, known, store, timeout) for case in plan.battery()),
        "recovery": lambda: (
            examine_recovery(case, push, known, timeout) for case, push in plan.recovery()
        ),
        "gradient": lambda: (examine_gradient(case, known, timeout) for case in base_cases()),
        PAIR: lambda: (examine_pair(pair, known, store, timeout) for pair in plan.pairs),
    }
    rows = []
    for suite in (*SUITES, PAIR):
        # To name a pair is to ask for it; without one there is nothing to run.
        if suite in suites or suite == PAIR:
            for done in examine[suite]():
                rows.append(done.row)
                if on_row is not None:
                    on_row(done)
    return conclude(rows, known, plan, strict=strict)


def conclude(rows: Sequence[Row], solver: Solver, plan: Plan, *, strict: bool = False) -> Report:
    """Return what rows say together.

    Args:
        rows: of the whole run, `missing` ones included.
        solver: who was examined.
        plan: what a complete run has.
        strict: whether the mean ratio decides the exit status too.
    """
    verdicts = evaluate(rows, plan.expected())
    return Report(
        rows=tuple(rows),
        verdicts=verdicts,
        solver=SolverIdentity(spec=None, name=solver.name, version=solver.version),
        exit_status=int(has_failed(rows, verdicts, strict=strict)),
        seed=plan.seed,
        strict=strict,
    )


def completed(rows: Sequence[Row], plan: Plan, suites: Sequence[str] = SUITES) -> tuple[Row, ...]:
    """Return the rows of a run that ended early, with a `missing` one for each item it lacks."""
    there = {row.id: row for row in rows}
    whole = []
    for suite in (*SUITES, PAIR):
        for case in plan.expected()[suite] if suite in suites or suite == PAIR else ():
            name = item_id(suite, case)
            whole.append(there.get(name) or Row(name, suite, case, None, "missing", ENDED_EARLY))
    return tuple(whole)


ENDED_EARLY = "did not report: the session ended before it ran"
"""The message of a row that is missing because its run was interrupted."""
