"""Mistakes of the half pixel, the centre and the grid, each undone.

Each function yields the distance to the truth, px, that is left for each variant of its mistake.
"""

from collections.abc import Iterator
from itertools import product

import numpy as np

from irgate_battery.diagnosis.view import Array, View
from irgate_fixtures import FFD

BICUBIC_PX = 1e-2
"""A field is as good as an FFD of 4x4 control points where a bicubic polynomial leaves no more."""


def half_pixel(view: View) -> Iterator[float]:
    """The answer is half a pixel off."""
    for step in product((-0.5, 0.0, 0.5), repeat=2):
        if any(step):
            yield view.off(view.answer + step)


def mixed_corners(view: View) -> Iterator[float]:
    """align_corners was read both ways: a scale of N / (N - 1) about the centre."""
    moving_centre = (view.moving_size - 1) / 2
    for power in (1, -1):
        after = (view.moving_size / (view.moving_size - 1)) ** power
        scaled = moving_centre + after * (view.answer - moving_centre)
        yield view.off(scaled)
        if view.matrix is not None:
            before = np.diag([*(view.size / (view.size - 1)) ** -power, 1.0])
            before[:2, 2] = view.centre - np.diag(before)[:2] * view.centre
            whole = view.matrix @ before
            yield view.off_matrix(whole)
            mapped = view.points @ whole[:2, :2].T + whole[:2, 2]
            yield view.off(moving_centre + after * (mapped - moving_centre))


def centre_half_pixel_off(view: View) -> Iterator[float]:
    """A turn about N/2 instead of (N - 1)/2."""
    if view.matrix is not None:
        linear = view.matrix[:2, :2]
        off = np.array([0.5, 0.5]) - linear @ (0.5, 0.5)
        yield view.off(view.answer + off)
        yield view.off(view.answer - off)


def sides_exchanged(view: View) -> Iterator[float]:
    """A turn about ((H - 1)/2, (W - 1)/2): the centre, with height and width confused."""
    if view.matrix is not None:
        linear, other = view.matrix[:2, :2], view.centre[::-1]
        yield view.off_matrix(view.built(linear, linear @ other + view.matrix[:2, 2] - other))


def origin_for_centre(view: View) -> Iterator[float]:
    """The shift at the centre was returned for that at the origin, or the reverse."""
    if view.matrix is not None:
        linear = view.matrix[:2, :2]
        off = view.centre - linear @ view.centre
        yield view.off(view.answer + off)
        yield view.off(view.answer - off)


def shift_first(view: View) -> Iterator[float]:
    """The shift was applied before A instead of after it."""
    if view.matrix is not None:
        linear, shift = view.parts(view.matrix)
        yield view.off_matrix(view.built(linear, linear @ shift))
        if abs(np.linalg.det(linear)) > 1e-6:
            yield view.off_matrix(view.built(linear, np.linalg.inv(linear) @ shift))


def spline_domain(view: View) -> Iterator[float]:
    """Read an FFD's control points on SimpleITK's domain instead of the one that was used.

    On one segment each way any domain spans the bicubic polynomials; another domain is another
    affine map of the axes, x -> x'.
    """
    if view.pair.model != "ffd" or view.matrix is not None:
        return
    coefficients = _bicubic(view)
    if coefficients is None:
        return
    right = (view.points + 0.625) / (view.size + 0.25)
    for first, extent in ((0.0, -1.0), (0.5, 0.0), (0.0, 0.0), (1.0, 1.0)):
        places = right * (view.size + extent) - first
        yield view.off(view.points + _polynomial(places, view) @ coefficients)


def control_grid_transposed(view: View) -> Iterator[float]:
    """The 4x4 control points were laid out by columns."""
    if view.pair.model != "ffd" or view.matrix is not None or _bicubic(view) is None:
        return
    shape = view.displacement.shape[:2]
    weights = np.stack(
        [
            FFD(np.stack([unit, 0 * unit]), shape)(view.points)[..., 0] - view.points[..., 0]
            for unit in np.eye(16).reshape(16, 4, 4)
        ],
        -1,
    )
    flat = weights.reshape(-1, 16)
    found = np.linalg.lstsq(flat, view.moved.reshape(-1, 2), rcond=None)[0]
    meant = found.reshape(4, 4, 2).swapaxes(0, 1).reshape(16, 2)
    yield view.off(view.points + weights @ meant)


def is_bicubic(view: View) -> bool:
    """Whether an answer lies in the space of the 4x4 FFDs, as no inverse of an FFD does."""
    return _bicubic(view) is not None


def _bicubic(view: View) -> Array | None:
    basis = _polynomial(view.points, view)
    flat = basis.reshape(-1, basis.shape[-1])
    found = np.linalg.lstsq(flat, view.moved.reshape(-1, 2), rcond=None)[0]
    if np.abs(flat @ found - view.moved.reshape(-1, 2)).max() > BICUBIC_PX:
        return None
    return np.asarray(found, dtype=np.float64)


def _polynomial(places: Array, view: View) -> Array:
    """Return the 16 products of powers 0 to 3 of the centred, scaled coordinates."""
    scaled = (places - view.centre) / view.centre
    powers = scaled[..., None] ** np.arange(4)
    return np.asarray(np.einsum("...i,...j->...ij", powers[..., 0, :], powers[..., 1, :])).reshape(
        *places.shape[:-1], 16
    )
