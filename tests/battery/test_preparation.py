"""Two slices made ready: square pixels of one size, values in [0, 1], and all of it said."""

import moved
import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from irgate_battery.cases.image_file import ImageError, Slice
from irgate_battery.cases.preparation import prepare
from irgate_battery.interface.protocol import Solver
from irgate_fixtures import pixel_grid


def sliced(values, spacing=None, axes=((1.0, 0.0), (0.0, 1.0))):
    directions = None if spacing is None else np.array(axes)
    return Slice(np.asarray(values, dtype=np.float64), spacing, directions, "float64")


FIXED, MOVING = moved.images()

SAME_SPLINE = 1e-9
"""scipy's splines and ITK's are the same; sums of another order leave 1e-11."""

SPLINE_ERROR = 5e-3
"""Of cubic splines through waves of 9 mm that are sampled every 1.5 mm, in [0, 1]."""

BORDER = 9
"""px of resampled images: closer to the border a spline knows the scene from one side only."""


def test_even_pixels_are_left_alone_but_for_their_scale():
    ready = prepare(sliced(FIXED, (0.7, 0.7)), sliced(MOVING, (0.7, 0.7)), None, "same")
    low, high = min(FIXED.min(), MOVING.min()), max(FIXED.max(), MOVING.max())
    assert np.allclose(ready.fixed, (FIXED - low) / (high - low), rtol=0, atol=1e-15)
    assert np.allclose(ready.moving, (MOVING - low) / (high - low), rtol=0, atol=1e-15)
    assert ready.spacing_mm == 0.7
    assert "resampled" not in ready.said


def test_without_spacing_there_are_no_mm():
    assert prepare(sliced(FIXED), sliced(MOVING), None, "same").spacing_mm is None


def test_equal_values_stay_equal_where_intensity_is_the_same():
    ready = prepare(sliced(FIXED), sliced(FIXED[5:, 5:] * 1.0), None, "same")
    assert np.array_equal(ready.fixed[5:, 5:], ready.moving)


def test_a_gain_and_an_offset_vanish_where_intensity_varies():
    ready = prepare(sliced(FIXED), sliced(1000 * MOVING - 300), None, "varying")
    plain = prepare(sliced(FIXED), sliced(MOVING), None, "varying")
    assert np.allclose(ready.moving, plain.moving, rtol=0, atol=1e-12)
    for image in (ready.fixed, ready.moving):
        assert (image.min(), image.max()) == (0, 1)


@pytest.mark.parametrize(
    ("fixed_spacing", "moving_spacing", "side"),
    [((0.5, 1.5), (0.5, 1.5), 0.5), ((1.5, 1.0), (1.0, 1.0), 1.0), ((1.5, 1.5), (0.5, 0.5), 0.5)],
)
def test_pixels_are_square_and_lie_where_they_lay(fixed_spacing, moving_spacing, side):
    """The scene is known everywhere, so that what is between the samples is known too."""
    spacings = (fixed_spacing, moving_spacing)
    given = [moved.images(spacing)[number] for number, spacing in enumerate(spacings)]
    slices = [sliced(image, spacing) for image, spacing in zip(given, spacings, strict=True)]
    ready = prepare(*slices, None, "same")
    assert ready.spacing_mm == side
    assert "both resampled to" in ready.said
    splines, scenes = [], []
    for image, spacing, moves in zip(given, spacings, (moved.matrix(), np.eye(3)), strict=True):
        # From the first centre to the last one that is not beyond the old last one.
        height, width = (
            int((count - 1) * step / side + 1e-6) + 1
            for count, step in zip(image.shape, reversed(spacing), strict=True)
        )
        points = side * pixel_grid((height, width))
        at = (points / spacing)[..., ::-1]
        splines.append(map_coordinates(image, np.moveaxis(at, -1, 0), order=3, mode="mirror"))
        scenes.append(moved.scene(points @ moves[:2, :2].T + moves[:2, 2]))
    low, high = min(map(np.min, splines)), max(map(np.max, splines))
    for image, spline, scene in zip((ready.fixed, ready.moving), splines, scenes, strict=True):
        assert np.allclose(image, (spline - low) / (high - low), rtol=0, atol=SAME_SPLINE)
        inner = np.s_[BORDER:-BORDER, BORDER:-BORDER]
        error = image - (scene - low) / (high - low)
        assert np.abs(error[inner]).max() < SPLINE_ERROR


