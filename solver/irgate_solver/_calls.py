"""What surrounds a call: torch's modes are kept out, and a warning names the caller's line."""

import sys
import warnings
from collections.abc import Callable
from contextlib import ExitStack
from functools import wraps
from typing import ParamSpec, TypeVar

import torch

P = ParamSpec("P")
R = TypeVar("R")

_OWN = ("irgate_solver", "torch", "contextlib")
"""Packages whose frames are no caller of the solver."""


def without_autocast(function: Callable[P, R]) -> Callable[P, R]:
    """Run `function` in the types that its arithmetic was chosen for (`_precision`).

    Autocast would hand half the digits to products of images and not to the sums beside them.
    """

    @wraps(function)
    def plainly(*arguments: P.args, **options: P.kwargs) -> R:
        active = [kind for kind in ("cpu", "cuda") if torch.is_autocast_enabled(kind)]
        if not active:
            return function(*arguments, **options)
        with ExitStack() as stack:
            for kind in active:
                stack.enter_context(torch.autocast(kind, enabled=False))
            return function(*arguments, **options)

    return plainly


def without_inference(function: Callable[P, R]) -> Callable[P, R]:
    """Run `function` outside of inference mode, and without gradients where the caller is in it.

    Tensors made in inference mode are refused by autograd for ever, and errors and status are
    computed by it later.
    """

    @wraps(function)
    def plainly(*arguments: P.args, **options: P.kwargs) -> R:
        if not torch.is_inference_mode_enabled():
            return function(*arguments, **options)
        with torch.inference_mode(False), torch.no_grad():
            return function(*arguments, **options)

    return plainly


def warn(message: str, category: type[Warning]) -> None:
    """Warn at the line that called the solver, however deep the solver stands."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None and _is_own(frame.f_globals.get("__name__", "")):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, stacklevel=level + 1)


def _is_own(module: str) -> bool:
    return module.split(".")[0] in _OWN
