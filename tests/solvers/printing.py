"""Broken on purpose: reports its progress on standard output."""

import knowing


def register(fixed, moving, model=None, intensity=None):
    print("level 1: converged")
    return knowing.register(fixed, moving)
