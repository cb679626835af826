"""Conversions of conventions: there and back, and against the libraries whose they are."""

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from scipy import ndimage

import irgate_battery
from irgate_battery.interface import conventions as c
from irgate_fixtures import FFD, Composite, Matrix, image_centre, pixel_grid, rigid, translation

FIXED, MOVING = (5, 8), (7, 6)
"""Neither is square, and they differ: nothing that confuses two of the four sides passes."""

ROUNDING = 1e-12
FLOAT32 = 2e-5
"""px; torch's grids and images in single precision, at coordinates of some ten pixels."""

M = np.array([[0.9, 0.2, 1.5], [-0.15, 1.1, -0.75], [0, 0, 1]])


def field(shape=FIXED, seed=3):
    return np.random.default_rng(seed).normal(size=(*shape, 2))


FRAMES = {
    "centred": (c.image_centred(FIXED), c.image_centred(MOVING)),
    "physical": (
        c.physical((0.7, 2.0), (10, -3), ((0.8, -0.6), (0.6, 0.8))),
        c.physical((1.3, 0.4), (-2, 5)),
    ),
    "normalised edges": tuple(c.normalised(s, align_corners=False) for s in (FIXED, MOVING)),
    "normalised centres": tuple(c.normalised(s, align_corners=True) for s in (FIXED, MOVING)),
    "row and column": (c.row_column(), c.row_column()),
    "rows in millimetres": (c.row_column() @ c.physical((2, 3)), c.row_column()),
}


@pytest.mark.parametrize("frames", FRAMES.values(), ids=FRAMES)
def test_there_and_back(frames):
    other = c.matrix_from_pixels(M, *frames)
    np.testing.assert_allclose(c.matrix_to_pixels(other, *frames), M, atol=ROUNDING)
    assert np.abs(other - M).max() > 0.1, "a frame that changes nothing is not tested"
    there = c.displacement_from_pixels(field(), *frames)
    np.testing.assert_allclose(c.displacement_to_pixels(there, *frames), field(), atol=ROUNDING)
    grid = c.displacement_to_grid(field(), frames[1])
    np.testing.assert_allclose(c.grid_to_displacement(grid, frames[1]), field(), atol=ROUNDING)


@pytest.mark.parametrize("frames", FRAMES.values(), ids=FRAMES)
def test_a_matrix_and_its_displacement_are_converted_alike(frames):
    """In the library's coordinates too, u' is T'(x') - x'."""
    fixed_frame, _ = frames
    places = pixel_grid(FIXED) @ fixed_frame[:2, :2].T + fixed_frame[:2, 2]
    other = c.matrix_from_pixels(M, *frames)
    expected = places @ other[:2, :2].T + other[:2, 2] - places
    found = c.displacement_from_pixels(Matrix(M).displacement(FIXED), *frames)
    np.testing.assert_allclose(found, expected, atol=ROUNDING)


@pytest.mark.parametrize("align_corners", [False, True])
def test_torchs_affine_grid_is_the_matrix_in_pixels(align_corners):
    theta = torch.tensor([[[0.9, 0.2, 0.1], [-0.3, 1.1, -0.2]]], dtype=torch.float64)
    grid = torch.nn.functional.affine_grid(theta, (1, 1, *FIXED), align_corners=align_corners)
    frames = [c.normalised(shape, align_corners=align_corners) for shape in (FIXED, MOVING)]
    from_grid = c.grid_to_displacement(grid[0].numpy(), frames[1])
    from_matrix = Matrix(c.matrix_to_pixels(theta[0].numpy(), *frames)).displacement(FIXED)
    np.testing.assert_allclose(from_grid, from_matrix, atol=ROUNDING)


@pytest.mark.parametrize("align_corners", [False, True])
def test_torchs_grid_sample_reads_where_the_displacement_says(align_corners):
    """Of images that hold their own coordinates, so that what is read is the place itself."""
    moving = torch.tensor(np.moveaxis(pixel_grid(MOVING), -1, 0)[None])
    inside = np.clip(pixel_grid(FIXED) * 0.6 + 0.3 * field(), 0, np.array(MOVING)[::-1] - 1)
    displacement = inside - pixel_grid(FIXED)
    frame = c.normalised(MOVING, align_corners=align_corners)
    grid = torch.tensor(c.displacement_to_grid(displacement, frame))[None]
    read = torch.nn.functional.grid_sample(
        moving, grid, padding_mode="border", align_corners=align_corners
    )[0]
    np.testing.assert_allclose(c.components_last(read.numpy()), inside, atol=FLOAT32)


