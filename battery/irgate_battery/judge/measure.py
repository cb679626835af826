"""The judge: what a transform is worth on a pair, measured from the transform alone.

numpy and scipy, float64, linear interpolation. It shares no line with the solver, with
SimpleITK's resampler or with the oracle's metric, so that a bug in one cannot hide in the other.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from irgate_battery.judge.limits import DIVERGED_RATIO, ESCAPE_FRACTION
from irgate_fixtures import Pair, pixel_grid


class ImagePair(Protocol):
    """What is measured on: a pair's images, whether or not their true transform is known."""

    @property
    def fixed(self) -> NDArray[np.float64]:
        """`(H, W)`, nominally in [0, 1]."""

    @property
    def moving(self) -> NDArray[np.float64]:
        """`(H, W)`, of any size of its own."""

    @property
    def mask(self) -> NDArray[np.bool_] | None:
        """On the fixed image, False where it must not be trusted; or None."""

    @property
    def moving_mask(self) -> NDArray[np.bool_] | None:
        """On the moving image, False where it must not be trusted; or None."""


@dataclass(frozen=True)
class Measurement:
    """The figures of one transform on one pair; `None` where a figure does not exist.

    The valid region holds the fixed pixels that the mask trusts and that the transform maps
    between pixel centres of the moving image, `[0, W - 1] x [0, H - 1]`, where no pixel that the
    moving mask distrusts enters the interpolation.

    Attributes:
        rmse: root mean square of moving(T(x)) - fixed(x) over the valid region, intensity.
        truth_rmse: the same at the true transform: the floor of the pair.
        oracle_rmse: the same at the oracle's transform.
        ratio: rmse / oracle_rmse.
        rmse_vs_oracle: RMSE between the two warped moving images on the common valid region.
        tre_px: mean distance to the true transform over the valid region, pixels.
        tre_max_px: the largest one.
        oracle_tre_px: the oracle's mean distance over its own valid region, pixels.
        oracle_distance_px: mean distance to the oracle's transform over the valid region, pixels.
        coverage: valid part of the trusted fixed pixels, 0 to 1.
        truth_coverage: the same at the true transform.
        oracle_coverage: the same at the oracle's.
        folded: part of all fixed pixels at which det dT/dx is not positive.
        escaped: whether coverage is under 0.9 x truth_coverage, or without a truth under 0.9 x
            oracle_coverage.
        oracle_diverged: whether the oracle itself failed: over 1.5 x truth_rmse, or escaped;
            without a truth that is not known here (`irgate_battery.oracle.plausibility`).

    """

    rmse: float | None
    truth_rmse: float | None
    oracle_rmse: float | None
    ratio: float | None
    rmse_vs_oracle: float | None
    tre_px: float | None
    tre_max_px: float | None
    oracle_tre_px: float | None
    oracle_distance_px: float | None
    coverage: float
    truth_coverage: float | None
    oracle_coverage: float | None
    folded: float
    escaped: bool
    oracle_diverged: bool


@dataclass(frozen=True, eq=False)
class Warped:
    """A moving image looked up through a transform.

    Attributes:
        image: moving(T(x)), `(H, W)`; outside the valid region it means nothing.
        valid: the valid region, as in `Measurement`.
        coverage: its part of the trusted fixed pixels.
        rmse: over it; `None` where it is empty.

    """

    image: NDArray[np.float64]
    valid: NDArray[np.bool_]
    coverage: float
    rmse: float | None


def measure(
    pair: Pair, displacement: NDArray[np.float64], oracle_displacement: NDArray[np.float64]
) -> Measurement:
    """Measure a transform on a pair, beside the oracle's and the true one.

    Args:
        pair: the images, the mask and the true transform.
        displacement: the solver's, `(H, W, 2)`, `(dx, dy)` in pixels on the fixed grid.
        oracle_displacement: the oracle's, in the same form.

    """
    truth = pair.truth.displacement(pair.shape)
    return _measured(pair, displacement, oracle_displacement, truth)


def measure_without_oracle(
    images: ImagePair, displacement: NDArray[np.float64], truth: NDArray[np.float64] | None
) -> Measurement:
    """Measure a transform against the true one alone; without one, what the images alone say."""
    ours = warp(images, displacement)
    floor = None if truth is None else warp(images, truth)
    distance = _distance(displacement, truth, ours.valid)
    return Measurement(
        rmse=ours.rmse,
        truth_rmse=floor.rmse if floor else None,
        oracle_rmse=None,
        ratio=None,
        rmse_vs_oracle=None,
        tre_px=_mean(distance),
        tre_max_px=float(distance.max()) if distance.size else None,
        oracle_tre_px=None,
        oracle_distance_px=None,
        coverage=ours.coverage,
        truth_coverage=floor.coverage if floor else None,
        oracle_coverage=None,
        folded=folded_fraction(displacement),
        escaped=floor is not None and _escaped(ours, floor),
        oracle_diverged=False,
    )


