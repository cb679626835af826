"""What is wrong with a transform: simple explanations, tried against the known truth.

Each explanation is a way to misread or mistake a transform (`misreadings`). It is named where
undoing it brings the answer to the truth; where none does, nothing is named.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from irgate_battery.diagnosis.answer_on_grid import AnswerOnGrid
from irgate_battery.diagnosis.grids import is_bicubic
from irgate_battery.diagnosis.misreadings import MISREADINGS
from irgate_fixtures import Pair

EXPLAINED_PX = 0.5
"""An explanation fits only where it leaves less than this: half a pixel is itself a fault."""

EXPLAINED_FRACTION = 0.1
"""... and less than this part of the error that it explains, so that a small error is not
explained by another small error. Of errors of 0.4 px in a random direction one in twenty still is;
over a whole run a fault must explain most failures to be named."""

NOISE_SHARE = 0.5
"""... where this much of what noise leaves of the oracle's own answer comes on top."""

LEAST_PX = 0.05
"""An error smaller than this is explained by nothing: too many explanations would."""

NOISE_FACTOR = 3.0
"""... nor one under this many times what noise leaves of the oracle's own."""

UNMOVED_PX = 1e-3
"""An answer that moves nothing by more than this is the identity, whatever else it resembles."""

NEARLY_UNMOVED_PX = 0.1
"""... and so is one under this that nothing else explains."""

TIE_PX = 0.01
TIE_FACTOR = 1.5
"""Two explanations cannot be told apart where what they leave differs by less than this."""

Field = NDArray[np.float64]


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


def explain(
    pair: Pair, displacement: Field, matrix: Field | None = None, noise_px: float = 0.0
) -> Explanation | None:
    """Name the one simple fault that explains an answer, or `None`.

    Args:
        pair: the pair, with its true transform.
        displacement: the answer, `(H, W, 2)`, `(dx, dy)` in pixels.
        matrix: the answer as a matrix where it came as one.
        noise_px: how far from the truth a right answer may stand here: the oracle's distance.

    """
    on_grid = AnswerOnGrid(pair, displacement, matrix)
    before = on_grid.off(on_grid.answer)
    if before < max(LEAST_PX, NOISE_FACTOR * noise_px):
        return None
    still = float(np.linalg.norm(on_grid.moved, axis=-1).mean())
    if still < UNMOVED_PX:
        return _identity(still, before)
    left = {misreading.fault: misreading.remainder(on_grid) for misreading in MISREADINGS}
    best = min(left.values())
    if best > min(EXPLAINED_PX, EXPLAINED_FRACTION * before + NOISE_SHARE * noise_px):
        return _identity(still, before) if still < min(NEARLY_UNMOVED_PX, before / 2) else None
    alike = [fault for fault, after in left.items() if after <= TIE_FACTOR * best + TIE_PX]
    chosen = next(misreading for misreading in MISREADINGS if misreading.fault == alike[0])
    fault, after = chosen.fault, left[chosen.fault]
    words = chosen.words
    if fault == "inverse" and on_grid.matrix is None and is_bicubic(on_grid):
        # The inverse of an FFD is none; what is one was found with the images exchanged.
        fault = "images swapped"
        alike[0] = fault
        words = "maps moving to fixed: the two images were swapped on the way in; exchange them"
    doubt = f" (this pair cannot tell it from: {', '.join(alike[1:])})" if alike[1:] else ""
    return Explanation(
        fault,
        f"your transform {words}; it matches the truth to {after:.2f} px once that is undone, "
        f"now {before:.2f} px{doubt}",
        before,
        after,
        tuple(alike),
    )


def _identity(still: float, before: float) -> Explanation:
    return Explanation(
        "identity",
        f"your transform is the identity to {still:.2f} px: nothing was moved, where the truth "
        f"is {before:.2f} px away",
        before,
        before,
        ("identity",),
    )
