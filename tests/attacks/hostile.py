"""Solvers that try to get a green line over a wrong answer, or to take the judge with them.

Each returns the identity, which is wrong on every base fixture, or nothing at all. `EXPECTED` says
what the row of a case must say; `None` where the identity is simply judged.
"""

import contextlib
import ctypes
import gc
import glob
import json
import os
import resource
import signal
import subprocess
import sys
import threading
import time
import warnings

import numpy as np

EXPECTED = {}
HANGS = set()
"""What needs a time limit."""


def hostile(words=None, *, hangs=False):
    """Declare a solver, and what its row must say."""

    def declared(function):
        EXPECTED[function.__name__] = words
        if hangs:
            HANGS.add(function.__name__)
        return function

    return declared


def identity():
    return np.eye(3)


ENDED = r"ended its process \(exit status {}\)"
KILLED = r"ended its process \(killed by {}\)"
HUNG = "did not return within"


# --- leaving ------------------------------------------------------------------------------------


@hostile(ENDED.format(0))
def os_exit_0(fixed, moving):
    os._exit(0)


@hostile(ENDED.format(7))
def os_exit_7(fixed, moving):
    os._exit(7)


@hostile(ENDED.format(0))
def c_exit_0(fixed, moving):
    ctypes.CDLL(None).exit(0)


@hostile(ENDED.format(0))
def c_immediate_exit_0(fixed, moving):
    ctypes.CDLL(None)._exit(0)


@hostile(r"raised SystemExit: 0")
def sys_exit_0(fixed, moving):
    sys.exit(0)


@hostile("raised KeyboardInterrupt")
def keyboard_interrupt(fixed, moving):
    raise KeyboardInterrupt


@hostile("raised GeneratorExit")
def generator_exit(fixed, moving):
    raise GeneratorExit


@hostile(KILLED.format("SIGKILL"))
def kill_itself(fixed, moving):
    os.kill(os.getpid(), signal.SIGKILL)


@hostile(KILLED.format("SIGTERM"))
def terminate_itself(fixed, moving):
    os.kill(os.getpid(), signal.SIGTERM)


@hostile(KILLED.format("SIGABRT"))
def abort(fixed, moving):
    os.abort()


@hostile(KILLED.format("SIG(SEGV|BUS)"))
def segfault(fixed, moving):
    ctypes.string_at(0)


@hostile(KILLED.format("SIG(SEGV|BUS)"))
def stack_overflow_in_c(fixed, moving):
    sys.setrecursionlimit(10**8)
    resource.setrlimit(resource.RLIMIT_STACK, (1 << 16, 1 << 16))
    deep = []
    for _ in range(10**6):
        deep = [deep]
    return repr(deep) and ctypes.string_at(0)


@hostile("raised RecursionError")
def endless_recursion(fixed, moving):
    return endless_recursion(fixed, moving)


@hostile("raised MemoryError")
def fill_memory_under_a_limit(fixed, moving):
    limit = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (3 << 30, limit[1]))
    held = []
    try:
        while True:
            held.append(np.ones(1 << 24))
    finally:
        held.clear()
        resource.setrlimit(resource.RLIMIT_AS, limit)


# --- hanging ------------------------------------------------------------------------------------


@hostile(HUNG, hangs=True)
def sleep_holding_the_gil(fixed, moving):
    ctypes.PyDLL(None).sleep(1000)


@hostile(HUNG, hangs=True)
def endless_loop(fixed, moving):
    while True:
        pass


@hostile(HUNG, hangs=True)
def catastrophic_expression(fixed, moving):
    import re

    re.match(r"(a+)+$", "a" * 60 + "b")


@hostile(HUNG, hangs=True)
def stop_itself(fixed, moving):
    os.kill(os.getpid(), signal.SIGSTOP)


@hostile(HUNG, hangs=True)
def ignore_every_signal(fixed, moving):
    for number in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}:
        signal.signal(number, signal.SIG_IGN)
    time.sleep(1000)


@hostile(HUNG, hangs=True)
def swallow_what_is_raised(fixed, moving):
    while True:
        with contextlib.suppress(BaseException):
            time.sleep(0.01)


@hostile(HUNG, hangs=True)
def answer_that_hangs_when_read(fixed, moving):
    class Late:
        matrix = None

        def displacement(self, shape):
            time.sleep(1000)

    return Late()


# --- other processes and threads ----------------------------------------------------------------


@hostile()
def fork_and_return_twice(fixed, moving):
    os.fork()
    return identity()


@hostile()
def fork_and_stay(fixed, moving):
    if os.fork() == 0:
        time.sleep(1000)
    return identity()


@hostile()
def daemon_in_another_session(fixed, moving):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            time.sleep(1000)
        os._exit(0)
    return identity()


@hostile()
def program_left_running(fixed, moving):
    subprocess.Popen(["sleep", "1000"], start_new_session=True)
    return identity()


@hostile()
def thread_left_running(fixed, moving):
    threading.Thread(target=time.sleep, args=(1000,), daemon=False).start()
    return identity()