def measure_without_truth(
    images: ImagePair, displacement: NDArray[np.float64], oracle_displacement: NDArray[np.float64]
) -> Measurement:
    """Measure a transform beside the oracle's alone: what needs a truth is `None`."""
    return _measured(images, displacement, oracle_displacement, None)


def _measured(
    images: ImagePair,
    displacement: NDArray[np.float64],
    oracle_displacement: NDArray[np.float64],
    truth: NDArray[np.float64] | None,
) -> Measurement:
    ours = warp(images, displacement)
    oracle = warp(images, oracle_displacement)
    floor = None if truth is None else warp(images, truth)
    common = ours.valid & oracle.valid
    distance = _distance(displacement, truth, ours.valid)
    return Measurement(
        rmse=ours.rmse,
        truth_rmse=floor.rmse if floor else None,
        oracle_rmse=oracle.rmse,
        ratio=_ratio(ours.rmse, oracle.rmse),
        rmse_vs_oracle=_rms((ours.image - oracle.image)[common]),
        tre_px=_mean(distance),
        tre_max_px=float(distance.max()) if distance.size else None,
        oracle_tre_px=_mean(_distance(oracle_displacement, truth, oracle.valid)),
        oracle_distance_px=_mean(_distance(displacement, oracle_displacement, ours.valid)),
        coverage=ours.coverage,
        truth_coverage=floor.coverage if floor else None,
        oracle_coverage=oracle.coverage,
        folded=folded_fraction(displacement),
        escaped=_escaped(ours, floor or oracle),
        oracle_diverged=floor is not None and _diverged(oracle, floor),
    )


def folded_fraction(displacement: NDArray[np.float64]) -> float:
    """Return the part of the grid where det dT/dx <= 0, by finite differences of T = x + u."""
    du_dy = np.gradient(displacement, axis=0)
    du_dx = np.gradient(displacement, axis=1)
    det = (1 + du_dx[..., 0]) * (1 + du_dy[..., 1]) - du_dx[..., 1] * du_dy[..., 0]
    return float(np.mean(det <= 0))


def warp(images: ImagePair, displacement: NDArray[np.float64]) -> Warped:
    """Look the moving image up at x + u(x), linearly."""
    shape = (images.fixed.shape[0], images.fixed.shape[1])
    points = pixel_grid(shape) + displacement
    trusted = np.ones(shape, dtype=bool) if images.mask is None else images.mask
    valid = inside(points, images.moving.shape) & trusted
    if images.moving_mask is not None:
        valid &= trusted_at(images.moving_mask, points)
    image = look_up(images.moving, points)
    return Warped(
        image=image,
        valid=valid,
        coverage=float(valid.sum() / max(int(trusted.sum()), 1)),
        rmse=_rms((image - images.fixed)[valid]),
    )


def inside(points: NDArray[np.float64], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Return which points `(..., 2)`, `(x, y)` px, lie between pixel centres of an image.

    Args:
        points: anywhere.
        shape: `(H, W)` of the image: [0, W - 1] x [0, H - 1] is inside.
    """
    height, width = shape
    return np.asarray(np.all((points >= 0) & (points <= (width - 1, height - 1)), axis=-1))


def trusted_at(moving_mask: NDArray[np.bool_], points: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return at which points `(..., 2)`, `(x, y)` px, every pixel interpolated is trusted.

    Args:
        moving_mask: bool `(H, W)`, False where the image must not be trusted.
        points: anywhere.
    """
    distrust = look_up((~moving_mask).astype(np.float64), points)
    return np.asarray(distrust == 0)


def look_up(image: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return an image `(H, W)` at points `(..., 2)`, `(x, y)` px: linear, clamped at the border."""
    x, y = points[..., 0], points[..., 1]
    return np.asarray(map_coordinates(image, [y, x], order=1, mode="nearest"))


def _distance(
    displacement: NDArray[np.float64], other: NDArray[np.float64] | None, valid: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return how far two transforms are apart at the valid pixels; nowhere where one is missing."""
    if other is None:
        return np.empty(0)
    return np.asarray(np.linalg.norm(displacement - other, axis=-1)[valid])


def _rms(values: NDArray[np.float64]) -> float | None:
    return float(np.sqrt(np.mean(values**2))) if values.size else None


def _mean(values: NDArray[np.float64]) -> float | None:
    return float(values.mean()) if values.size else None


def _ratio(ours: float | None, oracle: float | None) -> float | None:
    """Return ours / oracle; it does not exist where either is missing or the oracle's is 0."""
    return None if ours is None or not oracle else ours / oracle


def _escaped(result: Warped, floor: Warped) -> bool:
    return result.coverage < ESCAPE_FRACTION * floor.coverage


def _diverged(oracle: Warped, floor: Warped) -> bool:
    if oracle.rmse is None or _escaped(oracle, floor):
        return True
    return floor.rmse is not None and oracle.rmse > DIVERGED_RATIO * floor.rmse
