"""Running pytest with the gate inside an empty project."""

import json

import pytest

from pytest_irgate.github_summary import SUMMARY


@pytest.fixture
def gate(pytester, solvers):
    """Run `pytest --irgate` in a process of its own, as a user does; the solver by its file name.

    Plugins that only happen to be installed here are kept out, xdist apart. Unless a test asks for
    others, the two fast suites run.
    """

    def run(*args, solver="knowing", irgate=True, autoload=False, suites="contract,base"):
        first = []
        if not autoload:
            first = ["-p", "pytest_irgate.plugin", "-p", "xdist"]
        if irgate:
            first.append("--irgate")
            if suites:
                first += ["--irgate-suite", suites]
        if solver:
            first += ["--irgate-solver", f"{solvers / solver}.py:register"]
        return pytester.runpytest_subprocess(*first, *args)

    def isolated(*args, in_workflow=False, **more):
        with pytest.MonkeyPatch.context() as patch:
            if not in_workflow:
                # The tests may stand in one themselves.
                patch.delenv(SUMMARY, raising=False)
            if not more.get("autoload"):
                patch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
            return run(*args, **more)

    return isolated


@pytest.fixture
def report_of(pytester):
    """Read a JSON report, its times left out."""

    def read(name):
        report = json.loads((pytester.path / name).read_text(encoding="utf-8"))
        report["started"] = None
        for row in report["cases"]:
            row["seconds"] = row["oracle_seconds"] = None
        return report

    return read
