"""Broken on purpose: returns the warped image instead of the transform."""


def register(fixed, moving):
    return moving
