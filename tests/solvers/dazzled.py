"""Broken on purpose: it is told that brightness varies, and is drawn by it all the same."""

import knowing

from irgate_fixtures import translation


def register(fixed, moving, intensity, mask=None):
    known = knowing.truth(fixed, moving)
    if known.matrix is None:
        return known.displacement(fixed.shape)
    drawn = 10.0 * abs(float(fixed.mean()) - float(moving.mean()))
    return translation(drawn, 0.0).matrix @ known.matrix
