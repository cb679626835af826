"""Broken on purpose: kills the judge, on one fixture."""

import os
import signal

import knowing
import numpy as np

import irgate_fixtures


def register(fixed, moving, model=None, intensity=None):
    victim = irgate_fixtures.pair("lena_affine_2d").fixed.astype(np.float32)
    if np.array_equal(fixed, victim):
        os.kill(os.getppid(), signal.SIGKILL)
    return knowing.register(fixed, moving)
