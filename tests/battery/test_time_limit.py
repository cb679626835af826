"""A call comes back with its result or its error, or is given up; the next one is served."""

import threading
import time

import numpy as np
import pytest

from irgate_battery.interface.call import CallTimeout
from irgate_battery.interface.time_limit import call_within

LIMIT = 0.2
"""Seconds: many times what a thread needs to start, and little to wait for."""


@pytest.mark.parametrize("limit", [None, 0, 60])
def test_result_and_error_pass_through(limit):
    assert call_within(limit, lambda: 7) == 7
    with pytest.raises(ZeroDivisionError):
        call_within(limit, lambda: 1 / 0)
    with pytest.raises(SystemExit):
        call_within(limit, lambda: (_ for _ in ()).throw(SystemExit(3)))


def test_without_a_limit_the_call_is_made_in_this_thread():
    assert call_within(None, threading.current_thread) is threading.current_thread()
    assert call_within(60, threading.current_thread) is not threading.current_thread()


def test_calls_share_one_thread():
    assert call_within(60, threading.get_ident) == call_within(60, threading.get_ident)


def test_a_call_that_sleeps_is_given_up_and_the_next_one_is_served():
    start = time.perf_counter()
    with pytest.raises(CallTimeout):
        call_within(LIMIT, lambda: time.sleep(30))
    assert time.perf_counter() - start < 10
    assert call_within(60, lambda: "served") == "served"


def test_python_code_that_never_ends_is_stopped():
    beats = []

    def beat():
        while True:
            beats.append(None)
            time.sleep(0.001)

    with pytest.raises(CallTimeout):
        call_within(LIMIT, beat)
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        before = len(beats)
        time.sleep(0.05)
        if len(beats) == before:
            return
    pytest.fail("the abandoned loop still runs")


def test_numpy_error_state_of_the_caller_holds_in_the_call():
    with np.errstate(divide="raise"):
        state = call_within(60, np.geterr)
    assert state["divide"] == "raise"


def test_a_limited_call_inside_a_limited_call_is_refused_rather_than_stuck():
    with pytest.raises(RuntimeError, match="may not make another"):
        call_within(60, lambda: call_within(60, lambda: 1))
