"""Reports of a start value that is read wrongly."""

import numpy as np
from faults.fault import fault
from faults.good import Good
from faults.warps import FreeForm


@fault(
    origin="CBICA/CaPTk #938",
    layers="recovery",
    names="init ignored",
    spoils="starts",
)
def given_transform_not_used(fixed, moving, model="affine", mask=None, init=None, intensity="same"):
    """A transformation that is passed is ignored."""
    return Good()(fixed, moving, model, mask, None, intensity)


@fault(
    origin="scikit-image/scikit-image #3544",
    layers="recovery",
    names="init scaled, narrow basin",
    spoils="starts",
)
class StartMultipliedByThePyramid(Good):
    """The translation of the start is multiplied by the pyramid's scale before the first level."""

    def started(self, family, init, levels):
        p = super().started(family, init, levels)
        if isinstance(family, FreeForm):
            return p
        p = p.copy()
        p[:2, 2] *= 2
        return p


@fault(
    origin="JuliaImages/ImageTracking.jl #34",
    layers="recovery",
    names="init with x and y swapped, narrow basin",
    spoils="starts",
)
class StartWithRowsFirst(Good):
    """The start is converted to (x, y), and all that follows works in (row, column)."""

    def started(self, family, init, levels):
        p = super().started(family, init, levels)
        if isinstance(family, FreeForm):
            return p[::-1].copy()
        swap = np.array([[0.0, 1, 0], [1, 0, 0], [0, 0, 1]])
        return swap @ p @ swap


@fault(
    origin="SuperElastix/elastix #857",
    layers="recovery",
    names="init applied twice, narrow basin",
    spoils="starts",
)
class StartUsedForEveryStage(Good):
    """The start is applied again before each stage, and not before the first one alone."""

    def started(self, family, init, levels):
        p = super().started(family, init, levels)
        return 2 * p if isinstance(family, FreeForm) else p @ p
