"""The item runner: what lets a suite's item judge the solver, and keeps its row for the report."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest

from irgate_battery.diagnosis.meanings import UNEXPECTED_PASS
from irgate_battery.interface.declaration import NotASolver
from irgate_battery.interface.outside_text import without_numbers
from irgate_battery.interface.protocol import Solver
from irgate_battery.oracle.store import OracleStore
from irgate_battery.results.result_row import ResultRow
from irgate_battery.results.solver_identity import SolverIdentity
from irgate_battery.suites.evaluation import ItemResult
from irgate_battery.suites.registry import entry_of
from irgate_battery.suites.suite import EvaluationSetup, Item
from pytest_irgate.options import option
from pytest_irgate.resolve import RESOLVED
from pytest_irgate.run_options import run_options_of

ITEM_RESULT = pytest.StashKey[ItemResult]()
IDENTITY = pytest.StashKey[SolverIdentity]()

SOLVER = pytest.StashKey[tuple[object, Solver]]()
"""What the fixture gave, and the solver as the session knows it: how its calls have ended stays."""

DEFINITIONS = pytest.StashKey[tuple[set[object], list[str]]]()
"""pytest's plugins, and which of them define a fixture irgate_solver."""

FROM_FIXTURE = "irgate_solver fixture"
"""The spec of a solver that a conftest's fixture handed over."""


class ItemRunner:
    """What one item runs with.

    Args:
        candidate: what the `irgate_solver` fixture gave.
        node: pytest's item; the row is kept in its stash.

    """

    def __init__(self, candidate: object, node: pytest.Item) -> None:
        self._node = node
        config = node.config
        self._options = run_options_of(config)
        try:
            self._solver = _known(candidate, config)
        except NotASolver as error:
            pytest.fail(f"the irgate_solver fixture: {error}", pytrace=False)
        ours = config.stash.get(RESOLVED, None) is candidate
        hidden = other_definitions(config) if ours else []
        if hidden:
            pytest.fail(
                f"irgate_solver is also defined in {', '.join(hidden)}, where the gate's items do "
                "not see it, and the bundled solver must not be judged in its place; define it in "
                "the conftest.py of the root folder",
                pytrace=False,
            )
        node.stash[IDENTITY] = SolverIdentity(
            spec=self._options.solver if ours else FROM_FIXTURE,
            name=self._solver.name,
            version=self._solver.version,
            isolation=self._solver.caller.isolation,
        )

    def run(self, item: Item[Any]) -> None:
        """Let the suite evaluate its item: pass, skip, or fail with its message."""
        options = self._options
        entry = entry_of(item.suite)
        assert entry is not None, item.suite
        store = OracleStore(options.oracle, getattr(self._node.config, "cache", None))
        setup = EvaluationSetup(store, options.timeout, options.run_spec, self._replay)
        result = entry.suite.evaluate(item, self._solver, setup)
        row = replace(result.row, id=self._node.nodeid)
        self._node.stash[ITEM_RESULT] = replace(result, row=row)
        if row.status == "skipped":
            pytest.skip(row.message)
        if row.status != "passed":
            pytest.fail(row.message, pytrace=False)

    def _replay(self, node_id: str) -> str:
        """Return the command that runs this item again on the same draws."""
        options = self._options
        spec = self._node.stash[IDENTITY].spec
        solver = option("solver").flag
        named = "" if spec == FROM_FIXTURE else f"{solver} {shlex.quote(options.solver)} "
        return (
            f"pytest --irgate {named}{option('fuzz').flag} {options.run_spec.examples} "
            f'{option("seed").flag} {options.run_spec.seed} "{node_id}"'
        )


def _known(candidate: object, config: pytest.Config) -> Solver:
    """Return the session's solver, made anew only where the fixture gives another one."""
    known = config.stash.get(SOLVER, None)
    if known is None or known[0] is not candidate:
        known = config.stash[SOLVER] = candidate, Solver.of(candidate)
    return known[1]


def other_definitions(config: pytest.Config) -> list[str]:
    """Return the conftests and plugins, besides ours, that define a fixture irgate_solver.

    Each item asks, and they are looked through again only where one came since.
    """
    plugins = config.pluginmanager.get_plugins()
    known = config.stash.get(DEFINITIONS, None)
    if known is None or known[0] != plugins:
        known = config.stash[DEFINITIONS] = plugins, _defined_in(plugins)
    return known[1]


