"""A good solver in plain numpy whose every step can be broken by itself.

A Gaussian pyramid; on each level Levenberg-Marquardt on the metric over the valid pixels, forward
compositional for the linear families, additive for the free-form one; last, on the full images and
with the valid pixels held, the same to the minimum. It starts at the identity, and where that is
not convincing from a search. A fault is a subclass that overrides one step.
"""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter

from .objective import Correlation, SquaredDifferences
from .search import Search
from .warps import FAMILIES, FreeForm, Grid

SIGMA = 1.0
"""Of the blur before every second pixel is dropped, in pixels of the finer level."""

SMALLEST_SIDE = 20
"""Of the coarsest level, px."""

LEVELS = 4

SEARCHED_SIDE = 24
"""The search runs on the coarsest level whose shortest side is this long, px."""

CONVINCING = 0.985
"""A correlation from which on what the identity led to is taken without a search."""

KEPT_ENDS = 4
"""Ends of the search that are followed to the full images."""

LEAST_OVERLAP = 0.5
"""A step may not leave less than this part of the overlap that the level began with."""


@dataclass(frozen=True)
class Level:
    """Both images at one resolution; `trusted` is the mask there."""

    fixed: np.ndarray
    moving: np.ndarray
    trusted: np.ndarray
    grid: Grid


@dataclass(frozen=True)
class Look:
    """What the metric says at one transform: its value, and what the system is built from."""

    p: np.ndarray
    value: float
    warped: np.ndarray
    gradient: tuple[np.ndarray, np.ndarray]
    valid: np.ndarray


