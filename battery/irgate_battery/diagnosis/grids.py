"""Mistakes of the half pixel, the centre and the corners of a grid, each undone.

Each function yields what is left for each variant of its mistake.
"""

from collections.abc import Callable, Iterator
from itertools import product

import numpy as np

from irgate_battery.diagnosis.answer_on_grid import AnswerOnGrid
from irgate_battery.diagnosis.undone import Undone


def off_by(step_px: float) -> Callable[[AnswerOnGrid], Iterator[Undone]]:
    """Return the misreading of an answer that is off by this much along one axis or both."""

    def distances(on_grid: AnswerOnGrid) -> Iterator[Undone]:
        for step in product((-step_px, 0.0, step_px), repeat=2):
            if any(step):
                yield Undone(on_grid.off(on_grid.answer - step), f"({step[0]:+g}, {step[1]:+g})")

    return distances


def mixed_corners(on_grid: AnswerOnGrid) -> Iterator[Undone]:
    """align_corners was read both ways: a scale of N / (N - 1) about the centre."""
    moving_centre = (on_grid.moving_size - 1) / 2
    for power in (1, -1):
        after = (on_grid.moving_size / (on_grid.moving_size - 1)) ** power
        scaled = moving_centre + after * (on_grid.answer - moving_centre)
        yield Undone(on_grid.off(scaled), f"{power}, moving")
        if on_grid.whole is not None:
            before = np.diag([*(on_grid.size / (on_grid.size - 1)) ** -power, 1.0])
            before[:2, 2] = on_grid.centre - np.diag(before)[:2] * on_grid.centre
            whole = on_grid.whole @ before
            yield Undone(on_grid.off_matrix(whole), f"{power}, fixed")
            both = moving_centre + after * (on_grid.mapped(whole) - moving_centre)
            yield Undone(on_grid.off(both), f"{power}, both")


def centre_off(offset_px: float) -> Callable[[AnswerOnGrid], Iterator[Undone]]:
    """Return the misreading of a turn about a centre that is off by this much along both axes."""

    def distances(on_grid: AnswerOnGrid) -> Iterator[Undone]:
        if on_grid.matrix is not None:
            linear = on_grid.matrix[:2, :2]
            off = offset_px * (np.ones(2) - linear @ np.ones(2))
            yield Undone(on_grid.off(on_grid.answer - off), f"{offset_px:+g}")
            yield Undone(on_grid.off(on_grid.answer + off), f"{-offset_px:+g}")

    return distances


def sides_exchanged(on_grid: AnswerOnGrid) -> Iterator[Undone]:
    """A turn about ((H - 1)/2, (W - 1)/2): the centre, with height and width confused."""
    if on_grid.matrix is not None:
        linear, other = on_grid.matrix[:2, :2], on_grid.centre[::-1]
        meant = on_grid.built(linear, linear @ other + on_grid.matrix[:2, 2] - other)
        yield Undone(on_grid.off_matrix(meant))


def origin_for_centre(on_grid: AnswerOnGrid) -> Iterator[Undone]:
    """The shift at the centre was returned for that at the origin, or the reverse."""
    if on_grid.matrix is not None:
        linear = on_grid.matrix[:2, :2]
        off = on_grid.centre - linear @ on_grid.centre
        yield Undone(on_grid.off(on_grid.answer + off), "centre")
        yield Undone(on_grid.off(on_grid.answer - off), "origin")
    elif on_grid.whole is not None:
        to_centre = np.eye(3)
        to_centre[:2, 2] = on_grid.centre
        from_centre = np.linalg.inv(to_centre)
        yield Undone(on_grid.off_matrix(to_centre @ on_grid.whole @ from_centre), "centre")
        yield Undone(on_grid.off_matrix(from_centre @ on_grid.whole @ to_centre), "origin")


def compressed(on_grid: AnswerOnGrid) -> Iterator[Undone]:
    """A field of N samples was read as N - 1 or N + 1 of them: u(x N/(N - 1)), or the reverse.

    The true field read so is set beside the answer; an answer is not known beyond its own grid.
    """
    for power in (1, -1):
        at = on_grid.points * (on_grid.size / (on_grid.size - 1)) ** power
        at = np.minimum(at, on_grid.size - 1)
        mistaken = on_grid.pair.truth(at) - at
        yield Undone(
            on_grid.mean_length(mistaken - on_grid.moved),
            "N/(N-1)" if power == 1 else "(N-1)/N",
            on_grid.mean_length(mistaken - (on_grid.truth - on_grid.points)),
        )
