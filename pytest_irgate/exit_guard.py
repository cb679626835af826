"""No run ends with exit status 0 before it has concluded, whatever a solver in its process calls.

`os._exit(0)`, `os.execv` and C's `exit(0)` end a process without a word, and status 0 without a
verdict looks like a pass. While a run is unconcluded the first two raise SystemExit, which is the
solver's failure as any other is; the last ends the process with status 3. What is left is C's
`_exit(0)`, which nothing in a process can see.
"""

import atexit
import ctypes
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import ModuleType
from typing import Any, NoReturn

EXIT_UNCONCLUDED = 3
"""As pytest's internal error: the run itself was ended."""

_ENDING = ("_exit", "execv", "execve")
"""Functions of `os` that end the process, or put another program in its place, at once."""

_Callback = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


class ExitGuard:
    """Keeps this process from ending with status 0.

    Attributes:
        rescue: what writes the report of what was measured, where C's exit ends the process all the
            same; the run sets it.

    Args:
        insists: whether it says so, and whether Python's own orderly end of an unconcluded run
            counts too. Not in a worker: the run is its controller's.
    """

    def __init__(self, *, insists: bool = True) -> None:
        self.rescue: Callable[[], None] | None = None
        self._process = os.getpid()
        self._insists = insists
        self._status: int | None = None
        self._modules = [os, *_system_module()]
        # Where pytest captures it, standard error is a file that nobody reads in the end.
        self._stderr = _duplicate(2)
        self._exit: Callable[[int], NoReturn] = os._exit
        self._replaced = [
            (module, name, getattr(module, name))
            for module in self._modules
            for name in _ENDING
            if hasattr(module, name)
        ]
        for module, name, function in self._replaced:
            setattr(module, name, self._guarded(name, function))
        self._exit_handler = _ExitHandler(self._at_c_exit)
        atexit.register(self._at_python_exit)

    def conclude(self, status: int) -> None:
        """Tell that the run has ended with this status; one that is not 0 is held on to.

        A thread that the solver left behind could still turn a failure into a success.
        """
        if status == 0:
            self.release()
        self._status = status

    def release(self) -> None:
        """Let the process end as it will."""
        for module, name, function in self._replaced:
            setattr(module, name, function)
        self._replaced = []
        self._exit_handler.remove()
        atexit.unregister(self._at_python_exit)
        if self._stderr is not None:
            os.close(self._stderr)
            self._stderr = None

    def _guarded(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def guarded(*arguments: Any, **named: Any) -> Any:
            # A forked child may end as it likes, and a status that is not 0 is no success. The
            # system keeps eight bits of it.
            status = arguments[0] if arguments else named.get("status")
            succeeds = not isinstance(status, int) or status & 0xFF == 0
            if os.getpid() != self._process or (name == "_exit" and not succeeds):
                return function(*arguments, **named)
            if name == "_exit" and self._status:
                return function(self._status)
            said = f"os.{name}({status!r}{'' if name == '_exit' else ', ...'})"
            raise SystemExit(f"{said}, which would have ended the whole run unjudged")

        guarded.__name__ = name
        guarded.__doc__ = function.__doc__
        return guarded

    def _at_c_exit(self) -> None:
        if os.getpid() == self._process:
            self._end("C's exit was called")

    def _at_python_exit(self) -> None:
        # From here on nothing of Python may be called when C's handlers run.
        self._exit_handler.remove()
        if self._insists and self._status is None and os.getpid() == self._process:
            self._end("Python was ended")

    def _end(self, how: str) -> None:
        if self._insists and self._status is None:
            told = f"\nirgate: FAIL: {how} before the run was concluded: {self._rescued()}\n"
            with suppress(AttributeError, OSError, ValueError):
                # It may be closed, or there may be none.
                sys.stdout.flush()
            with suppress(OSError):
                os.write(2 if self._stderr is None else self._stderr, told.encode("ascii"))
        self._exit(EXIT_UNCONCLUDED if self._status is None else self._status)

    def _rescued(self) -> str:
        """Keep what was measured, and say whether that was done."""
        if self.rescue is None:
            return "there is no report"
        try:
            self.rescue()
        except BaseException as error:
            # Nothing may keep the process from ending with its status.
            return f"there is no report ({type(error).__name__})"
        return "what was measured until then is reported, the rest as missing"


@contextmanager
def guarded() -> Iterator[ExitGuard]:
    """Guard a run that concludes within."""
    guard = ExitGuard()
    try:
        yield guard
    except SystemExit:
        # Nobody of ours raises it: it is still the solver's, and the run has not concluded.
        raise
    except BaseException:
        guard.release()
        raise


class _ExitHandler:
    """A function that C's `exit` calls, where the C library lets one be taken out again.

    It must be out before Python ends: `__cxa_finalize` of a handle of our own calls it a last time,
    which does nothing then, and forgets it.
    """

    def __init__(self, function: Callable[[], None]) -> None:
        self._is_in = False
        if not _has_removable_handlers():
            return
        # By index: within a class Python takes such names for its own.
        library = ctypes.CDLL(None)
        self._finalize = library["__cxa_finalize"]
        self._handle = ctypes.create_string_buffer(1)
        self._callback = _Callback(lambda argument: function() if self._is_in else None)
        self._is_in = not library["__cxa_atexit"](self._callback, None, self._handle)
        # Python's own end does not come by these, so that they need not be taken out.
        with suppress(AttributeError):
            library["__cxa_at_quick_exit"](self._callback, self._handle)

    def remove(self) -> None:
        """Take it out, once."""
        if self._is_in:
            self._is_in = False
            self._finalize(self._handle)


def _has_removable_handlers() -> bool:
    """Whether this is glibc or macOS; musl's `__cxa_finalize` takes nothing out."""
    if sys.platform == "darwin":
        return True
    try:
        return bool(os.confstr("CS_GNU_LIBC_VERSION"))
    except (AttributeError, OSError, ValueError):
        return False


def _duplicate(descriptor: int) -> int | None:
    try:
        return os.dup(descriptor)
    except OSError:
        return None


def _system_module() -> list[ModuleType]:
    """Return the module that `os` has its functions from."""
    return [sys.modules[name] for name in ("posix", "nt") if name in sys.modules]
