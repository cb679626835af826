"""Look at images of every size, and factor bands, with a kernel that watches its own memory.

    LD_PRELOAD=libasan.so python tests/solver/kernel_bounds.py LIBRARY

`test_kernel_library` runs this. In the end the kernel is told of more rows than there are, which
the sanitizer must see.
"""

import itertools
import sys
from pathlib import Path

import torch

from irgate_solver import _band, _metrics, _native, _pyramid, _warps, _windows
from irgate_solver._compiled_descent import nearing
from irgate_solver._lucas_kanade import Forward, level_basis
from irgate_solver._pyramid import Level
from irgate_solver._sampling import make_sampler
from irgate_solver._template import Inverse, WarpedLevel, gradient

SIZES = ((1, 1), (1, 7), (7, 1), (3, 4), (5, 65))
FAR = (0.4, -1e12, float("nan"))
"""Parameters: near the identity, beyond the border, and where no index may be made of them."""


def level_of(size: tuple[int, int], other: tuple[int, int], dtype: torch.dtype) -> Level:
    fixed, moving = torch.rand(2, *size, dtype=dtype), torch.rand(2, *other, dtype=dtype)
    return Level(fixed, torch.ones_like(fixed), moving, 1, hidden=torch.zeros_like(moving))


def look(level: Level, exact: bool, kind: str, metric: str, warp: _warps.Warp) -> None:
    shape = level.moving.shape[1], level.moving.shape[2]
    if kind == "catmull-rom" and min(shape) < 3:
        return  # torch frames no smaller image
    width = torch.full((2,), 0.1, dtype=torch.float64)
    basis, sampler = level_basis(warp, level), make_sampler(kind, level.moving)
    for region in (None, level.trusted):
        problem = Forward(
            warp, basis, level, sampler, shape, _metrics.metric_of(metric, width), region=region
        )
        problem = problem.newton() if exact else problem
        for far in FAR:
            p = torch.full((2, warp.size), far, dtype=torch.float64)
            problem._look.weigh(region, frozen=region is not None)
            problem._look(warp.coefficients(p), warp.jacobian(p), matrix=True, exact=exact)
            problem._look.inside(warp.coefficients(p))
            if region is not None:
                nearing(problem, p, iterations=3, tolerance=1e-3, kept=0.5)
    if not isinstance(warp, _warps.FreeForm):
        far = torch.full((2, warp.size), FAR[0], dtype=torch.float64)
        WarpedLevel(warp, level).evaluate(far)
        if min(level.fixed.shape[1:]) > 1:
            Inverse(warp, level, _metrics.metric_of(metric, width)).linearise(far)
            Inverse(warp, level, _metrics.metric_of(metric, width)).descend(far, 3)


def look_at_all() -> None:
    for size, dtype in itertools.product(SIZES, (torch.float32, torch.float64)):
        level = level_of(size, size[::-1], dtype)
        _pyramid.halve(level.moving)
        gradient(level.moving, 2)
        for sigma in (0.3, 4.0):
            _windows.smooth(level.moving.unsqueeze(1), sigma)
        families = (_warps.Translation(*size), _warps.Affine(*size), _warps.FreeForm(*size, (4, 5)))
        for exact, kind, metric, warp in itertools.product(
            (False, True), ("linear", "cubic", "catmull-rom"), _metrics.METRICS, families
        ):
            look(level, exact, kind, metric, warp)


def step_small() -> None:
    for size, entry in itertools.product((1, 8), (1.0, 0.0, float("nan"))):
        matrix = entry * torch.eye(size, dtype=torch.float64).expand(2, -1, -1)
        _native.damped_step(matrix, torch.ones(2, size, dtype=torch.float64), (0.0, 1.0), 1e-12)


def factor_bands() -> None:
    for grid in ((8, 8), (9, 12), (13, 4)):
        size = 2 * grid[0] * grid[1]
        for entry in (1.0, -1.0, float("nan")):
            matrix = entry * torch.eye(size, dtype=torch.float64).expand(2, -1, -1)
            share = torch.zeros(2, 1, dtype=torch.float64)
            made = _band.factor(matrix, torch.ones(2, size, dtype=torch.float64), share, grid)
            assert made.grid == grid
            made.solve(torch.ones(2, size, dtype=torch.float64))


def look_beyond() -> None:
    warped = WarpedLevel(_warps.Translation(9, 9), level_of((9, 9), (9, 9), torch.float32))
    arguments = warped.look.arguments
    arguments.rows = 10**6
    arguments.middle_y = arguments.half_y = 1e6
    warped.evaluate(torch.full((2, 2), 5e5, dtype=torch.float64))


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    _native.PLAIN, _native.WIDE = Path(sys.argv[1]), Path("nowhere")
    assert _native.library() is not None, _native.kernel()
    look_at_all()
    step_small()
    factor_bands()
    print("looked", flush=True)
    look_beyond()
