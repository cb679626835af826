"""May the oracle be believed on a pair whose truth nobody knows, and can the pair show anything?

A verdict beside an oracle that is lost, or on a pair that doing nothing would pass too, would be
green over nothing. So both are asked before, and said.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from irgate_battery.judge import Images, Warped, warp
from irgate_battery.oracle.settings import SEARCH

LEAST_OVERLAP = SEARCH.overlap
"""Of the smaller image. The oracle seeks no smaller one, and slivers match anything."""

LEAST_CORRELATION = 0.5
"""Between the fixed image and the oracle's warp. At 0.5, of two images with one mean and spread,
the RMSE is as large as the spread: the one says no more of the other than its mean does."""


@dataclass(frozen=True)
class Doubt:
    """What speaks against judging by an oracle's transform.

    Attributes:
        identity_rmse: RMSE where nothing is moved; `None` where the mask trusts nothing there.
        reason: why the oracle is not believed, in words, or `None` where it is.

    """

    identity_rmse: float | None
    reason: str | None


def doubt(images: Images, oracle_displacement: NDArray[np.float64], intensity: str) -> Doubt:
    """Say what speaks against an oracle's transform, `(H, W, 2)` px, on these images."""
    oracle = warp(images, oracle_displacement)
    still = warp(images, np.zeros_like(oracle_displacement)).rmse
    return Doubt(still, _reason(images, oracle, still, intensity))


def _reason(images: Images, oracle: Warped, still: float | None, intensity: str) -> str | None:
    if oracle.rmse is None:
        return "its transform maps nothing into the moving image"
    trusted = images.fixed.size if images.mask is None else int(images.mask.sum())
    overlap = int(oracle.valid.sum()) / min(trusted, images.moving.size)
    if overlap < LEAST_OVERLAP:
        return f"it left the overlap: {overlap:.0%} is left, of {LEAST_OVERLAP:.0%} at least"
    if still is not None and oracle.rmse >= still:
        return (
            f"its RMSE {oracle.rmse:.3g} is no better than {still:.3g}, where nothing is moved: "
            "either the images were aligned already, or it failed"
        )
    likeness = _correlation(images.fixed[oracle.valid], oracle.image[oracle.valid])
    # The oracle follows NCC squared where intensities vary: contrast may be inverted then.
    if (abs(likeness) if intensity == "varying" else likeness) < LEAST_CORRELATION:
        return (
            f"after it the images hardly correlate ({likeness:.2f}, expected "
            f"{LEAST_CORRELATION:g} or more)"
        )
    return None


def _correlation(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Return Pearson's r, 0 where one of the two is constant."""
    one, other = one - one.mean(), other - other.mean()
    length = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float(one @ other) / length if length else 0.0
