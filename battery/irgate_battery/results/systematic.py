"""The verdict over signed errors: an error of one sign in every case, each within its tolerance.

A sign test: of n errors that are not zero, were the signs drawn by a coin, all but k of one sign or
the other come with probability 2 sum_{i <= k} C(n, i) / 2^n.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, ClassVar

from irgate_battery.judge.limits import SYSTEMATIC_CASES, SYSTEMATIC_CHANCE, SYSTEMATIC_PX
from irgate_battery.results.result_row import ResultRow
from irgate_battery.results.verdict import Effect, Verdict, VerdictStatus

LEVER_PX = 100.0
"""A turn, a scale and a shear are said in px this far from the centre: half a fixture's side."""

ZERO_PX = 1e-6
"""A smaller error is none and has no sign: a shift has no scale."""


@dataclass(frozen=True)
class Component:
    """One part of the signed error.

    Attributes:
        name: in reports.
        field: of the rows.
        px: what a value of 1 moves, px, `LEVER_PX` from the centre.
        unit: in words.

    """

    name: str
    field: str
    px: float
    unit: str


COMPONENTS = (
    Component("shift x", "error_dx_px", 1.0, " px"),
    Component("shift y", "error_dy_px", 1.0, " px"),
    Component("turn", "error_degrees", math.radians(LEVER_PX), " degrees"),
    Component("scale", "error_scale", LEVER_PX, ""),
    Component("shear", "error_shear", LEVER_PX, ""),
)


@dataclass(frozen=True)
class Tendency:
    """What the clean cases share in one component.

    Attributes:
        component: which.
        median: of its values over the cases that have one.
        above, below: how many are positive and negative.

    """

    component: Component
    median: float
    above: int
    below: int

    @classmethod
    def of(cls, component: Component, rows: Sequence[ResultRow]) -> "Tendency":
        """Gather the values that are not zero."""
        values = [getattr(row, component.field) for row in rows]
        told = [value for value in values if abs(value) * component.px > ZERO_PX]
        return cls(
            component,
            float(median(told)) if told else 0.0,
            sum(value > 0 for value in told),
            sum(value < 0 for value in told),
        )

    @property
    def chance(self) -> float:
        """The probability of signs as one-sided as these, were they drawn."""
        fewer, number = min(self.above, self.below), self.above + self.below
        tail = sum(math.comb(number, k) for k in range(fewer + 1))
        return min(1.0, 2.0 * tail / 2.0**number)

    @property
    def is_systematic(self) -> bool:
        """Whether the error has one sign, and a size."""
        large = abs(self.median) * self.component.px > SYSTEMATIC_PX
        return large and self.chance <= SYSTEMATIC_CHANCE

    def __str__(self) -> str:
        most, sign = max((self.above, "large"), (self.below, "small"))
        return (
            f"{self.component.name} {self.median:+.2g}{self.component.unit} in the median "
            f"(too {sign} in {most} of {self.above + self.below})"
        )


@dataclass(frozen=True, kw_only=True)
class Systematic(Verdict):
    """Whether the errors of the clean cases have one sign.

    Attributes:
        cases: on how many clean cases that pass.
        shift_px: the median error of the centre, `[dx, dy]`.
        degrees, scale, shear: the other medians, each over the cases that have such an error.
        signs: for each component how many are positive and negative.

    """

    name: ClassVar[str] = "systematic"
    title: ClassVar[str] = "systematic"
    effect: ClassVar[Effect] = "strict"
    needs: ClassVar[str] = f"{int(SYSTEMATIC_CASES)} clean cases"

    cases: int
    shift_px: list[float] | None
    degrees: float | None
    scale: float | None
    shear: float | None
    signs: dict[str, list[int]]

    def figures(self) -> dict[str, Any]:
        """Return the `systematic` object of the JSON report."""
        return {
            "cases": self.cases,
            "shift_px": self.shift_px,
            "degrees": self.degrees,
            "scale": self.scale,
            "shear": self.shear,
            "signs": self.signs,
        }


def systematic(rows: Sequence[ResultRow]) -> Systematic:
    """Return the verdict over the rows of a run; those of clean cases that passed have a say."""
    clean = [row for row in rows if row.status == "passed" and row.error_scale is not None]
    found = [Tendency.of(component, clean) for component in COMPONENTS]
    status: VerdictStatus
    if len(clean) < SYSTEMATIC_CASES:
        status = "not_evaluated"
        reason = f"not evaluated ({len(clean)} clean cases passed; {SYSTEMATIC_CASES:g} are needed)"
    elif guilty := [str(each) for each in found if each.is_systematic]:
        status = "fail"
        reason = f"the error has one sign over {len(clean)} clean cases: {'; '.join(guilty)}"
    else:
        status = "pass"
        reason = f"no error over {SYSTEMATIC_PX:g} px has one sign ({len(clean)} clean cases)"
    x, y, turn, scale, shear = (each.median for each in found)
    return Systematic(
        status=status,
        reason=reason,
        cases=len(clean),
        shift_px=[x, y] if clean else None,
        degrees=turn if clean else None,
        scale=scale if clean else None,
        shear=shear if clean else None,
        signs={each.component.name: [each.above, each.below] for each in found},
    )
