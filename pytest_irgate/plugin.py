"""The pytest entry point: options, markers and fixtures.

Every pytest run of everybody who has this installed loads this file, so it imports pytest and the
standard library only; the rest comes when `--irgate` is asked for or a fixture is used. (Plugins
that did not keep to this have cost each run of their users half a second.) The tables of options
and of suites that its hooks read need the standard library only, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pytest_irgate.item_runner import ItemRunner
    from pytest_irgate.options import Option


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--irgate`, `--irgate-*`, and the same in ini."""
    from pytest_irgate.options import GATE, OPTIONS

    group = parser.getgroup("irgate", "image registration gate")
    for option in (GATE, *OPTIONS):
        _add(option, parser, group)


def _add(option: Option, parser: pytest.Parser, group: pytest.OptionGroup) -> None:
    """Add an option to the command line and to ini; the command line wins."""
    in_ini = option.help if option.in_ini is None else option.in_ini
    if option.kind == "flag":
        group.addoption(option.flag, action="store_true", default=None, help=option.help)
        parser.addini(option.ini, in_ini, "bool", default=False)
    elif option.kind == "list":
        group.addoption(
            option.flag, metavar=option.metavar, action="append", default=None, help=option.help
        )
        parser.addini(option.ini, in_ini, "linelist", default=[])
    else:
        group.addoption(option.flag, metavar=option.metavar, default=None, help=option.help)
        # No default: an empty text is not the same as none.
        parser.addini(option.ini, in_ini, default=None)


def pytest_configure(config: pytest.Config) -> None:
    """Declare the markers; where the gate is asked for, hang its session plugin in."""
    from irgate_battery.suites.registry import FOLDER, REGISTRY

    config.addinivalue_line("markers", f"{FOLDER}: every item of the registration gate")
    for entry in REGISTRY:
        config.addinivalue_line("markers", f"{entry.marker}: {entry.about}")
    given = [str(arg) for arg in config.invocation_params.args]
    stray = [arg for arg in given if arg.startswith("--irgate-")]
    if stray or is_active(config):
        from pytest_irgate.unread_ini import refuse_unread_ini

        refuse_unread_ini(config)
    if is_active(config):
        from pytest_irgate.run import GateRun

        config.pluginmanager.register(GateRun(config), "irgate-run")
        return
    if stray:
        raise pytest.UsageError(
            f"{stray[0].split('=')[0]} does nothing without --irgate; add --irgate, or set "
            "`irgate = true` in ini"
        )


def is_active(config: pytest.Config) -> bool:
    """Whether `--irgate` was given, or set in ini."""
    return bool(config.getoption("irgate") or config.getini("irgate"))


@pytest.fixture(scope="session")
def irgate_solver(pytestconfig: pytest.Config) -> Any:
    """The solver that the gate judges: a callable `(fixed, moving, ...) -> transform`.

    By default the one that `--irgate-solver` names; override this fixture in the conftest.py of
    the root folder to hand the gate any callable.
    """
    from pytest_irgate.resolve import solver_of

    return solver_of(pytestconfig)


@pytest.fixture
def irgate_item_runner(irgate_solver: Any, request: pytest.FixtureRequest) -> ItemRunner:
    """What a suite's item lets judge the solver, and leave its row."""
    from pytest_irgate.item_runner import ItemRunner

    return ItemRunner(irgate_solver, request.node)