def test_scipys_affine_transform_is_the_matrix_in_rows_and_columns():
    moving = np.random.default_rng(0).normal(size=(30, 40))
    by_index = c.matrix_from_pixels(M, c.row_column())
    warped = ndimage.affine_transform(moving, by_index, output_shape=FIXED, order=1, mode="nearest")
    x, y = np.moveaxis(Matrix(M)(pixel_grid(FIXED)), -1, 0)
    expected = ndimage.map_coordinates(moving, [y, x], order=1, mode="nearest")
    np.testing.assert_allclose(warped, expected, atol=ROUNDING)


def physical_pair():
    """Two SimpleITK images in different places of physical space, and their frames."""
    fixed = sitk.Image(FIXED[1], FIXED[0], sitk.sitkFloat64)
    fixed.SetSpacing((0.7, 2.0))
    fixed.SetOrigin((10.0, -3.0))
    fixed.SetDirection((0.8, -0.6, 0.6, 0.8))
    moving = sitk.Image(MOVING[1], MOVING[0], sitk.sitkFloat64)
    moving.SetSpacing((1.3, 0.4))
    moving.SetOrigin((-2.0, 5.0))
    frames = [c.physical(i.GetSpacing(), i.GetOrigin(), i.GetDirection()) for i in (fixed, moving)]
    return fixed, moving, frames


def test_simpleitks_physical_points_are_the_frames():
    for image, frame in zip(physical_pair()[:2], physical_pair()[2], strict=True):
        np.testing.assert_allclose(
            frame @ (3, 2, 1), [*image.TransformIndexToPhysicalPoint((3, 2)), 1], atol=ROUNDING
        )


def test_simpleitks_transforms_are_the_matrix_and_the_displacement_in_pixels():
    fixed, moving, frames = physical_pair()
    transform = sitk.AffineTransform(2)
    transform.SetCenter((4.0, 1.0))
    transform.SetMatrix((0.9, 0.2, -0.15, 1.1))
    transform.SetTranslation((1.5, -0.75))
    about = c.centred((4.0, 1.0))
    physical = c.matrix_to_pixels([[0.9, 0.2, 1.5], [-0.15, 1.1, -0.75]], about)
    matrix = c.matrix_to_pixels(physical, *frames)
    for index in [(0, 0), (7, 0), (3, 4)]:
        point = transform.TransformPoint(fixed.TransformIndexToPhysicalPoint(index))
        there = moving.TransformPhysicalPointToContinuousIndex(point)
        np.testing.assert_allclose((matrix @ (*index, 1))[:2], there, atol=1e-9)
    itk = sitk.TransformToDisplacementField(
        transform,
        sitk.sitkVectorFloat64,
        fixed.GetSize(),
        fixed.GetOrigin(),
        fixed.GetSpacing(),
        fixed.GetDirection(),
    )
    found = c.displacement_to_pixels(sitk.GetArrayFromImage(itk), *frames)
    np.testing.assert_allclose(found, Matrix(matrix).displacement(FIXED), atol=1e-9)


def test_about_a_centre_is_what_the_fixtures_call_rigid():
    angle = 0.3
    turn = [[np.cos(angle), -np.sin(angle), 2], [np.sin(angle), np.cos(angle), -1]]
    found = c.matrix_to_pixels(turn, c.centred(image_centre(FIXED)))
    np.testing.assert_allclose(found, rigid(angle, 2, -1, FIXED).matrix, atol=ROUNDING)


def test_components_first_and_last():
    first = c.components_first(field())
    assert first.shape == (2, *FIXED)
    assert (first[0] == field()[..., 0]).all()
    assert (c.components_last(first) == field()).all()


def test_a_zero_displacement_stays_zero_to_the_bit():
    still = np.zeros((*FIXED, 2))
    frame = c.physical((0.7, 1.9), (12.3, -4.5))
    assert (c.displacement_to_pixels(still, frame) == 0).all()
    assert (c.displacement_from_pixels(still, frame) == 0).all()


