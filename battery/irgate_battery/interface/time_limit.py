"""A time limit on one call.

The call runs in a thread of its own, because that is the one way to go on after a call that
hangs in compiled code: a signal handler waits until that code comes back. One thread serves all
calls in turn, so that libraries which keep a pool of workers per calling thread build it once.
"""

import contextvars
import ctypes
import queue
import threading
from collections.abc import Callable
from typing import Any

from irgate_battery.interface.call import CallTimeout

CALLER = "irgate-solver"
"""Name of the thread that limited calls run in."""


class CallInterrupted(Exception):
    """The call itself raised KeyboardInterrupt, its cause; nobody pressed Ctrl-C."""


class _Caller:
    """A daemon thread that runs one call after the other, until it is abandoned."""

    def __init__(self) -> None:
        self._calls: queue.SimpleQueue[Callable[[], Any]] = queue.SimpleQueue()
        self._outcomes: queue.SimpleQueue[tuple[bool, Any]] = queue.SimpleQueue()
        self._abandoned = False
        self._thread = threading.Thread(target=self._serve, name=CALLER, daemon=True)
        self._thread.start()

    def call(self, seconds: float, function: Callable[[], Any]) -> Any:
        self._calls.put(function)
        try:
            succeeded, outcome = self._outcomes.get(timeout=seconds)
        except BaseException as interruption:
            self._abandon()
            if isinstance(interruption, queue.Empty):
                raise CallTimeout from None
            raise
        if succeeded:
            return outcome
        if isinstance(outcome, KeyboardInterrupt):
            # A real one arrives in this thread, in the wait above.
            raise CallInterrupted from outcome
        raise outcome

    def _serve(self) -> None:
        while not self._abandoned:
            function = self._calls.get()
            try:
                outcome = (True, function())
            except BaseException as error:
                outcome = (False, error)
            self._outcomes.put(outcome)

    def _abandon(self) -> None:
        """Leave the hanging call behind; Python code in it is stopped, compiled code cannot be."""
        global _caller
        self._abandoned = True
        if _caller is self:
            _caller = None
        ident = self._thread.ident
        if ident is not None:
            ctypes.pythonapi.PyThreadState_SetAsyncExc(
                ctypes.c_ulong(ident), ctypes.py_object(SystemExit)
            )


_caller: _Caller | None = None


def call_within(seconds: float | None, function: Callable[[], Any]) -> Any:
    """Call a function without arguments, and wait for it no longer than this.

    Args:
        seconds: the limit; `None` or 0 calls it here, in this thread, without one.
    Returns: what the function returns; what it raises is raised here, `SystemExit` included.
    Raises: CallTimeout; CallInterrupted.

    """
    global _caller
    if not seconds:
        return function()
    if threading.current_thread().name == CALLER:
        raise RuntimeError("call_within: a limited call may not make another one")
    if _caller is None:
        _caller = _Caller()
    # The caller's context holds numpy's error state, among others.
    context = contextvars.copy_context()
    return _caller.call(seconds, lambda: context.run(function))
