"""The truth of a user's own pair: how it is given, and what it says in pixels.

A transform from fixed to moving points, as a matrix, a file of one, or a displacement field; or
landmarks, the same points seen in both images, `(x, y)`. Numbers are px, or mm counted from the
centre of each image's first pixel along its x and y.
"""

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import map_coordinates

from irgate_battery.interface.transform_file import FIELDS, NoTransform, read_transform
from irgate_fixtures import Homography, Matrix, Transform

Array = NDArray[np.float64]
Points: TypeAlias = Path | tuple[tuple[float, float], ...]

UNITS = ("px", "mm")

LISTS = (".csv", ".txt", ".pts", ".tsv")
"""Endings of text that may hold points."""

SAME_GRID = 1e-3
"""Relative: a field stands on the pixels of its image where these were not resampled."""


class TruthError(ValueError):
    """No truth can be read; the message is a clause that says what came and what was expected."""


@dataclass(frozen=True, eq=False)
class Landmarks:
    """The same points in both images.

    Attributes:
        fixed, moving: `(n, 2)`, `(x, y)` px.
    """

    fixed: Array
    moving: Array

    def fit(self) -> Matrix:
        """Return the affine map nearest to them, by least squares.

        What too few points leave open is not moved: the least-norm solution about their centre.
        """
        centre = self.fixed.mean(axis=0)
        known = np.column_stack([self.fixed - centre, np.ones(len(self.fixed))])
        moved = np.linalg.lstsq(known, self.moving - self.fixed, rcond=None)[0].T
        linear = np.eye(2) + moved[:, :2]
        shift = centre + moved[:, 2] - linear @ centre
        return Matrix(np.vstack([np.column_stack([linear, shift]), (0, 0, 1)]))


@dataclass(frozen=True, eq=False)
class FieldTransform:
    """A displacement field as a transform; between pixels it is linear, beyond them constant.

    Attributes:
        field: `(H, W, 2)`, `(dx, dy)` px on the fixed image's grid.
    """

    field: Array

    @property
    def matrix(self) -> None:
        """None: it is no matrix."""
        return None

    def __call__(self, points: ArrayLike) -> Array:
        """Map points `(..., 2)`, `(x, y)` px."""
        given = np.asarray(points, dtype=np.float64)
        return given + field_at(self.field, given)

    def displacement(self, shape: Sequence[int]) -> Array:
        """Return u(x) = T(x) - x on a grid of this `(H, W)`."""
        if tuple(shape) == self.field.shape[:2]:
            return self.field
        y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float64)
        return field_at(self.field, np.stack([x, y], axis=-1))


@dataclass(frozen=True)
class PixelScale:
    """What the numbers of a truth are multiplied with to be pixels of the prepared images.

    Attributes:
        fixed, moving: `(x, y)`, prepared px a unit of the truth.
        unit: `"px"` or `"mm"`.
    """

    fixed: tuple[float, float] = (1.0, 1.0)
    moving: tuple[float, float] = (1.0, 1.0)
    unit: str = "px"

    @property
    def is_plain(self) -> bool:
        """Whether both images kept the pixels of their files and the truth is in them."""
        return bool(np.allclose((*self.fixed, *self.moving), 1.0, rtol=SAME_GRID))


@dataclass(frozen=True)
class GivenTruth:
    """A truth as it was named; files are read only when asked for.

    Attributes:
        transform: a file, or the rows of a matrix; `None` where landmarks are given.
        points: two lists of landmarks, fixed and moving, or `None`. One file that holds both is a
            `transform`, and is known by its four columns.
        unit: `"px"` or `"mm"`.
    """

    transform: Path | tuple[tuple[float, ...], ...] | None = None
    points: tuple[Points, Points] | None = None
    unit: str = "px"

    def read(
        self, shape: tuple[int, int], moving_shape: tuple[int, int], scale: PixelScale
    ) -> Transform | Landmarks:
        """Read it.

        Args:
            shape, moving_shape: `(H, W)` of the images as they are registered.
            scale: from the truth's numbers to pixels of those.
        Raises: TruthError.
        """
        if self.points is not None:
            fixed, moving = self.points
            return _landmarks(_points(fixed), _points(moving), shape, scale)
        if isinstance(self.transform, Path):
            both = _pairs_of_points(self.transform)
            if both is not None:
                return _landmarks(both[:, :2], both[:, 2:], shape, scale)
            try:
                given = read_transform(self.transform, shape, moving_shape)
            except (NoTransform, EOFError, TypeError) as error:
                # It was written for a program's answer.
                said = str(error).replace("its answer begins", f"{self.transform.name} begins")
                raise TruthError(
                    f"{said}; expected a 3x3 matrix as text, an ITK transform, ANTs' .mat, "
                    "elastix's TransformParameters, a displacement field or landmarks"
                ) from None
            is_evaluated = not self.transform.name.lower().endswith((*FIELDS, ".npy"))
        else:
            given, is_evaluated = np.array(self.transform, dtype=np.float64), False
        return _transform(given, shape, scale, is_evaluated=is_evaluated)


