"""A changed pair is the given one but for one thing: its crop, its brightness, what is seen."""

from dataclasses import replace

import numpy as np
from scipy.stats import norm

from irgate_battery.cases.catalogue import base_cases, battery_cases
from irgate_battery.diagnosis import changed_pairs
from irgate_fixtures import Pair, pixel_grid, translation

CASES = {case.id: case for case in (*base_cases(), *battery_cases())}
BIASED = CASES["lena_affine_2d-bias30"]
PLAIN = CASES["lena_affine_2d"]
TURNED = CASES["synth_rotate_2d"]


def test_a_cropped_pair_lands_inside():
    whole = PLAIN.pair()
    crop = changed_pairs.within(whole)
    landed = crop.truth(pixel_grid(crop.shape))
    height, width = whole.moving.shape
    assert np.all((landed >= 2) & (landed <= (width - 3, height - 3)))
    assert crop.fixed.size > 0.5 * whole.fixed.size
    # It is a part of the same pair, with the same motion.
    top, left = np.argwhere(whole.fixed == crop.fixed[0, 0])[0]
    shown = whole.fixed[top : top + crop.shape[0], left : left + crop.shape[1]]
    np.testing.assert_array_equal(shown, crop.fixed)
    np.testing.assert_allclose(landed[3, 5], whole.truth(np.array([left + 5.0, top + 3.0])))


def test_a_pair_that_lands_inside_is_not_cropped():
    inside = replace(PLAIN.pair(), truth=translation(3.0, 3.0))
    inside = replace(inside, fixed=inside.fixed[5:60, 5:60])
    assert changed_pairs.within(inside) is None


def test_seen_through_the_truth_the_moving_image_is_the_fixed_one():
    """x is the column: the pair is not square, and is turned."""
    pair = TURNED.pair()
    seen = changed_pairs.seen_through_truth(pair)
    # What a cubic spline leaves at the border; exchanged, x and y leave half the grey scale.
    assert np.abs(seen - pair.fixed).max() < 0.02
    points = pair.truth(pixel_grid(pair.shape))
    height, width = pair.moving.shape
    outside = (points < 0).any(-1) | (points > (width - 1, height - 1)).any(-1)
    assert outside.any()
    np.testing.assert_array_equal(seen[outside], pair.fixed[outside])
    assert not np.array_equal(seen, pair.fixed)


def bright(fixed, moving):
    return changed_pairs.evenly_bright(
        Pair("flat", fixed, moving, None, translation(0, 0), "translation", "varying")
    ).fixed


def test_the_fixed_image_becomes_as_bright_as_the_moving_one():
    """0.05 of the larger brightness is added above and below: here 0.02."""
    dark, light = np.full((60, 80), 0.2), np.full((60, 80), 0.4)
    np.testing.assert_allclose(bright(dark, light), 0.2 * 0.42 / 0.22)
    np.testing.assert_allclose(bright(light, dark), 0.4 * 0.22 / 0.42)


def test_brightness_is_that_over_eight_pixels():
    """A step in the moving image is blurred by a Gaussian of that width."""
    step = np.tile((np.arange(200) >= 100).astype(float), (60, 1))
    found = bright(np.full((60, 200), 0.5), step)[30]
    blurred = norm.cdf((np.arange(200) - 99.5) / 8)
    np.testing.assert_allclose(found, 0.5 * (blurred + 0.05) / 0.55, atol=2e-3)


def test_a_pair_that_is_made_even_keeps_its_other_parts():
    pair = replace(BIASED.pair(), mask=np.ones(BIASED.pair().shape, dtype=bool))
    evened = changed_pairs.evenly_bright(pair)
    np.testing.assert_array_equal(evened.moving, pair.moving)
    assert evened.mask is pair.mask
    seen = changed_pairs.seen_through_truth(pair)
    before, after = (np.abs(image - seen).mean() for image in (pair.fixed, evened.fixed))
    assert after < 0.3 * before
