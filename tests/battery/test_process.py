"""A solver's process: one for a whole run, ended with all that it started, begun anew when lost."""

import gc
import os
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from irgate_battery import check_solver
from irgate_battery.interface.call import Call
from irgate_battery.interface.declaration import NotASolver
from irgate_battery.interface.launch import launched, process_of
from irgate_battery.interface.protocol import HANGS_IN_A_ROW, SolverFault

FIXED = np.linspace(0, 1, 20, dtype=np.float32).reshape(4, 5)
LIMIT = 0.3

SOLVERS = """
import os, sys, time
import numpy as np

calls = 0

def counting(fixed, moving):
    global calls
    calls += 1
    return np.array([[1, 0, calls], [0, 1, os.getpid()]])

def taking(fixed, moving, model, mask, moving_mask, init, intensity):
    assert fixed.dtype == moving.dtype == np.float32
    return np.array([
        [1, 0, len(model)], [0, 1, mask.sum() + 10 * moving_mask.sum()],
    ]) if intensity == "varying" and init.matrix is None else init.displacement(fixed.shape)

def hanging_once(fixed, moving):
    if fixed.max() > 1:
        time.sleep(1000)
    return counting(fixed, moving)

def dying_once(fixed, moving):
    if fixed.max() > 1:
        os._exit(3)
    return counting(fixed, moving)

def modules(fixed, moving):
    told = [name for name in sys.modules if name.startswith(("irgate_", "torch", "SimpleITK"))]
    raise ValueError(" ".join(sorted(told)))

def printing(fixed, moving):
    print("to standard output")
    print("to standard error", file=sys.stderr)
    return np.eye(3)

def asking(fixed, moving):
    return np.array([[1, 0, len(sys.stdin.read())], [0, 1, 0]])

def halting(fixed, moving):
    breakpoint()

def threaded(fixed, moving):
    import signal
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    return np.eye(3)

printing.models = ["rigid"]
printing.reach = {"degrees": 20}
"""


@pytest.fixture
def start(tmp_path):
    (tmp_path / "mine.py").write_text(SOLVERS)
    processes = []

    def started(attribute, **given):
        processes.append(process_of(f"mine.py:{attribute}", tmp_path, **given))
        return launched(processes[-1])

    yield started
    for process in processes:
        process.close()


def solve(solver, fixed=FIXED, **given):
    return solver.solve(fixed, FIXED, **{"model": "rigid", **given})[0]


def test_one_process_serves_every_call(start):
    solver = start("counting")
    shifts = [solve(solver).matrix[:2, 2] for _ in range(3)]
    assert [shift[0] for shift in shifts] == [1, 2, 3]
    (process,) = {shift[1] for shift in shifts}
    assert process != os.getpid()


def test_what_a_solver_declares_is_known_here(start):
    solver = start("printing")
    assert (solver.name, solver.models) == ("printing", ("rigid",))
    assert solver.reach.degrees == 20
    assert solver.caller.isolation == "process"


def test_every_argument_reaches_it(start):
    solver = start("taking")
    mask = FIXED > 0.5
    given = {"mask": mask, "moving_mask": ~mask, "init": Dense(), "intensity": "varying"}
    answer = solve(solver, **given)
    assert answer.matrix[0, 2] == len("rigid")
    assert answer.matrix[1, 2] == mask.sum() + 10 * (~mask).sum()
    answer = solve(solver, **{**given, "intensity": "same"})
    np.testing.assert_array_equal(answer.displacement, Dense().displacement(FIXED.shape))


class Dense:
    matrix = None

    def displacement(self, shape):
        return np.arange(2.0 * shape[0] * shape[1]).reshape(*shape, 2) / 3


@pytest.mark.parametrize(
    ("attribute", "words"),
    [
        ("hanging_once", f"did not return within {LIMIT:g} s"),
        ("dying_once", r"ended its process \(exit status 3\) instead of answering"),
    ],
)
def test_a_lost_process_is_begun_anew(start, attribute, words):
    solver = start(attribute)
    before = solve(solver).matrix[:2, 2]
    with pytest.raises(SolverFault, match=words):
        solve(solver, fixed=FIXED + 1, timeout=LIMIT)
    after = solve(solver, timeout=60).matrix[:2, 2]
    assert after[1] != before[1]
    # What it kept is lost with it.
    assert after[0] == 1


