"""Analytic scenes with known transforms, and an independent judge, for the tests of the solver."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Array = NDArray[np.float64]


def grid(shape: tuple[int, int]) -> tuple[Array, Array]:
    """Return x and y of every pixel, `(H, W)` each."""
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float64)
    return x, y


def blobs(x: Array, y: Array, shape: tuple[int, int], seed: int = 0, finest: float = 6.0) -> Array:
    """Sum Gaussian blobs, some beyond the border, so that nothing is empty; about [0, 1].

    Args:
        finest: smallest standard deviation of a blob, px.
    """
    draw = np.random.default_rng(seed)
    height, width = shape
    total = np.zeros_like(x)
    for _ in range(40):
        cx, cy = draw.uniform(-20, width + 20), draw.uniform(-20, height + 20)
        sigma, weight = draw.uniform(finest, 3 * finest), draw.uniform(-1, 1)
        total += weight * np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (2 * sigma**2))
    return 0.5 + total / 5


@dataclass(frozen=True, eq=False)
class Scene:
    """A pair with its truth: fixed(x) = moving(T(x)) but for sampling."""

    fixed: Array
    moving: Array
    displacement: Array


def linear_matrix(
    shape: tuple[int, int], linear: list[list[float]], shift: tuple[float, float]
) -> Array:
    """Return the 3x3 matrix of A (x - c) + c + t about the pixel origin, c the image centre."""
    centre = np.array([(shape[1] - 1) / 2, (shape[0] - 1) / 2])
    matrix = np.eye(3)
    matrix[:2, :2] = linear
    matrix[:2, 2] = centre + shift - matrix[:2, :2] @ centre
    return matrix


def turned(shape: tuple[int, int], degrees: float, shift: tuple[float, float] = (0, 0)) -> Array:
    """Return the matrix of a rotation about the image centre, then a shift."""
    angle = np.deg2rad(degrees)
    rotation = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    return linear_matrix(shape, rotation, shift)


def field_of(matrix: Array, shape: tuple[int, int]) -> Array:
    """Return T(x) - x, `(H, W, 2)`, of a 3x3 matrix."""
    x, y = grid(shape)
    mapped = np.stack((x, y, np.ones_like(x)), -1) @ matrix.T
    return mapped[..., :2] - np.stack((x, y), -1)


def make(
    field: Array,
    moving_shape: tuple[int, int] | None = None,
    *,
    seed: int = 0,
    finest: float = 6.0,
    noise: float = 0.0,
) -> Scene:
    """Evaluate one scene at x (moving) and at T(x) = x + field (fixed), with noise on both."""
    shape = (field.shape[0], field.shape[1])
    moving_shape = moving_shape or shape
    x, y = grid(shape)
    fixed = blobs(x + field[..., 0], y + field[..., 1], shape, seed, finest)
    moving = blobs(*grid(moving_shape), shape, seed, finest)
    draw = np.random.default_rng(seed + 1000)
    return Scene(
        fixed + noise * draw.standard_normal(shape),
        moving + noise * draw.standard_normal(moving_shape),
        field,
    )


def look_up(fixed_shape: tuple[int, int], moving: Array, field: Array) -> tuple[Array, Array]:
    """Warp by scipy, bilinearly, and say which points lie between the outermost samples."""
    x, y = grid(fixed_shape)
    px, py = x + field[..., 0], y + field[..., 1]
    height, width = moving.shape
    valid = (px >= 0) & (px <= width - 1) & (py >= 0) & (py <= height - 1)
    clamped = [np.clip(py, 0, height - 1), np.clip(px, 0, width - 1)]
    return ndimage.map_coordinates(moving, clamped, order=1), valid


def rmse(fixed: Array, moving: Array, field: Array) -> float:
    """Return the root mean square difference over the valid points."""
    warped, valid = look_up(fixed.shape, moving, field)
    return float(np.sqrt(np.mean((warped - fixed)[valid] ** 2)))


def distance(field: Array, truth: Array, valid: Array | None = None) -> Array:
    """Return the distance between two displacement fields per pixel, px."""
    return np.hypot(*np.moveaxis(field - truth, -1, 0))
