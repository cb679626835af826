"""The gate works under whatever else a project has set or switched off: one test each."""

import os
import textwrap

import pytest

ONE = "irgate/base.py::test_case[synth_translate_2d]"


def test_without_the_cache(gate):
    gate(ONE, "-p", "no:cacheprovider").assert_outcomes(passed=1)


def test_without_the_terminal_the_report_is_written_all_the_same(gate, report_of):
    result = gate(ONE, "-p", "no:terminal", "--irgate-json", "r.json")
    assert result.ret == 0
    assert report_of("r.json")["cases"][0]["status"] == "passed"


def test_without_xdist_loaded(gate):
    gate(ONE, "-p", "no:xdist").assert_outcomes(passed=1)


def test_without_xdist_installed(pytester, solvers, monkeypatch):
    """A module that cannot be imported stands in for a package that is not there."""
    pytester.makepyfile(xdist="raise ModuleNotFoundError('No module named xdist')")
    monkeypatch.setenv("PYTHONPATH", str(pytester.path), prepend=os.pathsep)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    solver = f"--irgate-solver={solvers}/knowing.py:register"
    result = pytester.runpytest_subprocess("-p", "pytest_irgate.plugin", "--irgate", solver, ONE)
    result.assert_outcomes(passed=1)


def test_with_autoloaded_plugins(gate):
    gate(ONE, autoload=True).assert_outcomes(passed=1)


def test_named_by_hand_and_autoloaded(gate):
    gate(ONE, "-p", "irgate", autoload=True).assert_outcomes(passed=1)


def test_import_mode_importlib(gate):
    gate(ONE, "--import-mode=importlib").assert_outcomes(passed=1)


def test_strict_markers(gate):
    gate(ONE, "--strict-markers").assert_outcomes(passed=1)


def test_warnings_as_errors(gate):
    gate("-W", "error").assert_outcomes(passed=16)


def test_a_users_names_for_tests_do_not_empty_the_suite(gate, pytester):
    pytester.makeini(
        "[pytest]\npython_functions = check_*\npython_classes = Check*\npython_files = check_*.py"
    )
    gate("irgate/base.py").assert_outcomes(passed=5)


def test_a_stopped_run_reports_what_ran_and_names_what_did_not(gate, report_of):
    result = gate("irgate/base.py", "-x", "--irgate-json", "r.json", solver="identity")
    assert result.ret == 1
    statuses = [row["status"] for row in report_of("r.json")["cases"]]
    assert statuses == ["failed", "missing", "missing", "missing", "missing"]


def test_junit_is_strict(gate, pytester):
    gate(ONE, "--junit-xml=j.xml", "-o", "junit_family=xunit2").assert_outcomes(passed=1)
    assert 'name="test_case[synth_translate_2d]"' in (pytester.path / "j.xml").read_text()


@pytest.mark.parametrize("option", ["--irgate-solver=x:y", "--irgate-json=r.json"])
def test_an_option_without_the_gate_is_not_silently_nothing(gate, option):
    result = gate(option, irgate=False, solver=None)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*does nothing without --irgate*"])


HOOKS = """
    from pathlib import Path

    def note(hook, item):
        with Path("seen.txt").open("a") as seen:
            print(hook, item.nodeid, file=seen)

    def pytest_itemcollected(item):
        note("collected", item)

    def pytest_runtest_setup(item):
        note("setup", item)

    def pytest_runtest_call(item):
        note("call", item)

    def pytest_runtest_teardown(item):
        note("teardown", item)

    def pytest_runtest_makereport(item, call):
        note(call.when, item)
"""


@pytest.mark.parametrize("workers", ["0", "2"])
@pytest.mark.parametrize("where", [".", "sub"])
def test_a_root_conftest_s_hooks_see_the_items(gate, pytester, monkeypatch, workers, where):
    pytester.makeconftest(HOOKS)
    pytester.makeini("[pytest]")
    pytester.mkdir("sub")
    monkeypatch.chdir(pytester.path / where)
    gate(ONE, "-n", workers).assert_outcomes(passed=1)
    lines = (pytester.path / where / "seen.txt").read_text().splitlines()
    seen = {line.split(" ", 1)[0] for line in lines if line.endswith(ONE)}
    assert seen == {"collected", "setup", "call", "teardown"}
    assert sum(line == f"call {ONE}" for line in lines) == 2


def test_other_conftests_do_not(gate, pytester):
    pytester.makeini("[pytest]")
    folder = pytester.mkdir("tests")
    (folder / "conftest.py").write_text(textwrap.dedent(HOOKS))
    (folder / "test_own.py").write_text("def test_own(): pass")
    gate("tests", ONE).assert_outcomes(passed=2)
    assert "irgate" not in (pytester.path / "seen.txt").read_text()
