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

    @cached_property
    def whole(self) -> Array | None:
        """The answer as `(3, 3)` on (x, y, 1): a matrix, or a homography where one was asked for.

        The homography is fitted to the displacement: with X from the centre, in half of the longer
        side, (1 + q . X) v = B X + b is linear in its eight numbers.
        """
        if self.matrix is not None or self.pair.model != "homography":
            return self.matrix
        half = self.size.max() / 2
        from_centre = ((self.points - self.centre) / half).reshape(-1, 2)
        there = ((self.answer - self.centre) / half).reshape(-1, 2)
        known = np.concatenate([from_centre, np.ones_like(from_centre[:, :1])], -1)
        none = np.zeros_like(known)
        equations = np.concatenate(
            [
                np.concatenate([known, none, -there[:, :1] * from_centre], -1),
                np.concatenate([none, known, -there[:, 1:] * from_centre], -1),
            ]
        )
        found = np.linalg.lstsq(equations, there.T.ravel(), rcond=None)[0]
        back = np.diag([half, half, 1.0])
        back[:2, 2] = self.centre
        fitted: Array = back @ np.append(found, 1.0).reshape(3, 3) @ np.linalg.inv(back)
        return fitted if np.abs(self.mapped(fitted) - self.answer).max() <= AFFINE_PX else None

    def off(self, mapped: Array) -> float:
        """Return the mean distance of mapped points to where the truth maps them, px."""
        return self.mean_length(mapped - self.truth)

    def off_matrix(self, matrix: Array) -> float:
        """Return the same for a matrix, `(3, 3)`, affine or not."""
        return self.off(self.mapped(matrix))

    def mapped(self, matrix: Array) -> Array:
        """Return where a matrix, `(3, 3)`, maps the points; infinity stands in for a w of 0."""
        there = self.points @ matrix[:2, :2].T + matrix[:2, 2]
        if not matrix[2, :2].any():
            return np.asarray(there / matrix[2, 2])
        with np.errstate(divide="ignore", invalid="ignore"):
            divided = there / (self.points @ matrix[2, :2] + matrix[2, 2])[..., None]
        return np.where(np.isfinite(divided), divided, np.inf)

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
        if self.whole is None:
            return np.asarray(self.points + self.moved[..., ::-1])
        return self.mapped(SWAP @ self.whole @ SWAP)
