"""The problems of the consistency suite and their symmetries, against the true transforms."""

import math

import numpy as np
import pytest

from irgate_battery.interface.protocol import Solver
from irgate_battery.suites import fixed_problems, symmetries
from irgate_battery.suites.consistency_checks.checks import CROP, PADDING
from irgate_battery.suites.consistency_checks.consistency_check import apart
from irgate_battery.suites.fixed_problems import clean, far_turn, largest_linear, rough, spotlit
from irgate_fixtures import Matrix, pixel_grid

LINEAR = ("translation", "rigid", "affine")


W, H = fixed_problems.SHAPE[1], fixed_problems.SHAPE[0]

PIXELS = {
    "flipped_horizontally": (symmetries.FLIPPED_HORIZONTALLY, [[-1, 0, W - 1], [0, 1, 0]]),
    "flipped_vertically": (symmetries.FLIPPED_VERTICALLY, [[1, 0, 0], [0, -1, H - 1]]),
    "transposed": (symmetries.TRANSPOSED, [[0, 1, 0], [1, 0, 0]]),
    "turned": (symmetries.TURNED, [[0, 1, 0], [-1, 0, W - 1]]),
}
"""Each symmetry of both images, and where it takes a pixel (x, y, 1)."""


def at(image, points):
    x, y = np.rint(points).astype(int).T
    return image[y, x]


@pytest.mark.parametrize("name", PIXELS)
@pytest.mark.parametrize("model", LINEAR)
def test_a_symmetry_takes_pixels_and_answers_where_the_page_says(name, model):
    """T' = P T P^-1, P the map of pixels; the answer T' is taken back to T."""
    symmetry, rows = PIXELS[name]
    problem = clean(model)
    changed = symmetry.changed(problem)
    there = Matrix([*rows, [0, 0, 1]])
    points = np.array([[0.0, 0], [W - 1, 0], [5, 9], [W - 1, H - 1]])
    for image, other in ((problem.fixed, changed.fixed), (problem.moving, changed.moving)):
        np.testing.assert_array_equal(at(other, there(points)), at(image, points))
    turned = Matrix(there.matrix @ problem.truth.matrix @ np.linalg.inv(there.matrix))
    plain = problem.truth.displacement(problem.shape)
    restored = symmetry.restored(turned.displacement(changed.shape), plain)
    np.testing.assert_allclose(restored, plain, atol=1e-10)


@pytest.mark.parametrize("model", LINEAR)
def test_swapping_is_undone_by_the_inverse(model):
    problem = clean(model)
    changed = symmetries.SWAPPED.changed(problem)
    assert changed.fixed is problem.moving
    assert changed.moving is problem.fixed
    inverse = Matrix(np.linalg.inv(problem.truth.matrix)).displacement(problem.shape)
    plain = problem.truth.displacement(problem.shape)
    restored = symmetries.SWAPPED.restored(inverse, plain)
    assert apart(restored, plain, problem) < 1e-10


@pytest.mark.parametrize("level", [False, True])
@pytest.mark.parametrize("model", LINEAR)
def test_a_crop_is_undone_by_its_shift(model, level):
    problem = clean(model)
    symmetry = symmetries.cropped((3, 8), (6, 4), level=level)
    changed = symmetry.changed(problem)
    np.testing.assert_array_equal(changed.fixed[0], problem.fixed[3, 8 : 8 + changed.shape[1]])
    assert changed.moving[0, 0] == problem.moving[6, 4]
    assert (changed.fixed.shape == changed.moving.shape) is level
    shifts = [Matrix([[1, 0, left], [0, 1, top], [0, 0, 1]]) for top, left in ((3, 8), (6, 4))]
    cut = np.linalg.inv(shifts[1].matrix) @ problem.truth.matrix @ shifts[0].matrix
    plain = problem.truth.displacement(problem.shape)
    restored = symmetry.restored(Matrix(cut).displacement(changed.shape), plain)
    known = np.isfinite(restored).all(-1)
    assert known.sum() == changed.fixed.size
    assert known[3, 8]
    assert not known[2, 8]
    np.testing.assert_allclose(restored[known], plain[known], atol=1e-10)


