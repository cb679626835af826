"""A run ends with status 0 only where it concluded, whatever a solver calls in its process."""

import json
import os
import signal
import subprocess
import sys
import threading

import pytest

from pytest_irgate.exit_guard import EXIT_UNCONCLUDED, ExitGuard
from pytest_irgate.termination import Termination

PATIENCE = 60
"""Seconds that a run is given to end."""

LEAVING = """
import ctypes, os, sys, threading
import irgate_fixtures, knowing, numpy as np

MINE = irgate_fixtures.pair("lena_affine_2d").fixed.astype(np.float32)

def leave():
    {how}

def register(fixed, moving, model=None, intensity=None):
    if np.array_equal(fixed, MINE):
        leave()
    return knowing.register(fixed, moving)
"""

AT_ONCE = {
    "os._exit": "os._exit(0)",
    "posix._exit": "sys.modules['posix']._exit(status=0)",
    "os.execv": "os.execv('/bin/true', ['true'])",
    "sys.exit": "sys.exit(0)",
}

BY_C = "ctypes.CDLL(None).exit(0)"

needs_glibc = pytest.mark.skipif(
    not (sys.platform == "darwin" or hasattr(os, "confstr")), reason="no C exit to guard"
)


@pytest.fixture
def leaving(gate, pytester, solvers, monkeypatch):
    def run(how, *arguments):
        pytester.makepyfile(leaving=LEAVING.format(how=how))
        monkeypatch.setenv("PYTHONPATH", str(solvers))
        named = (
            "--irgate-solver", "leaving.py:register", "--irgate-json", "r.json",
            "--irgate-isolation", "none",
        )  # fmt: skip
        return gate("irgate/base.py", *named, *arguments, solver=None)

    return run


@pytest.mark.parametrize("workers", ["0", "2"])
@pytest.mark.parametrize("how", AT_ONCE.values(), ids=AT_ONCE)
def test_to_end_the_process_is_one_failure(leaving, report_of, how, workers):
    result = leaving(how, "-n", workers)
    assert result.ret == 1
    report = report_of("r.json")
    statuses = [row["status"] for row in report["cases"]]
    assert statuses == ["passed", "passed", "failed", "passed", "passed"]
    assert "raised SystemExit" in report["cases"][2]["message"]
    result.stdout.fnmatch_lines(["irgate: FAIL: of 5 items 1 failed (lena_affine_2d); *"])


@needs_glibc
def test_c_s_exit_is_no_success_and_loses_no_row(leaving, report_of):
    result = leaving(BY_C, "-n", "0")
    assert result.ret == EXIT_UNCONCLUDED
    output = result.stdout.str() + result.stderr.str()
    assert "irgate: FAIL: C's exit was called before the run was concluded" in output
    assert "what was measured until then is reported, the rest as missing" in output
    assert "PASS" not in output
    report = report_of("r.json")
    assert report["exit_status"] == EXIT_UNCONCLUDED
    assert report["verdicts"]["hard_gate"]["status"] == "fail"
    statuses = [row["status"] for row in report["cases"]]
    assert statuses == ["passed", "passed", "missing", "missing", "missing"]


@needs_glibc
def test_c_s_exit_in_a_worker_loses_its_own_row_only(leaving, report_of):
    result = leaving(BY_C, "-n", "2")
    assert result.ret == 1
    statuses = [row["status"] for row in report_of("r.json")["cases"]]
    assert statuses == ["passed", "passed", "missing", "passed", "passed"]
    result.stdout.fnmatch_lines(["irgate: FAIL: of 5 items 1 missing (lena_affine_2d); *"])


