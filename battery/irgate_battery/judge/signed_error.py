"""The signed error of a transform over the true one: shift, turn, scale and shear.

    T_solver(x) ~ L T_true(x),    L y = M (y - c) + c + (dx, dy),    M = R(angle) (1 + scale) S

L is the affine map that fits best over the valid pixels, c the centre of the moving image, S a
symmetric matrix of determinant 1. An error of one sign in every case shows here, where each case
alone is within its tolerance.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from irgate_fixtures import Pair, image_centre, pixel_grid

LEAST_PIXELS = 16
"""Fewer valid pixels fit no affine map that says anything."""


@dataclass(frozen=True)
class SignedError:
    """What is left between a transform and the true one, signed.

    Attributes:
        dx_px, dy_px: at the centre of the moving image.
        degrees: positive turns x towards y.
        scale: 1e-3 is a thousandth too large.
        shear: off-diagonal of S, symmetric.

    """

    dx_px: float
    dy_px: float
    degrees: float
    scale: float
    shear: float

    @classmethod
    def of(
        cls, pair: Pair, displacement: NDArray[np.float64], valid: NDArray[np.bool_]
    ) -> "SignedError | None":
        """Measure a transform, `(H, W, 2)` px, over the valid pixels; `None` over too few."""
        if np.count_nonzero(valid) < LEAST_PIXELS:
            return None
        points = pixel_grid(pair.shape)[valid]
        centre = image_centre((pair.moving.shape[0], pair.moving.shape[1]))
        true = pair.truth(points) - centre
        known = np.concatenate([true, np.ones((len(true), 1))], axis=-1)
        fitted = np.linalg.lstsq(known, points + displacement[valid] - centre, rcond=None)[0].T
        M, shift = fitted[:, :2], fitted[:, 2]
        determinant = float(np.linalg.det(M))
        if determinant <= 0:
            return None
        angle = math.atan2(M[1, 0] - M[0, 1], M[0, 0] + M[1, 1])
        c, s = math.cos(angle), math.sin(angle)
        scale = math.sqrt(determinant)
        symmetric = np.array([[c, s], [-s, c]]) @ M / scale
        return cls(
            dx_px=float(shift[0]),
            dy_px=float(shift[1]),
            degrees=math.degrees(angle),
            scale=scale - 1.0,
            shear=float(symmetric[0, 1] + symmetric[1, 0]) / 2,
        )
