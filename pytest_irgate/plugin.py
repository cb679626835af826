"""The pytest entry point: options, markers and fixtures.

Every pytest run of everybody who has this installed loads this file, so it imports pytest and the
standard library only; the rest comes when `--irgate` is asked for or a fixture is used. (Plugins
that did not keep to this have cost each run of their users half a second.)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pytest_irgate.bench import Bench

OPTIONS = {
    "solver": (
        "SPEC",
        (
            "the solver to judge: bundled, an entry point of group irgate.solvers, "
            "module:attribute or path/to/file.py:attribute (default: bundled)"
        ),
    ),
    "suite": (
        "LIST",
        (
            "suites to run, comma-separated: contract, base, battery, recovery, gradient, pair, "
            "fuzz (default: all but fuzz; pair where one is named)"
        ),
    ),
    "seed": ("N", "what the battery is drawn with (default: 0)"),
    "cases": ("N", "how many battery cases; over 50 more are drawn (default: 50)"),
    "oracle": (
        "MODE",
        (
            "auto: stored SimpleITK results, else computed and cached; stored: never compute; "
            "live: compute all anew (default: auto)"
        ),
    ),
    "timeout": ("SECONDS", "limit for each call of the solver, 0 for none (default: 300)"),
    "fuzz": ("N", "turn the fuzz suite on, with this many examples for each property"),
    "xfail": ("FILE", "items that are expected to fail: lines of `id  # reason`, strict"),
    "json": ("FILE", "write the report as JSON, schema 1"),
}
"""Each is `--irgate-NAME` on the command line and `irgate_NAME` in ini; the command line wins."""

MARKERS = (
    "irgate: every item of the registration gate",
    "irgate_contract: the gate's contract suite",
    "irgate_base: the gate's five base fixtures",
    "irgate_battery: the gate's 50 perturbed fixtures",
    "irgate_recovery: the gate's convergence-recovery suite",
    "irgate_gradient: the gate's gradient suite",
    "irgate_pair: the gate's suite of your own pairs",
    "irgate_fuzz: the gate's fuzz suite",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--irgate`, `--irgate-*`, and the same in ini."""
    group = parser.getgroup("irgate", "image registration gate")
    group.addoption(
        "--irgate",
        action="store_true",
        default=None,
        help="judge an image registration solver against SimpleITK; runs the gate's own items and, "
        "if no path is given, nothing else (name `irgate` beside your paths to run both)",
    )
    parser.addini("irgate", "run the registration gate, as --irgate does", "bool", default=False)
    group.addoption(
        "--irgate-strict",
        action="store_true",
        default=None,
        help="let the mean ratio fail the run too",
    )
    parser.addini("irgate_strict", "as --irgate-strict", "bool", default=False)
    about = (
        "your own images, judged beside SimpleITK: fixed.png,moving.png[,mask.png][,model]"
        "[,same|varying]; may be given several times"
    )
    group.addoption("--irgate-pair", metavar="FILES", action="append", default=None, help=about)
    parser.addini("irgate_pair", about, "linelist", default=[])
    for name, (metavar, about) in OPTIONS.items():
        group.addoption(f"--irgate-{name}", metavar=metavar, default=None, help=about)
        parser.addini(f"irgate_{name}", about, default="")


def pytest_configure(config: pytest.Config) -> None:
    """Declare the markers; where the gate is asked for, hang its session plugin in."""
    for marker in MARKERS:
        config.addinivalue_line("markers", marker)
    if is_active(config):
        from pytest_irgate.run import GateRun

        config.pluginmanager.register(GateRun(config), "irgate-run")
        return
    given = [str(arg) for arg in config.invocation_params.args]
    stray = [arg for arg in given if arg.startswith("--irgate-")]
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
def irgate_bench(irgate_solver: Any, request: pytest.FixtureRequest) -> Bench:
    """The place where a suite item examines the solver and leaves its row."""
    from pytest_irgate.bench import Bench

    return Bench(irgate_solver, request.node)