def test_a_rigid_motion_in_mm_is_rigid_in_the_pixels_that_a_solver_gets():
    """The truth in px of the smaller spacing brings the two together; in old pixels none would."""
    given = [sliced(image, (0.5, 1.5)) for image in moved.images((0.5, 1.5))]
    ready = prepare(*given, None, "same")
    answer = Solver.of(moved.register).solve(
        ready.fixed, ready.moving, model="rigid", mask=None, intensity="same", timeout=None
    )[0]
    linear = answer.matrix[:2, :2]
    assert np.allclose(linear @ linear.T, np.eye(2), atol=1e-12)
    old = np.diag([0.5, 1.5])
    in_old_pixels = np.linalg.inv(old) @ linear @ old
    assert np.abs(in_old_pixels @ in_old_pixels.T - np.eye(2)).max() > 0.1


def test_a_mask_goes_along_to_the_nearest_pixel():
    fixed = sliced(moved.images((0.5, 1.5))[0], (0.5, 1.5))
    mask = np.zeros(fixed.values.shape)
    mask[10:12, 40:50] = 255
    ready = prepare(fixed, fixed, sliced(mask), "same")
    rows, columns = np.nonzero(ready.mask)
    assert ready.mask.shape == ready.fixed.shape
    # Rows 10 and 11 reach from 9.5 x 1.5 mm to 11.5 x 1.5 mm.
    assert (rows.min(), rows.max()) == (29, 34)
    assert (columns.min(), columns.max()) == (40, 49)
    assert "mask trusts 1%" in ready.said


def test_a_spacing_of_one_image_only_is_not_used_and_said():
    ready = prepare(sliced(FIXED), sliced(MOVING, (2.0, 2.0)), None, "same")
    assert ready.spacing_mm is None
    assert "only one has a spacing, so none is used" in ready.said


@pytest.mark.parametrize(("axes", "told"), [(((-1, 0), (0, 1)), True), (((1, 0), (0, 1)), False)])
def test_axes_that_point_elsewhere_are_said(axes, told):
    moving = sliced(MOVING, (1.0, 1.0), axes)
    ready = prepare(sliced(FIXED, (1.0, 1.0)), moving, None, "same")
    assert ("their axes point in other directions" in ready.said) is told


REFUSED = {
    "fixed constant": ((np.full((20, 20), 7), MOVING, None), "the fixed image is constant (7)"),
    "moving constant": ((FIXED, np.zeros((20, 20)), None), "the moving image is constant (0)"),
    "mask size": ((FIXED, MOVING, FIXED.T), "the mask has 48x64 px and the fixed image 64x48"),
    "mask of two greys": (
        (FIXED, MOVING, np.where(FIXED.mean() < FIXED, 255, 30)),
        "the mask of the fixed image holds 30 to 255 and no 0, so that it would trust every pixel",
    ),
    "mask empty": ((FIXED, MOVING, 0 * FIXED), "the mask is 0 everywhere"),
}


@pytest.mark.parametrize(("given", "words"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_registered_is_refused(given, words):
    fixed, moving, mask = (None if image is None else sliced(image) for image in given)
    with pytest.raises(ImageError) as caught:
        prepare(fixed, moving, mask, "same")
    assert words in str(caught.value)


def test_spacings_that_do_not_fit_together_are_refused():
    with pytest.raises(ImageError, match="not square and the other has no spacing"):
        prepare(sliced(FIXED, (1.0, 2.0)), sliced(MOVING), None, "same")
    with pytest.raises(ImageError, match="check the headers"):
        prepare(sliced(FIXED, (1.0, 1.0)), sliced(MOVING, (1e-3, 1e-3)), None, "same")


def test_a_mask_of_one_value_is_a_mask():
    assert prepare(sliced(FIXED), sliced(MOVING), sliced(FIXED * 0 + 1), "same").mask.all()
