"""Installed and not asked for, the plugin costs next to nothing."""

import subprocess
import sys

HEAVY = ("torch", "SimpleITK", "numpy", "scipy", "hypothesis", "nibabel", "pywt")


def test_without_the_gate_nothing_heavy_is_imported(pytester, monkeypatch):
    """At collection neither, nor when a test runs."""
    pytester.makepyfile(
        f"""
        import sys

        def test_nothing_heavy():
            assert "pytest_irgate.plugin" in sys.modules
            assert [name for name in {HEAVY} if name in sys.modules] == []
        """
    )
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.runpytest_subprocess("-p", "pytest_irgate.plugin").assert_outcomes(passed=1)


def test_the_entry_point_imports_pytest_and_the_standard_library_only():
    """And in under 10 ms: nothing is left to take longer."""
    code = """
import sys, time
import pytest
before = set(sys.modules)
start = time.perf_counter()
import pytest_irgate.plugin
seconds = time.perf_counter() - start
new = {name.partition('.')[0] for name in set(sys.modules) - before}
print(seconds, sorted(new - set(sys.stdlib_module_names)))
"""
    best = 1.0
    for _ in range(5):
        out = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        )
        seconds, _, new = out.stdout.strip().partition(" ")
        assert new == "['pytest_irgate']"
        best = min(best, float(seconds))
    assert best < 0.010


def test_a_run_begins_without_what_only_some_answers_need():
    """A controller judges nothing, and a right answer has no mistake to undo."""
    code = """
import sys
import pytest_irgate.run
late = ("scipy.optimize", "scipy.interpolate", "SimpleITK", "torch", "hypothesis")
print([name for name in late if name in sys.modules])
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
