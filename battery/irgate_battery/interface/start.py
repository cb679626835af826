"""The `init` that a solver is handed: a transform to start from."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Start:
    """A start value.

    Attributes:
        matrix: `(3, 3)` about the pixel origin, or `None` for a dense transform.
    """

    matrix: NDArray[np.float64] | None
    _displacement: NDArray[np.float64]

    def displacement(self, shape: tuple[int, int]) -> NDArray[np.float64]:
        """Return `u(x) = T(x) - x` on the fixed image's grid, `(H, W, 2)`, px."""
        if shape != self._displacement.shape[:2]:
            raise ValueError(
                f"init.displacement({shape}): the fixed image is {self._displacement.shape[:2]}"
            )
        return self._displacement.copy()
