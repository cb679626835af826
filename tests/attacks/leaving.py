"""Solvers that leave, or never come back."""

import contextlib
import ctypes
import os
import re
import resource
import signal
import sys
import time

import numpy as np

from attacks.declared import HUNG, attack, ended

CRASHED = (ended("killed by SIGSEGV"), ended("killed by SIGBUS"))


@attack(ended("exit status 0"))
def os_exit_0(fixed, moving):
    os._exit(0)


@attack(ended("exit status 7"))
def os_exit_7(fixed, moving):
    os._exit(7)


@attack(ended("exit status 0"))
def c_exit_0(fixed, moving):
    ctypes.CDLL(None).exit(0)


@attack(ended("exit status 0"))
def c_immediate_exit_0(fixed, moving):
    ctypes.CDLL(None)._exit(0)


@attack(ended("killed by SIGKILL"))
def kill_itself(fixed, moving):
    os.kill(os.getpid(), signal.SIGKILL)


@attack(ended("killed by SIGTERM"))
def terminate_itself(fixed, moving):
    os.kill(os.getpid(), signal.SIGTERM)


@attack(ended("killed by SIGABRT"))
def abort(fixed, moving):
    os.abort()


@attack(*CRASHED)
def segfault(fixed, moving):
    ctypes.string_at(0)


@attack(*CRASHED)
def stack_overflow_in_c(fixed, moving):
    sys.setrecursionlimit(10**8)
    resource.setrlimit(resource.RLIMIT_STACK, (1 << 16, 1 << 16))
    deep = []
    for _ in range(10**6):
        deep = [deep]
    return repr(deep) and ctypes.string_at(0)


@attack("raised MemoryError")
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


@attack(HUNG, hangs=True)
def sleep_holding_the_gil(fixed, moving):
    ctypes.PyDLL(None).sleep(1000)


@attack(HUNG, hangs=True)
def endless_loop(fixed, moving):
    while True:
        pass


@attack(HUNG, hangs=True)
def catastrophic_expression(fixed, moving):
    re.match(r"(a+)+$", "a" * 60 + "b")


@attack(HUNG, hangs=True)
def stop_itself(fixed, moving):
    os.kill(os.getpid(), signal.SIGSTOP)


@attack(HUNG, hangs=True)
def ignore_every_signal(fixed, moving):
    for number in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}:
        signal.signal(number, signal.SIG_IGN)
    time.sleep(1000)


@attack(HUNG, hangs=True)
def swallow_what_is_raised(fixed, moving):
    while True:
        with contextlib.suppress(BaseException):
            time.sleep(0.01)


@attack(HUNG, hangs=True)
def answer_that_hangs_when_read(fixed, moving):
    class Late:
        matrix = None

        def displacement(self, shape):
            time.sleep(1000)

    return Late()
