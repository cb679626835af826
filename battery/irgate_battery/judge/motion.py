"""How far a true transform moves: its turn, its shift, what it leaves of the overlap."""

import math
from dataclasses import dataclass

import numpy as np

from irgate_battery.judge.measure import warp
from irgate_fixtures import Pair, image_centre, pixel_grid


@dataclass(frozen=True)
class Motion:
    """What a pair asks a solver to find.

    Attributes:
        degrees: the turn of the nearest affine map, -180 to 180.
        px: how far the centre of the fixed image moves.
        overlap: the part of the trusted fixed pixels that lands inside the moving image.

    """

    degrees: float
    px: float
    overlap: float

    @classmethod
    def of(cls, pair: Pair) -> "Motion":
        """Measure a pair's true transform."""
        points = pixel_grid(pair.shape).reshape(-1, 2)
        known = np.concatenate([points, np.ones((len(points), 1))], axis=-1)
        A = np.linalg.lstsq(known, pair.truth(points), rcond=None)[0].T
        turn = math.degrees(math.atan2(A[1, 0] - A[0, 1], A[0, 0] + A[1, 1]))
        centre = image_centre(pair.shape)
        moved = float(np.linalg.norm(pair.truth(centre) - centre))
        return cls(turn, moved, warp(pair, pair.truth.displacement(pair.shape)).coverage)
