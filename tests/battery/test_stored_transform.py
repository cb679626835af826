"""An answer as a report keeps it: what comes back is what went in, to a printed digit's tenth."""

import json
from functools import cache

import numpy as np
import pytest
from scipy.interpolate import RectBivariateSpline

from irgate_battery.results.stored_transform import (
    AFFINE_ERROR_PX,
    GRID_DECIMALS,
    GRID_ERROR_PX,
    StoredGrid,
    StoredMatrix,
    _coarse_grids,
    read_stored,
    stored,
)
from irgate_fixtures import FFD, Homography, homography, pixel_grid, rigid

SHAPE = (61, 83)


def again(kept):
    """Return it as JSON gives it back."""
    return read_stored(json.loads(json.dumps(kept.to_dict())))


def free_form(size=7.0):
    points = np.random.RandomState(3).uniform(-size, size, (2, 4, 4))
    return FFD(points, SHAPE).displacement(SHAPE)


@cache
def wavy():
    x, y = np.moveaxis(pixel_grid(SHAPE), -1, 0)
    return np.stack([2 * np.sin(x / 29) * np.cos(y / 27), np.cos((x + y) / 31)], axis=-1)


def test_a_matrix_keeps_every_bit():
    turn = rigid(0.3, 5.1, -2.7, SHAPE)
    kept = again(stored(turn.displacement(SHAPE), turn.matrix))
    assert isinstance(kept, StoredMatrix)
    assert np.array_equal(kept.matrix, turn.matrix)
    assert np.array_equal(kept.displacement_on(SHAPE), turn.displacement(SHAPE))


def test_a_homography_too():
    plane = homography([[1.02, 0.03], [-0.02, 0.98]], [2e-4, -1e-4], 1.5, -0.7, SHAPE)
    assert isinstance(plane, Homography)
    kept = again(stored(plane.displacement(SHAPE), plane.homography))
    assert np.array_equal(kept.displacement_on(SHAPE), plane.displacement(SHAPE))


def test_a_displacement_that_is_an_affine_map_becomes_a_matrix():
    turn = rigid(0.3, 5.1, -2.7, SHAPE)
    kept = stored(turn.displacement(SHAPE))
    assert isinstance(kept, StoredMatrix)
    assert np.abs(kept.displacement_on(SHAPE) - turn.displacement(SHAPE)).max() < AFFINE_ERROR_PX


def test_a_cubic_field_needs_four_nodes_a_side():
    kept = again(stored(free_form()))
    assert kept.grid == (4, 4)
    apart = np.linalg.norm(kept.displacement_on(SHAPE) - free_form(), axis=-1).max()
    assert apart == pytest.approx(kept.error_px, abs=1e-12)
    assert apart <= GRID_ERROR_PX


def test_a_wavy_field_gets_as_many_nodes_as_it_needs():
    kept = again(stored(wavy()))
    assert isinstance(kept, StoredGrid)
    assert (4, 4) < kept.grid < SHAPE
    apart = np.linalg.norm(kept.displacement_on(SHAPE) - wavy(), axis=-1).max()
    assert apart <= GRID_ERROR_PX


def test_between_nodes_it_is_the_spline_that_the_docstring_names():
    """An interpolating bicubic FITPACK spline has the not-a-knot condition; it shares no code."""
    kept = stored(wavy())
    rows, columns = kept.grid
    nodes = np.reshape(kept.displacement, (rows, columns, 2))
    y, x = np.linspace(0, SHAPE[0] - 1, rows), np.linspace(0, SHAPE[1] - 1, columns)
    for component in (0, 1):
        spline = RectBivariateSpline(y, x, nodes[..., component], s=0)
        expected = spline(np.arange(SHAPE[0]), np.arange(SHAPE[1]))
        assert np.abs(kept.displacement_on(SHAPE)[..., component] - expected).max() < 1e-10


def test_what_is_nearly_an_affine_map_is_none():
    """A matrix is exact, or it is not taken: what it misses would be lost without a word."""
    turn = rigid(0.3, 5.1, -2.7, SHAPE).displacement(SHAPE)
    bump = np.zeros_like(turn)
    bump[30, 40, 0] = 1.0
    assert isinstance(stored(turn + 5e-10 * bump), StoredMatrix)
    assert isinstance(stored(turn + 2e-9 * bump), StoredGrid)
    assert isinstance(stored(turn + 0.5 * bump), StoredGrid)


def test_a_whole_shift_comes_out_whole():
    """Which pixels lie on the border decides over the valid region."""
    kept = stored(np.full((*SHAPE, 2), (3.0, -2.0)))
    assert kept.matrix == ((1.0, 0.0, 3.0), (0.0, 1.0, -2.0), (0.0, 0.0, 1.0))


