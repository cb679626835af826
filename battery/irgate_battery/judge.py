"""The judge: what a transform is worth on a pair, measured from the transform alone.

numpy and scipy, float64, linear interpolation. It shares no line with the solver, with
SimpleITK's resampler or with the oracle's metric, so that a bug in one cannot hide in the other.
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from irgate_fixtures import Pair, pixel_grid

ESCAPE_FRACTION = 0.9
"""A result that covers less than this part of what the truth covers has left the overlap."""

DIVERGED_RATIO = 1.5
"""An oracle whose RMSE is over this many times that at the true transform has not converged."""


@dataclass(frozen=True)
class Measurement:
    """The figures of one transform on one pair; `None` where a figure does not exist.

    The valid region holds the fixed pixels that the mask trusts and that the transform maps
    between pixel centres of the moving image, `[0, W - 1] x [0, H - 1]`.

    Attributes:
        rmse: root mean square of moving(T(x)) - fixed(x) over the valid region, intensity.
        truth_rmse: the same at the true transform: the floor of the pair.
        oracle_rmse: the same at the oracle's transform.
        ratio: rmse / oracle_rmse.
        rmse_vs_oracle: RMSE between the two warped moving images on the common valid region.
        tre_px: mean distance to the true transform over the valid region, pixels.
        tre_max_px: the largest one.
        oracle_tre_px: the oracle's mean distance over its own valid region, pixels.
        coverage: valid part of the trusted fixed pixels, 0 to 1.
        truth_coverage: the same at the true transform.
        folded: part of all fixed pixels at which det dT/dx is not positive.
        escaped: whether coverage is under 0.9 x truth_coverage.
        oracle_diverged: whether the oracle itself failed: over 1.5 x truth_rmse, or escaped.

    """

    rmse: float | None
    truth_rmse: float | None
    oracle_rmse: float | None
    ratio: float | None
    rmse_vs_oracle: float | None
    tre_px: float | None
    tre_max_px: float | None
    oracle_tre_px: float | None
    coverage: float
    truth_coverage: float
    folded: float
    escaped: bool
    oracle_diverged: bool

    def to_dict(self) -> dict[str, Any]:
        """Return the figures of a row; whether the oracle diverged is told by its origin there."""
        return {name: value for name, value in asdict(self).items() if name != "oracle_diverged"}


@dataclass(frozen=True, eq=False)
class _Warped:
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
    shape = (pair.fixed.shape[0], pair.fixed.shape[1])
    truth = pair.truth.displacement(shape)
    ours = _warp(pair, displacement)
    oracle = _warp(pair, oracle_displacement)
    floor = _warp(pair, truth)

    distance = np.linalg.norm(displacement - truth, axis=-1)[ours.valid]
    oracle_distance = np.linalg.norm(oracle_displacement - truth, axis=-1)[oracle.valid]
    common = ours.valid & oracle.valid
    return Measurement(
        rmse=ours.rmse,
        truth_rmse=floor.rmse,
        oracle_rmse=oracle.rmse,
        ratio=_ratio(ours.rmse, oracle.rmse),
        rmse_vs_oracle=_rms((ours.image - oracle.image)[common]),
        tre_px=_mean(distance),
        tre_max_px=float(distance.max()) if distance.size else None,
        oracle_tre_px=_mean(oracle_distance),
        coverage=ours.coverage,
        truth_coverage=floor.coverage,
        folded=folded_fraction(displacement),
        escaped=_escaped(ours, floor),
        oracle_diverged=_escaped(oracle, floor) or _over(oracle.rmse, floor.rmse),
    )


def distance_px(pair: Pair, displacement: NDArray[np.float64]) -> float:
    """Return the mean distance to the true transform over the whole fixed image, pixels.

    Unlike `tre_px` it asks nothing of the valid region, so that a wrong convention, which may
    map everything out of the moving image, still has a distance.
    """
    shape = (pair.fixed.shape[0], pair.fixed.shape[1])
    off = displacement - pair.truth.displacement(shape)
    return float(np.linalg.norm(off, axis=-1).mean())


def folded_fraction(displacement: NDArray[np.float64]) -> float:
    """Return the part of the grid where det dT/dx <= 0, by finite differences of T = x + u."""
    du_dy = np.gradient(displacement, axis=0)
    du_dx = np.gradient(displacement, axis=1)
    det = (1 + du_dx[..., 0]) * (1 + du_dy[..., 1]) - du_dx[..., 1] * du_dy[..., 0]
    return float(np.mean(det <= 0))


def _warp(pair: Pair, displacement: NDArray[np.float64]) -> _Warped:
    height, width = pair.moving.shape
    shape = (pair.fixed.shape[0], pair.fixed.shape[1])
    points = pixel_grid(shape) + displacement
    x, y = points[..., 0], points[..., 1]
    inside = (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)
    trusted = np.ones(shape, dtype=bool) if pair.mask is None else pair.mask
    valid = inside & trusted
    image = map_coordinates(pair.moving, [y, x], order=1, mode="nearest")
    return _Warped(
        image=image,
        valid=valid,
        coverage=float(valid.sum() / max(int(trusted.sum()), 1)),
        rmse=_rms((image - pair.fixed)[valid]),
    )


def _rms(values: NDArray[np.float64]) -> float | None:
    return float(np.sqrt(np.mean(values**2))) if values.size else None


def _mean(values: NDArray[np.float64]) -> float | None:
    return float(values.mean()) if values.size else None


def _ratio(ours: float | None, oracle: float | None) -> float | None:
    """Return ours / oracle; it does not exist where either is missing or the oracle's is 0."""
    return None if ours is None or not oracle else ours / oracle


def _escaped(result: _Warped, floor: _Warped) -> bool:
    return result.coverage < ESCAPE_FRACTION * floor.coverage


def _over(oracle: float | None, floor: float | None) -> bool:
    if oracle is None:
        return True
    return floor is not None and oracle > DIVERGED_RATIO * floor