@hostile(ENDED.format(0))
def thread_that_exits_the_process(fixed, moving):
    threading.Thread(target=os._exit, args=(0,)).start()
    time.sleep(5)


# --- looking for the truth ----------------------------------------------------------------------


def truths():
    """Yield the transforms of pairs that are held anywhere in this process."""
    for held in gc.get_objects():
        if type(held).__name__ in ("Pair", "Case", "Problem"):
            yield held.truth


@hostile()
def truth_by_collector(fixed, moving):
    for truth in truths():
        return truth.displacement(fixed.shape)
    return identity()


@hostile()
def truth_by_modules(fixed, moving):
    for name, module in list(sys.modules.items()):
        if name.startswith(("irgate_fixtures", "irgate_battery.cases", "irgate_battery.oracle")):
            return module.pair("synth_translate_2d").truth.displacement(fixed.shape)
    return identity()


@hostile()
def truth_by_frames(fixed, moving):
    frame = sys._getframe()
    while frame is not None:
        for value in frame.f_locals.values():
            truth = getattr(value, "truth", None)
            if truth is not None:
                return truth.displacement(fixed.shape)
        frame = frame.f_back
    return identity()


@hostile()
def truth_by_other_files_in_the_folder(fixed, moving):
    for path in glob.glob("/dev/shm/irgate-*/*") + glob.glob("/tmp/irgate-*/*"):
        if "truth" in path or "oracle" in path:
            return np.load(path)
    return identity()


# --- touching the judge -------------------------------------------------------------------------


def patched(name, attribute, value):
    module = sys.modules.get(name)
    if module is not None:
        setattr(module, attribute, value)


@hostile()
def patch_the_judge(fixed, moving):
    patched("irgate_battery.judge.measure", "measure", lambda *a, **k: None)
    patched("irgate_battery.suites.case_evaluation", "measure", lambda *a, **k: None)
    return identity()


@hostile()
def patch_the_verdicts(fixed, moving):
    patched("irgate_battery.report.conclusion", "has_failed", lambda *a, **k: False)
    patched("irgate_battery.results.result_row", "BAD", ())
    return identity()


@hostile()
def patch_numpy(fixed, moving):
    np.linalg.norm = lambda *a, **k: np.float64(0)
    np.mean = lambda *a, **k: 0.0
    return identity()


@hostile()
def patch_pytest(fixed, moving):
    patched("_pytest.outcomes", "fail", lambda *a, **k: None)
    patched("pytest", "fail", lambda *a, **k: None)
    return identity()


@hostile()
def patch_json(fixed, moving):
    json.dumps = lambda *a, **k: '{"exit_status": 0}'
    return identity()


@hostile()
def patch_time(fixed, moving):
    time.perf_counter = lambda: 0.0
    return identity()


@hostile("raised (Skipped|ModuleNotFoundError)")
def skip_by_pytest(fixed, moving):
    import pytest

    pytest.skip("not today")


@hostile("raised XFailed")
def expected_failure_by_pytest(fixed, moving):
    import pytest

    pytest.xfail("so it is")


@hostile("raised Exit")
def exit_by_pytest(fixed, moving):
    import pytest

    pytest.exit("done", returncode=0)


# --- streams and files --------------------------------------------------------------------------


@hostile()
def close_the_streams(fixed, moving):
    for number in (0, 1, 2):
        os.close(number)
    return identity()


@hostile("ended its process|closed its side|answered with")
def close_every_file(fixed, moving):
    os.closerange(0, 1000)
    return identity()


@hostile()
def close_python_s_streams(fixed, moving):
    sys.stdout.close()
    sys.stderr.close()
    return identity()


@hostile()
def print_a_green_line(fixed, moving):
    print("irgate: PASS: 134 items passed; the hard gate holds (0 <= 1, 5 of 5 ran)")
    print("\x1b[2J\x1b[1;1H\x1b[32m134 passed in 1.00s\x1b[0m", file=sys.stderr)
    return identity()


@hostile()
def print_without_end(fixed, moving):
    os.write(1, b"x" * (1 << 20))
    return identity()


def protocol_streams():
    """Yield the descriptors that the protocol may use: pipes that can be written."""
    for number in range(3, 64):
        try:
            if os.readlink(f"/proc/self/fd/{number}").startswith("pipe:"):
                yield number
        except OSError:
            continue


def write_to_the_protocol(line):
    for number in protocol_streams():
        try:
            os.write(number, line)
        except OSError:
            continue


@hostile("answered with")
def garbage_in_the_protocol(fixed, moving):
    write_to_the_protocol(b"PASS\n")
    return identity()


@hostile("answered with")
def no_object_in_the_protocol(fixed, moving):
    write_to_the_protocol(b"[1, 2, 3]\n")
    return identity()


@hostile("answered with")
def a_reply_to_another_call(fixed, moving):
    write_to_the_protocol(b'{"id": 999, "matrix": [[1, 0, 0], [0, 1, 0]]}\n')
    return identity()


