"""What a solver claims to reach: how large a turn, how far a shift, how small an overlap.

A case beyond that is a skip that says so, never a failure and never a pass.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any


class ReachError(ValueError):
    """A declaration that cannot be read; the message completes `solver 'x' declares`."""


@dataclass(frozen=True)
class Reach:
    """A solver's claim; `None` where it claims no bound.

    Attributes:
        degrees: the largest turn.
        px: the farthest that the image's centre moves.
        overlap: the smallest part of the trusted fixed image that the motion leaves within the
            moving one, 0 to 1.

    """

    degrees: float | None = None
    px: float | None = None
    overlap: float | None = None

    @classmethod
    def of(cls, declared: object) -> "Reach":
        """Read `{"degrees": 20, "px": 30, "overlap": 0.6}`, any of them. Raises: ReachError."""
        if declared is None:
            return cls()
        known = [field.name for field in fields(cls)]
        if not isinstance(declared, Mapping) or not set(declared) <= set(known):
            raise ReachError(f"reach = {declared!r}; expected a dict with some of {known}")
        return cls(**{name: _bound(name, value) for name, value in declared.items()})

    def __str__(self) -> str:
        told = []
        if self.degrees is not None:
            told.append(f"turns to {self.degrees:g} degrees")
        if self.px is not None:
            told.append(f"shifts to {self.px:g} px")
        if self.overlap is not None:
            told.append(f"overlaps from {self.overlap:g}")
        return ", ".join(told)

    def beyond(self, degrees: float, px: float, overlap: float) -> str | None:
        """Return what of a motion lies beyond the claim, in words, or `None`."""
        if self.degrees is not None and abs(degrees) > self.degrees:
            return f"turns by {degrees:.4g} degrees"
        if self.px is not None and px > self.px:
            return f"moves the centre by {px:.4g} px"
        if self.overlap is not None and overlap < self.overlap:
            return f"leaves an overlap of {overlap:.2g}"
        return None


def _bound(name: str, value: Any) -> float:
    """Return a bound as a number. Raises: ReachError."""
    most = {"degrees": 180.0, "overlap": 1.0}.get(name, float("inf"))
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
        expected = f"a number from 0 to {most:g}" if most < float("inf") else "a number from 0 on"
        raise ReachError(f"reach[{name!r}] = {value!r}; expected {expected}")
    return float(value)
