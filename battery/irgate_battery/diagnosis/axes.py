"""Mistakes of direction, axis order, sign and layout, each undone.

Each function yields the distance to the truth, px, that is left for each variant of its mistake.
"""

from collections.abc import Iterator

import numpy as np

from irgate_battery.diagnosis.answer_on_grid import STRIDE, AnswerOnGrid


def inverse(on_grid: AnswerOnGrid) -> Iterator[float]:
    """The answer is the inverse of the truth."""
    yield on_grid.back(on_grid.answer)


def swapped(on_grid: AnswerOnGrid) -> Iterator[float]:
    """X and y are exchanged."""
    yield on_grid.off(on_grid.swapped())


def inverse_swapped(on_grid: AnswerOnGrid) -> Iterator[float]:
    """Both: the inverse, with x and y exchanged."""
    yield on_grid.back(on_grid.swapped())


def negated(on_grid: AnswerOnGrid) -> Iterator[float]:
    """-u was returned for u."""
    yield on_grid.off(on_grid.points - on_grid.moved)


def inverse_by_negation(on_grid: AnswerOnGrid) -> Iterator[float]:
    """-v was returned, v the displacement from moving to fixed: right for pure shifts only."""
    yield on_grid.back(on_grid.points - on_grid.moved)


def transposed(on_grid: AnswerOnGrid) -> Iterator[float]:
    """A^T was returned for A, about the centre or in its column."""
    if on_grid.matrix is not None:
        linear, shift = on_grid.parts(on_grid.matrix)
        yield on_grid.off_matrix(on_grid.built(linear.T, shift))
        columns = on_grid.matrix.copy()
        columns[:2, :2] = linear.T
        yield on_grid.off_matrix(columns)


def half_turn(on_grid: AnswerOnGrid) -> Iterator[float]:
    """The answer is half a turn off, in the moving or in the fixed image."""
    moving_centre = (on_grid.moving_size - 1) / 2
    yield on_grid.off(2 * moving_centre - on_grid.answer)
    if on_grid.matrix is not None:
        linear, shift = on_grid.parts(on_grid.matrix)
        yield on_grid.off_matrix(on_grid.built(-linear, shift))


def y_upwards(on_grid: AnswerOnGrid) -> Iterator[float]:
    """Y was counted from the last row."""
    if on_grid.matrix is not None:
        flip, moving_flip = (
            np.array([[1.0, 0.0, 0.0], [0.0, -1.0, size[1] - 1], [0.0, 0.0, 1.0]])
            for size in (on_grid.size, on_grid.moving_size)
        )
        yield on_grid.off_matrix(moving_flip @ on_grid.matrix @ flip)
    else:
        yield on_grid.off(on_grid.points + on_grid.moved * (1.0, -1.0))


def field_laid_out_by_columns(on_grid: AnswerOnGrid) -> Iterator[float]:
    """The numbers of a (W, H, 2) field came as (H, W, 2)."""
    height, width = on_grid.displacement.shape[:2]
    if on_grid.matrix is None and height != width:
        meant = on_grid.displacement.reshape(width, height, 2).transpose(1, 0, 2)
        for field in (meant, meant[..., ::-1]):
            yield on_grid.off(on_grid.points + field[::STRIDE, ::STRIDE])
