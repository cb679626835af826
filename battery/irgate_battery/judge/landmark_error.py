"""How far a transform takes landmarks from where they are seen in the moving image."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from irgate_battery.cases.truth import Landmarks, field_at

PERCENTILE = 95


@dataclass(frozen=True)
class LandmarkError:
    """Distances |T(x_i) - y_i| of landmarks x_i of the fixed and y_i of the moving image, px.

    Attributes:
        count: how many landmarks.
        mean, median, p95: of their distances; p95 is the 95th percentile, linear between two.
    """

    count: int
    mean: float
    median: float
    p95: float

    @classmethod
    def of(cls, landmarks: Landmarks, displacement: NDArray[np.float64]) -> "LandmarkError":
        """Measure a displacement `(H, W, 2)`, px, on the fixed image's grid.

        Between pixels it is taken linearly, which a matrix is exactly.
        """
        far = distances(landmarks, displacement)
        return cls(
            len(far),
            float(far.mean()),
            float(np.median(far)),
            float(np.percentile(far, PERCENTILE)),
        )


def distances(landmarks: Landmarks, displacement: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return |T(x_i) - y_i| of each landmark, `(n,)`, px."""
    there = landmarks.fixed + field_at(displacement, landmarks.fixed)
    return np.asarray(np.linalg.norm(there - landmarks.moving, axis=-1))
