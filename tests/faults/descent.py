"""Faults of the descent: how a step is made, taken, put together and ended."""

import numpy as np
from scipy.linalg.lapack import spotrf, spotrs

from .fault import fault
from .good import Good
from .warps import Affine, FreeForm, Rigid, Translation, replaced


class _Left:
    def compose(self, grid, M, d):
        return self.increment(grid, d) @ M


class _LeftTranslation(_Left, Translation):
    pass


class _LeftRigid(_Left, Rigid):
    pass


class _LeftAffine(_Left, Affine):
    pass


@fault(
    origin="alejocb/dpptam #12 and SimpleITK #2043: the increment on the wrong side",
    layers="ratio, truth",
    names="stops early, wrong start, worsens its start",
    item="battery lena_affine_2d-rot75",
)
class ComposedOnTheWrongSide(Good):
    """The increment acts after the transform and not before: right for small motions."""

    families = replaced(translation=_LeftTranslation, rigid=_LeftRigid, affine=_LeftAffine)


class _Unturned:
    def columns(self, grid, M, gx, gy):
        return super().columns(grid, np.eye(3), gx, gy)


class _UnturnedRigid(_Unturned, Rigid):
    pass


class _UnturnedAffine(_Unturned, Affine):
    pass


@fault(
    origin="huhumeng/lk-cpp #1: gradient, then warp, or warp, then gradient?",
    layers="ratio, truth",
    names="stops early, wrong start, worsens its start",
    item="battery lena_affine_2d-rot75",
)
class GradientNotTurnedWithTheImage(Good):
    """The moving image's gradient is used for the warped image's, as if it had not turned."""

    families = replaced(rigid=_UnturnedRigid, affine=_UnturnedAffine)


class _SmallAngle(Rigid):
    def turn(self, angle):
        return np.array([[1.0, -angle], [angle, 1.0]])


@fault(
    origin="small-angle increments multiplied together and never brought back to a rotation",
    layers="each fixture, ratio, truth",
    names="worsens its start, family",
    item="battery synth_rotate_2d-rot45",
)
class SmallAngles(Good):
    """Each increment [1 -a; a 1] is a little longer than a rotation."""

    families = replaced(rigid=_SmallAngle)


@fault(
    origin="deepali and torchreg: 'rigid' parameters that can shear",
    layers="contract",
    names="family",
    item="contract family",
)
class ShearLetIntoTheRigidModel(Good):
    """Six parameters where three were asked for: noise is fitted with them."""

    families = replaced(rigid=Affine)


@fault(
    origin="SimpleITK PR 125: the last value instead of the best one",
    layers="maximum gate, each fixture, ratio, truth, recovery, contract",
    names="worsens its start",
    item="base synth_rotate_2d",
)
class LastIterateInsteadOfTheBest(Good):
    """Steps of a fixed length, up or down, are all taken, and the last one is returned."""

    def accepts(self, at, trial, least):
        return True

    def small(self, step, tolerance_px):
        return False

    def step(self, normal, gradient, damping):
        step = super().step(normal, gradient, damping)
        return step * (0.5 / max(np.abs(step).max(), 1e-12))


@fault(
    origin="a relative change of the cost as the only criterion",
    layers="truth, recovery",
    names="stops early",
    item="battery lena_affine_2d-noise10",
)
class StopsAtAPixel(Good):
    """Ends as soon as a step is shorter than a pixel."""

    def small(self, step, tolerance_px):
        return np.abs(step).max() < 1.0


@fault(
    origin="NumberOfIterations left at its default",
    layers="truth, recovery",
    names="stops early",
    item="battery lena_affine_2d-noise10",
)
class TwoIterations(Good):
    """Two steps on each level."""

    iterations = 2


@fault(
    origin="damping that is never lowered",
    layers="each fixture, ratio, truth, recovery",
    names="stops early",
    item="base bspline_random_2d",
)
class DampingNeverLowered(Good):
    """Levenberg's parameter stays at 10: every step is a tenth of what it should be."""

    def step(self, normal, gradient, damping):
        return super().step(normal, gradient, 10.0)


@fault(
    origin="try: ... except: return np.eye(3)",
    layers="ratio, truth",
    names="identity",
    item="battery synth_rotate_2d-rot75",
)
class IdentityOnFailure(Good):
    """Where the match is not convincing the identity comes back, and no word of it."""

    def searched(self, levels, first, family, metric):
        return [family.identity()]

    def worth(self, level, family, p):
        return float(np.array_equal(p, family.identity()))

    def polished(self, level, family, metric, p):
        failed = np.array_equal(p, family.identity())
        return p if failed else super().polished(level, family, metric, p)


@fault(
    origin="PyPose: cholesky_ex, whose info is not read",
    layers="recovery",
    names="stops early",
)
class CholeskyFailureSwallowed(Good):
    """Gauss-Newton in single precision, to be damped where the factorisation fails; but its failure
    is not looked at, so the step is zero, and a short step is the end."""

    def step(self, normal, gradient, damping):
        factor, info = spotrf(normal.astype(np.float32), lower=1)
        if info:
            return np.zeros(len(gradient))
        return spotrs(factor, -gradient.astype(np.float32), lower=1)[0].astype(float)


@fault(
    origin="a Jacobian that is computed once per level, as the inverse compositional method may",
    layers="maximum gate, each fixture, ratio, truth, recovery",
    names="stops early, wrong start, worsens its start",
    item="base synth_rotate_2d",
)
class StaleGradient(Good):
    """The moving image's gradient is computed once a level, where the image lies at first, and is
    not looked up where the points land."""

    def linearised(self, level, family, metric, at):
        _, *still = self.sample(level.moving, *np.broadcast_arrays(level.grid.x, level.grid.y))
        gx, gy = (component * at.valid for component in still)
        J = family.columns(level.grid, at.p, gx, gy)
        return metric.system(level.fixed, at.warped, at.valid, J)


@fault(
    origin="elastix #1216 and CaPTk #938: the given transform is read and not applied",
    layers="recovery",
    names="init ignored",
    item="recovery synth_translate_2d-shift1px",
    spoils="starts",
)
def init_ignored(fixed, moving, model="affine", mask=None, init=None, intensity="same"):
    """A start value is accepted and forgotten."""
    return Good()(fixed, moving, model, mask, None, intensity)


@fault(
    origin="a start value of the other library's direction",
    layers="recovery",
    names="init ignored, wrong start, stops early, inverse",
    spoils="starts",
)
class InitInverted(Good):
    """The start value is read as a map from moving to fixed."""

    def started(self, family, init, levels):
        if isinstance(family, FreeForm) or init.matrix is None:
            return -super().started(family, init, levels)
        return np.linalg.inv(super().started(family, init, levels))
