"""Broken on purpose: raises."""


def register(fixed, moving):
    raise ValueError("singular matrix")
