"""Calls of a solver in a process of its own: it is handed images and arguments, and nothing else.

One process serves a whole run, call after call. One that hangs or ends is killed with all that it
started, and the next call gets a new one.
"""

from __future__ import annotations

import contextlib
import os
import queue
import shutil
import subprocess
import tempfile
import threading
import time
import weakref
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from irgate_battery.interface import linux, wire
from irgate_battery.interface.call import Call, CallTimeout, Outcome, ProcessLost
from irgate_battery.interface.declaration import Declaration, SpecError
from irgate_battery.interface.printed import Printed
from irgate_battery.interface.process_group import ProcessGroup

STARTS_IN = 300.0
"""Seconds in which a solver must be imported: some libraries take a minute on a cold disk."""

LONGEST_LINE = 1_000_000
"""Bytes of a reply: it holds a matrix or a traceback, and images are in files."""

SHARED = Path("/dev/shm")
"""Files here are memory."""

ROOM = 1 << 30
"""Bytes that must be free there: containers often have 64 MiB."""

PREFIX = "irgate-"


class SolverProcess:
    """A program that answers `irgate_battery.interface.wire`.

    Args:
        command: the program and its arguments.
        spec: what messages call it before it has a name.
        folder: where the arrays of its calls go, from `shared_folder`; it is taken away at the end.
        printed: what the solver prints, and what the program writes to standard error.
        program_in: the folder that a program of the user's runs in; `None` for our own.
        starts_in: seconds in which it must say hello.
    """

    isolation: Literal["process"] = "process"

    def __init__(
        self,
        command: Sequence[str],
        spec: str,
        *,
        folder: Path,
        printed: tuple[Printed, Printed],
        program_in: Path | None = None,
        starts_in: float = STARTS_IN,
    ) -> None:
        self._command = command
        self._spec = spec
        self._printed = printed
        self._program_in = program_in
        self._starts_in = starts_in
        self._folder = folder
        self._declaration: Declaration | None = None
        self._number = 0
        self._running: list[_Served] = []
        # A judge that ends without closing it, by an error or an exit, leaves nothing behind.
        self._end = weakref.finalize(self, _end, self._running, self._folder, printed, os.getpid())
        linux.hide_memory()
        self._start()

    def declaration(self) -> Declaration:
        """Wait until it is there, and return what it says of itself.

        Raises: SpecError; NotASolver.
        """
        if self._declaration is None:
            declared = Declaration.told(self._loaded().told, self._spec)
            is_program = declared.program or self._program_in is not None
            self._declaration = replace(declared, program=is_program)
        return self._declaration

    def call(self, call: Call, timeout: float | None) -> Outcome:
        """Make one call, as `Caller.call`."""
        accepts = self.declaration().accepts
        try:
            served = self._loaded()
        except SpecError as error:
            raise ProcessLost(f"could not be loaded again: {error}") from None
        self._number += 1
        folder: Path | None = None
        try:
            # One for each call, of a name that nobody knows before.
            folder = Path(tempfile.mkdtemp(dir=self._folder))
            request = wire.write_call(call, accepts, folder, self._number)
            return wire.read_outcome(served.ask(request, timeout), request, call)
        except OSError as error:
            self._begin_anew()
            raise ProcessLost(
                f"left no place for the images of this call ({error.strerror}): it took away the "
                "folder that they are handed over in, or the disk is full"
            ) from None
        except (CallTimeout, ProcessLost):
            self._begin_anew()
            raise
        except wire.BadReply as bad:
            self._begin_anew()
            raise ProcessLost(f"answered with {bad}; its process was ended.", ADVICE) from None
        except BaseException:
            # Ctrl-C: the call goes on, and its reply is not the next one's.
            self._lose()
            raise
        finally:
            if folder is not None:
                shutil.rmtree(folder, ignore_errors=True)
            self._show()

    def rest(self) -> None:
        """Let the process end by itself; another call would begin it anew."""
        while self._running:
            self._running.pop().end()
        self._show()

    def close(self) -> None:
        """End the process and all that it started, and take the files away."""
        self._end()

    def _start(self) -> None:
        try:
            self._running.append(_Served(self._command, self._printed, self._program_in))
        except OSError as error:
            raise SpecError(
                f"{self._spec}: {self._command[0]} cannot be started ({error.strerror})"
            ) from None

    def _loaded(self) -> _Served:
        """Return the process, begun if there is none, once it has said hello. Raises: SpecError."""
        if not self._running:
            self._start()
        served = self._running[0]
        if served.told:
            return served
        try:
            served.hello(self._starts_in)
        except CallTimeout:
            self._lose()
            raise SpecError(
                f"{self._spec}: it was not loaded within {self._starts_in:g} s"
            ) from None
        except ProcessLost as lost:
            self._lose()
            raise SpecError(f"{self._spec}: it {lost.how} while it was loaded") from None
        finally:
            self._show()
        if "error" in served.told:
            self._lose()
            raise SpecError(str(served.told["error"]))
        return served

    def _show(self) -> None:
        for each in self._printed:
            each.show()

    def _begin_anew(self) -> None:
        """End a process that is lost; another one loads while the judge goes on."""
        self._lose()
        with contextlib.suppress(SpecError):
            # The next call says so.
            self._start()

    def _lose(self) -> None:
        while self._running:
            self._running.pop().kill()
        # What it had in hand goes too.
        shutil.rmtree(self._folder, ignore_errors=True)
        with contextlib.suppress(OSError):
            self._folder.mkdir(mode=0o700, exist_ok=True)


