"""Broken on purpose: takes its process with it, on one fixture."""

import os

import knowing
import numpy as np

import irgate_fixtures


def register(fixed, moving, model=None, intensity=None):
    victim = irgate_fixtures.pair("lena_affine_2d").fixed.astype(np.float32)
    if np.array_equal(fixed, victim):
        os._exit(1)
    return knowing.register(fixed, moving)
