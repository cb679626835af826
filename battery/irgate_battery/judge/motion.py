"""How far a true transform moves: its turn, its shift, what it leaves of the overlap."""

import math
from dataclasses import dataclass, field

import numpy as np

from irgate_battery.judge.measure import warp
from irgate_fixtures import Pair, image_centre, pixel_grid


@dataclass(frozen=True, eq=False)
class Motion:
    """What a pair asks a solver to find.

    Attributes:
        degrees: the turn of the nearest affine map, -180 to 180.
        px: how far the centre of the fixed image moves.
        mean_px: how far a pixel of the fixed image moves on average: the mean distance between the
            identity and the truth.
        pair: the pair.

    """

    degrees: float
    px: float
    mean_px: float
    pair: Pair = field(repr=False)

    @classmethod
    def of(cls, pair: Pair) -> "Motion":
        """Measure a pair's true transform."""
        centre = image_centre(pair.shape)
        away = pixel_grid(pair.shape) - centre
        u = pair.truth.displacement(pair.shape)
        # Over a whole grid about its centre x and y are uncorrelated, so that each slope of the
        # nearest affine map, A = I + sum(u away) / sum(away^2), comes by itself.
        A = np.eye(2) + np.einsum("hwi,hwj->ij", u, away) / (away * away).sum(axis=(0, 1))
        turn = math.degrees(math.atan2(A[1, 0] - A[0, 1], A[0, 0] + A[1, 1]))
        return cls(
            degrees=turn,
            px=float(np.linalg.norm(pair.truth(centre) - centre)),
            mean_px=float(np.linalg.norm(u, axis=-1).mean()),
            pair=pair,
        )

    @property
    def overlap(self) -> float:
        """The part of the trusted fixed pixels that lands inside the moving image."""
        return warp(self.pair, self.pair.truth.displacement(self.pair.shape)).coverage