@pytest.mark.parametrize("how", ["os._exit(0)", BY_C])
def test_the_command(tmp_path, solvers, how):
    (tmp_path / "leaving.py").write_text(LEAVING.format(how=how))
    arguments = [
        "check", "leaving.py:register", "--suite", "base", "--json", "r.json",
        "--isolation", "none",
    ]  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "pytest_irgate", *arguments],
        env={**os.environ, "PYTHONPATH": str(solvers)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    last = (done.stdout + done.stderr).splitlines()[-1]
    assert last.startswith("irgate: FAIL: ")
    assert done.returncode == (EXIT_UNCONCLUDED if how == BY_C else 1)
    report = json.loads((tmp_path / "r.json").read_text())
    statuses = [row["status"] for row in report["cases"]]
    rest = ["missing"] * 3 if how == BY_C else ["failed", "passed", "passed"]
    assert statuses == ["passed", "passed", *rest]
    assert report["exit_status"] == done.returncode
    assert report["solver"]["spec"] == "leaving.py:register"


ENDINGS = {
    "unconcluded": ("sys.exit(0)", EXIT_UNCONCLUDED),
    "in a thread": (f"t = threading.Thread(target=lambda: {BY_C}); t.start(); t.join()", 3),
    "failed, then _exit": ("guard.conclude(1); os._exit(0)", 1),
    "failed, then C's": (f"guard.conclude(1); {BY_C}", 1),
    "failed, then out": ("guard.conclude(1); sys.exit(1)", 1),
    "failed, atexit": ("guard.conclude(1); atexit.register(os._exit, 0); sys.exit(1)", 1),
    "passed": ("guard.conclude(0)", 0),
    "passed, then C's": (f"guard.conclude(0); {BY_C}", 0),
    "released": ("guard.release(); os._exit(7)", 7),
    "eight bits of it": ("guard.conclude(1); os._exit(512)", 1),
    "quick": ("ctypes.CDLL(None).quick_exit(0)", EXIT_UNCONCLUDED),
    "another status": ("os._exit(7)", 7),
    "a worker's end": ("guard.release(); guard = ExitGuard(insists=False); sys.exit(0)", 0),
    "children": (
        (
            "subprocess.run(['true'], check=True); child = os.fork(); child or os._exit(0); "
            "assert os.waitpid(child, 0)[1] == 0; guard.conclude(0)"
        ),
        0,
    ),
}


@needs_glibc
@pytest.mark.parametrize(("code", "status"), ENDINGS.values(), ids=ENDINGS)
def test_how_a_guarded_process_ends(code, status):
    before = (
        "import atexit, ctypes, os, subprocess, sys, threading\n"
        "from pytest_irgate.exit_guard import ExitGuard\n"
        "guard = ExitGuard()\n"
    )
    done = subprocess.run([sys.executable, "-c", before + code], check=False, timeout=PATIENCE)
    assert done.returncode == status


def test_everything_is_as_it_was_once_it_passed():
    before = os._exit, os.execv, os.execve
    guard = ExitGuard()
    assert os._exit is not before[0]
    with pytest.raises(SystemExit, match=r"os\._exit\(0\), which would have ended"):
        os._exit(0)
    guard.conclude(0)
    assert (os._exit, os.execv, os.execve) == before


class TestTermination:
    def test_the_first_signal_interrupts_and_the_next_does_not(self):
        with Termination() as termination:
            with pytest.raises(KeyboardInterrupt, match="SIGTERM"):
                signal.raise_signal(signal.SIGTERM)
            assert not termination.interrupts
            signal.raise_signal(signal.SIGTERM)
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL

    def test_a_handler_of_the_user_s_stays(self, monkeypatch):
        seen = []
        before = signal.signal(signal.SIGTERM, lambda *_: seen.append(1))
        try:
            with Termination():
                signal.raise_signal(signal.SIGTERM)
        finally:
            signal.signal(signal.SIGTERM, before)
        assert seen == [1]

    def test_a_forked_child_ends_as_it_would_have(self):
        with Termination():
            child = os.fork()
            if not child:
                signal.raise_signal(signal.SIGTERM)
                os._exit(0)
            _, status = os.waitpid(child, 0)
        assert os.WTERMSIG(status) == signal.SIGTERM

    def test_another_thread_sets_none(self):
        def enter():
            with Termination():
                handlers.append(signal.getsignal(signal.SIGTERM))

        handlers = []
        thread = threading.Thread(target=enter)
        thread.start()
        thread.join()
        assert handlers == [signal.SIG_DFL]
