"""Mistakes that only a free-form deformation can show, each undone.

Each function yields what is left for each variant of its mistake.
"""

from collections.abc import Iterator

import numpy as np

from irgate_battery.diagnosis.answer_on_grid import AnswerOnGrid, Array
from irgate_battery.diagnosis.undone import Undone
from irgate_fixtures import FFD

BICUBIC_PX = 1e-2
"""A field counts as an FFD of 4x4 control points where a bicubic polynomial fits it to this, px."""


def spline_domain(on_grid: AnswerOnGrid) -> Iterator[Undone]:
    """Read an FFD's control points on SimpleITK's domain instead of the one that was used.

    On one segment each way any domain spans the bicubic polynomials; another domain is another
    affine map of the axes, x -> x'.
    """
    coefficients = _coefficients(on_grid)
    if coefficients is None:
        return
    right = (on_grid.points + 0.625) / (on_grid.size + 0.25)
    for first, extent in ((0.0, -1.0), (0.5, 0.0), (0.0, 0.0), (1.0, 1.0)):
        places = right * (on_grid.size + extent) - first
        meant = on_grid.points + _polynomial(places, on_grid) @ coefficients
        yield Undone(on_grid.off(meant), f"from {-first:g}, {extent:+g}")


def control_grid_transposed(on_grid: AnswerOnGrid) -> Iterator[Undone]:
    """The 4x4 control points were laid out by columns."""
    if _coefficients(on_grid) is None:
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
    yield Undone(on_grid.off(on_grid.points + weights @ meant))


def warp_before_affine(on_grid: AnswerOnGrid) -> Iterator[Undone]:
    """T = A B, an affine map after a warp, was put together as B A.

    A is the affine map nearest to the truth, so B = A^-1 T; B A needs no more than both. Points
    that A maps off the fixed image are left out, since a true field is known on it only.
    """
    if on_grid.pair.truth.matrix is not None:
        return
    A = on_grid.nearest_affine(on_grid.truth)
    back = np.linalg.inv(A)
    there = on_grid.points @ A[:2, :2].T + A[:2, 2]
    known = np.all((there >= 0) & (there <= on_grid.size - 1), axis=-1)
    if not known.any():
        return
    mistaken = on_grid.pair.truth(there[known]) @ back[:2, :2].T + back[:2, 2]
    yield Undone(
        on_grid.mean_length(mistaken - on_grid.answer[known]),
        "",
        on_grid.mean_length(mistaken - on_grid.truth[known]),
    )


def is_bicubic(on_grid: AnswerOnGrid) -> bool:
    """Whether an answer lies in the space of the 4x4 FFDs, as no inverse of an FFD does."""
    return _bicubic(on_grid) is not None


def _coefficients(on_grid: AnswerOnGrid) -> Array | None:
    """Return the polynomial of an answer that is an FFD and no matrix."""
    if on_grid.pair.model != "ffd" or on_grid.matrix is not None:
        return None
    return _bicubic(on_grid)


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