def _defined_in(plugins: Iterable[object]) -> list[str]:
    modules = [plugin for plugin in plugins if isinstance(plugin, ModuleType)]
    return sorted(
        str(getattr(module, "__file__", module.__name__))
        for module in modules
        if module.__name__ != "pytest_irgate.plugin"
        and any(
            _fixture_name(name, value) == "irgate_solver" for name, value in vars(module).items()
        )
    )


def _fixture_name(attribute: str, value: object) -> str | None:
    """Return the name of a fixture, or `None` for anything else.

    pytest keeps `name=` in a marker, on the object from 8.4 on and on the function before.
    """
    for place in ("_fixture_function_marker", "_pytestfixturefunction"):
        marker = getattr(value, place, None)
        if marker is not None and hasattr(marker, "scope"):
            return getattr(marker, "name", None) or attribute
    return None


_EXPECTED = "expected to fail: "
"""Begins the message of a row that failed as expected."""

_PASSED_AFTER_ALL = "[XPASS(strict)]"
"""Begins what pytest says of an item that passes although a strict mark expects it to fail."""


def row_of(item: pytest.Item, report: pytest.TestReport) -> ResultRow | None:
    """Return the row that a phase's report stands for, or `None` where it adds nothing.

    The phases of one item come one after the other, and a later one may overrule an earlier: an
    item that passed and then broke in its teardown is an error.
    """
    result = item.stash.get(ITEM_RESULT, None)
    row = result.row if result else _blank(item)
    if report.when == "call":
        if hasattr(report, "wasxfail"):
            status: Any = "xfailed" if report.skipped else "passed"
            return replace(row, status=status, message=_as_expected(report.wasxfail, row.message))
        said = _said(report)
        if report.failed and row.status == "passed" and said.startswith(_PASSED_AFTER_ALL):
            reason = said.removeprefix(_PASSED_AFTER_ALL).strip()
            return replace(
                row,
                status="failed",
                message=f"passes, and was expected to fail ({reason}): take its line or mark out",
                diagnosis=UNEXPECTED_PASS,
                explanations=UNEXPECTED_PASS,
            )
        if report.failed and (row.status == "passed" or result is None):
            return replace(row, status="error" if result is None else "failed", message=said)
        if report.skipped and result is None:
            return replace(row, status="skipped", message=said)
        return row
    if report.skipped:
        return replace(row, status="skipped", message=_said(report))
    if report.failed:
        return replace(row, status="error", message=f"{report.when}: {_said(report)}")
    return None


def _as_expected(reason: str, message: str) -> str:
    """Return what the row of an expected failure says: why it was expected, and what came.

    A file of expected failures that a run wrote holds both already.
    """
    reason = reason.removeprefix(_EXPECTED)
    if without_numbers(reason).endswith(without_numbers(message)):
        return f"{_EXPECTED}{reason}"
    return f"{_EXPECTED}{reason}; {message}"


JUNIT_FIGURES = ("rmse", "oracle_rmse", "ratio", "tre_px", "rmse_vs_oracle", "seconds")
"""Figures of a row that are properties of its test case in a JUnit file."""


def figures_of(row: ResultRow) -> list[tuple[str, object]]:
    """Return a row's figures as pytest's `user_properties`, `irgate_tre_px` and so on."""
    found = ((name, getattr(row, name)) for name in JUNIT_FIGURES)
    return [(f"irgate_{name}", value) for name, value in found if value is not None]


def _blank(item: pytest.Item) -> ResultRow:
    return blank_row(item.nodeid)


def blank_row(nodeid: str, **values: Any) -> ResultRow:
    """Return a row without figures for an item that is known by its node id only."""
    module, _, name = nodeid.partition("::")
    suite = module.rpartition("/")[2].removesuffix(".py")
    function, _, parameters = name.partition("[")
    case = parameters.removesuffix("]") or function.removeprefix("test_")
    return ResultRow(id=nodeid, suite=suite, case=case, **values)


def _said(report: pytest.TestReport) -> str:
    """Return a failure's or a skip's own words, in one line."""
    if isinstance(report.longrepr, tuple):
        return " ".join(str(report.longrepr[2]).split())
    crash = getattr(report.longrepr, "reprcrash", None)
    return " ".join(str(getattr(crash, "message", report.longrepr)).split())
