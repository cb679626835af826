"""Mistakes of direction, axis order, sign and layout, each undone.

Each function yields the distance to the truth, px, that is left for each variant of its mistake.
"""

from collections.abc import Iterator

import numpy as np

from irgate_battery.diagnosis.view import STRIDE, View


def inverse(view: View) -> Iterator[float]:
    """The answer is the inverse of the truth."""
    yield view.back(view.answer)


def swapped(view: View) -> Iterator[float]:
    """X and y are exchanged."""
    yield view.off(view.swapped())


def inverse_swapped(view: View) -> Iterator[float]:
    """Both."""
    yield view.back(view.swapped())


def negated(view: View) -> Iterator[float]:
    """-u was returned for u."""
    yield view.off(view.points - view.moved)


def inverse_by_negation(view: View) -> Iterator[float]:
    """-v was returned, v the displacement from moving to fixed: right for pure shifts only."""
    yield view.back(view.points - view.moved)


def transposed(view: View) -> Iterator[float]:
    """A^T was returned for A, about the centre or in its column."""
    if view.matrix is not None:
        linear, shift = view.parts(view.matrix)
        yield view.off_matrix(view.built(linear.T, shift))
        columns = view.matrix.copy()
        columns[:2, :2] = linear.T
        yield view.off_matrix(columns)


def half_turn(view: View) -> Iterator[float]:
    """The answer is half a turn off, in the moving or in the fixed image."""
    moving_centre = (view.moving_size - 1) / 2
    yield view.off(2 * moving_centre - view.answer)
    if view.matrix is not None:
        linear, shift = view.parts(view.matrix)
        yield view.off_matrix(view.built(-linear, shift))


def y_upwards(view: View) -> Iterator[float]:
    """Y was counted from the last row."""
    if view.matrix is not None:
        flip, moving_flip = (
            np.array([[1.0, 0.0, 0.0], [0.0, -1.0, size[1] - 1], [0.0, 0.0, 1.0]])
            for size in (view.size, view.moving_size)
        )
        yield view.off_matrix(moving_flip @ view.matrix @ flip)
    else:
        yield view.off(view.points + view.moved * (1.0, -1.0))


def field_laid_out_by_columns(view: View) -> Iterator[float]:
    """The numbers of a (W, H, 2) field came as (H, W, 2)."""
    height, width = view.displacement.shape[:2]
    if view.matrix is None and height != width:
        meant = view.displacement.reshape(width, height, 2).transpose(1, 0, 2)
        for field in (meant, meant[..., ::-1]):
            yield view.off(view.points + field[::STRIDE, ::STRIDE])
