"""An answer beside the truth, on some pixels of the fixed image.

    T(x) = A x + t = A (x - c) + c + d,    c the image centre ((W-1)/2, (H-1)/2)

is a transform, A its linear part, t its shift at the pixel origin and d that at the centre.
"""

import math
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from irgate_fixtures import Pair, pixel_grid

Array = NDArray[np.float64]

STRIDE = 5
"""Every fifth pixel each way is enough to measure a mean distance."""

AFFINE_PX = 1e-3
"""A dense answer counts as a matrix where an affine map fits it to this distance, px."""

SWAP = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])


class AnswerOnGrid:
    """An answer and the truth on some pixels of the fixed image.

    Args:
        pair: the images and the true transform.
        displacement: the answer, `(H, W, 2)`, `(dx, dy)` in pixels.
        matrix: the answer as `(3, 3)` where it came as one.

    Attributes:
        points, truth, answer: pixel centres, where the truth maps them and where the answer does,
            `(n, m, 2)`, px.
        size, moving_size: `(W, H)` of the images.

    """

    def __init__(self, pair: Pair, displacement: Array, matrix: Array | None) -> None:
        self.pair = pair
        self.displacement = displacement
        height, width = pair.fixed.shape
        self.points = pixel_grid((height, width))[::STRIDE, ::STRIDE]
        self.moved = displacement[::STRIDE, ::STRIDE]
        self.answer = self.points + self.moved
        self.truth = pair.truth(self.points)
        self.size = np.array([width, height], dtype=np.float64)
        self.moving_size = np.array(pair.moving.shape[::-1], dtype=np.float64)
        self.centre = (self.size - 1) / 2
        self._given = matrix

    def of_truth(self) -> "AnswerOnGrid":
        """Return the same with the truth for an answer."""
        truth = self.pair.truth
        return AnswerOnGrid(self.pair, truth.displacement(self.pair.shape), truth.matrix)

    @cached_property
    def matrix(self) -> Array | None:
        """The answer as a matrix: as it came, or fitted where the displacement is affine."""
        if self._given is not None:
            return self._given
        fitted = self.nearest_affine(self.answer)
        mapped = self.points @ fitted[:2, :2].T + fitted[:2, 2]
        return fitted if np.abs(mapped - self.answer).max() <= AFFINE_PX else None

    def off(self, mapped: Array) -> float:
        """Return the mean distance of mapped points to where the truth maps them, px."""
        return self.mean_length(mapped - self.truth)

    def off_matrix(self, matrix: Array) -> float:
        """Return the same for a matrix."""
        return self.off(self.points @ matrix[:2, :2].T + matrix[:2, 2])

    def mean_length(self, vectors: Array) -> float:
        """Return the mean length of vectors `(..., 2)`."""
        return float(np.linalg.norm(vectors, axis=-1).mean())

    def nearest_affine(self, mapped: Array) -> Array:
        """Return the affine map that fits mapped points best in least squares, `(3, 3)`."""
        known = np.concatenate([self.points, np.ones_like(self.points[..., :1])], -1).reshape(-1, 3)
        matrix = np.eye(3)
        matrix[:2] = np.linalg.lstsq(known, mapped.reshape(-1, 2), rcond=None)[0].T
        return matrix

    def back(self, mapped: Array) -> float:
        """Return how far the truth, applied after an inverted answer, ends from where it began.

        Where S is the inverse of T, T(S(x)) = x; so no field has to be inverted. A true field is
        known on the fixed image only, so what maps elsewhere is left out; infinite if all does.
        """
        known = np.ones(mapped.shape[:-1], dtype=bool)
        if self.pair.truth.matrix is None:
            known = np.all((mapped >= 0) & (mapped <= self.size - 1), axis=-1)
        if not known.any():
            return math.inf
        return float(
            np.linalg.norm(self.pair.truth(mapped[known]) - self.points[known], axis=-1).mean()
        )

    def parts(self, matrix: Array) -> tuple[Array, Array]:
        """Return A and d, the linear part and the shift at the centre."""
        linear = matrix[:2, :2]
        return linear, linear @ self.centre + matrix[:2, 2] - self.centre

    def built(self, linear: Array, shift: Array) -> Array:
        """Return the matrix of A (x - c) + c + d."""
        matrix = np.eye(3)
        matrix[:2, :2] = linear
        matrix[:2, 2] = self.centre - linear @ self.centre + shift
        return matrix

    def swapped(self) -> Array:
        """Return where the answer maps the points if x and y were confused: P T P, or P u."""
        if self.matrix is None:
            return np.asarray(self.points + self.moved[..., ::-1])
        meant = SWAP @ self.matrix @ SWAP
        return np.asarray(self.points @ meant[:2, :2].T + meant[:2, 2])
