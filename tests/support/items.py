"""One item of a suite, evaluated as a front end does it."""

from irgate_battery.cases.run_spec import RunSpec
from irgate_battery.interface.protocol import DEFAULT_TIMEOUT, Solver
from irgate_battery.oracle.store import OracleStore
from irgate_battery.suites.registry import default_names, entry_of, expected_items
from irgate_battery.suites.suite import EvaluationSetup

SUITES = default_names()


def node_id(suite, case):
    return entry_of(suite).suite.node_id(case)


def cases_of(run_spec, suite):
    """The names of a suite's items in a complete run."""
    return tuple(item.case for item in expected_items(run_spec, [suite]))


def evaluate(suite, case, solver, *, store=None, timeout=DEFAULT_TIMEOUT, run_spec=None):
    """Evaluate the item of this name."""
    run_spec = run_spec or RunSpec()
    setup = EvaluationSetup(store or OracleStore("stored"), timeout, run_spec)
    (item,) = [item for item in expected_items(run_spec, [suite]) if item.case == case]
    return entry_of(suite).suite.evaluate(item, Solver.of(solver), setup)


def evaluate_case(case, solver, store=None, timeout=DEFAULT_TIMEOUT):
    """Evaluate a case of the catalogue, by its suite's rule; it need not be in the battery."""
    suite = entry_of("base" if case.perturbation is None else "battery").suite
    item = suite._item(case.id, case, model=case.model)
    setup = EvaluationSetup(store or OracleStore("stored"), timeout)
    return suite.evaluate(item, Solver.of(solver), setup)


def evaluate_recovery(case, push, solver, timeout=DEFAULT_TIMEOUT):
    return evaluate("recovery", f"{case.id}-{push}", solver, timeout=timeout)


def evaluate_gradient(case, solver, timeout=DEFAULT_TIMEOUT):
    return evaluate("gradient", case.id, solver, timeout=timeout)
