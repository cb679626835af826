"""The pairs on which speed is measured: evaluated exactly, and known to no test of the solver.

Scenes are sums of plane waves with periods of 6 to 60 px, turned by 2 degrees, shifted by
(1.7, -2.3) px and, for affine maps, stretched by 1 %; noise is in parts of the range, on both
images. The truths of the FFDs are FFDs of the same grid, its control points moved by 1 px at
random.
"""

import numpy as np
import peers
import torch
from numpy.typing import NDArray

import irgate_fixtures
from irgate_solver import _warps

FIXTURE = "brain_mri_real"
Array = NDArray[np.float64]
Known = tuple[peers.Case, Array]
"""A pair, and its true displacement `(H, W, 2)`, px."""


def scene(x: Array, y: Array, seed: int) -> Array:
    """Return plane waves at points, about [0, 1]."""
    draw = np.random.default_rng(seed)
    total = np.zeros_like(x)
    for _ in range(24):
        angle, phase = draw.uniform(0, 2 * np.pi, 2)
        period = np.exp(draw.uniform(np.log(6), np.log(60)))
        along = np.cos(angle) * x + np.sin(angle) * y
        total += period**0.5 * np.cos(2 * np.pi * along / period + phase)
    return 0.5 + total / 100


def pair(side: int, model: str, noise: float, seed: int = 0, degrees: float = 2.0) -> Known:
    """Return a pair and its true displacement, px."""
    angle = np.deg2rad(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    linear = turn @ np.diag([1.01, 0.99]) if model == "affine" else turn
    y, x = np.mgrid[:side, :side].astype(np.float64)
    centred = np.stack((x, y), -1) - (side - 1) / 2
    mapped = centred @ linear.T + (side - 1) / 2 + (1.7, -2.3)
    draw = np.random.default_rng(seed + 99)
    fixed = scene(mapped[..., 0], mapped[..., 1], seed) + noise * draw.standard_normal(x.shape)
    moving = scene(x, y, seed) + noise * draw.standard_normal(x.shape)
    case = peers.Case(fixed.astype(np.float32), moving.astype(np.float32), model, "same")
    return case, mapped - np.stack((x, y), -1)


def fixture(intensity: str | None = None) -> Known:
    """Return the MRI fixture and its true displacement, px.

    Args:
        intensity: what solvers are told of it; its own where not given.

    """
    one = irgate_fixtures.pair(FIXTURE)
    fixed, moving = one.fixed.astype(np.float32), one.moving.astype(np.float32)
    case = peers.Case(fixed, moving, one.model, intensity or one.intensity)
    return case, one.truth.displacement(case.shape)


def free_form_pair(control: int, noise: float, side: int = 256) -> Known:
    """Return a pair whose truth is an FFD, and its displacement, px."""
    warp = _warps.FreeForm(side, side, (control, control))
    draw = np.random.default_rng(control)
    p = torch.tensor(draw.standard_normal((1, warp.size)))
    axis = torch.arange(side, dtype=torch.float64)
    field = np.moveaxis(_warps.displacement(warp, p, axis, axis)[0].numpy(), 0, -1)
    y, x = np.mgrid[:side, :side].astype(np.float64)
    fixed, moving = scene(x + field[..., 0], y + field[..., 1], 0), scene(x, y, 0)
    both = [
        (image + noise * draw.standard_normal(x.shape)).astype(np.float32)
        for image in (fixed, moving)
    ]
    return peers.Case(both[0], both[1], "ffd", "same"), field
