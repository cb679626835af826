"""An oracle is believed where it should be, and nowhere else."""

import types

import numpy as np
import pytest

from irgate_battery.cases.catalogue import all_cases
from irgate_battery.judge.measure import warp
from irgate_battery.oracle.plausibility import plausibility
from irgate_battery.oracle.store import OracleStore
from irgate_fixtures import pair, pixel_grid, rigid, translation

KNOWN = all_cases()
WORST = [case for case in KNOWN if case.id.endswith(("noise10", "occlusion25", "bias30"))]
"""Of the fixtures' perturbations those that blur what two images have in common."""


def believed(images, transform):
    return plausibility(images, transform.displacement(images.fixed.shape))


@pytest.mark.parametrize("case", [*KNOWN[:5], *WORST], ids=lambda case: case.id)
def test_a_right_oracle_is_believed(case):
    images = case.pair()
    found = believed(images, OracleStore("stored").get(case, images)[0].transform)
    assert found.reason is None
    assert found.identity_rmse > 0


MRI = pair("brain_mri_real")
PHOTOGRAPH = pair("lena_affine_2d")


def test_a_rotation_too_far_is_not():
    for degrees in (30, 90, 180):
        wrong = rigid(np.radians(degrees), 0, 0, MRI.fixed.shape)
        assert believed(MRI, wrong).reason is not None


def test_two_scenes_are_not_whatever_their_grey_values():
    """Both dark left and bright right: grey values correlate, and what is in them does not."""
    ramp = np.linspace(0, 3, 128)
    fixed, moving = ramp + MRI.fixed, ramp + PHOTOGRAPH.fixed[:96, :128]
    shift = translation(-5, 0)
    images = spoilt(fixed=fixed, moving=np.roll(moving, -5, axis=1))
    warped = warp(images, shift.displacement(fixed.shape))
    both = fixed[warped.valid], warped.image[warped.valid]
    assert np.corrcoef(*both)[0, 1] > 0.9
    assert "hardly correlates" in believed(images, shift).reason


def spoilt(**parts):
    whole = {"fixed": MRI.fixed, "moving": MRI.moving, "mask": None, "moving_mask": None}
    return types.SimpleNamespace(**{**whole, **parts})


REASONS = {
    "nothing left": (MRI, translation(500, 0), "maps nothing into the moving image"),
    "sliver": (MRI, translation(110, 0), "it left the overlap: 14% remains"),
    "aligned": (spoilt(moving=MRI.fixed), translation(0, 0), "is no better than 0, where nothing"),
    "worse": (spoilt(moving=MRI.fixed), translation(3, 0), "is no better than 0, where nothing"),
}


@pytest.mark.parametrize(("images", "transform", "words"), REASONS.values(), ids=REASONS)
def test_the_reason_is_said(images, transform, words):
    assert words in believed(images, transform).reason


def test_an_inverted_contrast_is_doubted():
    """Also where the RMSE falls: here a slope lies over both, and is aligned."""
    grid = pixel_grid(MRI.fixed.shape)
    fixed = 0.03 * MRI.truth(grid)[..., 0] - 0.1 * MRI.fixed
    moving = 0.03 * grid[..., 0] + 0.1 * MRI.moving
    reason = believed(spoilt(fixed=fixed, moving=moving), MRI.truth).reason
    assert "hardly correlates (-0." in reason


def test_what_is_flat_correlates_with_nothing():
    """A mask shows one grey only, and another place of that grey fits it."""
    mask = np.zeros((96, 128), dtype=bool)
    mask[40:60, 40:60] = True
    fixed, moving = np.zeros((96, 128)), np.zeros((96, 128))
    fixed[30:70, 30:70] = moving[30:70, 60:100] = 0.5
    images = spoilt(fixed=fixed, moving=moving, mask=mask)
    assert "hardly correlates" in believed(images, translation(30, 0)).reason


def test_the_overlap_is_held_against_the_smaller_image():
    """A small moving image in a large fixed one covers little of it, and is no sliver."""
    small = spoilt(moving=MRI.fixed[30:70, 40:90])
    assert believed(small, translation(-40, -30)).reason is None


def test_what_the_mask_hides_does_not_count():
    mask = np.zeros((96, 128), dtype=bool)
    mask[20:80, 20:100] = True
    dirty = MRI.fixed.copy()
    dirty[~mask] = np.random.default_rng(2).random((~mask).sum())
    assert believed(spoilt(fixed=dirty, mask=mask), MRI.truth).reason is None
    assert believed(spoilt(fixed=dirty), MRI.truth).reason is not None
