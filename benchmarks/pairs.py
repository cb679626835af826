"""Pairs, distances and solves that the benchmarks of the recipes share."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

import irgate_fixtures
from irgate_battery.cases import catalogue
from irgate_solver import Result, register

Array = NDArray[np.float64]

CASES = {case.id: case for case in (*catalogue.base_cases(), *catalogue.battery_cases())}
"""The base fixtures and the battery, by id."""
FIXTURES = irgate_fixtures.NAMES
STRESSORS = tuple(name for name in CASES if name.split("-")[-1][:4] in ("over", "occl", "bias"))


def truth_of(pair: Any) -> Array:
    """Return the true displacement of a pair on the fixed grid, `(H, W, 2)`, px."""
    return pair.truth.displacement(pair.fixed.shape)


def counted(pair: Any) -> NDArray[np.bool_]:
    """Return the pixels that are trusted and that the truth maps into the moving image."""
    height, width = pair.moving.shape
    y, x = np.mgrid[: pair.fixed.shape[0], : pair.fixed.shape[1]]
    field = truth_of(pair)
    px, py = x + field[..., 0], y + field[..., 1]
    inside = (px >= 0) & (px <= width - 1) & (py >= 0) & (py <= height - 1)
    return inside if pair.mask is None else inside & np.asarray(pair.mask, dtype=bool)


def solve(pair: Any, **options: Any) -> Result:
    """Register a pair in float32 with its own mask, model and kind of intensities."""
    chosen = {"model": pair.model, "mask": pair.mask, "intensity": pair.intensity} | options
    fixed, moving = pair.fixed.astype(np.float32), pair.moving.astype(np.float32)
    return register(fixed, moving, **chosen)


def distance(result: Result, pair: Any) -> float:
    """Return the mean distance to the truth over the counted pixels, px."""
    field = result.displacement().detach().numpy()
    return float(np.linalg.norm(field - truth_of(pair), axis=-1)[counted(pair)].mean())


def rmse(result: Result, pair: Any) -> float:
    """Return the RMSE over the counted pixels, the moving image seen by the solve's own sampler."""
    warped = result.warp(torch.as_tensor(pair.moving.astype(np.float64))).numpy()
    return float(np.sqrt(np.mean((warped - pair.fixed)[counted(pair)] ** 2)))


def geometric_mean(values: Sequence[float]) -> float:
    """Return the geometric mean: the mean of a ratio that favours neither side."""
    return float(np.exp(np.mean(np.log(values))))
