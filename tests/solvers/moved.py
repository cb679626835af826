"""A scene 63 mm wide that was moved by a known rigid motion, and a solver that knows the motion.

The motion is given in mm. The solver tells the side of a pixel from the width of what it is handed.
"""

import numpy as np

WIDTH, HEIGHT = 63.0, 47.0
"""mm between the outermost pixel centres."""

ANGLE, SHIFT = 0.05, (2.3, -1.4)
"""Radians about the middle, and mm."""

_draw = np.random.default_rng(3)
_waves = _draw.normal(size=(40, 2))
_waves *= 2 * np.pi / _draw.uniform(9, 30, (40, 1)) / np.linalg.norm(_waves, axis=1, keepdims=True)
_phases, _heights = _draw.uniform(0, 2 * np.pi, 40), _draw.uniform(0.01, 0.02, 40)


def scene(points):
    """Grey values at points in mm, between 0 and 1: waves of 9 to 30 mm."""
    return 0.5 + np.cos(points @ _waves.T + _phases) @ _heights


def matrix(side=1.0):
    """The motion as 3x3 in pixels of this side, mm."""
    c, s = np.cos(ANGLE), np.sin(ANGLE)
    turn, middle = np.array([[c, -s], [s, c]]), np.array([WIDTH / 2, HEIGHT / 2])
    shift = middle - turn @ middle + SHIFT
    return np.vstack([np.column_stack([turn, shift / side]), [0, 0, 1]])


def images(spacing=(1.0, 1.0)):
    """Fixed and moving on pixels of this spacing, (x, y) in mm."""
    x = np.arange(0, WIDTH + 1e-9, spacing[0])
    y = np.arange(0, HEIGHT + 1e-9, spacing[1])
    grid = np.stack(np.meshgrid(x, y), axis=-1)
    known = matrix()
    return scene(grid @ known[:2, :2].T + known[:2, 2]), scene(grid)


def register(fixed, moving, mask=None):
    return matrix(WIDTH / (fixed.shape[1] - 1))
