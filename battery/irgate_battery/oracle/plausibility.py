"""May the oracle be believed on a pair whose truth nobody knows?

    c = correlation of band(fixed) and band(moving) o T over the valid region,
    band(I) = G(s) * I - G(2s) * I,    s = max(1, shorter side / 100) px

G(s) is the Gaussian of standard deviation s. Grey values alone do not tell: over 36 registrations
of crops of different photographs, SimpleITK ends at correlations of 0.43 to 0.89, by laying bright
areas upon bright ones. Their fine structure then correlates at 0.43 at most; that of the 55 cases,
noise of 0.1 among them, at 0.77 at least.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from irgate_battery.judge.limits import LEAST_CORRELATION, LEAST_OVERLAP
from irgate_battery.judge.measure import ImagePair, Warped, warp

STRUCTURE = 100
"""The finest structure that counts is this part of the shorter side; anything finer is noise."""


@dataclass(frozen=True)
class Plausibility:
    """What speaks against judging by an oracle's transform.

    Attributes:
        identity_rmse: RMSE where nothing is moved; `None` where nothing is valid there.
        reason: why the oracle is not believed, in words, or `None` where it is.

    """

    identity_rmse: float | None
    reason: str | None


@dataclass(frozen=True, eq=False)
class _Bands:
    """`irgate_battery.judge.measure.ImagePair` of fine structure."""

    fixed: NDArray[np.float64]
    moving: NDArray[np.float64]
    mask: NDArray[np.bool_] | None
    moving_mask: NDArray[np.bool_] | None


def plausibility(images: ImagePair, oracle_displacement: NDArray[np.float64]) -> Plausibility:
    """Say what speaks against an oracle's transform, `(H, W, 2)` px.

    A pair of inverted contrast is doubted too: the verdict is by RMSE, which cannot judge it.
    """
    oracle = warp(images, oracle_displacement)
    still = warp(images, np.zeros_like(oracle_displacement)).rmse
    reason = _lost(images, oracle, still)
    if reason is None:
        alike = likeness(images, oracle_displacement)
        if alike < LEAST_CORRELATION:
            reason = (
                f"under it the fine structure of the two hardly correlates ({alike:.2f}, "
                f"expected {LEAST_CORRELATION:g} or more): either these are two scenes, or it "
                "failed"
            )
    return Plausibility(still, reason)


def _lost(images: ImagePair, oracle: Warped, still: float | None) -> str | None:
    if oracle.rmse is None:
        return "its transform maps nothing into the moving image"
    trusted = images.fixed.size if images.mask is None else int(images.mask.sum())
    overlap = int(oracle.valid.sum()) / min(trusted, images.moving.size)
    if overlap < LEAST_OVERLAP:
        return f"it left the overlap: {overlap:.0%} remains, expected {LEAST_OVERLAP:.0%} or more"
    if still is not None and oracle.rmse >= still:
        return (
            f"its RMSE {oracle.rmse:.3g} is no better than {still:.3g}, where nothing is moved: "
            "either the images were aligned already, or it failed"
        )
    return None


def likeness(images: ImagePair, displacement: NDArray[np.float64]) -> float:
    """Return the correlation of fine structure, 0 where one of the two has none."""
    sigma = max(1.0, min(*images.fixed.shape, *images.moving.shape) / STRUCTURE)
    bands = _Bands(
        _band(images.fixed, sigma), _band(images.moving, sigma), images.mask, images.moving_mask
    )
    warped = warp(bands, displacement)
    one, other = bands.fixed[warped.valid], warped.image[warped.valid]
    one, other = one - one.mean(), other - other.mean()
    length = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float(one @ other) / length if length else 0.0


def _band(image: NDArray[np.float64], sigma: float) -> NDArray[np.float64]:
    return np.asarray(gaussian_filter(image, sigma) - gaussian_filter(image, 2 * sigma))