def test_a_frame_is_undone_by_its_width():
    problem = clean("affine")
    changed = PADDING.changed(problem)
    assert changed.shape == (H + 9 + 4, W + 6 + 11)
    assert changed.mask.sum() == problem.fixed.size
    np.testing.assert_array_equal(changed.fixed[changed.mask].reshape(H, W), problem.fixed)
    assert set(changed.fixed[~changed.mask]) == {symmetries.FRAME}
    framed = problem.truth.matrix @ [[1, 0, -6], [0, 1, -9], [0, 0, 1]]
    plain = problem.truth.displacement(problem.shape)
    restored = PADDING.restored(Matrix(framed).displacement(changed.shape), plain)
    np.testing.assert_allclose(restored, plain, atol=1e-10)


def test_a_mask_is_changed_with_its_image():
    mask = np.zeros((H, W), bool)
    mask[3, 5] = True
    problem = fixed_problems.replace(clean("rigid"), mask=mask)
    for symmetry, rows in PIXELS.values():
        ((x, y),) = Matrix([*rows, [0, 0, 1]])(np.array([[5.0, 3.0]]))
        assert np.argwhere(symmetry.changed(problem).mask).tolist() == [[y, x]]
    assert np.argwhere(PADDING.changed(problem).mask).tolist() == [[3 + 9, 5 + 6]]


def test_an_ffd_stays_one_when_it_is_flipped_and_turned():
    """Its domain reaches equally far over both ends of a side."""
    problem = clean("ffd")
    plain = problem.truth.displacement(problem.shape)
    points = problem.truth.control_points
    flipped = type(problem.truth)(points[:, :, ::-1] * np.array([-1, 1])[:, None, None], (H, W))
    found = symmetries.FLIPPED_HORIZONTALLY.restored(flipped.displacement((H, W)), plain)
    np.testing.assert_allclose(found, plain, atol=1e-10)
    turned = type(problem.truth)(points[::-1].swapaxes(1, 2), (W, H))
    found = symmetries.TRANSPOSED.restored(turned.displacement((W, H)), plain)
    np.testing.assert_allclose(found, plain, atol=1e-10)


@pytest.mark.parametrize("model", LINEAR)
def test_the_crop_takes_the_spot_from_the_fixed_image_alone(model):
    problem = spotlit(model)
    cut = CROP.changed(problem)
    for image in (problem.fixed, problem.moving, cut.moving):
        assert image.max() > 0.8
    assert cut.fixed.max() < 0.65
    shift = problem.truth.displacement(problem.shape)
    assert np.abs(shift - np.rint(shift)).max() > 0.1


def test_the_problems_are_near_and_one_is_far_and_rough():
    for model in (*LINEAR, "ffd"):
        problem = clean(model)
        assert problem.model == model
        assert problem.shape[0] != problem.shape[1]
        assert np.abs(problem.truth.displacement(problem.shape)).max() < 10
        assert problem.seen.mean() > 0.85
    smooth, noisy = far_turn("rigid"), rough("rigid")
    assert smooth.shape == noisy.shape == (129, 161)
    assert [(side - 1) % 8 for side in smooth.shape] == [0, 0]
    angle = math.atan2(smooth.truth.matrix[1, 0], smooth.truth.matrix[0, 0])
    assert math.degrees(angle) == pytest.approx(165)
    assert noisy.fixed is smooth.fixed
    assert np.std(noisy.moving - smooth.moving) == pytest.approx(0.15, rel=0.02)
    assert apart(np.full((129, 161, 2), 3.0), np.zeros((129, 161, 2)), smooth) == pytest.approx(
        np.hypot(3, 3)
    )
    with pytest.raises(ValueError, match="no linear family 'ffd'"):
        spotlit("ffd")


def test_where_images_do_not_overlap_nothing_is_compared():
    problem = clean("translation")
    off = np.where(problem.seen[..., None], 0.0, 1e6) * np.ones(2)
    assert apart(off, np.zeros_like(off), problem) == 0
    assert 0 < (~problem.seen).sum() < problem.seen.sum()
    landed = problem.truth(pixel_grid(problem.shape))[problem.seen]
    assert landed.min() >= 0


def test_the_largest_family_is_the_last():
    def register(fixed, moving, model):
        return np.eye(3)

    register.models = ("affine", "translation", "ffd")
    solver = Solver.of(register)
    assert largest_linear(solver) == "affine"
    assert largest_linear(solver, ("affine", "translation")) == "translation"
    assert largest_linear(solver, ("rigid",)) is None
