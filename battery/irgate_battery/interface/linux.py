"""What Linux has to keep two processes of one user apart; elsewhere nothing happens.

prctl(2), capabilities(7), ptrace(2) and proc(5). The libraries are loaded when this is imported,
because what runs between fork and exec must not load any.
"""

import contextlib
import ctypes
import signal
import sys
from pathlib import Path
from typing import Any

_SET_PDEATHSIG, _GET_DUMPABLE, _SET_DUMPABLE, _CAPBSET_DROP, _SET_CHILD_SUBREAPER = 1, 3, 4, 24, 36
_CAP_SYS_PTRACE = 19
_CAPABILITY_VERSION_3 = 0x20080522

_LIBC = ctypes.CDLL(None) if sys.platform.startswith("linux") else None

_PTRACE_SCOPE = Path("/proc/sys/kernel/yama/ptrace_scope")


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Sets(ctypes.Structure):
    _fields_ = tuple((name, ctypes.c_uint32) for name in ("effective", "permitted", "inheritable"))


def die_with_parent() -> None:
    """Have this process killed when its parent ends, however that ends."""
    if _LIBC is not None:
        _LIBC.prctl(_SET_PDEATHSIG, signal.SIGKILL)


def adopt_orphans() -> None:
    """Make this process the parent of what its children leave behind."""
    if _LIBC is not None:
        _LIBC.prctl(_SET_CHILD_SUBREAPER, 1)


def go_first() -> None:
    """Let this process be the first that the system ends where memory runs out."""
    if _LIBC is not None:
        with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as score:
            score.write("1000")


def forgo_tracing() -> None:
    """Give up the right to look into processes that hold more rights: root's own right to trace.

    A process of root could write into its parent's memory otherwise; with it gone it may not,
    because its parent still holds that right.
    """
    if _LIBC is None:
        return
    # Out of the bounding set too, or the next program that root starts would have it again.
    _LIBC.prctl(_CAPBSET_DROP, _CAP_SYS_PTRACE, 0, 0, 0)
    header, sets = _capabilities()
    for name in ("effective", "permitted", "inheritable"):
        setattr(sets[0], name, getattr(sets[0], name) & ~(1 << _CAP_SYS_PTRACE))
    _LIBC.capset(ctypes.byref(header), sets)


def _capabilities() -> tuple[_Header, Any]:
    """Return this process's sets of capabilities, the first 32 of them first."""
    header, sets = _Header(_CAPABILITY_VERSION_3, 0), (_Sets * 2)()
    if _LIBC is not None:
        _LIBC.capget(ctypes.byref(header), sets)
    return header, sets


_hiding = 0


def hide_memory() -> None:
    """Keep other processes of this user out of this one's memory, until it is shown again.

    Only where it is needed: not where this process may trace and its children forgo that (see
    `forgo_tracing`), nor where Yama keeps children out of their parent. It is not free: files of
    one's own under /proc/self are root's then.
    """
    global _hiding
    if _needs_hiding():
        _hiding += 1
        _LIBC.prctl(_SET_DUMPABLE, 0, 0, 0, 0)  # type: ignore[union-attr]


def show_memory() -> None:
    """Undo one `hide_memory`."""
    global _hiding
    if _hiding:
        _hiding -= 1
        if not _hiding:
            _LIBC.prctl(_SET_DUMPABLE, 1, 0, 0, 0)  # type: ignore[union-attr]


def _needs_hiding() -> bool:
    if _LIBC is None:
        return False
    if _hiding:
        return True
    if _capabilities()[1][0].permitted >> _CAP_SYS_PTRACE & 1:
        return False
    try:
        if int(_PTRACE_SCOPE.read_text("ascii")) > 0:
            return False
    except (OSError, ValueError):
        pass
    return bool(_LIBC.prctl(_GET_DUMPABLE, 0, 0, 0, 0) == 1)
