"""Objectives that solvers minimise by mistake, and where their minimum lies.

    E(p) = mean over S of (a m(T(x; p)) + b - f(x))^2,    S the pixels that count

is right where S holds the trusted pixels that T maps inside the moving image, with a = 1 and b = 0
where brightness is constant, and with the best a and b where it varies (1 - NCC^2). Each wrong
objective differs in one thing. Its minimum is found by Levenberg-Marquardt from the true transform,
linear interpolation, without any solver's help, so that an answer which stands there shows what was
minimised.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, map_coordinates

from irgate_battery.diagnosis.families import Family, family_at
from irgate_battery.judge.measure import trusted_at
from irgate_fixtures import Pair, Transform

Array = NDArray[np.float64]
Images = Callable[[Array, Array], tuple[Array, Array]]

ITERATIONS = 60
CONVERGED_PX = 1e-4
"""A step that moves no pixel farther ends the descent, px."""

LEAST_COVERAGE = 0.1
"""Part of the image that must be compared: a minimum with less says nothing."""

SLOPE_PX = 0.05
"""Half the distance over which the slope of the interpolated image is taken, px."""

LAST_BLUR_PX = 2.0
"""Of the blur that is never taken away, px."""

FILTER_PX, FILTER_RADIUS = 1.1, 2
"""Of the blur that OpenCV's findTransformECC does by default, px: 5 taps."""

LEVELS_OF_A_BYTE = 255


@dataclass(frozen=True, eq=False)
class WrongObjective:
    """One thing that is wrong with what is minimised.

    Attributes:
        fault: its name in reports.
        words: what completes `your answer stands where ... `.
        beyond: what stands for the moving image beyond its border, as scipy's modes; `None` where
            such pixels are left out, as they should be.
        masked: whether the mask is heeded.
        brightness: what is fitted: nothing, a gain, gain and offset; `None` for what is right.
        images: what is compared in place of the two images.
        step: every how many pixels one is compared.
        variant: which way of doing the same wrong thing, where there are several.
        asks: whether a pair can show it, given whether it has a mask, and `intensity`.

    """

    fault: str
    words: str
    beyond: Literal["nearest", "grid-constant", "mirror", "grid-wrap"] | None = None
    masked: bool = True
    brightness: Literal["constant", "gain", "gain and offset"] | None = None
    images: Images | None = None
    step: int = 1
    variant: str = ""
    asks: Callable[[bool, str], bool] = lambda masked, intensity: True

    @property
    def key(self) -> str:
        """Under what its minimum is stored."""
        return f"{self.fault}; {self.variant}" if self.variant else self.fault


def _slightly_blurred(fixed: Array, moving: Array) -> tuple[Array, Array]:
    f, m = (
        gaussian_filter(image, FILTER_PX, mode="nearest", radius=FILTER_RADIUS)
        for image in (fixed, moving)
    )
    return f, m


def _clipped(fixed: Array, moving: Array) -> tuple[Array, Array]:
    return np.clip(fixed, 0, 1), np.clip(moving, 0, 1)


def _bytes(fixed: Array, moving: Array) -> tuple[Array, Array]:
    f, m = (np.floor(np.clip(image, 0, 1) * LEVELS_OF_A_BYTE) for image in (fixed, moving))
    return f / LEVELS_OF_A_BYTE, m / LEVELS_OF_A_BYTE


def _blurred(fixed: Array, moving: Array) -> tuple[Array, Array]:
    return gaussian_filter(fixed, LAST_BLUR_PX), gaussian_filter(moving, LAST_BLUR_PX)


def _stretched(fixed: Array, moving: Array) -> tuple[Array, Array]:
    f, m = ((image - image.min()) / max(np.ptp(image), 1e-12) for image in (fixed, moving))
    return f, m


def _standardised(fixed: Array, moving: Array) -> tuple[Array, Array]:
    f, m = ((image - image.mean()) / max(image.std(), 1e-12) for image in (fixed, moving))
    return f, m


def _constant_brightness(masked: bool, intensity: str) -> bool:
    return intensity == "same"


def _varying_brightness(masked: bool, intensity: str) -> bool:
    return intensity == "varying"


def _with_mask(masked: bool, intensity: str) -> bool:
    return masked


LEFT_OUT = "leave pixels out that land beyond the moving image"

WRONG_OBJECTIVES = (
    WrongObjective(
        "border repeated and counted",
        f"pixels beyond the border count with the border's value repeated; {LEFT_OUT}",
        beyond="nearest",
    ),
    WrongObjective(
        "border repeated and counted",
        "both images are blurred with the border's value repeated, and the blurred ring counts in "
        "full; leave out what the blur reaches",
        images=_slightly_blurred,
        variant="blurred",
    ),
    WrongObjective(
        "zeros beyond the border counted",
        f"pixels beyond the border count as 0; {LEFT_OUT}",
        beyond="grid-constant",
    ),
    WrongObjective(
        "border mirrored and counted",
        f"pixels beyond the border count with the image mirrored; {LEFT_OUT}",
        beyond="mirror",
    ),
    WrongObjective(
        "border wrapped and counted",
        f"pixels beyond the border count with the image's other side; {LEFT_OUT}",
        beyond="grid-wrap",
    ),
    WrongObjective(
        "mask ignored",
        "pixels that the mask does not trust count",
        masked=False,
        asks=_with_mask,
    ),
    WrongObjective(
        "correlation without means",
        "the images are correlated with their means left in: subtract them over the overlap",
        brightness="gain",
    ),
    WrongObjective(
        "intensity assumption",
        "brightness is taken to be constant where it varies: correlate, or fit gain and offset",
        brightness="constant",
        asks=_varying_brightness,
    ),
    WrongObjective(
        "each image stretched by itself",
        "each image is stretched to its own least and largest value, which the two do not share",
        images=_stretched,
        asks=_constant_brightness,
    ),
    WrongObjective(
        "each image standardised by itself",
        "each image is divided by its own deviation, which the two do not share",
        images=_standardised,
        asks=_constant_brightness,
    ),
    WrongObjective(
        "blurred to the end",
        "blurred images are compared on the last level, too: end on the images themselves",
        images=_blurred,
    ),
    WrongObjective(
        "half resolution",
        "every second pixel is compared on the last level: end on all of them",
        images=lambda fixed, moving: (gaussian_filter(fixed, 1.0), gaussian_filter(moving, 1.0)),
        step=2,
    ),
    WrongObjective(
        "intensities clipped",
        "intensities are clipped to 0 and 1",
        images=_clipped,
    ),
    WrongObjective(
        "intensities quantised",
        "intensities are rounded down to 256 levels",
        images=_bytes,
    ),
)


