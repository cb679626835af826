"""What the oracle says about one case, as numbers that survive JSON bit for bit."""

import math
from dataclasses import dataclass
from typing import Any

import irgate_fixtures
from irgate_fixtures import Transform


class OracleUnavailable(RuntimeError):
    """SimpleITK raised, or there is no result and none may be computed."""


@dataclass(frozen=True, eq=False)
class OracleResult:
    """A converged registration by SimpleITK.

    Attributes:
        transform: from points of the fixed image to points of the moving one, px.
        metric: SimpleITK's metric there: mean squares, or minus NCC squared.
        metric_before_polish: the same where its own optimisers had stopped (on the pixels that
            mapped inside there).
        points: on how many pixels.
        seconds: wall time that it took.
        simpleitk: the version.

    """

    transform: Transform
    metric: float
    metric_before_polish: float
    points: int
    seconds: float
    simpleitk: str

    def to_json(self) -> dict[str, Any]:
        """Return builtin types; floats keep every bit (JSON writes their shortest repr)."""
        return {
            "transform": irgate_fixtures.to_json(self.transform),
            "metric": self.metric,
            "metric_before_polish": self.metric_before_polish,
            "points": self.points,
            "seconds": self.seconds,
            "simpleitk": self.simpleitk,
        }

    @classmethod
    def from_json(cls, data: Any) -> "OracleResult":
        """Read what `to_json` wrote.

        Raises: ValueError, saying what is wrong, for anything else.
        """
        try:
            return cls(
                transform=irgate_fixtures.from_json(data["transform"]),
                metric=_number(data["metric"]),
                metric_before_polish=_number(data["metric_before_polish"]),
                points=int(_number(data["points"])),
                seconds=_number(data["seconds"]),
                simpleitk=str(data["simpleitk"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"not an oracle result: {error!r}") from error


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"not a finite number: {value!r}")
    return float(value)
