"""The solver protocol: what a solver is, what it may be handed, and one guarded call of it.

A solver is a callable that takes `fixed` and `moving`; `model`, `mask`, `moving_mask`, `init` and
`intensity` are passed only where its signature has them.
"""

import inspect
import os
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from irgate_battery.interface.answer import Answer, AnswerError, read_answer
from irgate_battery.interface.outside_text import said_by, several_lines
from irgate_battery.interface.reach import Reach, ReachError
from irgate_battery.interface.time_limit import CallInterrupted, CallTimeout, call_within

MODELS = ("translation", "rigid", "affine", "ffd")
OPTIONAL_MODELS = ("similarity", "homography")
"""Only a solver that declares them is asked for these."""
ALL_MODELS = (*MODELS, *OPTIONAL_MODELS)
PROJECTIVE = "homography"
"""The model whose matrix need not end in (0, 0, 1)."""
OPTIONAL_ARGUMENTS = ("model", "mask", "moving_mask", "init", "intensity")


HANGS_IN_A_ROW = 5
"""After so many hanging calls in a row, a solver is not called again: a whole run of them would
take a night. It is more than three, because three cases in a row turn far, and a solver that is
otherwise right may hang on each."""

DEFAULT_TIMEOUT = 300.0
"""Seconds for one call: no pair of 200 px needs it, and a call that hangs ends all the same."""


class Init(Protocol):
    """What a solver may be handed to start from."""

    @property
    def matrix(self) -> NDArray[np.float64] | None:
        """Return `(3, 3)` about the pixel origin, or `None` where the start is dense."""

    def displacement(self, shape: tuple[int, int]) -> NDArray[np.float64]:
        """Return `u(x) = T(x) - x`, `(H, W, 2)`, px."""


class NotASolver(Exception):
    """The object does not fit the protocol; the message is one line for its author."""


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
    """How a solver's calls have ended, and where they began.

    Attributes:
        hangs: calls in a row that did not come back.
        folder: the working directory before the first call; `None` where there is none.
    """

    hangs: int = 0
    folder: str | None = field(default_factory=lambda: working_directory())


@dataclass(frozen=True, eq=False)
class Solver:
    """A callable that fits the protocol, with what it can take and what it says of itself.

    Attributes:
        function: the user's callable.
        name: its `name`, or `__name__`, or its type's name.
        version: its `version`, or `None`.
        models: the families it supports, in the order of `ALL_MODELS`; `MODELS` where it declares
            none.
        differentiable: whether it says that it takes and returns attached torch tensors.
        accepts: which of `OPTIONAL_ARGUMENTS` its signature has.
        reach: what it claims; a case beyond it is not asked.
        history: how its calls have ended. It belongs to this object: another solver, made where a
            forgotten one stood in memory, inherits nothing.

    """

    function: Callable[..., Any]
    name: str
    version: str | None
    models: tuple[str, ...]
    differentiable: bool
    accepts: frozenset[str]
    reach: Reach = field(default_factory=Reach)
    history: CallHistory = field(default_factory=CallHistory)

    @classmethod
    def of(cls, candidate: object) -> "Solver":
        """Read a callable's signature and attributes.

        Raises: NotASolver, in one line.
        """
        if isinstance(candidate, Solver):
            return candidate
        if not callable(candidate):
            raise NotASolver(
                f"a solver is a callable that takes fixed and moving; got a "
                f"{type(candidate).__name__}"
            )
        told = (getattr(candidate, name, None) for name in ("name", "__name__"))
        name = next((text for text in told if isinstance(text, str) and text), None)
        name = name or type(candidate).__name__
        version = getattr(candidate, "version", None)
        return cls(
            function=candidate,
            name=name,
            version=str(version) if isinstance(version, (str, int, float)) else None,
            models=_models(candidate, name),
            differentiable=bool(getattr(candidate, "differentiable", False)),
            accepts=_accepted(candidate, name),
            reach=_reach(candidate, name),
        )

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
        masks = [None if m is None else np.array(m, dtype=bool) for m in (mask, moving_mask)]
        shape = (fixed.shape[0], fixed.shape[1])
        # Reading is part of the call: an answer object's displacement(shape) is the solver's code,
        # and its time too.
        answer, seconds = self.call(
            *images,
            model=model,
            mask=masks[0],
            moving_mask=masks[1],
            init=init,
            intensity=intensity,
            timeout=timeout,
            then=lambda raw: read_answer(raw, shape, projective=model == PROJECTIVE),
        )
        return answer, seconds

    def call(
        self,
        fixed: Any,
        moving: Any,
        *,
        timeout: float | None = None,
        then: Callable[[Any], Any] = lambda raw: raw,
        **offered: Any,
    ) -> tuple[Any, float]:
        """Call the solver on exactly these objects; return what it returns, and the seconds.

        Args:
            fixed, moving: passed as they are.
            timeout: seconds, for the call and for `then`.
            then: reads what it returns.
            offered: passed where the signature has them.
        Raises: SolverFault, where it raises, exits, does not come back, or returns no transform.
        """
        if timeout and self.history.hangs >= HANGS_IN_A_ROW:
            raise SolverFault(
                f"solver {self.name!r} was not called: its last {HANGS_IN_A_ROW} calls did not "
                f"return within {timeout:g} s each. Mend the loop that does not end, or raise the "
                "limit (--irgate-timeout SECONDS, 0 for none)."
            )
        passed = {name: value for name, value in offered.items() if name in self.accepts}
        start = time.perf_counter()
        try:
            raw = call_within(timeout, lambda: then(self.function(fixed, moving, **passed)))
        except CallTimeout:
            self.history.hangs += 1
            raise SolverFault(
                f"solver {self.name!r} did not return within {timeout:g} s; expected an answer in "
                "that time. Mend the loop that does not end, or raise the limit "
                "(--irgate-timeout SECONDS, 0 for none)."
            ) from None
        except AnswerError as error:
            seconds = time.perf_counter() - start
            raise SolverFault(
                f"solver {self.name!r} {error}", seconds=seconds, fault="output_form"
            ) from None
        except CallInterrupted as error:
            raise self._raised(error.__cause__ or error, time.perf_counter() - start) from None
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            raise self._raised(error, time.perf_counter() - start) from None
        self.history.hangs = 0
        return raw, time.perf_counter() - start

    def read(self, raw: object, shape: tuple[int, int], seconds: float | None = None) -> Answer:
        """Read what the solver returned. Raises: SolverFault."""
        try:
            return read_answer(raw, shape)
        except AnswerError as error:
            raise SolverFault(
                f"solver {self.name!r} {error}", seconds=seconds, fault="output_form"
            ) from None
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            # An answer object's own .displacement(shape) is the solver's code too.
            raise self._raised(error, seconds) from None

    def _raised(self, error: BaseException, seconds: float | None) -> SolverFault:
        frames = traceback.extract_tb(error.__traceback__)
        own = [frame for frame in frames if frame.filename != __file__]
        own = [frame for frame in own if not frame.filename.endswith(_MACHINERY)]
        where = f", at {own[-1].filename}:{own[-1].lineno} in {own[-1].name}" if own else ""
        said = said_by(error) or "no message"
        if "main thread" in said:
            said += " (the time limit runs it in another; --irgate-timeout 0 does not)"
        lines = traceback.format_list(own) + traceback.format_exception_only(error)
        return SolverFault(
            f"solver {self.name!r} raised {type(error).__name__}: {said}{where}; expected a "
            "transform, on every pair of images.",
            detail=several_lines("".join(lines)),
            seconds=seconds,
            raised=f"{type(error).__name__}: {said}" if isinstance(error, Exception) else None,
        )