def test_a_matrix_is_inverted_exactly():
    np.testing.assert_allclose(c.invert_matrix(M) @ M, np.eye(3), atol=ROUNDING)
    with pytest.raises(ValueError, match="singular"):
        c.invert_matrix([[1, 1, 0], [1, 1, 0]])


SIZE = (40, 60)
BEND = FFD(2.5 * np.random.default_rng(5).uniform(-1, 1, (2, 4, 4)), SIZE)
PUSHES = {
    "shift": translation(3.2, -1.7),
    "turn": rigid(np.radians(15), 1, 2, SIZE),
    "three quarters of a half turn": rigid(np.radians(135), 1, 2, SIZE),
    "free form": BEND,
    "turned free form": Composite(rigid(np.radians(75), 4, -3, SIZE), BEND),
}


@pytest.mark.parametrize("push", PUSHES.values(), ids=PUSHES)
def test_a_push_is_inverted_to_the_stated_residual(push):
    """Against the transform itself, evaluated exactly where the pull lands."""
    pull = c.invert_displacement(push.displacement(SIZE))
    landed = pixel_grid(SIZE) + pull
    inside = ((landed >= 0) & (landed <= np.array(SIZE)[::-1] - 1)).all(axis=-1)
    assert inside.mean() > 0.3
    missed = np.linalg.norm(push(landed) - pixel_grid(SIZE), axis=-1)[inside].max()
    # The field is looked up linearly between its pixels, which bends it by u'' / 8.
    assert missed <= c.INVERSION_PX + 0.01


def test_the_inverse_of_a_turn_is_the_turn_back():
    push = rigid(np.radians(15), 1, 2, SIZE)
    pull = c.invert_displacement(push.displacement(SIZE))
    np.testing.assert_allclose(
        pull, Matrix(c.invert_matrix(push.matrix)).displacement(SIZE), atol=c.INVERSION_PX
    )


def test_the_fixed_image_may_have_another_size():
    push = translation(3.0, -2.0)
    pull = c.invert_displacement(push.displacement(SIZE), shape=(11, 13))
    np.testing.assert_allclose(
        pull, translation(-3.0, 2.0).displacement((11, 13)), atol=c.INVERSION_PX
    )


def test_an_affine_push_needs_no_second_step(monkeypatch):
    monkeypatch.setattr(c, "INVERSION_STEPS", 1)
    for turn in (45, 135):
        c.invert_displacement(rigid(np.radians(turn), 1, 2, SIZE).displacement(SIZE), None, 1e-9)


def test_what_has_no_inverse_is_refused_with_the_residual():
    x, y = np.moveaxis(pixel_grid(SIZE), -1, 0)
    folding = np.stack([8 * np.sin(x / 2), np.zeros_like(y)], axis=-1)
    with pytest.raises(ValueError, match=r"miss each other by up to .* px"):
        c.invert_displacement(folding)
    with pytest.raises(ValueError, match="up to inf px"):
        c.invert_displacement(translation(100, 0).displacement(SIZE))
    with pytest.raises(ValueError, match="flips or flattens"):
        c.invert_displacement(np.stack([-2 * x, 0 * y], axis=-1))


WRONG = {
    "matrix": (lambda: c.matrix_to_pixels(np.eye(4), c.row_column()), r"got \(4, 4\)"),
    "field": (lambda: c.displacement_to_pixels(np.zeros((2, 5, 8)), c.row_column()), "mends it"),
    "components": (lambda: c.components_last(np.zeros((5, 8, 2))), r"got \(5, 8, 2\)"),
    "spacing": (lambda: c.physical((1, -1)), "positive"),
    "centre": (lambda: c.centred((1, 2, 3)), r"\(x, y\)"),
    "one row": (lambda: c.normalised((1, 8), align_corners=True), "two pixels a side"),
}


@pytest.mark.parametrize(("call", "words"), WRONG.values(), ids=WRONG)
def test_a_wrong_shape_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_the_package_exports_them():
    public = [n for n, v in vars(c).items() if callable(v) and v.__module__ == c.__name__]
    public = [name for name in public if not name.startswith("_")]
    assert len(public) == 15
    assert all(getattr(irgate_battery, name) is getattr(c, name) for name in public)
    assert set(public) <= set(irgate_battery.__all__)
