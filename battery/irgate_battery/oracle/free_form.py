"""The metric over the 32 numbers of a 4x4 FFD, with normal equations from separable products.

    m(x) = moving(x + sum_ij B_i(v) B_j(u) c_ij),    J = grad m B,    g = 2 J^T r,    H = 2 J^T J

B is the product of a function of the row and one of the column, so that J is never built: J^T r
is a product of small matrices with an image of residuals, and J^T J one with three images of
products of derivatives. SimpleITK's metric and resampled images would be asked for 64 times
instead. Its metric still says at the end whether the point found is a lower one (`polish`).
"""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from irgate_battery.oracle.itk import image, method, transform_of
from irgate_battery.oracle.recipe import POLISH
from irgate_fixtures import FFD, Transform, pixel_grid

Array = NDArray[np.float64]


class FreeForm:
    """Mean squares or -NCC^2 as a function of control points, on a frozen region.

    Args:
        fixed, moving: `(H, W)` images.
        region: bool on the fixed image, the pixels that count.
        metric: "mean squares" or "correlation".
        start: an affine map or an FFD.
        edge: px beyond the outermost samples that are still looked up.

    """

    differences = POLISH.free_form_differences

    def __init__(
        self,
        fixed: Array,
        moving: Array,
        region: NDArray[np.bool_],
        metric: str,
        start: Transform,
        edge: float,
    ) -> None:
        self._shape = fixed.shape
        self._moving = moving
        self._region = region
        self._count = int(region.sum())
        self._mean_squares = metric == "mean squares"
        self._edge = edge
        self._x, self._y = np.moveaxis(pixel_grid(fixed.shape), -1, 0)
        self._images = image(fixed), image(moving)
        self._registration = method(metric, region)
        self._rows, self._columns = _basis(fixed.shape)
        self._row_pairs, self._column_pairs = (
            np.einsum("ni,nj->nij", basis, basis).reshape(-1, 16)
            for basis in (self._rows, self._columns)
        )
        self._feature_fixed = self._feature(fixed)
        self.start = self.parameters(start)

    def parameters(self, transform: Transform) -> Array:
        """Return SimpleITK's 32 numbers, x first, for an affine map or an FFD."""
        return np.array(transform_of("ffd", transform, self._shape).GetParameters())

    def transform(self, parameters: Array) -> FFD:
        """Return the FFD of 32 numbers."""
        return FFD(parameters.reshape(2, 4, 4), self._shape)

    def metric(self, parameters: Array) -> float:
        """Return C, evaluated by SimpleITK."""
        found = transform_of("ffd", self.transform(parameters), self._shape)
        self._registration.SetInitialTransform(found, inPlace=True)
        return float(self._registration.MetricEvaluate(*self._images))

    def value(self, parameters: Array) -> float:
        """Return C, evaluated here."""
        v = self._moved_feature(parameters)
        if self._mean_squares:
            return float(((v - self._feature_fixed) ** 2).sum())
        return -(float((v * self._feature_fixed).sum()) ** 2)

    def holds(self, parameters: Array) -> bool:
        """Say whether every frozen pixel still maps into the moving image."""
        x, y = (each[self._region] for each in self._points(parameters))
        height, width = self._moving.shape
        inside = min(x.min(), y.min(), width - 1 - x.max(), height - 1 - y.max())
        return bool(inside >= -self._edge)

    def normal_equations(self, parameters: Array, difference: float) -> tuple[Array, Array]:
        """Return g `(32,)` and H `(32, 32)`.

        Args:
            parameters: where.
            difference: px to either side, from which the moving image's slope is taken.

        """
        x, y = self._points(parameters)
        m = self._sampled(x, y)
        by_x = self._sampled(x + difference, y) - self._sampled(x - difference, y)
        by_y = self._sampled(x, y + difference) - self._sampled(x, y - difference)
        by_x, by_y = (np.where(self._region, each / (2 * difference), 0.0) for each in (by_x, by_y))
        v, f = self._feature(m), self._feature_fixed
        xx, xy, yy = (self._pairs(each) for each in (by_x * by_x, by_x * by_y, by_y * by_y))
        K = np.block([[xx, xy], [xy.T, yy]])

        def weighed(weights: Array | float) -> Array:
            return np.concatenate([self._project(weights * each) for each in (by_x, by_y)])

        if self._mean_squares:
            return 2 * weighed(v - f) / np.sqrt(self._count), 2 * K / self._count
        # v = (m - mean) / |m - mean|: its derivative has neither a mean nor a part along v.
        inside = m[self._region]
        length = np.sqrt(((inside - inside.mean()) ** 2).sum())
        rho = float((v * f).sum())
        mean, along = weighed(1.0), weighed(v)
        g = -2 * rho * (weighed(f) - rho * along) / length
        H = K - np.outer(mean, mean) / self._count - np.outer(along, along)
        return g, 2 * H / length**2

    def _moved_feature(self, parameters: Array) -> Array:
        return self._feature(self._sampled(*self._points(parameters)))

    def _points(self, parameters: Array) -> tuple[Array, Array]:
        dx, dy = (
            np.einsum("hj,wj->hw", np.einsum("hi,ij->hj", self._rows, c), self._columns)
            for c in parameters.reshape(2, 4, 4)
        )
        return self._x + dx, self._y + dy

    def _sampled(self, x: Array, y: Array) -> Array:
        """Return the moving image by linear interpolation, clamped beyond its border."""
        return np.asarray(map_coordinates(self._moving, [y, x], order=1, mode="nearest"))

    def _feature(self, m: Array) -> Array:
        """Return v, zero outside the region, with C = |v - v_fixed|^2 or -(v . v_fixed)^2."""
        if self._mean_squares:
            return np.where(self._region, m / np.sqrt(self._count), 0.0)
        v = np.where(self._region, m - m[self._region].mean(), 0.0)
        return np.asarray(v / np.sqrt((v * v).sum()))

    def _project(self, weights: Array) -> Array:
        """Return the sums over the image of weights B_ij, `(16,)`."""
        rows = np.einsum("hi,hw->iw", self._rows, weights)
        return np.asarray(np.einsum("iw,wj->ij", rows, self._columns).ravel())

    def _pairs(self, weights: Array) -> Array:
        """Return the sums over the image of weights B_ij B_kl, `(16, 16)`."""
        rows = np.einsum("hp,hw->pw", self._row_pairs, weights)
        sums = np.einsum("pw,wq->pq", rows, self._column_pairs).reshape(4, 4, 4, 4)
        return np.asarray(sums.transpose(0, 2, 1, 3).reshape(16, 16))


def _basis(shape: tuple[int, ...]) -> tuple[Array, Array]:
    """Return B_i at the rows `(H, 4)` and B_j at the columns `(W, 4)`.

    The other direction's four functions add up to one, so that a row of equal control points
    shows one function alone.
    """
    height, width = shape
    along_y = np.stack([np.zeros(height), np.arange(float(height))], axis=-1)
    along_x = np.stack([np.arange(float(width)), np.zeros(width)], axis=-1)
    rows, columns = np.empty((height, 4)), np.empty((width, 4))
    for index in range(4):
        points = np.zeros((2, 4, 4))
        points[0, index, :] = points[1, :, index] = 1.0
        ffd = FFD(points, shape)
        rows[:, index] = (ffd(along_y) - along_y)[:, 0]
        columns[:, index] = (ffd(along_x) - along_x)[:, 1]
    return rows, columns
