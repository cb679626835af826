"""Mistakes of the half pixel, the centre and the grid, each undone.

Each function yields the distance to the truth, px, that is left for each variant of its mistake.
"""

from collections.abc import Iterator
from itertools import product

import numpy as np

from irgate_battery.diagnosis.answer_on_grid import AnswerOnGrid, Array
from irgate_fixtures import FFD

BICUBIC_PX = 1e-2
"""A field counts as an FFD of 4x4 control points where a bicubic polynomial fits it to this, px."""


def half_pixel(on_grid: AnswerOnGrid) -> Iterator[float]:
    """The answer is half a pixel off."""
    for step in product((-0.5, 0.0, 0.5), repeat=2):
        if any(step):
            yield on_grid.off(on_grid.answer + step)


def mixed_corners(on_grid: AnswerOnGrid) -> Iterator[float]:
    """align_corners was read both ways: a scale of N / (N - 1) about the centre."""
    moving_centre = (on_grid.moving_size - 1) / 2
    for power in (1, -1):
        after = (on_grid.moving_size / (on_grid.moving_size - 1)) ** power
        scaled = moving_centre + after * (on_grid.answer - moving_centre)
        yield on_grid.off(scaled)
        if on_grid.matrix is not None:
            before = np.diag([*(on_grid.size / (on_grid.size - 1)) ** -power, 1.0])
            before[:2, 2] = on_grid.centre - np.diag(before)[:2] * on_grid.centre
            whole = on_grid.matrix @ before
            yield on_grid.off_matrix(whole)
            mapped = on_grid.points @ whole[:2, :2].T + whole[:2, 2]
            yield on_grid.off(moving_centre + after * (mapped - moving_centre))


def centre_half_pixel_off(on_grid: AnswerOnGrid) -> Iterator[float]:
    """A turn about N/2 instead of (N - 1)/2."""
    if on_grid.matrix is not None:
        linear = on_grid.matrix[:2, :2]
        off = np.array([0.5, 0.5]) - linear @ (0.5, 0.5)
        yield on_grid.off(on_grid.answer + off)
        yield on_grid.off(on_grid.answer - off)


def sides_exchanged(on_grid: AnswerOnGrid) -> Iterator[float]:
    """A turn about ((H - 1)/2, (W - 1)/2): the centre, with height and width confused."""
    if on_grid.matrix is not None:
        linear, other = on_grid.matrix[:2, :2], on_grid.centre[::-1]
        yield on_grid.off_matrix(
            on_grid.built(linear, linear @ other + on_grid.matrix[:2, 2] - other)
        )


def origin_for_centre(on_grid: AnswerOnGrid) -> Iterator[float]:
    """The shift at the centre was returned for that at the origin, or the reverse."""
    if on_grid.matrix is not None:
        linear = on_grid.matrix[:2, :2]
        off = on_grid.centre - linear @ on_grid.centre
        yield on_grid.off(on_grid.answer + off)
        yield on_grid.off(on_grid.answer - off)


def shift_first(on_grid: AnswerOnGrid) -> Iterator[float]:
    """The shift was applied before A instead of after it."""
    if on_grid.matrix is not None:
        linear, shift = on_grid.parts(on_grid.matrix)
        yield on_grid.off_matrix(on_grid.built(linear, linear @ shift))
        if abs(np.linalg.det(linear)) > 1e-6:
            yield on_grid.off_matrix(on_grid.built(linear, np.linalg.inv(linear) @ shift))


def spline_domain(on_grid: AnswerOnGrid) -> Iterator[float]:
    """Read an FFD's control points on SimpleITK's domain instead of the one that was used.

    On one segment each way any domain spans the bicubic polynomials; another domain is another
    affine map of the axes, x -> x'.
    """
    if on_grid.pair.model != "ffd" or on_grid.matrix is not None:
        return
    coefficients = _bicubic(on_grid)
    if coefficients is None:
        return
    right = (on_grid.points + 0.625) / (on_grid.size + 0.25)
    for first, extent in ((0.0, -1.0), (0.5, 0.0), (0.0, 0.0), (1.0, 1.0)):
        places = right * (on_grid.size + extent) - first
        yield on_grid.off(on_grid.points + _polynomial(places, on_grid) @ coefficients)


def control_grid_transposed(on_grid: AnswerOnGrid) -> Iterator[float]:
    """The 4x4 control points were laid out by columns."""
    if on_grid.pair.model != "ffd" or on_grid.matrix is not None or _bicubic(on_grid) is None:
        return
    shape = on_grid.displacement.shape[:2]
    weights = np.stack(
        [
            FFD(np.stack([unit, 0 * unit]), shape)(on_grid.points)[..., 0] - on_grid.points[..., 0]
            for unit in np.eye(16).reshape(16, 4, 4)
        ],
        -1,
    )
    flat = weights.reshape(-1, 16)
    found = np.linalg.lstsq(flat, on_grid.moved.reshape(-1, 2), rcond=None)[0]
    meant = found.reshape(4, 4, 2).swapaxes(0, 1).reshape(16, 2)
    yield on_grid.off(on_grid.points + weights @ meant)


def is_bicubic(on_grid: AnswerOnGrid) -> bool:
    """Whether an answer lies in the space of the 4x4 FFDs, as no inverse of an FFD does."""
    return _bicubic(on_grid) is not None


def _bicubic(on_grid: AnswerOnGrid) -> Array | None:
    basis = _polynomial(on_grid.points, on_grid)
    flat = basis.reshape(-1, basis.shape[-1])
    found = np.linalg.lstsq(flat, on_grid.moved.reshape(-1, 2), rcond=None)[0]
    if np.abs(flat @ found - on_grid.moved.reshape(-1, 2)).max() > BICUBIC_PX:
        return None
    return np.asarray(found, dtype=np.float64)


def _polynomial(places: Array, on_grid: AnswerOnGrid) -> Array:
    """Return the 16 products of powers 0 to 3 of the centred, scaled coordinates."""
    scaled = (places - on_grid.centre) / on_grid.centre
    powers = scaled[..., None] ** np.arange(4)
    return np.asarray(np.einsum("...i,...j->...ij", powers[..., 0, :], powers[..., 1, :])).reshape(
        *places.shape[:-1], 16
    )
