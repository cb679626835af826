"""What is wrong with a transform: simple explanations, tried against the known truth.

Each explanation is a way to misread or mistake a transform. It is named where undoing it brings
the answer to the truth; where none does, nothing is named.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from irgate_battery.judge import distance_px
from irgate_fixtures import Pair, pixel_grid

EXPLAINED_PX = 0.5
"""An explanation fits only where it leaves less than this: half a pixel is itself a fault."""

EXPLAINED_FRACTION = 0.25
"""... and less than this part of the error that it explains, so that a small error is not
explained by another small error."""

Field = NDArray[np.float64]


@dataclass(frozen=True)
class Explanation:
    """A fault that fits.

    Attributes:
        fault: its name, `"inverse"`.
        sentence: in words, with the numbers before and after and the mend.
        before_px: mean distance of the answer to the truth over the fixed image.
        after_px: the same once the fault is undone.

    """

    fault: str
    sentence: str
    before_px: float
    after_px: float


def inverse_distance_px(pair: Pair, displacement: Field) -> float:
    """Return the mean distance of an answer to the *inverse* of the truth, pixels.

    Where the answer S is the inverse of the truth T, T(S(x)) = x; so the distance is the mean of
    |T(S(x)) - x|, and no field has to be inverted.
    """
    shape = (pair.fixed.shape[0], pair.fixed.shape[1])
    grid = pixel_grid(shape)
    back = pair.truth(grid + displacement) - grid
    return float(np.linalg.norm(back, axis=-1).mean())


def swap_axes(displacement: Field, matrix: Field | None) -> Field:
    """Return the displacement that is meant if x and y were confused: P T P, P swaps x and y.

    Args:
        displacement: the answer, `(H, W, 2)`.
        matrix: the answer as `(3, 3)`, or `None`: then the components are swapped in place.

    """
    if matrix is None:
        return displacement[..., ::-1]
    linear = matrix[1::-1, 1::-1]
    shift = matrix[1::-1, 2]
    grid = pixel_grid((displacement.shape[0], displacement.shape[1]))
    return grid @ linear.T + shift - grid


def explain(pair: Pair, displacement: Field, matrix: Field | None = None) -> Explanation | None:
    """Name the one simple fault that explains an answer, or `None`.

    Args:
        pair: the pair, with its true transform.
        displacement: the answer, `(H, W, 2)`, `(dx, dy)` in pixels.
        matrix: the answer as a matrix where it came as one.

    """
    before = distance_px(pair, displacement)
    if before < EXPLAINED_PX:
        return None
    still = float(np.linalg.norm(displacement, axis=-1).mean())
    if still < EXPLAINED_FRACTION * EXPLAINED_PX:
        return Explanation(
            "identity",
            f"your transform is the identity to {still:.2f} px: nothing was moved, where the truth "
            f"moves {before:.2f} px on average",
            before,
            before,
        )
    swapped = swap_axes(displacement, matrix)
    tries: tuple[tuple[str, Callable[[], float], str], ...] = (
        (
            "inverse",
            lambda: inverse_distance_px(pair, displacement),
            "is inverted: it maps moving to fixed; return the one that maps fixed to moving",
        ),
        (
            "x and y swapped",
            lambda: distance_px(pair, swapped),
            "has x and y swapped: x is the column and comes first",
        ),
        (
            "inverse, x and y swapped",
            lambda: inverse_distance_px(pair, swapped),
            "is inverted and has x and y swapped: map fixed to moving, x (the column) first",
        ),
    )
    after, fault, words = min((distance(), fault, words) for fault, distance, words in tries)
    if after > min(EXPLAINED_PX, EXPLAINED_FRACTION * before):
        return None
    return Explanation(
        fault,
        f"your transform {words}; it matches the truth to {after:.2f} px once that is undone "
        f"(now {before:.2f} px)",
        before,
        after,
    )
