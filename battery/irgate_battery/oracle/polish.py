"""The last steps: Newton's method on the values of SimpleITK's metric, on a frozen region.

    g_i = (C(p + h_i e_i) - C(p - h_i e_i)) / (2 h_i),    p <- p - s H^-1 g

C is SimpleITK's metric, evaluated by SimpleITK; so the point where g vanishes is the metric's own
minimum, which ITK's optimisers miss (`descent`). H is a Gauss-Newton matrix, 2 J^T J with J the
finite differences of the image that SimpleITK resamples; it only sets the path, not the result.

The region is frozen because a mean over "the pixels that happen to map inside" jumps whenever one
enters or leaves, by 1/N of the metric: its lowest value is then a matter of which pixels are
counted (1e-4 between two such answers on the MRI pair). Frozen are the trusted pixels that map
inside the moving image's outermost samples, [0, W-1] x [0, H-1], where linear interpolation has
both neighbours; ITK alone would go half a pixel further, on clamped values. If the result maps
another set of pixels inside, it is frozen anew.
"""

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from irgate_battery.oracle.descent import Images
from irgate_battery.oracle.itk import field_of, image, method, transform_from, transform_of
from irgate_battery.oracle.recipe import POLISH
from irgate_battery.oracle.region import overlap
from irgate_fixtures import Homography, Transform, image_centre, pixel_grid

Array = NDArray[np.float64]

EDGE = 0.499
"""px beyond the outermost samples, just inside ITK's half-open buffer [-0.5, N - 0.5)."""


@dataclass(frozen=True, eq=False)
class Polished:
    """A stationary point: its transform, the metric there, and on how many pixels.

    `metric_before` is the metric at the start, on the pixels that mapped inside there.
    """

    transform: Transform
    metric: float
    metric_before: float
    points: int


def polish(images: Images, metric: str, model: str, start: Transform) -> Polished:
    """Return the metric's stationary point next to `start`, exact up to the kinks of C.

    Args:
        images: fixed, moving, and their masks.
        metric: "mean squares" or "correlation".
        model: the family to stay in.
        start: where a descent ended.

    """
    fixed, moving, masks = images.fixed, images.moving, (images.mask, images.moving_mask)
    kind = _Projective if model == "homography" else _Objective
    region = overlap(start, fixed.shape, moving.shape, *masks)
    if not region.any():
        raise RuntimeError("the descent ended where no trusted pixel maps into the moving image")
    objective = kind(fixed, moving, region, metric, model, start)
    before = objective.value(objective.start)
    for _ in range(POLISH.rounds):
        parameters, value = _newton(objective)
        transform = objective.transform(parameters)
        frozen, region = region, overlap(transform, fixed.shape, moving.shape, *masks)
        if np.array_equal(frozen, region):
            break
        objective = kind(fixed, moving, region, metric, model, transform)
    return Polished(transform, value, before, int(frozen.sum()))