RIGHT = WrongObjective("", "")
"""None of them: pixels beyond the border and the mask are left out, and nothing else is done."""


def minimum(
    pair: Pair, intensity: str, objective: WrongObjective, start: Array | None = None
) -> Transform | None:
    """Return where an objective is least, seen from the true transform or from another.

    Args:
        pair: the images, the mask and the true transform.
        intensity: `"same"` or `"varying"`.
        objective: what is minimised.
        start: a displacement, `(H, W, 2)`, px; the truth, if not given.
    Returns: a transform of the pair's family; `None` where the descent leaves the image, or ends
        nowhere.
    """
    family = family_at(pair)
    if family is None:
        return None
    problem = _Problem(pair, intensity, objective, family)
    p = family.start if start is None else family.nearest(start)
    at = problem.system(p)
    damping = 1e-3
    for _ in range(ITERATIONS):
        if at is None:
            return None
        value, normal, gradient = at
        damped = normal + damping * np.diag(np.diag(normal))
        step: Array = np.asarray(-np.linalg.solve(damped, gradient), dtype=np.float64)
        trial = problem.system(p + step)
        small = family.longest_px(step) < CONVERGED_PX
        if trial is not None and trial[0] < value:
            p, at, damping = p + step, trial, max(damping / 10, 1e-9)
        elif small or damping > 1e6:
            return family.transform(p)
        else:
            damping *= 10
        if small:
            return family.transform(p)
    return None


class _Problem:
    """The normal equations of an objective on a pair."""

    def __init__(
        self, pair: Pair, intensity: str, objective: WrongObjective, family: Family
    ) -> None:
        fixed, moving = pair.fixed, pair.moving
        if objective.images is not None:
            fixed, moving = objective.images(fixed, moving)
        step = slice(None, None, objective.step)
        self.fixed = fixed[step, step].ravel()
        self.moving = moving
        trusted = pair.mask if pair.mask is not None and objective.masked else None
        self.trusted = (
            np.ones(self.fixed.shape, dtype=bool)
            if trusted is None
            else trusted[step, step].ravel()
        )
        self.moving_trusted = pair.moving_mask if objective.masked else None
        self.beyond = objective.beyond
        self.fits = objective.brightness or (
            "constant" if intensity == "same" else "gain and offset"
        )
        self.family = family
        self.points = family.points(objective.step)
        self.basis = family.basis(self.points)

    def system(self, p: Array) -> tuple[float, Array, Array] | None:
        """Return E, half its Hessian by Gauss-Newton and half its gradient; `None` off the image.

        The best gain and offset are eliminated: residual and Jacobian are projected on what they
        cannot fit (Golub and Pereyra 1973, in Kaufman's form).
        """
        mapped = self.family.map(p, self.points, self.basis)
        x, y = mapped[:, 0], mapped[:, 1]
        counts = self.trusted
        if self.beyond is None:
            height, width = self.moving.shape
            counts = counts & (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)
        if self.moving_trusted is not None:
            counts = counts & trusted_at(self.moving_trusted, mapped)
        if counts.sum() < LEAST_COVERAGE * counts.size:
            return None
        x, y, f = x[counts], y[counts], self.fixed[counts]
        m = self._look(x, y)
        slope_x = (self._look(x + SLOPE_PX, y) - self._look(x - SLOPE_PX, y)) / (2 * SLOPE_PX)
        slope_y = (self._look(x, y + SLOPE_PX) - self._look(x, y - SLOPE_PX)) / (2 * SLOPE_PX)
        J = self.family.columns(p, self.basis[counts], slope_x, slope_y)
        scale = 1.0
        if self.fits == "constant":
            residual = m - f
        else:
            fitted = m[:, None]
            if self.fits == "gain and offset":
                fitted = np.stack([m, np.ones_like(m)], -1)
            basis, _ = np.linalg.qr(fitted)
            gain = float(np.linalg.lstsq(fitted, f, rcond=None)[0][0])
            residual = basis @ (basis.T @ f) - f
            J = gain * (J - basis @ (basis.T @ J))
            # 1 - NCC^2, so that a flat overlap is no minimum.
            about = f - f.mean() if self.fits == "gain and offset" else f
            scale = float(np.mean(about**2)) or 1.0
        return float(np.mean(residual**2)) / scale, J.T @ J, J.T @ residual

    def _look(self, x: Array, y: Array) -> Array:
        mode = self.beyond or "nearest"
        return np.asarray(map_coordinates(self.moving, [y, x], order=1, mode=mode))
