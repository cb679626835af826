"""The families of transforms by parameters, as a descent on wrong objectives needs them.

    T(x; p) = x + sum_k p_k b_k(x)        translation, affine, free form
    T(x; p) = R(p_0 / s) (x - c) + c + (p_1, p_2)        rigid
    T(x; p) = (x - c + (p_2 X - p_3 Y, p_3 X + p_2 Y)) + c + (p_0, p_1)        similarity
    T(x; p) = (x - c + P (X, Y)) / (1 + (p_6 X + p_7 Y) / s) + c + (p_0, p_1)        homography

with (X, Y) = (x - c) / s, P = (p_2, p_3; p_4, p_5), b_k a basis of displacements scaled so that a
parameter is about a displacement in px, c the centre of the fixed image and s half its longer side.
"""

import math
from abc import ABC, abstractmethod
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from irgate_fixtures import (
    FFD,
    Matrix,
    Pair,
    Transform,
    affine,
    homography,
    image_centre,
    pixel_grid,
    rigid,
)

Array = NDArray[np.float64]


class Family(Protocol):
    """Transforms of one model around a pair's true one.

    Attributes:
        start: the parameters of the truth.
    """

    start: Array

    def nearest(self, displacement: Array) -> Array:
        """Return the parameters that fit a displacement best, `(H, W, 2)`, px."""

    def points(self, step: int) -> Array:
        """Return every `step`-th pixel centre of the fixed image, `(n, 2)`, px."""

    def basis(self, points: Array) -> Array:
        """Return what `map` and `columns` need of each point, `(n, terms)`."""

    def map(self, p: Array, points: Array, basis: Array) -> Array:
        """Return where points land, `(n, 2)`, px."""

    def columns(self, p: Array, basis: Array, slope_x: Array, slope_y: Array) -> Array:
        """Return the derivative of the looked-up intensity by each parameter, `(n, parameters)`."""

    def longest_px(self, step: Array) -> float:
        """Return about how far a step of the parameters moves a pixel at most, px."""

    def transform(self, p: Array) -> Transform:
        """Return T."""


def family_at(pair: Pair) -> Family | None:
    """Return the family of a pair's model; `None` for one that is not known here."""
    if pair.model == "rigid":
        return _Rigid(pair)
    if pair.model == "similarity":
        return _Similarity(pair)
    if pair.model == "homography":
        return _Homography(pair)
    if pair.model in ("translation", "affine", "ffd"):
        return _Linear(pair)
    return None


class _Grid:
    """What the families share: the pixels of the fixed image."""

    def __init__(self, pair: Pair) -> None:
        self.pair = pair

    def points(self, step: int) -> Array:
        return pixel_grid(self.pair.shape)[::step, ::step].reshape(-1, 2)

    def longest_px(self, step: Array) -> float:
        return float(np.abs(step).max())


class _Rigid(_Grid):
    def __init__(self, pair: Pair) -> None:
        super().__init__(pair)
        self.centre = image_centre(pair.shape)
        self.half = max(pair.shape) / 2
        self.start = self.nearest(pair.truth.displacement(pair.shape))

    def nearest(self, displacement: Array) -> Array:
        # Procrustes: the shift is the mean displacement, the turn that of the moments.
        points = self.points(1)
        mapped = points + displacement.reshape(-1, 2)
        shift = displacement.reshape(-1, 2).mean(axis=0)
        moments = (points - self.centre).T @ (mapped - self.centre - shift)
        angle = math.atan2(moments[0, 1] - moments[1, 0], moments[0, 0] + moments[1, 1])
        return np.array([angle * self.half, *shift])

    def _turn(self, p: Array) -> Array:
        c, s = math.cos(p[0] / self.half), math.sin(p[0] / self.half)
        return np.array([[c, -s], [s, c]])

    def basis(self, points: Array) -> Array:
        return np.asarray(points - self.centre)

    def map(self, p: Array, points: Array, basis: Array) -> Array:
        return np.asarray(basis @ self._turn(p).T + self.centre + p[1:])

    def columns(self, p: Array, basis: Array, slope_x: Array, slope_y: Array) -> Array:
        turned = basis @ self._turn(p).T / self.half
        return np.stack([slope_y * turned[:, 0] - slope_x * turned[:, 1], slope_x, slope_y], -1)

    def transform(self, p: Array) -> Transform:
        return rigid(p[0] / self.half, p[1], p[2], self.pair.shape)


class _About(_Grid, ABC):
    """Families about the centre, on coordinates (X, Y) from there in half of the longer side."""

    def __init__(self, pair: Pair) -> None:
        super().__init__(pair)
        self.centre = image_centre(pair.shape)
        self.half = max(pair.shape) / 2
        self.start = self.nearest(pair.truth.displacement(pair.shape))

    @abstractmethod
    def nearest(self, displacement: Array) -> Array:
        """Return the parameters that fit a displacement best, `(H, W, 2)`, px."""

    def basis(self, points: Array) -> Array:
        return np.asarray((points - self.centre) / self.half)


