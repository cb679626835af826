"""Broken on purpose: a different answer on each call."""

import knowing
import numpy as np

import irgate_fixtures


def register(fixed, moving):
    known = knowing.truth(fixed, moving)
    jitter = irgate_fixtures.translation(*np.random.default_rng().normal(0, 1e-3, 2))
    return irgate_fixtures.Composite(jitter, known)
