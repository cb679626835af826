"""Hypothesis strategies for registration: images, warps, masks, whole problems.

    from hypothesis import given
    from pytest_irgate import strategies

    @given(strategies.problems(models=["rigid"]))
    def test_mine(problem):
        matrix = register(problem.fixed, problem.moving)

Everything shrinks towards the small: no motion, small images, no mask.
"""

import math
from collections.abc import Sequence

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from irgate_battery.interface.declaration import ALL_MODELS, MODELS
from irgate_battery.suites.problem import Image, Problem, make_problem, scene_of
from irgate_fixtures import (
    FFD,
    Transform,
    affine,
    homography,
    pixel_grid,
    rigid,
    similarity,
    translation,
)

SHIFT_PX = 4.0
TURN_DEG = 10.0
STRETCH = 0.06
PERSPECTIVE = 4e-4
BEND_PX = 6.0
"""The range of `warps`: each component of the shift; the turn; each entry of the linear part less
the identity, and the scale less 1; each entry of a homography's last row, per px; each coordinate
of a control point, which moves its pixels by a third of that at most.
Any solver with a pyramid finds these from the identity."""

SIDE_PX = (64, 112)
"""Images are small, so that many can be drawn, and not square."""

TRUSTED = 0.6
"""A mask trusts at least this part of each side."""


def shapes(sides: tuple[int, int] = SIDE_PX) -> st.SearchStrategy[tuple[int, int]]:
    """Draw `(H, W)`, never square: a swap of x and y must show."""
    side = st.integers(*sides)
    return st.tuples(side, side).filter(lambda shape: shape[0] != shape[1])


def scene_seeds() -> st.SearchStrategy[int]:
    """Draw the seed of a scene."""
    return st.integers(0, 9999)


def images(sides: tuple[int, int] = SIDE_PX) -> st.SearchStrategy[Image]:
    """Draw an image of a smooth scene, `(H, W)` float64 in (0, 1)."""
    return st.builds(
        lambda shape, seed: scene_of(seed)(pixel_grid(shape)), shapes(sides), scene_seeds()
    )


def warps(model: str, shape: tuple[int, int]) -> st.SearchStrategy[Transform]:
    """Draw a transform of a family, within the capture range above.

    Args:
        model: one of `irgate_battery.interface.declaration.ALL_MODELS`.
        shape: `(H, W)` of the fixed image: its centre and its domain.
    """
    shift = _symmetric(SHIFT_PX)
    match model:
        case "translation":
            return st.builds(translation, shift, shift)
        case "rigid":
            turn = _symmetric(TURN_DEG).map(math.radians)
            return st.builds(lambda t, dx, dy: rigid(t, dx, dy, shape), turn, shift, shift)
        case "similarity":
            turn = _symmetric(TURN_DEG).map(math.radians)
            scale = _symmetric(STRETCH).map(lambda stretch: 1 + stretch)
            return st.builds(
                lambda t, s, dx, dy: similarity(t, s, dx, dy, shape), turn, scale, shift, shift
            )
        case "affine" | "homography":
            entries = st.tuples(*[_symmetric(STRETCH)] * 4).map(
                lambda e: [[1 + e[0], e[1]], [e[2], 1 + e[3]]]
            )
            if model == "affine":
                return st.builds(lambda a, dx, dy: affine(a, dx, dy, shape), entries, shift, shift)
            row = st.tuples(*[_symmetric(PERSPECTIVE)] * 2)
            return st.builds(
                lambda a, q, dx, dy: homography(a, q, dx, dy, shape), entries, row, shift, shift
            )
        case "ffd":
            points = st.lists(_symmetric(BEND_PX), min_size=32, max_size=32)
            return points.map(lambda flat: FFD(np.reshape(flat, (2, 4, 4)), shape))
        case _:
            raise ValueError(f"warps: no model {model!r}; expected one of {list(ALL_MODELS)}")


def masks(shape: tuple[int, int]) -> st.SearchStrategy[NDArray[np.bool_]]:
    """Draw a mask that trusts a rectangle: bool `(H, W)`, False outside it."""

    def rectangle(ends: tuple[tuple[float, float], tuple[float, float]]) -> NDArray[np.bool_]:
        mask = np.zeros(shape, dtype=bool)
        rows, columns = (
            slice(round(start * side), round((start + length) * side))
            for (start, length), side in zip(ends, shape, strict=True)
        )
        mask[rows, columns] = True
        return mask

    length = st.floats(TRUSTED, 1.0).map(lambda part: 1.0 + TRUSTED - part)
    end = length.flatmap(lambda part: st.tuples(st.floats(0.0, 1.0 - part), st.just(part)))
    return st.tuples(end, end).map(rectangle)


@st.composite
def problems(
    draw: st.DrawFn,
    models: Sequence[str] = MODELS,
    *,
    masked: bool = False,
    moving_masked: bool = False,
) -> Problem:
    """Draw a pair of images with a known transform between them.

    Args:
        models: the families to draw from.
        masked: whether a part of the fixed image is spoilt and masked.
        moving_masked: whether a part of the moving image is.
    """
    model = draw(st.sampled_from(list(models)))
    shape = draw(shapes())
    seed = draw(scene_seeds())
    truth = draw(warps(model, shape))
    mask = draw(masks(shape)) if masked else None
    moving_mask = draw(masks(shape)) if moving_masked else None
    return make_problem(model, shape, seed, truth, mask, moving_mask)


def _symmetric(limit: float) -> st.SearchStrategy[float]:
    """Draw a multiple of 1/64 of the limit: numbers that shrink well and read well."""
    return st.integers(-64, 64).map(lambda n: n * limit / 64)
