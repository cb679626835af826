"""The last steps: Newton's method on the values of SimpleITK's metric, on a frozen region.

    p_(k+1) = p_k - s H^-1 g,    g = 2 J^T r,    H = 2 J^T J

r are the differences of the fixed image and the moving one that SimpleITK resamples, J their
finite differences, with r taken in the middle:

    g_i = (C(p + h_i e_i) - C(p - h_i e_i)) / (2 h_i) = J_i . (r(p + h_i e_i) + r(p - h_i e_i))

which is the difference of the metric C itself, at no evaluation of it. ITK's own optimisers miss
the point where it vanishes (`descent`). An FFD has products of its own (`free_form`). In the end
SimpleITK evaluates its metric, and a point that is not lower than the start is not taken.

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
from irgate_battery.oracle.free_form import FreeForm
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
    region = overlap(start, fixed.shape, moving.shape, *masks)
    if not region.any():
        raise RuntimeError("the descent ended where no trusted pixel maps into the moving image")
    objective = _objective(fixed, moving, region, metric, model, start)
    before = objective.metric(objective.start)
    for _ in range(POLISH.rounds):
        parameters, value = _lowest(objective)
        transform = objective.transform(parameters)
        frozen, region = region, overlap(transform, fixed.shape, moving.shape, *masks)
        if np.array_equal(frozen, region):
            break
        objective = _objective(fixed, moving, region, metric, model, transform)
    return Polished(transform, value, before, int(frozen.sum()))


def _lowest(objective: "_Objective | FreeForm") -> tuple[Array, float]:
    """Return where Newton's method ends and SimpleITK's metric there, or the start if lower."""
    ends = (_newton(objective), objective.start)
    values = [objective.metric(end) for end in ends]
    lowest = int(np.argmin(values))
    return ends[lowest], values[lowest]


def _objective(
    fixed: Array,
    moving: Array,
    region: NDArray[np.bool_],
    metric: str,
    model: str,
    start: Transform,
) -> "_Objective | FreeForm":
    if model == "ffd":
        return FreeForm(fixed, moving, region, metric, start, EDGE)
    kind = _Projective if model == "homography" else _Objective
    return kind(fixed, moving, region, metric, model, start)


class _Objective:
    """SimpleITK's metric as a function of a transform's parameters, on a frozen region."""

    differences = POLISH.differences

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
        self._mean_squares = metric == "mean squares"
        self._fixed, self._moving = image(fixed), image(moving)
        self._registration = method(metric, region)
        self._feature_fixed = self._feature_of(fixed[region])
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

    def metric(self, parameters: Array) -> float:
        """Return C, evaluated by SimpleITK."""
        self._registration.SetInitialTransform(self._set(parameters), inPlace=True)
        return float(self._registration.MetricEvaluate(self._fixed, self._moving))

    def value(self, parameters: Array) -> float:
        """Return C, of the image that SimpleITK resamples: a fifth of the time of its metric."""
        return self._value_of(self._feature(parameters))

    def _value_of(self, v: Array) -> float:
        if self._mean_squares:
            return float(((v - self._feature_fixed) ** 2).sum())
        return -(float((v * self._feature_fixed).sum()) ** 2)

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

    def normal_equations(self, parameters: Array, difference: float) -> tuple[Array, Array]:
        """Return g and the Gauss-Newton matrix H = 2 J^T J by central differences.

        einsum adds in one order whatever the number of BLAS threads.

        Args:
            parameters: where.
            difference: px that the most moved pixel moves, to either side.

        """
        g, J = [], []
        for step in np.diag(difference / self.reach):
            ahead, behind = self._feature(parameters + step), self._feature(parameters - step)
            width = 2 * step.sum()
            J.append((ahead - behind) / width)
            g.append(self._rise(ahead, behind) / width)
        rows = np.stack(J)
        return np.array(g), np.asarray(2 * np.einsum("in,jn->ij", rows, rows, optimize=False))

    def _rise(self, ahead: Array, behind: Array) -> float:
        """Return C(ahead) - C(behind), from the difference of the two: no digit is lost."""
        f = self._feature_fixed
        if self._mean_squares:
            return float(((ahead - behind) * (ahead + behind - 2 * f)).sum())
        return -float(((ahead - behind) * f).sum()) * float(((ahead + behind) * f).sum())

    def _feature(self, parameters: Array) -> Array:
        moved = sitk.Resample(
            self._moving, self._fixed, self._set(parameters), sitk.sitkLinear, 0.0
        )
        return self._feature_of(sitk.GetArrayViewFromImage(moved)[self._region])

    def _feature_of(self, m: Array) -> Array:
        """Return v with C ~ |v - v_fixed|^2 + constant near the minimum.

        Mean squares: v = m / sqrt(N). Correlation, -rho^2: v = (m - mean) / |m - mean|, for
        |v - v_f|^2 = 2 - 2 rho, and d(-rho^2) = rho d|v - v_f|^2 with rho near 1.
        """
        if self._mean_squares:
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


def _newton(objective: _Objective | FreeForm) -> Array:
    """Iterate to the lowest point that any of the differences leads to."""
    here = objective.start
    value = objective.value(here)
    for _ in range(POLISH.cycles):
        moved = False
        for difference in objective.differences:
            for _ in range(POLISH.steps):
                found = _lower(objective, here, value, _direction(objective, here, difference))
                if found is None:
                    break
                here, value = found
                moved = True
        if not moved:
            break
    return here


def _direction(objective: _Objective | FreeForm, here: Array, difference: float) -> Array:
    """Return -H^-1 g."""
    gradient, curvature = objective.normal_equations(here, difference)
    # Scaled to a unit diagonal, so that px and radians mix; least squares, because a control
    # point that moves no trusted pixel has no row at all.
    scale = np.sqrt(np.diag(curvature))
    scale[scale == 0] = 1.0
    scaled = np.linalg.lstsq(curvature / np.outer(scale, scale), gradient / scale, rcond=None)[0]
    return np.asarray(-scaled / scale)


def _lower(
    objective: _Objective | FreeForm, here: Array, value: float, step: Array
) -> tuple[Array, float] | None:
    """Return the point after the step, halved until it lowers the metric, and the value there.

    None if the step comes to nothing.
    """
    for _ in range(POLISH.halvings):
        there = here + step
        lower = objective.value(there)
        if lower < value - POLISH.gain * abs(value) and objective.holds(there):
            return there, lower
        step = step / 2
    return None