@pytest.mark.parametrize("attribute", ["hanging_once", "dying_once"])
def test_after_a_row_of_losses_it_is_not_called_again(start, attribute):
    solver = start(attribute)
    for _ in range(HANGS_IN_A_ROW):
        with pytest.raises(SolverFault, match=r"did not return|ended its process"):
            solve(solver, fixed=FIXED + 1, timeout=LIMIT)
    with pytest.raises(SolverFault, match="was not called: its last 5 calls"):
        solve(solver, timeout=60)


def test_nothing_of_the_truth_is_there(start):
    with pytest.raises(SolverFault) as fault:
        solve(start("modules"))
    there = fault.value.raised.split()
    ours = {name for name in there if name.startswith(("irgate_battery", "irgate_fixtures"))}
    assert ours
    for name in ours:
        assert name == "irgate_battery" or name.startswith("irgate_battery.interface")
    assert not [name for name in there if name.startswith(("torch", "SimpleITK"))]


def test_what_it_prints_goes_where_the_judge_prints(start, capfd):
    solver = start("printing")
    for _ in range(2):
        # Nothing is told twice, and nothing stands where the first was taken away.
        solve(solver)
        told = capfd.readouterr()
        assert (told.out, told.err) == ("to standard output\n", "to standard error\n")
    solve(start("printing", prints_to="stderr"))
    told = capfd.readouterr()
    assert told.out == ""
    assert "to standard output" in told.err


def test_its_standard_input_is_empty(start):
    assert solve(start("asking")).matrix[0, 2] == 0


def test_a_breakpoint_says_what_to_do(start):
    with pytest.raises(SolverFault, match="run with --irgate-isolation none -s"):
        solve(start("halting"))


def test_it_runs_in_its_main_thread(start):
    """Signal handlers can be set there alone; under a time limit in this process they cannot."""
    solve(start("threaded"), timeout=60)


def test_after_a_rest_it_is_begun_anew(start):
    solver = start("counting")
    before = solve(solver).matrix[:2, 2]
    solver.caller.rest()
    after = solve(solver).matrix[:2, 2]
    assert (before[0], after[0]) == (1, 1)
    assert before[1] != after[1]


def test_nothing_is_left_when_it_is_closed(tmp_path):
    (tmp_path / "mine.py").write_text(SOLVERS)
    process = process_of("mine.py:counting", tmp_path)
    solver = launched(process)
    number = int(solve(solver).matrix[1, 2])
    folder = process._folder
    assert folder.exists()
    process.close()
    assert not folder.exists()
    assert not Path(f"/proc/{number}").exists()
    process.close()


def test_nothing_is_left_when_it_is_forgotten(tmp_path):
    (tmp_path / "mine.py").write_text(SOLVERS)
    solver = launched(process_of("mine.py:counting", tmp_path))
    number = int(solve(solver).matrix[1, 2])
    del solver
    gc.collect()
    assert not Path(f"/proc/{number}").exists()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere it ends at its input")
