"""The contract checks: does a callable speak the protocol, whatever its accuracy?

Each check is a function of a solver and a time limit. It raises `Violation` with a message for
the solver's author, `NotAsked` where the solver takes no such argument, or `SolverFault` from the
call itself.
"""

from collections.abc import Callable
from dataclasses import dataclass

from irgate_battery.contract.answers import axis_order, direction, identity, output_form, repeatable
from irgate_battery.contract.arguments import brightness, family
from irgate_battery.contract.manners import (
    global_state_unchanged,
    input_unchanged,
    prints_nothing,
)
from irgate_battery.contract.question import NotAsked, Violation
from irgate_battery.protocol import Solver

__all__ = ["CHECKS", "Check", "NotAsked", "Violation"]


@dataclass(frozen=True)
class Check:
    """One check of the contract: its name in ids, what it asks, and the function."""

    name: str
    about: str
    run: Callable[[Solver, float | None], None]


CHECKS = tuple(
    Check(function.__name__, (function.__doc__ or "").splitlines()[0], function)
    for function in (
        output_form,
        direction,
        axis_order,
        input_unchanged,
        repeatable,
        identity,
        family,
        brightness,
        prints_nothing,
        global_state_unchanged,
    )
)
