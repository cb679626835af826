"""Fixed problems, for checks that hold a solver against itself.

All but one are clean and near: any solver with a pyramid finds them from the identity, and a good
one to a few thousandths of a pixel.
"""

import math
import random
from dataclasses import replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from irgate_battery.interface.protocol import Solver
from irgate_battery.suites.problem import Problem, make_problem, scene_of
from irgate_fixtures import (
    FFD,
    Homography,
    Matrix,
    Transform,
    affine,
    homography,
    pixel_grid,
    rigid,
    similarity,
    translation,
)
from irgate_fixtures.scenes import Source

Points = NDArray[np.float64]

SHAPE = (104, 131)
"""`(H, W)` of the clean problems: not square, one side even and one odd."""

SEED = 11
"""Of the scene."""

LINEAR_MODELS = ("homography", "similarity", "translation", "rigid", "affine")
"""Families with a matrix, the last that a solver has first; the optional ones where it has no
other."""

BEND_PX = 5.0
"""Largest coordinate of a control point of the FFD's truth, which moves pixels by a third of it."""

SPOT_AT, SPOT_SIGMA, SPOT_HEIGHT = (3.0, 61.0), 1.6, 0.5
"""A bright spot near the fixed image's left border: (x, y) and standard deviation in px, height
over a scene whose contrast is halved."""

SPOT_SHIFT = (5.3, -1.2)
"""How far the truth moves the spot, px: to the right, so that a crop may cut it off the fixed image
and leave it in the moving one."""

ROUGH_SHAPE = (129, 161)
"""1 + a multiple of 8: dropping every second pixel three times keeps the first and the last, so
that a mirror image has the mirror image's pyramid."""

ROUGH_TURN_DEG = 165.0
"""The farther the turn, the more a pyramid's own offset moves the start on the next level: by
|R - 1| times the offset, here twice as far."""

ROUGH_SIGMA = 0.15
"""Noise on the moving image. It makes the objective rough: where the descent enters the full images
decides in which of many minima, 0.1 to 0.3 px apart, it ends."""


@cache
def clean(model: str) -> Problem:
    """Return the clean problem of a family."""
    truth: Transform = _free_form() if model == "ffd" else _linear(model)
    return make_problem(model, SHAPE, SEED, truth)


@cache
def spotlit(model: str) -> Problem:
    """Return a problem whose brightest spot stands near the left border of both images.

    Args:
        model: a family whose matrices are affine.
    """
    truth = _linear(model)
    assert isinstance(truth, Matrix)
    spot = np.array(SPOT_AT)
    to_the_right = translation(*(spot + SPOT_SHIFT - truth(spot[None])[0]))
    truth = Matrix(to_the_right.matrix @ truth.matrix)
    scene = _with_spot(scene_of(SEED), truth(spot[None])[0])
    grid = pixel_grid(SHAPE)
    return Problem(scene(truth(grid)), scene(grid), None, truth, model, SEED)


@cache
def far_turn(model: str) -> Problem:
    """Return a clean problem of a turn that only a search finds; it lies in `model`."""
    truth = rigid(math.radians(ROUGH_TURN_DEG), 3.7, -2.3, ROUGH_SHAPE)
    return make_problem(model, ROUGH_SHAPE, SEED, truth)


@cache
def rough(model: str) -> Problem:
    """Return the same with noise on the moving image."""
    problem = far_turn(model)
    # The legacy generator's stream is frozen for good.
    noise = np.random.RandomState(SEED).normal(0.0, ROUGH_SIGMA, problem.moving.shape)
    return replace(problem, moving=problem.moving + noise)


def largest_linear(solver: Solver, models: tuple[str, ...] = LINEAR_MODELS) -> str | None:
    """Return the last of these families that the solver has, or `None`."""
    return next((model for model in reversed(models) if model in solver.models), None)


def _linear(model: str) -> Matrix | Homography:
    match model:
        case "translation":
            return translation(2.6, -1.7)
        case "rigid":
            return rigid(math.radians(5.0), 2.6, -1.7, SHAPE)
        case "similarity":
            return similarity(math.radians(5.0), 1.03, 2.6, -1.7, SHAPE)
        case "affine":
            return affine([[1.03, -0.06], [0.045, 0.975]], 2.6, -1.7, SHAPE)
        case "homography":
            linear, perspective = [[1.03, -0.06], [0.045, 0.975]], [4e-4, -3e-4]
            return homography(linear, perspective, 2.6, -1.7, SHAPE)
        case _:
            raise ValueError(f"no linear family {model!r}; there are {list(LINEAR_MODELS)}")


def _free_form() -> FFD:
    draw = random.Random(SEED)
    points = [draw.uniform(-BEND_PX, BEND_PX) for _ in range(32)]
    return FFD(np.reshape(points, (2, 4, 4)), SHAPE)


def _with_spot(scene: Source, at: Points) -> Source:
    """Return the scene at half its contrast, with a bright spot at `at`, `(x, y)` px."""

    def lit(points: Points) -> Points:
        far = np.sum((points - at) ** 2, axis=-1)
        spot = SPOT_HEIGHT * np.exp(-far / (2 * SPOT_SIGMA**2))
        return np.asarray(0.1 + 0.5 * scene(points) + spot)

    return lit
