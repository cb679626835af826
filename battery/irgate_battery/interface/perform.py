"""One call made: the solver's function on what it is handed, in the process that it lives in."""

import os
import traceback
from collections.abc import Callable
from typing import Any

from irgate_battery.interface import watch
from irgate_battery.interface.call import Call, Gradient, Outcome, Raised
from irgate_battery.interface.returned import Returned, held, unwrapped

LONGEST = 4000
"""Characters of a solver's own words that are kept."""

_OURS = os.path.dirname(os.path.abspath(__file__))
"""Frames of ours that a solver's author need not read."""


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
    try:
        returned, gradient = _performed(function, accepts, call, home, seen)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        return Outcome(raised=raised(error), seen=seen)
    return Outcome(returned, seen=seen, gradient=gradient)


def raised(error: BaseException) -> Raised:
    """Return what was raised, as words: the exception itself may hold anything."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if not os.path.abspath(frame.filename).startswith(_OURS)]
    where = f"{own[-1].filename}:{own[-1].lineno} in {own[-1].name}" if own else ""
    kind = type(error).__name__
    try:
        said = " ".join(str(error)[:LONGEST].split())
        lines = traceback.format_exception_only(error)
    except Exception as second:
        said = f"a message that cannot be read: its __str__ raised {type(second).__name__}"
        lines = [f"{kind}\n"]
    trace = "".join([*traceback.format_list(own), *(line[:LONGEST] for line in lines)])
    is_error = isinstance(error, Exception)
    return Raised(kind, _printable(said), _printable(where), _printable(trace), is_error)


def _performed(
    function: Callable[..., Any],
    accepts: frozenset[str],
    call: Call,
    home: str | None,
    seen: dict[str, Any],
) -> tuple[Returned, Gradient | None]:
    images: tuple[Any, Any] = (call.fixed, call.moving)
    offered: dict[str, Any] = {
        "model": call.model,
        "mask": call.mask,
        "moving_mask": call.moving_mask,
        "init": call.init,
        "intensity": call.intensity,
    }
    if call.tensors:
        # Only this way needs torch.
        from irgate_battery.interface import autograd

        images, masks = autograd.tensors(call)
        offered |= masks
    passed = {name: value for name, value in offered.items() if name in accepts}
    handed = {"fixed": images[0], "moving": images[1], **passed}
    with watch.watching(call.watch, handed, home, seen):
        # Reading is part of the call: an answer object's displacement(shape) is the solver's code.
        content, place = held(function(*images, **passed), call.shape)
        returned = unwrapped(content, place)
    if call.derivative is None:
        return returned, None
    from irgate_battery.interface import autograd

    return returned, autograd.differentiated(content, call.shape, call.derivative, images)


def _printable(text: str) -> str:
    """Return a text that can be encoded: a lone surrogate in a row would kill an xdist run."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
