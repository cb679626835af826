"""Calls of a solver in the judge's own process: for a callable, which cannot be sent elsewhere."""

from collections.abc import Callable
from typing import Any, Literal

from irgate_battery.interface.call import Call, Outcome
from irgate_battery.interface.perform import perform, raised
from irgate_battery.interface.process_state import working_directory
from irgate_battery.interface.time_limit import CallInterrupted, call_within


class InProcess:
    """A callable, called here.

    Attributes:
        function: the user's callable.
    """

    isolation: Literal["none"] = "none"

    def __init__(self, function: Callable[..., Any], accepts: frozenset[str]) -> None:
        self.function = function
        self._accepts = accepts
        self._home = working_directory()

    def call(self, call: Call, timeout: float | None) -> Outcome:
        """Make one call, as `Caller.call`."""
        try:
            outcome: Outcome = call_within(
                timeout, lambda: perform(self.function, self._accepts, call, self._home)
            )
        except CallInterrupted as error:
            outcome = Outcome(raised=raised(error.__cause__ or error))
        return outcome

    def close(self) -> None:
        """Do nothing: there is nothing to end."""
