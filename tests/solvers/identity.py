"""Broken on purpose: nothing is moved."""

import numpy as np


def register(fixed, moving):
    return np.eye(3)
