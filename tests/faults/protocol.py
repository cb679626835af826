"""Faults of manners: the answer is right, and something else is not."""

import random

import numpy as np
import torch

from pytest_irgate.adapters import bundled

from .fault import fault
from .good import Good


@fault(
    origin="OpenCV's phaseCorrelate with a window writes into float64 arrays that it is given",
    layers="contract",
    names="input_unchanged",
    item="contract input_unchanged",
    spoils="manners",
)
def writes_into_its_inputs(fixed, moving, model, mask, init, intensity):
    """Takes the mean off in place."""
    found = bundled.register(fixed.copy(), moving.copy(), model, mask, init, intensity)
    fixed -= fixed.mean()
    moving -= moving.mean()
    return found


@fault(
    origin="random sampling seeded with the clock: SimpleITK's default, ANTs without a seed",
    layers="contract, recovery",
    names="repeatable, stops early",
    item="contract repeatable",
    spoils="manners",
)
class DifferentOnEachCall(Good):
    """A tenth of the pixels are drawn anew on each call."""

    def trust(self, mask):
        return mask & (np.random.default_rng().random(mask.shape) < 0.1)


@fault(
    origin="np.random.seed(0) at the head of a function",
    layers="contract",
    names="global_state_unchanged",
    item="contract global_state_unchanged",
    spoils="manners",
)
class SeedsEverybody(Good):
    """Its own draws are repeatable, and so are all others in the process from then on."""

    def trust(self, mask):
        np.random.seed(0)
        return mask & (np.random.random(mask.shape) < 0.9)


@fault(
    origin="random.seed in a RANSAC",
    layers="contract",
    names="global_state_unchanged",
    item="contract global_state_unchanged",
    spoils="manners",
)
def seeds_python(fixed, moving, model, mask, init, intensity):
    """The standard library's generator is seeded."""
    random.seed(0)
    return bundled.register(fixed, moving, model, mask, init, intensity)


@fault(
    origin="torch.set_default_dtype for one's own convenience",
    layers="contract",
    names="global_state_unchanged",
    item="contract global_state_unchanged",
    spoils="manners",
)
def changes_the_default_dtype(fixed, moving, model, mask, init, intensity):
    """From the first call on torch makes doubles for everybody."""
    torch.set_default_dtype(torch.float64)
    return bundled.register(fixed, moving, model, mask, init, intensity)


@fault(
    origin="progress bars",
    layers="contract",
    names="prints_nothing",
    item="contract prints_nothing",
    spoils="manners",
)
def prints(fixed, moving, model, mask, init, intensity):
    """Reports its progress on standard output."""
    print("level 1: converged")
    return bundled.register(fixed, moving, model, mask, init, intensity)


@fault(
    origin="state kept between calls, so that videos go faster",
    layers="ratio, truth",
    names="wrong start, stops early, repeatable",
)
class RemembersTheLastAnswer(Good):
    """Begins where the last call of the same model and size ended, and so ends elsewhere."""

    def __init__(self):
        self.last = {}

    def linear(self, levels, model, metric):
        key = (model, levels[0].grid.full)
        first = self.families[model]()
        begin = self.last.get(key, first.identity())
        p = self.descend(levels[0], first, metric, begin)
        self.last[key] = p
        return p


@fault(
    origin="0 / 0 where nothing overlaps",
    layers="ratio",
    names="output_form, nan",
    item="battery synth_rotate_2d-rot75",
)
class NotANumberOnFailure(Good):
    """Where the match is not convincing NaN comes back."""

    def searched(self, levels, first, family, metric):
        return [np.full((3, 3), np.nan)]

    def worth(self, level, family, p):
        return float(np.isnan(p).any())

    def descend(self, level, family, metric, p, held=None, tolerance_px=None):
        if np.isnan(p).any():
            return p
        return super().descend(level, family, metric, p, held, tolerance_px)

    def polished(self, level, family, metric, p):
        return p if np.isnan(p).any() else super().polished(level, family, metric, p)


@fault(
    origin="functions named register that return a picture",
    layers="maximum gate, each fixture, ratio, contract",
    names="output_form, direction, axis_order",
    item="contract output_form",
    spoils="manners",
)
def returns_the_picture(fixed, moving, model, mask, init, intensity):
    """The warped image instead of the transform."""
    found = bundled.register(fixed, moving, model, mask, init, intensity)
    return found.warp(torch.as_tensor(moving)).numpy()


@fault(
    origin="flow networks, whose channels come first",
    layers="maximum gate, each fixture, ratio, contract",
    names="output_form",
    item="contract output_form",
    spoils="manners",
)
def components_first(fixed, moving, model, mask, init, intensity):
    """A field of shape (2, H, W)."""
    found = bundled.register(fixed, moving, model, mask, init, intensity)
    return np.moveaxis(found.displacement(fixed.shape).numpy(), -1, 0)
