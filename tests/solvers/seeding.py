"""Broken on purpose: seeds everybody's random generator."""

import knowing
import numpy as np


def register(fixed, moving):
    np.random.seed(0)
    return knowing.register(fixed, moving)
