"""A problem with a known answer: two images of one analytic scene, and the transform between them.

A scene is an analytic field, so the images are exact: fixed(x) = scene(T(x)), moving(x) = scene(x).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_erosion

from irgate_battery.judge.measure import inside
from irgate_fixtures import Pair, Transform, pixel_grid
from irgate_fixtures.scenes import Source, plane_waves

Image = NDArray[np.float64]


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

    @property
    def seen(self) -> NDArray[np.bool_]:
        """Which fixed pixels truth maps into the moving image, bool `(H, W)`."""
        return inside(self.truth(pixel_grid(self.shape)), self.moving.shape)

    @property
    def pair(self) -> Pair:
        """The same as the pair that a diagnosis takes."""
        images = self.fixed, self.moving, self.mask
        return Pair(f"scene {self.seed}", *images, self.truth, self.model, "same")

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