class Good:
    """The solver; an instance is a callable of the protocol."""

    name = "good"
    iterations = 30
    first_damping = 1e-3
    tolerance_px = 1e-2
    last_tolerance_px = 1e-7
    searching = Search()
    families = FAMILIES

    def __call__(self, fixed, moving, model="affine", mask=None, init=None, intensity="same"):
        trusted = np.ones(fixed.shape, bool) if mask is None else np.asarray(mask, bool)
        metric = self.metric(intensity)
        levels = self.pyramid(self.prepare(fixed), self.prepare(moving), self.trust(trusted))
        family = self.families[model]()
        if init is not None:
            p = self.refined(levels, family, metric, self.started(family, init, levels))
        elif model == "ffd":
            M = self.linear(levels, "affine", metric)
            p = family.nearest(levels[0].grid, displacement(self.families["affine"](), levels, M))
            p = self.refined(levels[:2], family, metric, p)
        else:
            p = self.linear(levels, model, metric)
        return self.answer(family, self.polished(levels[0], family, metric, p), levels[0].grid)

    # The images.

    def prepare(self, image):
        """Return an image as it is worked on."""
        return np.array(image, dtype=float)

    def trust(self, mask):
        """Return the mask that is heeded."""
        return mask

    def metric(self, intensity):
        return SquaredDifferences() if intensity == "same" else Correlation()

    def pyramid(self, fixed, moving, trusted):
        """Return the levels, the full images first."""
        full = fixed.shape
        levels = [Level(fixed, moving, trusted, Grid(fixed.shape, 1, full))]
        while len(levels) < LEVELS and self.may_shrink(levels[-1]):
            last = levels[-1]
            fixed = self.decimate(self.smooth(last.fixed, last.trusted))
            moving = self.decimate(self.smooth(last.moving, np.ones(last.moving.shape, bool)))
            levels.append(
                Level(
                    fixed,
                    moving,
                    self.decimate(last.trusted),
                    Grid(fixed.shape, 2 * last.grid.scale, full),
                )
            )
        return levels

    def may_shrink(self, level):
        return min(*level.fixed.shape, *level.moving.shape) >= 2 * SMALLEST_SIDE

    def smooth(self, image, trusted):
        """Blur; what is not trusted does not bleed into what is (normalised convolution)."""
        if trusted.all():
            return gaussian_filter(image, SIGMA)
        weight = gaussian_filter(trusted.astype(float), SIGMA)
        blurred = gaussian_filter(image * trusted, SIGMA)
        return np.where(weight > 1e-3, blurred / np.maximum(weight, 1e-3), 0.0)

    def decimate(self, image):
        """Keep every second pixel, from the first."""
        return image[::2, ::2]

    # The start.

    def started(self, family, init, levels):
        """Return the family's member nearest to a start value, in pixels of the full images."""
        if isinstance(family, FreeForm) or init.matrix is None:
            return family.nearest(levels[0].grid, init.displacement(levels[0].grid.full))
        return family.nearest(levels[0].grid, np.asarray(init.matrix, float))

    def linear(self, levels, model, metric):
        """Return the linear transform that the identity leads to, or the search."""
        first = self.families["translation" if model == "translation" else "rigid"]()
        family = self.families[model]()
        p = self.refined(levels, first, metric, first.identity())
        if family is not first:
            p = self.refined(levels[:2], family, metric, p)
        if self.convincing(levels[0], family, p):
            return p
        starts = [p, *self.searched(levels, first, family, metric)]
        return max(starts, key=lambda M: self.worth(levels[0], family, M))

    def convincing(self, level, family, p):
        return self.likeness(level, family, p)[0] >= CONVINCING

    def likeness(self, level, family, p):
        """Return the correlation at `p`, and the part of the trusted pixels that it is over."""
        look = self.look(level, family, Correlation(), p)
        share = np.count_nonzero(look.valid) / max(np.count_nonzero(level.trusted), 1)
        return 1 - look.value, share

    def worth(self, level, family, p):
        """Rank solutions: by correlation, the larger overlap where they are close."""
        rho, share = self.likeness(level, family, p)
        return np.arctanh(np.clip(rho, -0.999999, 0.999999)) * share**0.1 if share >= 0.1 else -1e9

    def searched(self, levels, first, family, metric):
        """Yield what each start of the search leads to, in pixels of the full images."""
        index = max(
            (i for i, level in enumerate(levels) if min(level.fixed.shape) >= SEARCHED_SIDE),
            default=0,
        )
        at = levels[index]
        turning = type(first) is not self.families["translation"]
        ends = []
        for M in self.searching.starts(at.fixed, at.trusted, at.moving, turning):
            p = self.descend(at, first, Correlation(), first.nearest(at.grid, M))
            # On the full images, whose detail tells a head from itself upside down.
            fine = first.rescaled(p, at.grid.scale)
            ends.append((self.worth(levels[0], first, fine), p))
        ends.sort(key=lambda end: -end[0])
        for _, p in ends[:KEPT_ENDS]:
            for level in reversed(levels[:index]):
                p = self.rescale(first, p)
                p = self.descend(level, first, metric, p)
            yield self.refined(levels[:2], family, metric, p) if family is not first else p

    # The descent.

    def refined(self, levels, family, metric, p):
        """Descend from the coarsest of these levels to the finest; `p` is in full pixels."""
        p = family.rescaled(p, 1 / levels[-1].grid.scale)
        for index, level in enumerate(reversed(levels)):
            if index:
                p = self.rescale(family, p)
            p = self.descend(level, family, metric, p)
        return p

    def rescale(self, family, p):
        """Carry a transform to the next finer level."""
        return family.rescaled(p, 2.0)

    def polished(self, level, family, metric, p):
        """Descend to the minimum; the valid pixels are those of the start and stay so."""
        held = self.look(level, family, metric, p).valid
        return self.descend(level, family, metric, p, held, self.last_tolerance_px)

    def descend(self, level, family, metric, p, held=None, tolerance_px=None):
        """Run Levenberg-Marquardt on one level and return where it ends."""
        tolerance_px = self.tolerance_px if tolerance_px is None else tolerance_px
        at = self.look(level, family, metric, p, held)
        least = LEAST_OVERLAP * np.count_nonzero(at.valid)
        damping = self.first_damping
        system = self.linearised(level, family, metric, at)
        for _ in range(self.iterations):
            step = self.step(*system, damping)
            small = self.small(step, tolerance_px)
            trial = self.look(level, family, metric, self.moved(level, family, at.p, step), held)
            if self.accepts(at, trial, least):
                at, damping = trial, max(damping / 10, 1e-12)
                if small:
                    break
                system = self.linearised(level, family, metric, at)
            elif small:
                break
            else:
                damping *= 10
        return at.p

    def look(self, level, family, metric, p, held=None):
        """Return what the metric says at `p`; `held` are the valid pixels where they are fixed."""
        x, y = family.points(level.grid, p)
        warped, gx, gy = self.sample(level.moving, x, y)
        valid = self.valid(level, x, y) if held is None else held
        return Look(p, self.value(metric, level, warped, valid), warped, (gx, gy), valid)

    def value(self, metric, level, warped, valid):
        return metric.value(level.fixed, warped, valid)

    def valid(self, level, x, y):
        """Return the trusted pixels that land between pixel centres of the moving image."""
        height, width = level.moving.shape
        return level.trusted & (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)

    def sample(self, image, x, y):
        """Return the bilinear value of an image at points, and its exact gradient there."""
        height, width = image.shape
        x, y = np.clip(x, 0, width - 1), np.clip(y, 0, height - 1)
        left = np.minimum(x.astype(np.intp), width - 2)
        top = np.minimum(y.astype(np.intp), height - 2)
        x, y = x - left, y - top
        flat, corner = image.ravel(), top * width + left
        a, b = flat[corner], flat[corner + 1]
        c, d = flat[corner + width], flat[corner + width + 1]
        upper, lower = b - a, d - c
        gx = upper + y * (lower - upper)
        a, c = a + x * upper, c + x * lower
        return a + y * (c - a), gx, c - a

    def linearised(self, level, family, metric, at):
        """Return the normal matrix and the gradient."""
        gx, gy = (component * at.valid for component in at.gradient)
        J = family.columns(level.grid, at.p, gx, gy)
        return metric.system(level.fixed, at.warped, at.valid, J)

    def step(self, normal, gradient, damping):
        """Solve (H + damping diag H) d = -g."""
        diagonal = np.diag(normal)
        floor = 1e-12 * max(diagonal.max(), 1e-300)
        damped = normal + np.diag(damping * diagonal + floor)
        return self.solved(damped, -gradient)

    def solved(self, normal, right):
        return np.linalg.solve(normal, right)

    def moved(self, level, family, p, step):
        return family.compose(level.grid, p, step)

    def accepts(self, at, trial, least):
        """Whether a trial is taken: it lowers the metric, and does not flee the overlap."""
        return trial.value < at.value and np.count_nonzero(trial.valid) >= least

    def small(self, step, tolerance_px):
        """Whether a step is short enough to end with; parameters are displacements in px."""
        return np.abs(step).max() < tolerance_px

    def answer(self, family, p, grid):
        """Return the transform in a form that the protocol knows."""
        if not isinstance(family, FreeForm):
            return p
        x, y = family.points(grid, p)
        return np.stack([x - grid.x, y - grid.y], axis=-1)


def displacement(family, levels, M):
    """Return u of a linear transform on the full grid, `(H, W, 2)`."""
    grid = levels[0].grid
    x, y = family.points(grid, M)
    return np.stack([x - grid.x, y - grid.y], axis=-1)


register = Good()
