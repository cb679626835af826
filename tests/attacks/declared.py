"""How a hostile solver is declared: what the row of a case must say of it."""

import sys
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

HUNG = "did not return within"


@dataclass(frozen=True)
class Attack:
    """A hostile solver.

    Attributes:
        function: it takes `fixed` and `moving`.
        words: the row's message has one of them; empty where the identity that it returns is
            simply judged, and fails.
        here: the same where it shares the judge's process; empty where it is not run there.
        hangs: whether it needs a time limit.
    """

    function: Callable
    words: tuple[str, ...]
    here: tuple[str, ...]
    hangs: bool

    @property
    def name(self):
        return self.function.__name__

    @property
    def spec(self):
        return f"{self.function.__module__}:{self.name}"

    def is_told(self, message, words):
        return any(each in message for each in words)


def attack(*words, here=(), hangs=False):
    """Declare a solver, in the list `ATTACKS` of its module."""

    def keep(function):
        listed = sys.modules[function.__module__].__dict__.setdefault("ATTACKS", [])
        listed.append(Attack(function, words, here, hangs))
        return function

    return keep


def ended(how):
    """Return what is said of a process that ended so."""
    return f"ended its process ({how})"


def identity():
    """Return what is wrong on every base fixture."""
    return np.eye(3)


def own_request():
    """Return the request that is being answered, from the frames of the program around it."""
    frame = sys._getframe()
    while frame is not None:
        if "request" in frame.f_locals:
            return frame.f_locals["request"]
        frame = frame.f_back
    raise LookupError("no request")
