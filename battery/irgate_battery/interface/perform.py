"""One call made: the solver's function on what it is handed, in the process that it lives in."""

import os
import sysconfig
import traceback
from collections.abc import Callable
from typing import Any

from irgate_battery.interface import watch
from irgate_battery.interface.call import Call, Gradient, Outcome, Raised
from irgate_battery.interface.outside_text import one_line, said_by, several_lines
from irgate_battery.interface.returned import Returned, held, unwrapped

_OURS = os.path.dirname(os.path.abspath(__file__))
"""Frames of ours that a solver's author need not read."""

_INSTALLED = tuple(
    sysconfig.get_path(kind) + os.sep for kind in ("purelib", "platlib", "stdlib", "platstdlib")
)
"""Where libraries live."""

_FIRST_FRAMES, _LAST_FRAMES = 4, 2
"""Frames of a traceback that are shown, from the solver's own and from where it was raised."""


def perform(
    function: Callable[..., Any], accepts: frozenset[str], call: Call, home: str | None = None
) -> Outcome:
    """Call a solver once, and say what came of it, whatever it raised.

    Args:
        function: the solver's callable.
        accepts: the optional arguments that it takes.
        call: what it is handed.
        home: the working directory before its first call.
    Raises: KeyboardInterrupt, which may be the user's.
    """
    seen: dict[str, Any] = {}
    own = os.getpid()
    try:
        returned, gradient = _performed(function, accepts, call, home, seen)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        return Outcome(raised=raised(error), seen=seen)
    finally:
        if os.getpid() != own:
            # The solver forked, and this is the other one: two must not go on.
            os._exit(0)
    return Outcome(returned, seen=seen, gradient=gradient)


def raised(error: BaseException) -> Raised:
    """Return what was raised, as words: the exception itself may hold anything."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if not os.path.abspath(frame.filename).startswith(_OURS)]
    # The line to look at is the solver's, though the exception may come out of a library below it.
    theirs = [frame for frame in own if not _is_installed(frame.filename)] or own
    where = f"{theirs[-1].filename}:{theirs[-1].lineno} in {theirs[-1].name}" if own else ""
    kind = type(error).__name__
    try:
        lines = traceback.format_exception_only(error)
    except Exception:
        # To ask an exception what it says is to run its code.
        lines = [f"{kind}\n"]
    trace = several_lines("".join([*_shortened(own), *lines]))
    is_error = isinstance(error, Exception)
    return Raised(one_line(kind), said_by(error), one_line(where), trace, is_error)


def _is_installed(filename: str) -> bool:
    """Whether a file is of Python itself or of an installed library."""
    return os.path.abspath(filename).startswith(_INSTALLED)


def _shortened(frames: list[traceback.FrameSummary]) -> list[str]:
    """Return frames as text, without the middle of a long way through a library."""
    told = traceback.format_list(frames)
    left_out = len(told) - _FIRST_FRAMES - _LAST_FRAMES
    if left_out <= 0:
        return told
    said = f"  ... {left_out} more\n"
    return [*told[:_FIRST_FRAMES], said, *told[-_LAST_FRAMES:]]


def _performed(
    function: Callable[..., Any],
    accepts: frozenset[str],
    call: Call,
    home: str | None,
    seen: dict[str, Any],
) -> tuple[Returned, Gradient | None]:
    if not call.tensors:
        names = ("fixed", "moving", "mask", "moving_mask")
        arrays = {name: getattr(call, name) for name in names}
        return unwrapped(*_called(function, accepts, call, arrays, home, seen)), None
    # Only this way needs torch.
    from irgate_battery.interface import autograd

    with autograd.one_thread():
        handed = autograd.tensors(call)
        content, place = _called(function, accepts, call, handed, home, seen)
        returned = unwrapped(content, place)
        if call.derivative is None:
            return returned, None
        image = handed[call.derivative.image]
        return returned, autograd.differentiated(content, call.shape, call.derivative, image)


def _called(
    function: Callable[..., Any],
    accepts: frozenset[str],
    call: Call,
    arrays: dict[str, Any],
    home: str | None,
    seen: dict[str, Any],
) -> tuple[Any, str]:
    """Call the solver; return what came back holds of a transform, and where in it."""
    told = {"model": call.model, "init": call.init, "intensity": call.intensity}
    offered = arrays | told
    passed = {name: value for name, value in offered.items() if name in accepts}
    images = arrays["fixed"], arrays["moving"]
    handed = {"fixed": images[0], "moving": images[1], **passed}
    with watch.watching(call.watch, handed, home, seen):
        # Reading is part of the call: an answer object's displacement(shape) is the solver's code.
        return held(function(*images, **passed), call.shape)
