"""How the packs of this distribution are made: two looks at one picture, through known transforms.

    fixed(x) = P(c + s A x'),    moving(y) = P(c + s A T^-1(y)'),    x' = x about the image centre

P is the picture, blurred for its smaller copy and looked up by cubic B-splines, s its scale and A a
turn of `TILT_DEGREES`. Both images are looked up between the picture's pixels, so that neither is
sharper, and nothing enters from beyond a border. T is the truth, exactly.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, map_coordinates

from irgate_fixtures import Homography, Matrix, image_centre, pixel_grid

Array = NDArray[np.float64]

TILT_DEGREES = 7.0
"""Of both images in the picture: no row of pixels is a row of the picture's."""

BLUR = 0.5
"""Sigma of the blur, in px of the smaller copy: what is finer than its pixels would be aliased."""

LUMA = (0.299, 0.587, 0.114)
"""Weights of red, green and blue (ITU-R BT.601)."""


@dataclass(frozen=True, eq=False)
class Look:
    """How two images are cut out of a picture.

    Attributes:
        picture: `(H, W)` in [0, 1].
        shape: `(H, W)` of both images.
        scale: the picture's pixels a pixel of theirs.
        truth: from fixed to moving pixels.
    """

    picture: Array
    shape: tuple[int, int]
    scale: float
    truth: Matrix | Homography

    def images(self, other: Array | None = None) -> tuple[Array, Array]:
        """Return fixed and moving; the moving one is cut out of another picture where one is given.

        Raises: ValueError, where a corner would lie outside the picture.
        """
        fixed = pixel_grid(self.shape)
        inverse = self._inverse()(fixed)
        return self._cut(self.picture, fixed), self._cut(
            self.picture if other is None else other, inverse
        )

    def _inverse(self) -> Matrix | Homography:
        if isinstance(self.truth, Matrix):
            return Matrix(np.linalg.inv(self.truth.matrix))
        inverse = np.linalg.inv(self.truth.homography)
        return Homography(inverse / inverse[2, 2])

    def _cut(self, picture: Array, points: Array) -> Array:
        angle = math.radians(TILT_DEGREES)
        turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
        about = (points - image_centre(self.shape)) @ turn.T * self.scale
        places = about + image_centre(picture.shape)
        most = (picture.shape[1] - 1, picture.shape[0] - 1)
        if (places < 0).any() or (places > most).any():
            raise ValueError("the picture is too small for such a look")
        blurred = gaussian_filter(picture, BLUR * self.scale)
        return np.asarray(
            map_coordinates(blurred, [places[..., 1], places[..., 0]], order=3, mode="mirror")
        )


def grey(picture: NDArray[Any]) -> Array:
    """Return a picture of bytes, grey or in colours, as grey values in [0, 1]."""
    values = picture.astype(np.float64) / np.iinfo(np.uint8).max
    return values if values.ndim == 2 else values[..., :3] @ np.array(LUMA)


def corners(image: Array, count: int, apart: float, margin: float) -> Array:
    """Return where an image has most structure in both directions, `(count, 2)`, `(x, y)` px.

    The smaller eigenvalue of the structure tensor (Shi and Tomasi 1994, section 2), largest first.

    Args:
        image: `(H, W)`.
        count: how many.
        apart: least distance between two, px.
        margin: least distance to the border, px.
    """
    dy, dx = np.gradient(gaussian_filter(image, 1.0))
    xx, xy, yy = (gaussian_filter(each, 2.0) for each in (dx * dx, dx * dy, dy * dy))
    least = (xx + yy) / 2 - np.sqrt(((xx - yy) / 2) ** 2 + xy**2)
    height, width = image.shape
    chosen: list[tuple[float, float]] = []
    for place in np.argsort(-least, axis=None, kind="stable"):
        y, x = divmod(int(place), width)
        inside = margin <= x <= width - 1 - margin and margin <= y <= height - 1 - margin
        if inside and all(math.hypot(x - u, y - v) >= apart for u, v in chosen):
            chosen.append((float(x), float(y)))
        if len(chosen) == count:
            break
    return np.array(chosen)


def write_image(path: Path, image: Array) -> None:
    """Write an image as float32."""
    np.save(path, image.astype(np.float32))


def write_pack(
    folder: Path, head: Mapping[str, str], cases: Sequence[Mapping[str, str | float]]
) -> None:
    """Write a pack's file; texts hold no quotes."""
    lines = [_line(key, value) for key, value in head.items()]
    for case in cases:
        lines += ["", "[[cases]]", *(_line(key, value) for key, value in case.items())]
    (folder / "pack.toml").write_text("\n".join([*lines, ""]), encoding="utf-8")


def _line(key: str, value: str | float) -> str:
    return f'{key} = "{value}"' if isinstance(value, str) else f"{key} = {value!r}"
