"""The state of a process: what a solver changes for everybody else in it.

What can be set is set to a value that nobody would choose, before the call: a comparison with
whatever was there would miss a solver that an earlier call had already let change it. Afterwards
all is as it was before, so that one solver's changes reach nobody.
"""

import os
import pickle
import random
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np

from irgate_battery.interface.time_limit import CALLER

THREADS_END = 0.2
"""Seconds after a call in which the threads that it began must have ended."""

_UNLIKELY_SEED = 0x1A7E
_UNLIKELY_UMASK = 0o057
_UNLIKELY_THREADS = 3

PYTEST_VARIABLE = "PYTEST_CURRENT_TEST"
"""It is pytest's own, and changes from phase to phase."""

_NUMBER_OF_THREADS = "_THREADS"
"""The end of names such as OMP_NUM_THREADS, which solvers set."""

_LONGEST = 60
"""Characters of a value that a message shows."""

State = dict[str, object]


@contextmanager
def state_watched(home: str | None, seen: dict[str, Any]) -> Iterator[None]:
    """Say what a call changes of the whole process; around it all is set to unlikely values.

    Args:
        home: the working directory before the solver's first call.
        seen: gets `"changed"`, each in words, and `"torch_came"`, whether the call imported torch,
            whose settings could not be watched then.
    """
    torch_was_here = "torch" in sys.modules
    with _unlikely_process(home):
        running = set(threading.enumerate())
        # Torch's number of threads and its device belong to the thread that calls.
        with _torch_of_this_thread():
            before = _state()
            yield
            after = _state()
        left = _left_running(running)
    changed = [
        _told(name, before[name], after[name]) for name in before if before[name] != after[name]
    ]
    seen["changed"] = changed + left
    seen["torch_came"] = not torch_was_here and "torch" in sys.modules


def working_directory() -> str | None:
    """Return the working directory, or `None` where it was deleted."""
    try:
        return os.getcwd()
    except OSError:
        return None


def _state() -> State:
    """Return what is compared, by its name in the message."""
    state: State = {
        "numpy's global random generator": pickle.dumps(np.random.get_state(legacy=False)),
        "Python's global random generator": random.getstate(),
        "the working directory": working_directory(),
        "the environment": _environment(),
        "the umask": oct(_umask()),
    }
    torch = sys.modules.get("torch")
    if torch:
        state["torch's global random generator"] = torch.get_rng_state().numpy().tobytes()
        state["torch's default dtype"] = str(torch.get_default_dtype())
        state["torch's number of threads"] = torch.get_num_threads()
        state["torch's default device"] = str(torch.get_default_device())
    return state


def _told(name: str, before: object, after: object) -> str:
    """Say what changed, and from what to what where a reader can use that."""
    if isinstance(before, dict) and isinstance(after, dict):
        names = sorted(
            key for key in before.keys() | after.keys() if before.get(key) != after.get(key)
        )
        told = ", ".join(
            f"{key}={_shown(after[key])}" if key in after else f"{key} removed" for key in names
        )
        return f"{name} ({told})"
    if isinstance(before, (bytes, tuple)):
        return name
    return f"{name} (from {_shown(before)} to {_shown(after)})"


def _shown(value: object) -> str:
    text = str(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def _left_running(before: set[threading.Thread]) -> list[str]:
    """Name the threads that a call began and that do not end."""
    until = time.monotonic() + THREADS_END
    new = [
        thread for thread in threading.enumerate() if thread not in before and thread.name != CALLER
    ]
    for thread in new:
        with suppress(RuntimeError):
            thread.join(max(until - time.monotonic(), 0.0))
    names = sorted(thread.name for thread in new if thread.is_alive())
    return [f"threads that are left running ({', '.join(names)})"] if names else []


@contextmanager
def _unlikely_process(home: str | None) -> Iterator[None]:
    """Set what belongs to the whole process to values that nobody would choose, and put it back."""
    torch = sys.modules.get("torch")
    numpy_state = np.random.get_state(legacy=True)
    python_state = random.getstate()
    torch_state = torch and (torch.get_rng_state(), torch.get_default_dtype())
    environment, umask = dict(os.environ), _umask()
    folder, home = working_directory(), home or working_directory()
    try:
        np.random.seed(_UNLIKELY_SEED)
        random.seed(_UNLIKELY_SEED)
        if torch:
            torch.manual_seed(_UNLIKELY_SEED)
            torch.set_default_dtype(torch.float32)
        os.umask(_UNLIKELY_UMASK)
        for name in environment:
            if name.endswith(_NUMBER_OF_THREADS):
                # Blanks mean nothing to whoever reads the number, and show that it was set anew.
                os.environ[name] += " "
        # Where its first call began: an earlier one may have left it.
        _go_to(home)
        yield
    finally:
        np.random.set_state(numpy_state)
        random.setstate(python_state)
        if torch and torch_state:
            torch.set_rng_state(torch_state[0])
            torch.set_default_dtype(torch_state[1])
        os.umask(umask)
        _set_environment(environment)
        _go_to(folder if working_directory() == home else home)


@contextmanager
def _torch_of_this_thread() -> Iterator[None]:
    """Do the same with what torch keeps for each thread."""
    torch = sys.modules.get("torch")
    if torch is None:
        yield
        return
    if threading.current_thread().name == CALLER:
        # Nobody but the solver can have chosen a device for this thread.
        torch.set_default_device(None)
    threads, device = torch.get_num_threads(), torch.get_default_device()
    torch.set_num_threads(_UNLIKELY_THREADS)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        if torch.get_default_device() != device:
            torch.set_default_device(device)


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != PYTEST_VARIABLE}


def _set_environment(wanted: dict[str, str]) -> None:
    for name in set(os.environ) - set(wanted):
        del os.environ[name]
    for name, value in wanted.items():
        if os.environ.get(name) != value:
            os.environ[name] = value


def _umask() -> int:
    """Return the umask; it can only be read by setting it."""
    umask = os.umask(_UNLIKELY_UMASK)
    os.umask(umask)
    return umask


def _go_to(folder: str | None) -> None:
    if folder is not None and folder != working_directory():
        with suppress(OSError):
            os.chdir(folder)
