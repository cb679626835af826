"""Whatever a call changes in its process is seen and put back."""

import os
import random
import threading
import time

import knowing
import numpy as np
import pytest
import torch

from irgate_battery.interface.protocol import Solver, SolverFault
from irgate_battery.suites.contract import CHECKS
from irgate_battery.suites.contract_checks.contract_check import answer_of, shifted_pair
from irgate_battery.suites.evaluation import ItemFailed

LIMIT = 60.0
GLOBAL_STATE = next(check for check in CHECKS if check.name == "global_state_unchanged")


def left_running():
    threading.Thread(target=lambda: STOP.wait(10), name="left-behind", daemon=True).start()


STOP = threading.Event()

STATES = {
    "Python's": lambda: random.seed(0),
    "numpy's": lambda: np.random.random(),  # noqa: NPY002 - the legacy generator is the point
    "torch's global": lambda: torch.rand(1),
    r"torch's default dtype \(from torch.float32 to torch.float64\)": lambda: (
        torch.set_default_dtype(torch.float64)
    ),
    r"torch's number of threads \(from 3 to 1\)": lambda: torch.set_num_threads(1),
    r"torch's default device \(from cpu to meta\)": lambda: torch.set_default_device("meta"),
    r"the working directory \(from .* to /\)": lambda: os.chdir("/"),
    r"the environment \(IRGATE_MODE=fast\)": lambda: os.environ.update(IRGATE_MODE="fast"),
    r"the environment \(OMP_NUM_THREADS=1\)": lambda: os.environ.update(OMP_NUM_THREADS="1"),
    r"the environment \(IRGATE_HERE removed\)": lambda: os.environ.pop("IRGATE_HERE"),
    r"the umask \(from 0o57 to 0o0\)": lambda: os.umask(0),
    r"threads that are left running \(left-behind\)": left_running,
}


def state():
    umask = os.umask(0)
    os.umask(umask)
    return (
        random.getstate(), torch.get_rng_state().tolist(), torch.get_default_dtype(),
        torch.get_num_threads(), str(torch.get_default_device()), os.getcwd(),
        {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"},
        umask,
    )  # fmt: skip


@pytest.fixture(autouse=True)
def ended():
    yield
    STOP.set()
    STOP.clear()


@pytest.mark.parametrize("limit", [LIMIT, None], ids=["in a thread", "here"])
@pytest.mark.parametrize(("name", "change"), STATES.items(), ids=STATES)
def test_each_global_state_is_watched_and_put_back(name, change, limit, monkeypatch):
    monkeypatch.setenv("IRGATE_HERE", "1")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")

    def register(fixed, moving):
        change()
        return knowing.register(fixed, moving)

    solver = Solver.of(register)
    before = state()
    for _ in range(2):  # a solver that has changed it once already is seen again
        with pytest.raises(ItemFailed, match=name):
            GLOBAL_STATE.run(solver, limit)
    assert state()[1:] == before[1:]
    assert state()[0] == before[0]


@pytest.mark.parametrize("name", [name for name in STATES if "removed" not in name])
def test_what_an_earlier_call_changed_is_seen(name, monkeypatch):
    """All but new variables of the environment: what others set there cannot be told from it."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.chdir(".")

    def register(fixed, moving):
        STATES[name]()
        return knowing.register(fixed, moving)

    solver = Solver.of(register)
    before = state()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("irgate_battery.interface.process_state._set_environment", dict)
        answer_of(solver, shifted_pair(), LIMIT)
    try:
        if "IRGATE_MODE" in name:
            GLOBAL_STATE.run(solver, LIMIT)
        else:
            with pytest.raises(ItemFailed, match=name):
                GLOBAL_STATE.run(solver, LIMIT)
    finally:
        os.environ.pop("IRGATE_MODE", None)
        os.umask(before[-1])
        torch.set_default_dtype(torch.float32)
        torch.set_num_threads(before[3])


def test_a_thread_that_ends_is_none_that_is_left():
    def register(fixed, moving):
        threading.Thread(target=lambda: time.sleep(0.02)).start()
        return knowing.register(fixed, moving)

    GLOBAL_STATE.run(Solver.of(register), LIMIT)


def test_a_call_that_fails_leaves_all_as_it_was():
    def register(fixed, moving):
        os.chdir("/")
        os.environ["IRGATE_MODE"] = "fast"
        raise ValueError("no")

    before = state()
    with pytest.raises(SolverFault, match="no"):
        GLOBAL_STATE.run(Solver.of(register), LIMIT)
    assert state() == before
