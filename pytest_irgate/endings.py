"""How a gate run in pytest may end: never with status 0 before it concluded, and never without a
report because of a signal.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

from pytest_irgate.exit_guard import ExitGuard
from pytest_irgate.termination import Termination


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