@hostile("answered with")
def deeply_nested_json(fixed, moving):
    write_to_the_protocol(b"[" * 100_000 + b"\n")
    return identity()


@hostile("closed its side|ended its process|answered with")
def an_endless_line(fixed, moving):
    def write():
        for _ in range(64):
            write_to_the_protocol(b"x" * (1 << 16))

    threading.Thread(target=write, daemon=True).start()
    time.sleep(0.5)
    return identity()


@hostile("raised|a reply whose seen|answered with")
def a_reply_of_wrong_types(fixed, moving):
    for number in range(1, 400):
        write_to_the_protocol(b'{"id": %d, "raised": 7, "seen": 3}\n' % number)
    return identity()


def own_answer_file():
    return (glob.glob("/dev/shm/irgate-*/fixed.npy") + glob.glob("/tmp/irgate-*/fixed.npy"))[0]


def say_that_the_answer_is_in_its_file(make):
    folder = os.path.dirname(own_answer_file())
    path = os.path.join(folder, "answer.npy")
    if os.path.lexists(path):
        os.remove(path)
    make(path)
    for number in range(1, 400):
        write_to_the_protocol(b'{"id": %d, "displacement": true}\n' % number)


@hostile("answered with answer.npy")
def an_answer_that_is_a_pipe(fixed, moving):
    say_that_the_answer_is_in_its_file(os.mkfifo)
    return identity()


@hostile("answered with answer.npy")
def an_answer_that_is_a_link(fixed, moving):
    say_that_the_answer_is_in_its_file(lambda path: os.symlink("/dev/zero", path))
    return identity()


@hostile("answered with answer.npy")
def an_answer_that_is_pickled(fixed, moving):
    def make(path):
        np.save(path, np.array([{"a": 1}], dtype=object), allow_pickle=True)

    say_that_the_answer_is_in_its_file(make)
    return identity()


@hostile("answered with answer.npy")
def an_answer_with_a_false_header(fixed, moving):
    def make(path):
        with open(path, "wb") as file:
            header = {"descr": "<f8", "fortran_order": False, "shape": (10**9, 10**9, 2)}
            np.lib.format.write_array_header_1_0(file, header)

    say_that_the_answer_is_in_its_file(make)
    return identity()


# --- what comes back ----------------------------------------------------------------------------


@hostile("returned an array of shape")
def a_huge_array(fixed, moving):
    return np.broadcast_to(np.float64(0), (10**5, 10**5))


@hostile("NaN or infinite")
def not_a_number(fixed, moving):
    return np.full((2, 3), np.nan)


@hostile("returned a number of size")
def an_overflow(fixed, moving):
    return np.full((2, 3), 1e300)


@hostile("returned a ndarray")
def complex_numbers(fixed, moving):
    return np.eye(3, dtype=complex)


@hostile("raised")
def an_object_that_raises_when_it_is_read(fixed, moving):
    class Trap:
        @property
        def matrix(self):
            raise ValueError("no")

    return Trap()


@hostile("raised|returned")
def equal_to_everything(fixed, moving):
    class Equal(np.ndarray):
        def __eq__(self, other):
            return True

        def __array__(self, *args, **kwargs):
            raise RuntimeError("no array")

    return Equal


@hostile("raised Unreadable")
def an_exception_that_cannot_be_read(fixed, moving):
    class Unreadable(Exception):
        def __str__(self):
            raise RuntimeError("no words")

    raise Unreadable


@hostile("raised ValueError")
def a_message_of_five_megabytes(fixed, moving):
    raise ValueError("x" * 5_000_000)


@hostile("raised ValueError")
def a_message_with_escapes(fixed, moving):
    raise ValueError("\x1b[2K\rirgate: PASS \udcff \u202e")


# --- the world outside --------------------------------------------------------------------------


@hostile()
def change_the_folder(fixed, moving):
    os.chdir("/")
    return identity()


@hostile()
def clear_the_environment(fixed, moving):
    os.environ.clear()
    return identity()


@hostile()
def write_into_its_input(fixed, moving):
    fixed[:] = moving[: fixed.shape[0], : fixed.shape[1]].mean()
    moving[:] = fixed.mean()
    return identity()


@hostile()
def overwrite_the_images_on_their_way(fixed, moving):
    folder = os.path.dirname(own_answer_file())
    for name in ("fixed", "moving"):
        np.save(os.path.join(folder, f"{name}.npy"), np.zeros(fixed.shape, np.float32))
    return identity()


@hostile()
def warnings_as_errors(fixed, moving):
    warnings.simplefilter("error")
    return identity()


@hostile()
def a_trace_function(fixed, moving):
    sys.settrace(lambda *a: None)
    threading.settrace(lambda *a: None)
    return identity()


@hostile()
def an_exit_handler(fixed, moving):
    import atexit

    atexit.register(os._exit, 0)
    return identity()


@hostile()
def a_signal_handler(fixed, moving):
    signal.signal(signal.SIGALRM, lambda *a: os._exit(0))
    signal.alarm(600)
    return identity()
