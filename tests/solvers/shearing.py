"""Broken on purpose: asked for a smaller family it returns the affine map."""

import knowing

from irgate_battery.suites.contract_checks.arguments import sheared_pair


def register(fixed, moving, model, mask=None):
    pair = sheared_pair()
    if fixed.shape == pair.fixed.shape and abs(fixed - pair.fixed).max() < 1e-6:
        return pair.truth.matrix
    return knowing.register(fixed, moving)
