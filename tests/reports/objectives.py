"""Reports of an objective or a descent that ends elsewhere than at the best match."""

import numpy as np
from faults.fault import fault
from faults.good import Good
from faults.objective import SquaredDifferences
from faults.warps import FAMILIES, FreeForm
from scipy.ndimage import gaussian_filter

AFTER = "each fixture, ratio, truth"


@fault(
    origin="AllenInstitute/ophys_etl_pipelines #422",
    layers="ratio, truth",
    names="border wrapped and counted",
)
class FramesWrappedAround(Good):
    """A shifted frame comes in again on the other side, and all of it counts."""

    def valid(self, level, x, y):
        return level.trusted

    def sample(self, image, x, y):
        height, width = image.shape
        return super().sample(image, np.mod(x, width - 1), np.mod(y, height - 1))


@fault(
    origin="opencv/opencv #29774",
    layers="truth",
    names="border repeated and counted",
)
class BlurredBorderCounted(Good):
    """Both images are blurred with their border repeated, and the blurred ring counts in full."""

    def prepare(self, image):
        return gaussian_filter(super().prepare(image), 1.1, mode="nearest")

    def valid(self, level, x, y):
        height, width = level.moving.shape
        inside = (x >= -0.5) & (x <= width - 0.5) & (y >= -0.5) & (y <= height - 0.5)
        return level.trusted & inside


class _FewSamples(SquaredDifferences):
    """The differences of a few pixels, drawn anew each time that the metric is asked."""

    def __init__(self):
        self.draw = np.random.default_rng(1)

    def few(self, v):
        return v & (self.draw.random(v.shape) < 0.002)

    def value(self, f, m, v):
        return super().value(f, m, self.few(v))

    def residual(self, f, m, v):
        return super().residual(f, m, self.few(v))


@fault(
    origin="BRAINSia/BRAINSTools #212",
    layers=AFTER,
    names="too few samples, worsens its start, stops early",
)
class LeavesAGoodStart(Good):
    """A fraction of 0.002 of the pixels, drawn anew, decides whether a step is better."""

    def metric(self, intensity):
        return _FewSamples()


@fault(
    origin="InsightSoftwareConsortium/ITK #2570",
    layers=AFTER,
    names="next iterate instead of the best, worsens its start",
)
class BestValueWithTheNextParameters(Good):
    """The best value is kept together with the parameters of the iteration after it."""

    def polished(self, level, family, metric, p):
        p = super().polished(level, family, metric, p)
        if isinstance(family, FreeForm):
            return p
        step = np.zeros(len(family.columns(level.grid, p, level.fixed, level.fixed).flat))
        step[-2:] = 0.15
        return family.compose(level.grid, p, step)


@fault(
    origin="ericPrince/optical-flow #3",
    layers="ratio, truth",
    names="wrong start, level scale, worsens its start",
)
class CoarseFlowNotDoubled(Good):
    """The displacement of the coarse level is used as it is on the finer one."""

    def rescale(self, family, p):
        return p


@fault(
    origin="webarkit/purecv #145",
    layers="ratio, truth",
    names="identity, gives up on a coarse level",
)
class GivesUpOnACoarseLevel(Good):
    """A level whose normal matrix is badly conditioned ends the whole solve, also a coarse one."""

    def solved(self, normal, right):
        scale = np.sqrt(np.diag(normal))
        if np.linalg.cond(normal / np.outer(scale, scale)) > 60:
            return np.zeros_like(right)
        return super().solved(normal, right)


@fault(
    origin="SimpleITK/SimpleITK #1107",
    layers=AFTER,
    names="stops early, turns about the origin",
)
class CentreOfRotationNotSet(Good):
    """Plain gradient descent on a rotation about the first pixel, whose parameters are coupled."""

    def step(self, normal, gradient, damping):
        if len(gradient) == 2:
            return super().step(normal, gradient, damping)
        return -gradient / max(np.diag(normal).max(), 1e-300)


@fault(
    origin="airlab-unibas/airlab #8",
    layers="maximum gate, each fixture, ratio, truth, contract",
    names="turned in normalised units, family",
)
class RigidInNormalisedUnits(Good):
    """The rotation acts on coordinates from -1 to 1, and the optimiser makes the best of it."""

    def answer(self, family, p, grid):
        if type(family) is not FAMILIES["rigid"]:
            return super().answer(family, p, grid)
        height, width = grid.full
        sides = np.diag([width / 2, height / 2])
        angles = np.arctan2(p[1, 0], p[0, 0]) + np.linspace(-0.2, 0.2, 2001)
        # The same mean over the image for every entry, so the best fit is that of the matrices.
        turns = [
            sides
            @ np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]])
            @ np.linalg.inv(sides)
            for a in angles
        ]
        weights = np.array([width, height])
        best = min(turns, key=lambda A: np.sum(((A - p[:2, :2]) * weights) ** 2))
        centre = np.array(grid.centre)
        M = np.eye(3)
        M[:2, :2] = best
        M[:2, 2] = p[:2, :2] @ centre + p[:2, 2] - best @ centre
        return M


@fault(
    origin="opencv/opencv #26329",
    layers="contract",
    names="family, scale in a rigid model",
)
class SimilarityForRigid(Good):
    """estimateAffinePartial2D has a scale, and is taken for the rigid model."""

    def __call__(self, fixed, moving, model="affine", mask=None, init=None, intensity="same"):
        found = super().__call__(fixed, moving, model, mask, init, intensity)
        if model != "rigid":
            return found
        wide = super().__call__(fixed, moving, "affine", mask, None, intensity)
        scale = np.sqrt(abs(np.linalg.det(wide[:2, :2])))
        centre = (np.array(fixed.shape[::-1]) - 1) / 2
        there = found[:2, :2] @ centre + found[:2, 2]
        M = found.copy()
        M[:2, :2] *= scale
        M[:2, 2] = there - M[:2, :2] @ centre
        return M
