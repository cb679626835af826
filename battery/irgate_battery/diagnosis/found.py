"""What a diagnosis finds: a fault, in words, with the numbers before and after."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Explanation:
    """A fault that fits.

    Attributes:
        fault: its name, `"inverse"`.
        sentence: in words, with the numbers before and after and the mend.
        before_px: mean distance of the answer to the truth over the fixed image.
        after_px: the same once the fault is undone.
        fits: every fault that this pair cannot tell from it, its own name first.

    """

    fault: str
    sentence: str
    before_px: float
    after_px: float
    fits: tuple[str, ...]
