"""The solver protocol: what a solver is, what it may be handed, and one guarded call of it.

A solver is a callable that takes `fixed` and `moving`; `model`, `mask`, `moving_mask`, `init` and
`intensity` are passed only where its signature has them.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from irgate_battery.interface.answer import Answer, AnswerError, interpreted
from irgate_battery.interface.call import (
    Call,
    Caller,
    CallTimeout,
    Init,
    Outcome,
    ProcessLost,
    Raised,
)
from irgate_battery.interface.declaration import PROJECTIVE, Declaration
from irgate_battery.interface.in_process import InProcess
from irgate_battery.interface.reach import Reach
from irgate_fixtures import Pair

HANGS_IN_A_ROW = 5
"""After so many calls in a row that did not come back, a solver is not called again: a whole run of
them would take a night. It is more than three, because three cases in a row turn far, and a solver
that is otherwise right may hang on each."""

AFFINE = "affine"
"""The family that whoever calls a solver as a function gets, if it is not said."""

DEFAULT_TIMEOUT = 300.0
"""Seconds for one call: no pair of 200 px needs it, and a call that hangs ends all the same."""

RAISES, HANGS, LOST = "raises", "does not return", "loses its process"
"""Names of what a solver may do instead of answering; the message says it in full."""

EXPECTED = "; expected "
"""Between what a solver did and what it should have done, in a message."""


class SolverFault(Exception):
    """One call of the solver failed; the message says what came and how to mend it.

    Attributes:
        detail: the solver's own traceback, or empty.
        seconds: how long the call took, or `None` where it did not come back.
        fault: its name in reports, `"output_form"` where what came is no transform; or `None`.
        raised: what the solver itself raised, `"ValueError: float images only"`, in one line; or
            `None` where it did something else.

    """

    def __init__(
        self,
        message: str,
        *,
        detail: str = "",
        seconds: float | None = None,
        fault: str | None = None,
        raised: str | None = None,
    ) -> None:
        super().__init__(message)
        self.detail = detail
        self.seconds = seconds
        self.fault = fault
        self.raised = raised


@dataclass
class CallHistory:
    """How a solver's calls have ended.

    Attributes:
        hangs: calls in a row that did not come back, because they hung or ended their process.
    """

    hangs: int = 0


@dataclass(frozen=True, eq=False)
class Solver:
    """A solver that fits the protocol: what it says of itself, and how it is called.

    Attributes:
        caller: makes its calls, in this process or in one of its own.
        declaration: what it says of itself.
        history: how its calls have ended. It belongs to this object: another solver, made where a
            forgotten one stood in memory, inherits nothing.

    """

    caller: Caller
    declaration: Declaration
    history: CallHistory = field(default_factory=CallHistory)

    @classmethod
    def of(cls, candidate: object) -> "Solver":
        """Return a callable as a solver that is called in this process.

        Raises: NotASolver, in one line.
        """
        if isinstance(candidate, Solver):
            return candidate
        declaration = Declaration.of(candidate)
        function: Callable[..., Any] = candidate  # type: ignore[assignment]
        return cls(InProcess(function, declaration.accepts), declaration)

    @property
    def name(self) -> str:
        """Its name."""
        return self.declaration.name

    @property
    def version(self) -> str | None:
        """Its version, or `None`."""
        return self.declaration.version

    @property
    def models(self) -> tuple[str, ...]:
        """The families that it supports."""
        return self.declaration.models

    @property
    def differentiable(self) -> bool:
        """Whether it says that it takes and returns attached torch tensors."""
        return self.declaration.differentiable

    @property
    def accepts(self) -> frozenset[str]:
        """Which optional arguments it takes."""
        return self.declaration.accepts

    @property
    def reach(self) -> Reach:
        """What it claims; a case beyond it is not asked."""
        return self.declaration.reach

    def __call__(
        self,
        fixed: NDArray[Any],
        moving: NDArray[Any],
        model: str | None = None,
        mask: NDArray[np.bool_] | None = None,
        moving_mask: NDArray[np.bool_] | None = None,
        init: Init | None = None,
        intensity: str = "same",
    ) -> Answer:
        """Register two images, for whoever wraps a solver in another. Raises: SolverFault."""
        answer, _ = self.solve(
            fixed,
            moving,
            model=model or (AFFINE if AFFINE in self.models else self.models[0]),
            mask=mask,
            moving_mask=moving_mask,
            init=init,
            intensity=intensity,
        )
        return answer

    def solve(
        self,
        fixed: NDArray[Any],
        moving: NDArray[Any],
        *,
        model: str,
        mask: NDArray[np.bool_] | None = None,
        moving_mask: NDArray[np.bool_] | None = None,
        init: Init | None = None,
        intensity: str = "same",
        timeout: float | None = None,
        as_given: bool = False,
    ) -> tuple[Answer, float]:
        """Call the solver once on copies of the images, as float32.

        Args:
            fixed, moving: `(H, W)`, their sizes may differ.
            as_given: whether the solver is handed these images themselves, whatever their type.
            model, mask, moving_mask, init, intensity: passed where the signature has them.
            timeout: seconds, or `None` for no limit.
        Returns: the answer, and the wall time of the call in seconds.
        Raises: SolverFault.

        """
        images = fixed, moving
        if not as_given:
            images = np.array(fixed, dtype=np.float32), np.array(moving, dtype=np.float32)
        call = Call(
            *images,
            model,
            mask=None if mask is None else np.array(mask, dtype=bool),
            moving_mask=None if moving_mask is None else np.array(moving_mask, dtype=bool),
            init=init,
            intensity=intensity,
        )
        outcome, seconds = self.call(call, timeout)
        return self.read(outcome, call, seconds), seconds

    def solve_pair(
        self,
        pair: Pair,
        model: str,
        *,
        intensity: str,
        init: Init | None = None,
        timeout: float | None = None,
    ) -> tuple[Answer, float]:
        """Call the solver once on a pair, with its masks; as `solve`."""
        return self.solve(
            pair.fixed,
            pair.moving,
            model=model,
            mask=pair.mask,
            moving_mask=pair.moving_mask,
            init=init,
            intensity=intensity,
            timeout=timeout,
        )

    def watched(self, call: Call, timeout: float | None) -> Mapping[str, Any]:
        """Make a call that is watched, and return what was seen. Raises: SolverFault."""
        outcome, seconds = self.call(call, timeout)
        if call.watch != "input":
            self.read(outcome, call, seconds)
        return outcome.seen

    def call(self, call: Call, timeout: float | None = None) -> tuple[Outcome, float]:
        """Make one call; return what came back, and the seconds.

        Raises: SolverFault, where it raises, exits, or does not come back.
        """
        if timeout and self.history.hangs >= HANGS_IN_A_ROW:
            raise SolverFault(
                f"solver {self.name!r} was not called: its last {HANGS_IN_A_ROW} calls did not "
                f"return within {timeout:g} s each, or ended its process. Mend the loop that does "
                "not end, or raise the limit (--irgate-timeout SECONDS, 0 for none).",
                fault=HANGS,
            )
        start = time.perf_counter()
        try:
            outcome = self.caller.call(call, timeout)
        except CallTimeout:
            self.history.hangs += 1
            raise SolverFault(
                f"solver {self.name!r} did not return within {timeout:g} s; expected an answer in "
                "that time. Mend the loop that does not end, or raise the limit "
                "(--irgate-timeout SECONDS, 0 for none).",
                fault=HANGS,
            ) from None
        except ProcessLost as lost:
            self.history.hangs += 1
            raise SolverFault(f"solver {self.name!r} {lost}", fault=LOST) from None
        seconds = time.perf_counter() - start
        self.history.hangs = 0
        if outcome.raised:
            raise self._raised(outcome.raised, seconds)
        return outcome, seconds

    def read(self, outcome: Outcome, call: Call, seconds: float | None = None) -> Answer:
        """Read what the solver returned as a transform. Raises: SolverFault."""
        assert outcome.returned is not None
        try:
            return interpreted(outcome.returned, call.shape, projective=call.model == PROJECTIVE)
        except AnswerError as error:
            raise SolverFault(
                f"solver {self.name!r} {error}", seconds=seconds, fault="output_form"
            ) from None

    def _raised(self, raised: Raised, seconds: float | None) -> SolverFault:
        said = raised.said or "no message"
        if "main thread" in said and self.caller.isolation == "none":
            said += " (the time limit runs it in another; --irgate-timeout 0 does not)"
        where = f", at {raised.where}" if raised.where else ""
        return SolverFault(
            f"solver {self.name!r} raised {raised.kind}: {said}{where}{EXPECTED}a transform, on "
            "every pair of images.",
            detail=raised.trace,
            seconds=seconds,
            fault=RAISES,
            raised=f"{raised.kind}: {said}" if raised.is_error else None,
        )
