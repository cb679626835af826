"""Mistakes of direction, axis order, sign and layout, each undone.

Each function yields what is left for each variant of its mistake.
"""

from collections.abc import Iterator

import numpy as np

from irgate_battery.diagnosis.answer_on_grid import STRIDE, AnswerOnGrid
from irgate_battery.diagnosis.undone import Undone


def inverse(on_grid: AnswerOnGrid) -> Iterator[Undone]:
    """The answer is the inverse of the truth."""
    yield Undone(on_grid.back(on_grid.answer))


def swapped(on_grid: AnswerOnGrid) -> Iterator[Undone]:
    """X and y are exchanged: of points, P T P, or of displacements, P u."""
    yield Undone(on_grid.off(on_grid.swapped()), "points")
    yield Undone(on_grid.off(on_grid.points + on_grid.moved[..., ::-1]), "displacements")


def inverse_swapped(on_grid: AnswerOnGrid) -> Iterator[Undone]:
    """Both: the inverse, with x and y exchanged."""
    yield Undone(on_grid.back(on_grid.swapped()), "points")
    yield Undone(on_grid.back(on_grid.points + on_grid.moved[..., ::-1]), "displacements")


def negated(on_grid: AnswerOnGrid) -> Iterator[Undone]:
    """-u was returned for u."""
    yield Undone(on_grid.off(on_grid.points - on_grid.moved))


def inverse_by_negation(on_grid: AnswerOnGrid) -> Iterator[Undone]:
    """-v was returned, v the displacement from moving to fixed: right for pure shifts only."""
    yield Undone(on_grid.back(on_grid.points - on_grid.moved))


def one_component_negated(component: int) -> "Sign":
    """Return the misreading of one component's sign: 0 for dx, 1 for dy."""
    return Sign(component)


class Sign:
    """One component of the displacement has the wrong sign."""

    def __init__(self, component: int) -> None:
        self.signs = np.where(np.arange(2) == component, -1.0, 1.0)

    def __call__(self, on_grid: AnswerOnGrid) -> Iterator[Undone]:
        """Give it back."""
        yield Undone(on_grid.off(on_grid.points + on_grid.moved * self.signs))


def transposed(on_grid: AnswerOnGrid) -> Iterator[Undone]:
    """A^T was returned for A, about the centre or in its column."""
    if on_grid.matrix is not None:
        linear, shift = on_grid.parts(on_grid.matrix)
        yield Undone(on_grid.off_matrix(on_grid.built(linear.T, shift)), "about the centre")
        columns = on_grid.matrix.copy()
        columns[:2, :2] = linear.T
        yield Undone(on_grid.off_matrix(columns), "about the origin")
    elif on_grid.whole is not None:
        yield Undone(on_grid.off_matrix(on_grid.whole.T), "homography")


def half_turn(on_grid: AnswerOnGrid) -> Iterator[Undone]:
    """The answer is half a turn off, in the moving or in the fixed image."""
    moving_centre = (on_grid.moving_size - 1) / 2
    yield Undone(on_grid.off(2 * moving_centre - on_grid.answer), "moving")
    if on_grid.matrix is not None:
        linear, shift = on_grid.parts(on_grid.matrix)
        yield Undone(on_grid.off_matrix(on_grid.built(-linear, shift)), "fixed")


def y_upwards(on_grid: AnswerOnGrid) -> Iterator[Undone]:
    """Y was counted from the last row."""
    if on_grid.whole is not None:
        flip, moving_flip = (
            np.array([[1.0, 0.0, 0.0], [0.0, -1.0, size[1] - 1], [0.0, 0.0, 1.0]])
            for size in (on_grid.size, on_grid.moving_size)
        )
        yield Undone(on_grid.off_matrix(moving_flip @ on_grid.whole @ flip))


def coordinates(on_grid: AnswerOnGrid) -> Iterator[Undone]:
    """The field holds where points land, T(x), and not how far they move."""
    yield Undone(on_grid.off(on_grid.moved))


def field_laid_out_by_columns(on_grid: AnswerOnGrid) -> Iterator[Undone]:
    """The numbers of a (W, H, 2) field came as (H, W, 2)."""
    height, width = on_grid.displacement.shape[:2]
    if height == width:
        return
    meant = on_grid.displacement.reshape(width, height, 2).transpose(1, 0, 2)
    for field, order in ((meant, "x, y"), (meant[..., ::-1], "y, x")):
        yield Undone(on_grid.off(on_grid.points + field[::STRIDE, ::STRIDE]), order)