def test_it_ends_with_a_judge_that_is_killed(tmp_path):
    import signal
    import subprocess

    (tmp_path / "mine.py").write_text(SOLVERS)
    judge = subprocess.Popen(
        [
            sys.executable, "-c", (
                "import time\n"
                "from pathlib import Path\n"
                "import numpy as np\n"
                "from irgate_battery.interface.launch import launched, process_of\n"
                "solver = launched(process_of('mine.py:counting', Path()))\n"
                "image = np.zeros((4, 5))\n"
                "print(solver.solve(image, image, model='rigid')[0].matrix[1, 2], flush=True)\n"
                "time.sleep(1000)\n"
            ),
        ],
        cwd=tmp_path, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    number = int(float(judge.stdout.readline()))
    judge.send_signal(signal.SIGKILL)
    judge.communicate()
    until = time.monotonic() + 10
    while Path(f"/proc/{number}").exists() and time.monotonic() < until:
        time.sleep(0.01)
    assert not Path(f"/proc/{number}").exists()


LOADING = {
    "raises": ("raise ValueError('no')", "importing it raised ValueError: no"),
    "exits": ("import sys; sys.exit(0)", "importing it raised SystemExit: 0"),
    "ends": ("import os; os._exit(0)", r"it ended its process \(exit status 0\) while it was load"),
    "crashes": (
        "import ctypes; ctypes.string_at(0)", r"it ended its process \(killed by SIGSEGV\) while",
    ),
    "has none": ("x = 1", "has no 'register'"),
    "is none": ("register = 3", "a solver is a callable"),
}  # fmt: skip


@pytest.mark.parametrize("name", LOADING)
def test_a_solver_that_cannot_be_loaded_is_one_line(tmp_path, name):
    body, words = LOADING[name]
    (tmp_path / "mine.py").write_text(body)
    process = process_of("mine.py:register", tmp_path)
    with pytest.raises(NotASolver, match=words) as refused:
        process.declaration()
    process.close()
    assert str(refused.value).startswith("mine.py:register: ")
    assert "\n" not in str(refused.value)


def test_a_spec_is_judged_in_a_process_and_a_callable_is_not(tmp_path, monkeypatch):
    (tmp_path / "mine.py").write_text(SOLVERS)
    monkeypatch.chdir(tmp_path)
    report = check_solver("mine.py:counting", suites=["contract"])
    assert report.to_dict()["isolation"] == "process"
    assert report.solver.spec == "mine.py:counting"

    def register(fixed, moving):
        return np.eye(3)

    report = check_solver(register, suites=["contract"])
    assert report.to_dict()["isolation"] == "none"


def test_a_reply_after_its_time_is_not_the_next_ones(start):
    """The late answer dies with the process that would have given it."""
    solver = start("hanging_once")
    for _ in range(2):
        with pytest.raises(SolverFault, match="did not return"):
            solve(solver, fixed=FIXED + 1, timeout=LIMIT)
        assert solve(solver, timeout=60).matrix[0, 2] == 1


def test_the_judging_process_imports_no_torch():
    import subprocess

    ran = subprocess.run(
        [
            sys.executable, "-c", (
                "import sys\n"
                "from irgate_battery import check_solver\n"
                "report = check_solver('bundled', suites=['gradient'])\n"
                "assert report.verdicts.gradient.status == 'pass', report\n"
                "assert 'torch' not in sys.modules\n"
            ),
        ],
        capture_output=True, text=True,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr


def test_calls_are_data(start):
    outcome, _ = start("counting").call(Call(FIXED, FIXED, "rigid"))
    assert outcome.returned.kind == "ndarray"
    assert outcome.returned.shape == (2, 3)


def test_entries_of_the_path_that_are_no_text_are_passed_over(start, monkeypatch):
    monkeypatch.setattr(sys, "path", [Path("/nowhere"), *sys.path])
    assert solve(start("counting")).matrix[0, 2] == 1


SERVED = """
import json, sys, time
import numpy as np

calls = 0
for line in sys.stdin:
    request = json.loads(line)
    if request["ask"] == "hello":
        print(json.dumps({"irgate": 1, "name": "served"}), flush=True)
        continue
    calls += 1
    BODY
"""

STALE = """
    if calls == 1:
        shape = np.load(request["fixed"]).shape
        np.save(request["out"], np.zeros((*shape, 2)))
    print(json.dumps({"id": request["id"], "displacement": True}), flush=True)
"""

FLOODING = """
    print(json.dumps({"id": request["id"], "matrix": [[1, 0, 0], [0, 1, 0]]}), flush=True)
    while calls == 1:
        print("x" * 100_000, flush=True)
"""


@pytest.fixture
def served(tmp_path):
    processes = []

    def serve(body):
        (tmp_path / "served.py").write_text(SERVED.replace("    BODY", body.strip("\n")))
        processes.append(process_of(f"serve:{sys.executable} served.py", tmp_path))
        return launched(processes[-1])

    yield serve
    for process in processes:
        process.close()


def test_an_answer_of_the_call_before_is_none(served):
    solver = served(STALE)
    solve(solver)
    with pytest.raises(SolverFault, match=r"answered with answer\.npy, which cannot be read"):
        solve(solver)


def test_what_nobody_asked_for_fills_no_memory(served):
    solver = served(FLOODING)
    solve(solver)
    time.sleep(0.5)
    waiting = solver.caller._running[0]._lines.qsize()
    assert waiting <= 2
    with pytest.raises(SolverFault, match="which is no JSON"):
        solve(solver, timeout=60)