def field_at(field: Array, points: Array) -> Array:
    """Return a displacement field `(H, W, 2)` at points `(..., 2)`, linearly, clamped outside."""
    places = [points[..., 1], points[..., 0]]
    parts = [map_coordinates(field[..., i], places, order=1, mode="nearest") for i in (0, 1)]
    return np.stack(parts, axis=-1)


def _transform(
    given: Array, shape: tuple[int, int], scale: PixelScale, *, is_evaluated: bool
) -> Transform:
    if not np.isfinite(given).all():
        raise TruthError("it holds numbers that are not finite")
    if given.shape in ((2, 3), (3, 3)):
        square = np.vstack([given, (0, 0, 1)]) if len(given) == 2 else given
        to, back = np.diag([*scale.moving, 1.0]), np.diag([*scale.fixed, 1.0])
        matrix = to @ square @ np.linalg.inv(back)
        if abs(np.linalg.det(matrix)) < np.finfo(float).eps or not matrix[2, 2]:
            raise TruthError(f"its matrix {square.tolist()} has no inverse")
        if np.allclose(matrix[2], (0, 0, 1), rtol=0, atol=np.finfo(float).eps):
            return Matrix(matrix)
        return Homography(matrix / matrix[2, 2])
    if given.shape == (*shape, 2):
        if is_evaluated and not scale.is_plain:
            raise TruthError(
                "a transform that bends is read for images with pixels of 1 only; save it as a "
                "displacement field on the fixed image's pixels"
            )
        if not np.allclose(scale.fixed, scale.moving, rtol=SAME_GRID):
            raise TruthError("a displacement field is read for two images of one spacing only")
        return FieldTransform(given * scale.fixed)
    height, width = shape
    raise TruthError(
        f"it holds numbers of shape {given.shape}; expected a matrix (2, 3) or (3, 3), or a "
        f"displacement ({height}, {width}, 2) on the fixed image's pixels"
    )


def _landmarks(fixed: Array, moving: Array, shape: tuple[int, int], scale: PixelScale) -> Landmarks:
    if len(fixed) != len(moving):
        raise TruthError(
            f"{len(fixed)} landmarks of the fixed image and {len(moving)} of the moving one; "
            "expected as many"
        )
    if not len(fixed):
        raise TruthError("it holds no landmark")
    if not (np.isfinite(fixed).all() and np.isfinite(moving).all()):
        raise TruthError("it holds landmarks that are not finite numbers")
    height, width = shape
    at = fixed * scale.fixed
    # A pixel's own area counts.
    outside = np.flatnonzero(((at < -0.5) | (at > (width - 0.5, height - 0.5))).any(axis=1))
    if len(outside):
        first = int(outside[0])
        x, y = fixed[first]
        raise TruthError(
            f"landmark {first + 1} of {len(fixed)}, ({x:g}, {y:g}) {scale.unit}, lies outside the "
            f"fixed image of {width}x{height} px; expected (x, y), x to the right and y down"
        )
    return Landmarks(at, moving * scale.moving)


def _points(given: Points) -> Array:
    if not isinstance(given, Path):
        return np.array(given, dtype=np.float64).reshape(-1, 2)
    table = _table(given, by_name=True)
    if table is None or table.shape[1] != 2:
        came = "no table of numbers" if table is None else f"{table.shape[1]} columns"
        raise TruthError(f"{given.name} holds {came}; expected two columns, x and y")
    return table


def _pairs_of_points(path: Path) -> Array | None:
    """Return landmarks `(n, 4)` where a file holds four columns, else `None`."""
    if path.suffix.lower() not in LISTS:
        return None
    table = _table(path, by_name=False)
    return table if table is not None and table.shape[1] == 4 else None


def _table(path: Path, *, by_name: bool) -> Array | None:
    """Return the numbers of a text file by row; `None` where it is no table of numbers.

    A first line of words is a heading.

    Args:
        path: the file.
        by_name: whether the columns x and y of a heading that names them are taken alone: tools
            that write landmarks put a number or a name before them.
    Raises: TruthError where it cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise TruthError(f"{path} does not exist") from None
    except (OSError, UnicodeDecodeError) as error:
        raise TruthError(f"{path.name} is no text that can be read ({error})") from None
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    try:
        rows = [_cells(line) for line in lines]
    except csv.Error:
        return None
    head: list[str] = []
    if rows and not any(map(_is_number, rows[0])):
        head, rows = [cell.strip().lower() for cell in rows[0]], rows[1:]
    if by_name and head.count("x") == 1 and head.count("y") == 1:
        chosen = head.index("x"), head.index("y")
        rows = [[row[i] for i in chosen] for row in rows if len(row) > max(chosen)]
    if len({len(row) for row in rows}) != 1:
        return None
    try:
        return np.array(rows, dtype=np.float64)
    except ValueError:
        return None


def _cells(line: str) -> list[str]:
    for mark in (",", ";", "\t"):
        if mark in line:
            return next(csv.reader([line], delimiter=mark, skipinitialspace=True))
    return re.split(r"\s+", line.strip())


def _is_number(cell: Any) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
