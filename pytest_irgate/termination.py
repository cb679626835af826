"""SIGTERM and SIGHUP end a run as Ctrl-C does: with a report of what was measured."""

import os
import signal
import threading
from types import FrameType
from typing import Any

_NAMES = ("SIGTERM", "SIGHUP")
"""What a scheduler sends, and a terminal that closes; Windows lacks the second."""

CTRL_C = "you (Ctrl-C)"
SIGNALS = {each.name: each.name for each in signal.Signals} | {"SIGINT": CTRL_C}
"""Who stopped a run, by the name of the signal."""


class Termination:
    """Turns the first such signal into KeyboardInterrupt, in the main thread; others are noted.

    A handler that somebody has installed, or a signal that is ignored (`nohup`), stays as it is.

    Attributes:
        interrupts: whether a signal raises. Once the last item is done, the report is written
            without being disturbed.
    """

    def __init__(self) -> None:
        self.interrupts = True
        self._process = os.getpid()
        self._before: dict[int, Any] = {}

    def __enter__(self) -> "Termination":
        # Python lets the main thread alone set handlers.
        if threading.current_thread() is threading.main_thread():
            for number in (getattr(signal, name) for name in _NAMES if hasattr(signal, name)):
                if signal.getsignal(number) is signal.SIG_DFL:
                    self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, *error: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if os.getpid() != self._process:
            # A child that the solver forked ends as it would have.
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
        elif self.interrupts:
            self.interrupts = False
            raise KeyboardInterrupt(signal.Signals(number).name)


def interrupted_by(interrupt: KeyboardInterrupt) -> str | None:
    """Return who stopped the run: its user, or the signal that became this interrupt.

    `None` where the interrupt says something else, as pytest's own do.
    """
    said = str(interrupt)
    return SIGNALS.get(said, CTRL_C) if said in ("", *SIGNALS) else None
