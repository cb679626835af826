"""A process with all that it starts: begun in a group of its own, and ended with the whole group.

What leaves the group (a daemon) is found by its parent, its session or a mark in its environment,
where the system has /proc.
"""

import contextlib
import os
import secrets
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from irgate_battery.interface.process_state import PYTEST_VARIABLE

MARK = "IRGATE_PROCESS"
"""Environment variable that whatever a solver starts inherits."""

ENDS_IN = 2.0
"""Seconds in which a process that was told to end must have ended."""

_PROC = Path("/proc")


class ProcessGroup:
    """A program that runs in a process group of its own.

    Args:
        command: the program and its arguments.
        streams: `stdin`, `stdout`, `stderr`, `pass_fds`, `cwd`, as `subprocess.Popen` takes them.

    Attributes:
        process: the program.

    """

    def __init__(self, command: Sequence[str], **streams: Any) -> None:
        self._mark = f"{os.getpid()}-{secrets.token_hex(8)}"
        self.process = subprocess.Popen(
            command, env=_environment(self._mark), start_new_session=True, **streams
        )

    def kill(self) -> None:
        """End it now, with all that it started."""
        until = time.monotonic() + ENDS_IN
        while True:
            # Whoever forks while this goes on is found in the next round.
            found = self._members()
            _kill_group(self.process.pid)
            for pid in found:
                with contextlib.suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
            with contextlib.suppress(OSError):
                self.process.kill()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(ENDS_IN)
            if not found or time.monotonic() > until:
                break
            # What was killed needs a moment to be gone.
            time.sleep(0.002)

    def told_to_end(self) -> None:
        """Wait for a program whose input was closed to end by itself; end what is left."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(ENDS_IN)
        self.kill()

    def ended(self) -> str | None:
        """Return how it ended, in words; `None` where it has not."""
        status = self.process.poll()
        if status is None:
            return None
        if status >= 0:
            return f"exit status {status}"
        try:
            return f"killed by {signal.Signals(-status).name}"
        except ValueError:
            return f"killed by signal {-status}"

    def _members(self) -> set[int]:
        """Return the processes that it started, wherever they went; all but itself."""
        table = dict(_processes())
        own = self.process.pid
        found = {
            pid
            for pid, (_, session) in table.items()
            if session == own or _is_marked(pid, self._mark)
        }
        found.add(own)
        while True:
            more = {pid for pid, (parent, _) in table.items() if parent in found} - found
            if not more:
                return found - {own, os.getpid()}
            found |= more


def _environment(mark: str) -> Mapping[str, str]:
    kept = {name: value for name, value in os.environ.items() if name != PYTEST_VARIABLE}
    return {**kept, MARK: mark}


def _kill_group(group: int) -> None:
    if hasattr(os, "killpg"):
        with contextlib.suppress(OSError):
            os.killpg(group, signal.SIGKILL)


def _processes() -> Iterator[tuple[int, tuple[int, int]]]:
    """Yield each living process's number, its parent's and its session's."""
    for entry in _PROC.glob("[0-9]*"):
        try:
            # The name stands in parentheses, and may hold anything.
            fields = (entry / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()
            state, parent, session = fields[0], int(fields[1]), int(fields[3])
        except (OSError, IndexError, ValueError):
            continue
        if state not in "ZX":
            yield int(entry.name), (parent, session)


def _is_marked(pid: int, mark: str) -> bool:
    try:
        return f"{MARK}={mark}".encode() in (_PROC / str(pid) / "environ").read_bytes()
    except OSError:
        return False