class _Served:
    """One running program, and its side of the protocol.

    Attributes:
        told: its answer to hello; empty before.
    """

    def __init__(
        self, command: Sequence[str], printed: tuple[Printed, Printed], folder: Path | None
    ) -> None:
        self.told: dict[str, Any] = {}
        self._group = ProcessGroup(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=printed[1],
            cwd=folder,
            # Our own program does this by itself.
            preexec_fn=None if folder is None or os.name == "nt" else _as_a_child,
            **_handed_down(printed[0]),
        )
        # Whoever writes more than is asked for waits, and does not fill the judge's memory.
        self._lines: queue.Queue[bytes | None] = queue.Queue(maxsize=2)
        self._ended = False
        threading.Thread(target=self._read, name="irgate-reader", daemon=True).start()

    def hello(self, timeout: float) -> None:
        """Wait until it answers. Raises: CallTimeout; ProcessLost."""
        try:
            told = self._exchange({"irgate": wire.PROTOCOL, "ask": "hello"}, timeout)
        except wire.BadReply as bad:
            raise ProcessLost(f"answered hello with {bad}") from None
        if told.get("irgate") != wire.PROTOCOL:
            raise ProcessLost(
                f"speaks version {told.get('irgate')!r:.20} of the protocol, and this is version "
                f"{wire.PROTOCOL}"
            )
        self.told = told

    def ask(self, request: dict[str, Any], timeout: float | None) -> dict[str, Any]:
        """Send a call, and wait for its reply. Raises: CallTimeout; ProcessLost; BadReply."""
        return self._exchange(request, timeout or None)

    def kill(self) -> None:
        """End it now."""
        self._group.kill()
        self._close_pipes()
        self._ended = True

    def end(self) -> None:
        """Let it end by itself, then end what is left."""
        with contextlib.suppress(OSError, ValueError):
            self._pipe_in.close()
        self._group.told_to_end()
        self._close_pipes()
        self._ended = True

    @property
    def _pipe_in(self) -> Any:
        return self._group.process.stdin

    def _close_pipes(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            self._pipe_in.close()

    def _exchange(self, line: dict[str, Any], timeout: float | None) -> dict[str, Any]:
        until = None if timeout is None else time.monotonic() + timeout
        try:
            self._pipe_in.write(wire.encoded(line))
            self._pipe_in.flush()
        except (OSError, ValueError):
            raise self._lost() from None
        return wire.parsed(self._next(until))

    def _next(self, until: float | None) -> bytes:
        """Return the next line. Raises: CallTimeout; ProcessLost."""
        while True:
            rest = LOOKS_EVERY if until is None else min(LOOKS_EVERY, until - time.monotonic())
            try:
                line = self._lines.get(timeout=max(rest, 0.0))
            except queue.Empty:
                if until is not None and time.monotonic() >= until:
                    raise CallTimeout from None
                # What it started may hold its end of the pipe open.
                if self._group.ended() is None:
                    continue
                line = None
            if line is None:
                raise self._lost()
            return line

    def _lost(self) -> ProcessLost:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._group.process.wait(1.0)
        how = self._group.ended()
        if how is None:
            return ProcessLost("closed its side of the protocol", "; its process was ended")
        return ProcessLost(
            f"ended its process ({how})",
            " instead of answering; expected a transform. Take the exit out, or find the crash in "
            "compiled code.",
        )

    def _read(self) -> None:
        stream = self._group.process.stdout
        assert stream is not None
        with stream, contextlib.suppress(OSError, ValueError):
            while line := stream.readline(LONGEST_LINE):
                if not line.endswith(b"\n"):
                    # Cut off by the end of the process, or endless.
                    break
                self._put(line)
        self._put(None)

    def _put(self, line: bytes | None) -> None:
        while not self._ended:
            with contextlib.suppress(queue.Full):
                self._lines.put(line, timeout=LOOKS_EVERY)
                return


ADVICE = (
    " A served program's standard output belongs to the protocol: docs/other-languages.md, and "
    "`irgate check --protocol`."
)

LOOKS_EVERY = 0.5
"""Seconds between two looks at whether a silent process is still there."""


def _end(
    running: list[_Served], folder: Path, printed: tuple[Printed, Printed], owner: int
) -> None:
    """End a process and what belongs to it; a fork of the judge leaves them alone."""
    if os.getpid() != owner:
        return
    while running:
        running.pop().end()
    shutil.rmtree(folder, ignore_errors=True)
    for each in printed:
        each.close()
    linux.show_memory()


def _as_a_child() -> None:
    linux.die_with_parent()
    linux.forgo_tracing()


def _handed_down(printed: Printed) -> dict[str, Any]:
    """Return what lets a child inherit a descriptor; Windows hands none down."""
    return {} if os.name == "nt" else {"pass_fds": (printed.fileno(),)}


def shared_folder() -> Path:
    """Make a folder for the arrays, in memory where there is room; take forgotten ones away."""
    parent = Path(tempfile.gettempdir())
    with contextlib.suppress(OSError):
        if os.access(SHARED, os.W_OK) and shutil.disk_usage(SHARED).free > ROOM:
            parent = SHARED
    for forgotten in parent.glob(f"{PREFIX}[0-9]*-*"):
        owner = int(forgotten.name.split("-")[1])
        if not Path(f"/proc/{owner}").exists() and Path("/proc/self").exists():
            shutil.rmtree(forgotten, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=parent))
