"""How a gate run in pytest may end: never with status 0 before it concluded, and never without a
report because of a signal.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

from irgate_battery.interface.outside_text import one_line
from irgate_battery.report.last_line import NOT_RUN
from pytest_irgate.exit_guard import ExitGuard
from pytest_irgate.termination import Termination, interrupted_by


class RunEndings:
    """The session plugin that guards a run's end.

    It is registered before the one that concludes, so that its wrapper of the loop stands inside
    of that one's: a second signal does not disturb the conclusion.

    Attributes:
        guard: of the process.
    """

    def __init__(self, config: pytest.Config, *, is_worker: bool) -> None:
        self._session: pytest.Session | None = None
        self._is_worker = is_worker
        self.guard = ExitGuard(insists=not is_worker)
        self._termination = Termination()
        # A worker that is ended is the controller's to report.
        if not is_worker:
            self._termination.__enter__()
        config.add_cleanup(self._end)

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Keep the session: it knows the exit status in the end."""
        self._session = session

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self) -> Generator[None, Any, Any]:
        """Let signals interrupt until the last item is done."""
        try:
            return (yield)
        finally:
            self._termination.interrupts = False

    def _end(self) -> None:
        self._termination.__exit__()
        status = 0 if self._session is None else int(self._session.exitstatus)
        self.guard.conclude(status)


def stopped_by(ending: BaseException) -> str:
    """Return the message of the items that did not run because their user stopped the run.

    Args:
        ending: what ended pytest's loop: an interrupt, or its own exception after enough failures.
    """
    said = one_line(str(ending))
    if said.startswith("stopping after "):
        return f"{NOT_RUN}stopped by you (-x or --maxfail)"
    # pytest's own exceptions are interrupts, too, and say why.
    who = interrupted_by(ending) if isinstance(ending, KeyboardInterrupt) else None
    if who is not None:
        return f"{NOT_RUN}stopped by {who}"
    return f"{NOT_RUN}pytest ended the run early ({said})"
