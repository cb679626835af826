"""Hypothesis strategies for registration: images, warps, masks, whole problems.

    from hypothesis import given
    from pytest_irgate import strategies

    @given(strategies.problems(models=["rigid"]))
    def test_mine(problem):
        matrix = register(problem.fixed, problem.moving)

A scene is an analytic field, so the images of a problem are exact: fixed(x) = scene(T(x)),
moving(x) = scene(x). Everything shrinks towards the small: no motion, small images, no mask.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.ndimage import binary_erosion

from irgate_battery.interface.protocol import ALL_MODELS, MODELS
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
from irgate_fixtures.scenes import Source, plane_waves

Image = NDArray[np.float64]

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


@dataclass(frozen=True, eq=False)
class Problem:
    """A pair of images of one scene, and the transform between them.

    Attributes:
        fixed, moving: `(H, W)` float64, in (0, 1).
        mask: bool `(H, W)`, False where the fixed image is spoilt; or `None`.
        truth: T with fixed(x) = moving's scene at T(x), `(x, y)` in px.
        model: the family that truth was drawn from.
        seed: the scene's.
        moving_mask: the same on the moving image.
    """

    fixed: Image
    moving: Image
    mask: NDArray[np.bool_] | None
    truth: Transform
    model: str
    seed: int
    moving_mask: NDArray[np.bool_] | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """`(H, W)` of the fixed image."""
        return self.fixed.shape[0], self.fixed.shape[1]

    def __repr__(self) -> str:
        masked = "" if self.mask is None else f", {1 - self.mask.mean():.0%} masked"
        if self.moving_mask is not None:
            masked += f", {1 - self.moving_mask.mean():.0%} of moving masked"
        return (
            f"Problem({self.model}, {self.fixed.shape[0]}x{self.fixed.shape[1]}, scene "
            f"{self.seed}{masked}, T = {described(self.truth)})"
        )


def described(transform: Transform) -> str:
    """Return a transform in few words: the rows of its matrix, or its control points."""
    if transform.matrix is not None:
        return str(np.round(transform.matrix[:2], 4).tolist())
    projective = getattr(transform, "homography", None)
    if projective is not None:
        return str(np.round(projective, 6).tolist())
    points = getattr(transform, "control_points", None)
    return "dense" if points is None else f"FFD {np.round(points, 2).tolist()}"


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
        model: one of `irgate_battery.interface.protocol.ALL_MODELS`.
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


def make_problem(
    model: str,
    shape: tuple[int, int],
    seed: int,
    truth: Transform,
    mask: NDArray[np.bool_] | None = None,
    moving_mask: NDArray[np.bool_] | None = None,
) -> Problem:
    """Make the images of a problem; where a mask is given, what it does not trust is inverted."""
    scene = scene_of(seed)
    grid = pixel_grid(shape)
    fixed = scene(truth(grid))
    if mask is not None:
        fixed = np.where(mask, fixed, 1 - fixed)
    moving = scene(grid)
    if moving_mask is not None:
        # One pixel less is spoilt: some look a mask up at the nearest pixel.
        spoilt = binary_erosion(~moving_mask, np.ones((3, 3), bool), border_value=1)
        moving = np.where(spoilt, 1 - moving, moving)
    return Problem(fixed, moving, mask, truth, model, seed, moving_mask)


def scene_of(seed: int) -> Source:
    """Return an analytic scene with structure everywhere, from 12 to 60 px."""
    return plane_waves({"seed": seed, "waves": 40, "shortest": 12.0, "longest": 60.0})


def _symmetric(limit: float) -> st.SearchStrategy[float]:
    """Draw a multiple of 1/64 of the limit: numbers that shrink well and read well."""
    return st.integers(-64, 64).map(lambda n: n * limit / 64)