class _Objective:
    """SimpleITK's metric as a function of a transform's parameters, on a frozen region."""

    def __init__(
        self,
        fixed: Array,
        moving: Array,
        region: NDArray[np.bool_],
        metric: str,
        model: str,
        start: Transform,
    ) -> None:
        self._shape = fixed.shape
        self._region = region
        self._pixels = pixel_grid(fixed.shape)[region]
        self._metric = metric
        self._fixed, self._moving = image(fixed), image(moving)
        self._registration = method(metric, region)
        self._model = model
        self._prepare(start)
        self.start = self.parameters(start)
        self.reach = self._reach()

    def _prepare(self, start: Transform) -> None:
        self._transform = transform_of(self._model, start, self._shape)

    def _set(self, parameters: Array) -> sitk.Transform:
        self._transform.SetParameters(parameters.tolist())
        return self._transform

    def parameters(self, transform: Transform) -> Array:
        """Return SimpleITK's numbers for a transform of this objective's model."""
        return np.array(transform_of(self._model, transform, self._shape).GetParameters())

    def transform(self, parameters: Array) -> Transform:
        return transform_from(self._set(parameters), self._shape)

    def value(self, parameters: Array) -> float:
        """Return C."""
        self._registration.SetInitialTransform(self._set(parameters), inPlace=True)
        return float(self._registration.MetricEvaluate(self._fixed, self._moving))

    def holds(self, parameters: Array) -> bool:
        """Say whether every frozen pixel still maps into the moving image: C forgets the others."""
        x, y = np.moveaxis(self.transform(parameters)(self._pixels), -1, 0)
        width, height = self._moving.GetSize()
        return bool(min(x.min(), y.min(), width - 1 - x.max(), height - 1 - y.max()) >= -EDGE)

    def _reach(self) -> Array:
        """Return how far one unit of each parameter moves the most moved pixel, px."""
        here = self.transform(self.start).displacement(self._shape)
        reach = []
        for unit in np.eye(self.start.size):
            # Per mille of a unit: an angle's effect is linear in that range.
            there = self.transform(self.start + 1e-3 * unit).displacement(self._shape)
            reach.append(np.abs(there - here).max() / 1e-3)
        return np.array(reach)

    def gradient(self, parameters: Array, h: Array) -> Array:
        """Return g by central differences, h one for each parameter."""
        return np.array(
            [
                (self.value(parameters + step) - self.value(parameters - step)) / (2 * step.sum())
                for step in np.diag(h)
            ]
        )

    def curvature(self, parameters: Array, h: Array) -> Array:
        """Return 2 J^T J, the Gauss-Newton matrix of the metric.

        einsum adds in one order whatever the number of BLAS threads.
        """
        J = np.stack(
            [
                (self._feature(parameters + step) - self._feature(parameters - step))
                / (2 * step.sum())
                for step in np.diag(h)
            ]
        )
        return np.asarray(2 * np.einsum("in,jn->ij", J, J, optimize=False))

    def _feature(self, parameters: Array) -> Array:
        """Return v(p) with C ~ |v - v_fixed|^2 + constant near the minimum.

        Mean squares: v = m / sqrt(N). Correlation, -rho^2: v = (m - mean) / |m - mean|, for
        |v - v_f|^2 = 2 - 2 rho, and d(-rho^2) = rho d|v - v_f|^2 with rho near 1.
        """
        moved = sitk.Resample(
            self._moving, self._fixed, self._set(parameters), sitk.sitkLinear, 0.0
        )
        m: Array = sitk.GetArrayViewFromImage(moved)[self._region]
        if self._metric == "mean squares":
            return np.asarray(m / np.sqrt(m.size))
        m = m - m.mean()
        return np.asarray(m / np.sqrt((m * m).sum()))


class _Projective(_Objective):
    """The same over the eight numbers of a homography, which SimpleITK sees as a field.

    H = C [I + P] C^-1,    P's last entry 0, C: centred coordinates in half widths to pixels
    """

    def _prepare(self, start: Transform) -> None:
        height, width = self._shape
        self._frame = np.diag([width / 2, width / 2, 1.0])
        self._frame[:2, 2] = image_centre((height, width))

    def parameters(self, transform: Transform) -> Array:
        """Return P for a homography or an affine map, `(8,)`."""
        given = transform.homography if isinstance(transform, Homography) else transform.matrix
        assert given is not None
        about = np.linalg.inv(self._frame) @ given @ self._frame
        return np.asarray((about / about[2, 2] - np.eye(3)).ravel()[:8])

    def transform(self, parameters: Array) -> Homography:
        about = np.eye(3) + np.append(parameters, 0.0).reshape(3, 3)
        return Homography(self._frame @ about @ np.linalg.inv(self._frame))

    def _set(self, parameters: Array) -> sitk.Transform:
        return field_of(self.transform(parameters), self._shape)


def _newton(objective: _Objective) -> tuple[Array, float]:
    """Iterate to the lowest point that any of the differences leads to."""
    here = objective.start
    value = objective.value(here)
    for _ in range(POLISH.cycles):
        moved = False
        for difference in POLISH.differences:
            for _ in range(POLISH.steps):
                step = _lower(objective, here, value, _direction(objective, here, difference))
                if step is None:
                    break
                here, value, moved = here + step, objective.value(here + step), True
        if not moved:
            break
    return here, value


def _direction(objective: _Objective, here: Array, difference: float) -> Array:
    """Return -H^-1 g."""
    h = difference / objective.reach
    gradient, curvature = objective.gradient(here, h), objective.curvature(here, h)
    # Scaled to a unit diagonal, so that px and radians mix; least squares, because a control
    # point that moves no trusted pixel has no row at all.
    scale = np.sqrt(np.diag(curvature))
    scale[scale == 0] = 1.0
    scaled = np.linalg.lstsq(curvature / np.outer(scale, scale), gradient / scale, rcond=None)[0]
    return np.asarray(-scaled / scale)


def _lower(objective: _Objective, here: Array, value: float, step: Array) -> Array | None:
    """Return the step, halved until it lowers the metric, or None if it comes to nothing."""
    for _ in range(POLISH.halvings):
        lower = objective.value(here + step) < value - POLISH.gain * abs(value)
        if lower and objective.holds(here + step):
            return step
        step = step / 2
    return None