def working_directory() -> str | None:
    """Return the working directory, or `None` where it was deleted."""
    try:
        return os.getcwd()
    except OSError:
        return None


_MACHINERY = ("irgate_battery/interface/time_limit.py", "irgate_battery\\interface\\time_limit.py")
"""Frames of ours that a solver's author need not read."""


def _models(candidate: object, name: str) -> tuple[str, ...]:
    declared = getattr(candidate, "models", None)
    if declared is None:
        return MODELS
    try:
        given = (declared,) if isinstance(declared, str) else tuple(declared)
    except TypeError:
        raise NotASolver(
            f"solver {name!r} declares models = {declared!r}; expected some of {list(ALL_MODELS)}"
        ) from None
    unknown = [model for model in given if model not in ALL_MODELS]
    if unknown or not given:
        raise NotASolver(
            f"solver {name!r} declares models = {list(given)}; expected some of {list(ALL_MODELS)}"
        )
    return tuple(model for model in ALL_MODELS if model in given)


def _reach(candidate: object, name: str) -> Reach:
    try:
        return Reach.of(getattr(candidate, "reach", None))
    except ReachError as error:
        raise NotASolver(f"solver {name!r} declares {error}") from None


def _accepted(candidate: Callable[..., Any], name: str) -> frozenset[str]:
    try:
        parameters = inspect.signature(candidate).parameters.values()
    except (ValueError, TypeError):
        # Compiled callables may have no signature; two positional arguments is all they must take.
        return frozenset()
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    if len(positional) < 2 and not any(p.kind is p.VAR_POSITIONAL for p in parameters):
        raise NotASolver(
            f"solver {name!r} takes {len(positional)} positional arguments; expected at least two, "
            "fixed and moving"
        )
    if any(p.kind is p.VAR_KEYWORD for p in parameters):
        return frozenset(OPTIONAL_ARGUMENTS)
    keywords = [p for p in parameters if p.kind is not p.POSITIONAL_ONLY]
    accepted = {p.name for p in keywords if p.name in OPTIONAL_ARGUMENTS}
    # fixed and moving are the first two, whatever their names.
    accepted -= {p.name for p in positional[:2]}
    needed = [
        p.name
        for p in [*positional[2:], *(p for p in parameters if p.kind is p.KEYWORD_ONLY)]
        if p.default is p.empty and p.name not in accepted
    ]
    if needed:
        raise NotASolver(
            f"solver {name!r} requires {needed}, which the protocol does not pass; give each a "
            f"default (it passes fixed, moving, and of {list(OPTIONAL_ARGUMENTS)} those named)"
        )
    return frozenset(accepted)