@pytest.mark.parametrize(("error", "enough"), [(0.8e-5, True), (1.25e-5, False)])
def test_four_nodes_are_enough_up_to_the_largest_error(error, enough):
    x = pixel_grid(SHAPE)[..., 0]
    wave = np.stack([np.sin(x / 5), np.zeros(SHAPE)], axis=-1)
    places = [np.linspace(0, side - 1, 4) for side in SHAPE]
    nodes = np.tile(np.sin(places[1] / 5), (4, 1))
    spline = RectBivariateSpline(*places, nodes, s=0)
    missed = np.abs(spline(*map(np.arange, SHAPE)) - wave[..., 0]).max()
    kept = stored(free_form() + error / missed * wave)
    assert (kept.grid == (4, 4)) is enough


@pytest.mark.parametrize(
    ("shape", "grids"),
    [
        ((61, 83), [(4, 4), (5, 7), (10, 13), (19, 25), (36, 49)]),
        ((83, 61), [(4, 4), (7, 5), (13, 10), (25, 19), (49, 36)]),
        ((20, 20), [(4, 4), (7, 7), (13, 13)]),
        # Of 13 x 13 nodes, on 18 x 18 pixels, is more than half.
        ((18, 18), [(4, 4), (7, 7)]),
        ((4, 90), []),
        ((90, 4), []),
    ],
)
def test_meshes_are_square_and_each_has_half_the_pitch(shape, grids):
    assert list(_coarse_grids(shape)) == grids


def test_numbers_of_a_grid_have_six_decimals():
    field = np.full((5, 5, 2), 1.23456789)
    field[2, 2] = 7.000_000_4
    kept = stored(field)
    assert set(kept.displacement) == {1.234568, 7.0}


@pytest.mark.parametrize(("side", "fits"), [(1 << 14, True), ((1 << 14) + 1, False)])
def test_a_side_has_an_end(side, fits):
    said = {**GRID, "size": [side, 9]}
    if fits:
        assert read_stored(said).size == (side, 9)
        return
    with pytest.raises(ValueError, match="a side of"):
        read_stored(said)


def test_a_rough_field_is_kept_pixel_by_pixel():
    rough = np.random.RandomState(1).normal(0, 2, (*SHAPE, 2))
    kept = again(stored(rough))
    assert kept.grid == SHAPE
    assert np.abs(kept.displacement_on(SHAPE) - rough).max() <= 0.5 * 10**-GRID_DECIMALS + 1e-12
    assert kept.error_px <= 10**-GRID_DECIMALS


@pytest.mark.parametrize("shape", [(3, 40), (1, 9), (5, 5), (200, 9)])
def test_images_of_any_size_have_a_grid(shape):
    field = np.random.RandomState(2).normal(0, 1, (*shape, 2)).cumsum(axis=1)
    kept = again(stored(field))
    assert np.abs(kept.displacement_on(shape) - field).max() <= 10**-GRID_DECIMALS


def test_another_image_size_is_refused():
    with pytest.raises(ValueError, match=r"of \(61, 83\), and not of \(60, 83\)"):
        stored(free_form()).displacement_on((60, 83))


GRID = {"size": [9, 9], "grid": [4, 4], "displacement": [0.0] * 32, "error_px": 0.0}


@pytest.mark.parametrize(
    "said",
    [
        None,
        [],
        {},
        {"matrix": None},
        {"matrix": [[1, 0], [0, 1]]},
        {"matrix": [[1, 0, 0], [0, 1, 0], [0, 0, "1"]]},
        {"matrix": [[1, 0, 0], [0, 1, 0], [0, 0, True]]},
        {"matrix": [[1, 0, 0], [0, 1, 0], [0, 0, float("nan")]]},
        {**GRID, "size": [9]},
        {**GRID, "size": [9.0, 9]},
        {**GRID, "size": [10**9, 9]},
        {**GRID, "grid": [3, 4]},
        {**GRID, "grid": [4, 10]},
        {**GRID, "size": [0, 9], "grid": [0, 4], "displacement": []},
        {**GRID, "displacement": [0.0] * 31},
        {**GRID, "displacement": "x"},
        {**GRID, "error_px": None},
        {**GRID, "displacement": [float("inf")] * 32},
    ],
)
def test_what_is_no_transform_is_refused_in_one_line(said):
    with pytest.raises(ValueError, match=r"transform|grid|numbers") as refused:
        read_stored(said)
    assert "\n" not in str(refused.value)


def test_it_is_read_where_it_is_whole():
    assert read_stored(GRID).displacement_on((9, 9)).shape == (9, 9, 2)
