"""The bench: where a suite item examines the solver, and leaves its row for the report."""

from __future__ import annotations

import shlex
from dataclasses import replace
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

from irgate_battery import (
    CHECKS,
    Case,
    Examined,
    NotASolver,
    OracleStore,
    OwnPair,
    Row,
    Solver,
    examine_case,
    examine_check,
    examine_gradient,
    examine_pair,
    examine_recovery,
)
from pytest_irgate.resolve import RESOLVED
from pytest_irgate.settings import settings_of

if TYPE_CHECKING:
    from pytest_irgate.properties import Property

EXAMINED = pytest.StashKey[Examined]()
IDENTITY = pytest.StashKey[dict[str, str | None]]()

FROM_FIXTURE = "irgate_solver fixture"
"""The spec of a solver that a conftest's fixture handed over."""


class Bench:
    """One item's bench.

    Args:
        candidate: what the `irgate_solver` fixture gave.
        item: the item that examines it; the row is kept in its stash.

    """

    def __init__(self, candidate: object, item: pytest.Item) -> None:
        self._item = item
        config = item.config
        self._settings = settings_of(config)
        try:
            self._solver = Solver.of(candidate)
        except NotASolver as error:
            pytest.fail(f"the irgate_solver fixture: {error}", pytrace=False)
        ours = config.stash.get(RESOLVED, None) is candidate
        hidden = _other_definitions(config) if ours else []
        if hidden:
            pytest.fail(
                f"irgate_solver is also defined in {', '.join(hidden)}, where the gate's items do "
                "not see it, and the bundled solver must not be judged in its place; define it in "
                "the conftest.py of the root folder",
                pytrace=False,
            )
        item.stash[IDENTITY] = {
            "spec": self._settings.solver if ours else FROM_FIXTURE,
            "name": self._solver.name,
            "version": self._solver.version,
        }

    def check(self, name: str) -> None:
        """Run the contract check of this name: pass, or fail the item with its message."""
        check = next(check for check in CHECKS if check.name == name)
        self._conclude(examine_check(check, self._solver, self._settings.timeout))

    def case(self, case: Case) -> None:
        """Register a case and judge the answer: pass, skip, or fail the item."""
        self._conclude(examine_case(case, self._solver, self._store(), self._settings.timeout))

    def pair(self, pair: OwnPair) -> None:
        """Register a user's own pair and judge the answer: pass, skip, or fail the item."""
        self._conclude(examine_pair(pair, self._solver, self._store(), self._settings.timeout))

    def recovery(self, case: Case, push: str) -> None:
        """Push the solver's optimum away: pass, skip, or fail the item."""
        self._conclude(examine_recovery(case, push, self._solver, self._settings.timeout))

    def gradient(self, case: Case) -> None:
        """Compare autograd with differences: pass, skip, or fail the item."""
        self._conclude(examine_gradient(case, self._solver, self._settings.timeout))

    def fuzz(self, asked: Property) -> None:
        """Look for a problem that breaks a property: pass, skip, or fail with the smallest."""
        from pytest_irgate.properties import examine_property

        settings = self._settings
        spec = self._item.stash[IDENTITY]["spec"]
        named = "" if spec == FROM_FIXTURE else f"--irgate-solver {shlex.quote(settings.solver)} "
        replay = (
            f"pytest --irgate {named}--irgate-fuzz {settings.fuzz} "
            f'--irgate-seed {settings.plan.seed} "{self._item.nodeid}"'
        )
        self._conclude(
            examine_property(
                asked, self._solver, settings.fuzz, settings.plan.seed, settings.timeout, replay
            )
        )

    def _store(self) -> OracleStore:
        return OracleStore(self._settings.oracle, getattr(self._item.config, "cache", None))

    def _conclude(self, examined: Examined) -> None:
        row = replace(examined.row, id=self._item.nodeid)
        self._item.stash[EXAMINED] = replace(examined, row=row)
        if row.status == "skipped":
            pytest.skip(row.message)
        if row.status != "passed":
            pytest.fail(row.message, pytrace=False)


def _other_definitions(config: pytest.Config) -> list[str]:
    """Return the conftests and plugins, besides ours, that define a fixture irgate_solver."""
    modules = [
        plugin for plugin in config.pluginmanager.get_plugins() if isinstance(plugin, ModuleType)
    ]
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


def row_of(item: pytest.Item, report: pytest.TestReport) -> Row | None:
    """Return the row that a phase's report stands for, or `None` where it adds nothing.

    The phases of one item come one after the other, and a later one may overrule an earlier: an
    item that passed and then broke in its teardown is an error.
    """
    examined = item.stash.get(EXAMINED, None)
    row = examined.row if examined else _blank(item)
    if report.when == "call":
        if hasattr(report, "wasxfail"):
            reason = f"expected to fail: {report.wasxfail}; {row.message}".rstrip("; ")
            status: Any = "xfailed" if report.skipped else "passed"
            return replace(row, status=status, message=reason)
        if report.failed and (row.status == "passed" or examined is None):
            return replace(
                row, status="error" if examined is None else "failed", message=_said(report)
            )
        if report.skipped and examined is None:
            return replace(row, status="skipped", message=_said(report))
        return row
    if report.skipped:
        return replace(row, status="skipped", message=_said(report))
    if report.failed:
        return replace(row, status="error", message=f"{report.when}: {_said(report)}")
    return None


def _blank(item: pytest.Item) -> Row:
    return blank_row(item.nodeid)


def blank_row(nodeid: str, **values: Any) -> Row:
    """Return a row without figures for an item that is known by its node id only."""
    module, _, name = nodeid.partition("::")
    suite = module.rpartition("/")[2].removesuffix(".py")
    function, _, parameters = name.partition("[")
    case = parameters.removesuffix("]") or function.removeprefix("test_")
    return Row(id=nodeid, suite=suite, case=case, **values)


def _said(report: pytest.TestReport) -> str:
    """Return a failure's or a skip's own words, in one line."""
    if isinstance(report.longrepr, tuple):
        return " ".join(str(report.longrepr[2]).split())
    crash = getattr(report.longrepr, "reprcrash", None)
    return " ".join(str(getattr(crash, "message", report.longrepr)).split())
