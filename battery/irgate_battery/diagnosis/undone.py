"""What is left of an answer's error once one mistake is undone."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Undone:
    """One variant of a mistake, undone on an answer.

    Attributes:
        px: mean distance to the truth that is left.
        variant: which of the variants, `"1/2"`; empty where there is one.
        effect_px: how far the mistake moves the true transform; `None` where undoing the same
            variant on the truth itself tells it.

    """

    px: float
    variant: str = ""
    effect_px: float | None = None
