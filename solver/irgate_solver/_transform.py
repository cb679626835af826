"""A transform by itself: maps points, is inverted and composed, drawn, stored, handed on.

It is a chain of maps, each of points of one image to points of the next, `(x, y)` in pixels: a
matrix, a grid of control displacements, a displacement of an image's pixels, or the inverse of one
of these.
"""

# Annotations stay words: `help` shows them, and must not name modules that are private.
from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from irgate_solver import _arrays, _exports, _storage, _warping
from irgate_solver._maps import Inverse, Map, Matrix, grid_points
from irgate_solver._precision import SOLVE


class Exportable(ABC):
    """What can be handed to other libraries and to disk: a `Transform`, a `Result` of one pair."""

    @abstractmethod
    def to_transform(self) -> Transform:
        """Return the transform by itself, detached from images and graph."""

    def to_simpleitk(self, spacing: tuple[float, float] | None = None) -> Any:
        """Return SimpleITK's transform, for images with origin 0.

        `SimpleITK.Resample(moving, fixed, transform)` gives the moving image on the fixed grid.

        Args:
            spacing: of both images, (x, y), mm; the result's own where not given, and else 1.

        """
        sides = spacing or getattr(self, "spacing", None) or (1.0, 1.0)
        return _exports.to_simpleitk(self.to_transform(), (float(sides[0]), float(sides[1])))

    def to_opencv(self) -> Any:
        """Return what OpenCV warps with: a matrix `(2, 3)` or `(3, 3)`, or two maps.

        `cv2.warpAffine(moving, matrix, (W, H), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)`, or
        `cv2.warpPerspective` likewise; `cv2.remap(moving, *maps, cv2.INTER_LINEAR)`.
        """
        return _exports.to_opencv(self.to_transform())

    def to_skimage(self) -> Any:
        """Return what `skimage.transform.warp(moving, ..., output_shape=(H, W))` takes.

        A `ProjectiveTransform` or `AffineTransform`, or else coordinates `(2, H, W)`.
        """
        return _exports.to_skimage(self.to_transform())

    def to_kornia(self) -> Any:
        """Return what kornia warps with: a matrix `(1, 3, 3)`, or two maps `(1, H, W)`.

        The matrix maps moving pixels to fixed ones, as `kornia.geometry.warp_perspective(moving,
        matrix, (H, W), align_corners=True)` expects; the maps are `kornia.geometry.remap`'s, with
        `align_corners=True` too.
        """
        return _exports.to_kornia(self.to_transform())

    def save(self, path: str | Path) -> None:
        """Write the transform as JSON, to the last digit; `load` reads it."""
        transform = self.to_transform()
        _storage.write(path, transform.shape, transform.maps)


@dataclass(frozen=True, eq=False)
class Transform(Exportable):
    """A map from pixels of an image of `shape` to pixels of another, `(x, y)` order.

    `register` takes it as `init`. Numbers are float64 and on the host.

    Attributes:
        shape: `(H, W)` of the image whose points it maps; for a grid where none is given.
        maps: applied first to last.

    """

    shape: tuple[int, int]
    maps: tuple[Map, ...]

    @cached_property
    def matrix(self) -> Tensor | None:
        """The `(3, 3)` matrix on (x, y, 1) about the pixel origin; None where there is none."""
        product = torch.eye(3, dtype=SOLVE)
        for each in self.maps:
            if not isinstance(each, Matrix):
                return None
            product = each.matrix @ product
        return product / product[2, 2]

    def transform(self, points: Any) -> Any:
        """Return T(x) of `points` `(m, 2)`, (x, y), px; an array for an array."""
        place, form = _arrays.read_points("Transform.transform", points)
        return form.give(self._map(place.to("cpu", SOLVE)))

    def displacement(self, shape: Sequence[int] | None = None) -> Tensor:
        """Return u(x) = T(x) - x on an `(H, W)` grid, `(H, W, 2)`, last axis (dx, dy), px."""
        height, width = self.shape if shape is None else (int(shape[0]), int(shape[1]))
        points = grid_points(height, width)
        return (self._map(points) - points).view(height, width, 2)

    def warp(
        self,
        image: Any,
        *,
        sampling: str = "linear",
        outside: float = 0.0,
        channels: str | None = None,
        shape: Sequence[int] | None = None,
    ) -> Any:
        """Return `image` seen on this transform's grid; see `Result.warp`.

        Args:
            image: of any size, as `Result.warp` takes it.
            sampling: "linear", "cubic", "catmull-rom" or "nearest".
            outside: value where T(x) leaves the image.
            channels: "first" or "last" where the image has some.
            shape: `(H, W)` of the grid; the transform's own where not given.

        """
        height, width = self.shape if shape is None else (int(shape[0]), int(shape[1]))
        points = self._map(grid_points(height, width)).view(1, height, width, 2)
        return _warping.warp(
            "Transform.warp",
            points.permute(0, 3, 1, 2),
            image,
            sampling=sampling,
            outside=outside,
            channels=channels,
            expected=None,
            batched=False,
        )

    def inverse(self, shape: Sequence[int] | None = None) -> Transform:
        """Return the map from the second image's pixels to the first's.

        A matrix is inverted; a deformation is inverted at each point by Newton's method, to 1e-9
        px.

        Args:
            shape: `(H, W)` of the second image; the first's where not given.

        """
        backwards = tuple(
            each.map if isinstance(each, Inverse) else each.inverse()
            for each in reversed(self.maps)
        )
        return Transform(self.shape if shape is None else (int(shape[0]), int(shape[1])), backwards)

    def compose(self, first: Any) -> Transform:
        """Return x -> self(first(x)).

        Args:
            first: a `Transform`, a `Result` of one pair, or a `(3, 3)` matrix: applied first.

        """
        if hasattr(first, "to_transform"):
            first = first.to_transform()
        if not isinstance(first, Transform):
            first = Transform(self.shape, (Matrix.read("Transform.compose", first),))
        return Transform(first.shape, (*first.maps, *self.maps))

    def to_transform(self) -> Transform:
        """Return itself."""
        return self

    def _map(self, points: Tensor) -> Tensor:
        for each in self.maps:
            points = each(points)
        return points


def load(path: str | Path) -> Transform:
    """Return the transform that `Result.save` or `Transform.save` wrote.

    Raises:
        ValueError: the file holds none.

    """
    shape, maps = _storage.read(path)
    return Transform(shape, maps)
