"""The families of the good solver: points, Jacobian columns, and how an increment is applied.

Everything is in pixels of one pyramid level, whose pixel i is pixel `scale * i` of the full image.
The linear families keep a 3x3 matrix and are composed with an increment about the centre; the
free-form family keeps control points `(2, 4, 4)` and adds to them.
"""

from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np


class Dense:
    """Jacobian columns that are held: `(n, H, W)`, zero where a pixel does not count."""

    def __init__(self, columns):
        self.flat = columns.reshape(len(columns), -1)

    def gram(self):
        """Return J^T J, `(n, n)`."""
        return self.flat @ self.flat.T

    def project(self, image):
        """Return J^T image, `(n,)`."""
        return self.flat @ image.ravel()


class Separable:
    """The columns (gx B_ij, gy B_ij) of a spline, never held: B_ij(x, y) = by_i(y) bx_j(x)."""

    def __init__(self, gx, gy, bx, by):
        self.gradient, self.bx, self.by = (gx, gy), bx, by

    def gram(self):
        """Return J^T J, `(32, 32)`, from one-dimensional products of weights."""
        x_pairs = (self.bx[:, :, None] * self.bx[:, None, :]).reshape(len(self.bx), -1)
        y_pairs = (self.by[:, :, None] * self.by[:, None, :]).reshape(len(self.by), -1)
        normal = np.empty((2, 16, 2, 16))
        for a, one in enumerate(self.gradient):
            for b, other in enumerate(self.gradient):
                block = (y_pairs.T @ (one * other) @ x_pairs).reshape(4, 4, 4, 4)
                normal[a, :, b, :] = block.transpose(0, 2, 1, 3).reshape(16, 16)
        return normal.reshape(32, 32)

    def project(self, image):
        """Return J^T image, `(32,)`."""
        parts = [self.by.T @ (component * image) @ self.bx for component in self.gradient]
        return np.stack(parts).ravel()


@dataclass(frozen=True)
class Grid:
    """A level's fixed grid: its shape, its scale, and the full image's shape."""

    shape: tuple[int, int]
    scale: int
    full: tuple[int, int]
    x: np.ndarray = field(init=False, repr=False)
    y: np.ndarray = field(init=False, repr=False)

    def __post_init__(self):
        object.__setattr__(self, "x", np.arange(self.shape[1], dtype=float)[None, :])
        object.__setattr__(self, "y", np.arange(self.shape[0], dtype=float)[:, None])

    @property
    def centre(self):
        """The full image's centre (x, y), in this level's pixels."""
        height, width = self.full
        return (width - 1) / 2 / self.scale, (height - 1) / 2 / self.scale


class Linear:
    """What translation, rigid and affine share: T(x) = M x."""

    def identity(self):
        return np.eye(3)

    def points(self, grid, M):
        """Return T(x) on the grid, as x and y."""
        x = M[0, 0] * grid.x + M[0, 1] * grid.y + M[0, 2]
        y = M[1, 0] * grid.x + M[1, 1] * grid.y + M[1, 2]
        return x, y

    def columns(self, grid, M, gx, gy):
        """Return the derivative of moving(T(E(x; d))) by d at 0, E the increment.

        The gradient of the *warped* image is A^T grad.
        """
        wx = M[0, 0] * gx + M[1, 0] * gy
        wy = M[0, 1] * gx + M[1, 1] * gy
        cx, cy = grid.centre
        return Dense(np.stack(self.derivatives(wx, wy, grid.x - cx, grid.y - cy, self.reach(grid))))

    def reach(self, grid):
        """Half the image's longer side: with it, a parameter moves the border by about itself."""
        return max(*grid.centre, 1.0)

    def compose(self, grid, M, d):
        """Return T o E: the increment acts first, since its derivative was taken there."""
        return M @ self.increment(grid, d)

    def nearest(self, grid, M):
        """Return the member that moves the centre as M does, and turns as nearly as it can."""
        centre = np.array(grid.centre)
        return self.about_centre(
            grid, self.linear(M[:2, :2]), M[:2, :2] @ centre + M[:2, 2] - centre
        )

    def about_centre(self, grid, A, shift):
        """Return x -> A (x - c) + c + shift as a matrix."""
        M = np.eye(3)
        M[:2, :2] = A
        M[:2, 2] = grid.centre - A @ grid.centre + shift
        return M

    def rescaled(self, M, factor):
        """Return the same transform in pixels that are `factor` times smaller."""
        return np.array([[1, 1, factor], [1, 1, factor], [1, 1, 1]]) * M


class Translation(Linear):
    def linear(self, A):
        return np.eye(2)

    def derivatives(self, wx, wy, x, y, reach):
        return [wx, wy]

    def increment(self, grid, d):
        return self.about_centre(grid, np.eye(2), d)


class Rigid(Linear):
    def linear(self, A):
        return self.turn(np.arctan2(A[1, 0] - A[0, 1], A[0, 0] + A[1, 1]))

    def derivatives(self, wx, wy, x, y, reach):
        return [wx, wy, (x * wy - y * wx) / reach]

    def increment(self, grid, d):
        return self.about_centre(grid, self.turn(d[2] / self.reach(grid)), d[:2])

    def turn(self, angle):
        c, s = np.cos(angle), np.sin(angle)
        return np.array([[c, -s], [s, c]])


class Affine(Linear):
    def linear(self, A):
        return A

    def derivatives(self, wx, wy, x, y, reach):
        x, y = x / reach, y / reach
        return [wx, wy, x * wx, y * wx, x * wy, y * wy]

    def increment(self, grid, d):
        return self.about_centre(grid, np.eye(2) + d[2:].reshape(2, 2) / self.reach(grid), d[:2])


class FreeForm:
    """u(x) = sum_ij B_i(v) B_j(u) c_ij on ITK's domain: 5/8 px before the first pixel centre,
    N + 1/4 px long."""

    lead, excess = 0.625, 0.25

    def identity(self):
        return np.zeros((2, 4, 4))

    def basis(self, positions, size):
        """Return the four cubic pieces at full-image pixel positions, `(n, 4)`."""
        u = (positions + self.lead) / (size + self.excess)
        v = 1 - u
        return (
            np.stack(
                [v**3, 3 * u**3 - 6 * u**2 + 4, 3 * v**3 - 6 * v**2 + 4, u**3],
                axis=-1,
            )
            / 6
        )

    def weights(self, grid):
        height, width = grid.full
        bx = self.basis(grid.x.ravel() * grid.scale, width)
        by = self.basis(grid.y.ravel() * grid.scale, height)
        return bx, by

    def points(self, grid, c):
        bx, by = self.weights(grid)
        return grid.x + by @ c[0] @ bx.T, grid.y + by @ c[1] @ bx.T

    def columns(self, grid, c, gx, gy):
        return Separable(gx, gy, *self.weights(grid))

    def compose(self, grid, c, d):
        """Return c + d: splines are no group, so the increment is added."""
        return c + d.reshape(2, 4, 4)

    def rescaled(self, c, factor):
        return factor * c

    def nearest(self, grid, u):
        """Return the control points nearest to a displacement `(H, W, 2)`, least squares."""
        bx, by = (np.linalg.pinv(weights) for weights in self.weights(grid))
        return np.stack([by @ u[..., axis] @ bx.T for axis in range(2)])


FAMILIES = MappingProxyType(
    {"translation": Translation, "rigid": Rigid, "affine": Affine, "ffd": FreeForm}
)


def replaced(**others):
    """Return the families by model, some of them replaced."""
    return MappingProxyType({**FAMILIES, **others})
