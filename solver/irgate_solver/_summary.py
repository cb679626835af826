"""The six lines that `print(result)` shows."""

import math
from typing import TYPE_CHECKING, Any

from torch import Tensor

if TYPE_CHECKING:
    from irgate_solver._result import Result


def lines(result: "Result") -> str:
    """Return the summary: what, how it ended, where it maps, how alike, how much, how it got there.

    For a batch figures are ranges over the pairs.
    """
    several = isinstance(result.status, tuple)
    status = result.status if isinstance(result.status, tuple) else (result.status,)
    counts = [f"{status.count(kind)} {kind.name}" for kind in dict.fromkeys(status)]
    unit = "px" if result.spacing is None else "mm"
    length = result.displacement(unit=unit).detach().norm(dim=-1)
    steps: Any = result.iterations if several else (result.iterations,)
    taken, stages = [sum(counts) for counts in steps], [len(counts) for counts in steps]
    moves = _range(length.mean((-2, -1))), _range(length.amax((-2, -1)))
    alike = _range(result.correlation), _range(result.rmse), _range(result.objective)
    detail = _range(result.agreement), _range(result.drift)
    seen = _range(result.overlap), _range(result.folded)
    effort = _range(taken), _range(stages), _range(result.reciprocal_condition)
    return "\n".join(
        [
            f"{result.model}, {result.size}",
            ", ".join(counts) if several else f"{status[0].name}: {status[0]}",
            "moves pixels by {} {u} on average, by {} {u} at most".format(*moves, u=unit),
            "correlation {}, rmse {}, objective {}".format(*alike),
            "overlap {}, folded {}, agreement {}, drift {}".format(*seen, *detail),
            "{} steps in {} stages, reciprocal condition {}".format(*effort),
        ]
    )


def _range(figures: Tensor | float | tuple[float, ...] | list[int]) -> str:
    """Return one figure, or the least and the largest of several, with three digits.

    Those that are NaN are counted beside them.
    """
    if isinstance(figures, Tensor):
        figures = figures.detach().reshape(-1).tolist()
    values = list(figures) if isinstance(figures, (tuple, list)) else [figures]
    known = [value for value in values if not math.isnan(value)]
    if not known:
        return "nan"
    least, most = f"{min(known):.3g}", f"{max(known):.3g}"
    unknown = f" ({len(values) - len(known)} nan)" if len(known) < len(values) else ""
    return (least if least == most else f"{least} to {most}") + unknown