class _Similarity(_About):
    def nearest(self, displacement: Array) -> Array:
        # Both components at once: x's and y's columns share p_2 and p_3.
        (x, y), one = self.basis(self.points(1)).T, np.ones(displacement[..., 0].size)
        columns = np.concatenate(
            [np.stack([one, 0 * one, x, -y], -1), np.stack([0 * one, one, y, x], -1)]
        )
        moved = displacement.reshape(-1, 2).T.ravel()
        return np.asarray(np.linalg.lstsq(columns, moved, rcond=None)[0])

    def map(self, p: Array, points: Array, basis: Array) -> Array:
        turned = np.array([[p[2], -p[3]], [p[3], p[2]]])
        return np.asarray(points + basis @ turned.T + p[:2])

    def columns(self, p: Array, basis: Array, slope_x: Array, slope_y: Array) -> Array:
        x, y = basis.T
        return np.stack(
            [slope_x, slope_y, slope_x * x + slope_y * y, slope_y * x - slope_x * y], -1
        )

    def transform(self, p: Array) -> Transform:
        linear = np.eye(2) + np.array([[p[2], -p[3]], [p[3], p[2]]]) / self.half
        return affine(linear, p[0], p[1], self.pair.shape)


class _Homography(_About):
    FITS = 5
    """Steps of Gauss-Newton to the nearest member: one is enough for a member."""

    def nearest(self, displacement: Array) -> Array:
        points = self.points(1)
        basis, mapped = self.basis(points), points + displacement.reshape(-1, 2)
        p, one, zero = np.zeros(8), np.ones(len(points)), np.zeros(len(points))
        for _ in range(self.FITS):
            columns = [self.columns(p, basis, *slopes) for slopes in ((one, zero), (zero, one))]
            left = (mapped - self.map(p, points, basis)).T.ravel()
            p = p + np.linalg.lstsq(np.concatenate(columns), left, rcond=None)[0]
        return p

    def _foreshortened(self, p: Array, basis: Array) -> tuple[Array, Array]:
        """Return A (x - c) / w, px, and w."""
        w = 1 + basis @ p[6:] / self.half
        return (self.half * basis + basis @ p[2:6].reshape(2, 2).T) / w[:, None], w

    def map(self, p: Array, points: Array, basis: Array) -> Array:
        return np.asarray(self._foreshortened(p, basis)[0] + self.centre + p[:2])

    def columns(self, p: Array, basis: Array, slope_x: Array, slope_y: Array) -> Array:
        there, w = self._foreshortened(p, basis)
        along = basis / w[:, None]
        fall = -(slope_x * there[:, 0] + slope_y * there[:, 1]) / self.half
        return np.concatenate(
            [
                np.stack([slope_x, slope_y], -1),
                slope_x[:, None] * along,
                slope_y[:, None] * along,
                fall[:, None] * along,
            ],
            -1,
        )

    def transform(self, p: Array) -> Transform:
        linear = np.eye(2) + p[2:6].reshape(2, 2) / self.half
        return homography(linear, p[6:] / self.half**2, p[0], p[1], self.pair.shape)


class _Linear(_Grid):
    """Families whose displacement is linear in the parameters: those of x, then those of y."""

    def __init__(self, pair: Pair) -> None:
        super().__init__(pair)
        self.start = self.nearest(pair.truth.displacement(pair.shape))

    def nearest(self, displacement: Array) -> Array:
        basis = self.basis(self.points(1))
        found = np.linalg.lstsq(basis, displacement.reshape(-1, 2), rcond=None)[0]
        return np.asarray(found.T.ravel(), dtype=np.float64)

    def basis(self, points: Array) -> Array:
        one = np.ones((len(points), 1))
        if self.pair.model == "translation":
            return one
        if self.pair.model == "affine":
            centred = points - image_centre(self.pair.shape)
            return np.concatenate([one, centred / (max(self.pair.shape) / 2)], -1)
        units = np.eye(16).reshape(16, 4, 4)
        return np.stack(
            [
                FFD(np.stack([unit, 0 * unit]), self.pair.shape)(points)[:, 0] - points[:, 0]
                for unit in units
            ],
            -1,
        )

    def map(self, p: Array, points: Array, basis: Array) -> Array:
        return np.asarray(points + basis @ p.reshape(2, -1).T)

    def columns(self, p: Array, basis: Array, slope_x: Array, slope_y: Array) -> Array:
        return np.concatenate([slope_x[:, None] * basis, slope_y[:, None] * basis], -1)

    def transform(self, p: Array) -> Transform:
        terms = p.reshape(2, -1)
        if self.pair.model == "ffd":
            return FFD(terms.reshape(2, 4, 4), self.pair.shape)
        matrix = np.eye(3)
        matrix[:2, 2] = terms[:, 0]
        if self.pair.model == "affine":
            linear = terms[:, 1:] / (max(self.pair.shape) / 2)
            matrix[:2, :2] += linear
            matrix[:2, 2] -= linear @ image_centre(self.pair.shape)
        return Matrix(matrix)
