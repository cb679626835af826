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
"""An explanation fits only where less than this distance is left: half a pixel is itself a fault.
"""

EXPLAINED_FRACTION = 0.1
"""The distance that is left must also be less than this part of the error, so that one small error
does not explain another. Of random errors of 0.4 px one in twenty is still explained; therefore a
fault is named for a whole run only where it explains most failures."""

NOISE_SHARE = 0.5
"""This part of the oracle's own distance, which noise leaves, is added to that."""

LEAST_PX = 0.05
"""An error smaller than this gets no explanation: too many would fit."""

NOISE_FACTOR = 3.0
"""Neither does an error smaller than this many times the oracle's own distance."""

UNMOVED_PX = 1e-3
"""An answer that moves no point farther than this is the identity, whatever else it resembles."""

NEARLY_UNMOVED_PX = 0.1
"""An answer that moves points less than this is the identity where nothing else explains it."""

TIE_PX = 0.01
TIE_FACTOR = 1.5
"""Two explanations are a tie where the distances that they leave differ by less than this."""

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
