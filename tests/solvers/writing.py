"""Broken on purpose: normalises its input in place."""

import knowing


def register(fixed, moving):
    answer = knowing.register(fixed, moving)
    fixed -= fixed.mean()
    return answer
