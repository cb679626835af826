"""The battery is a pure function of seed, count and version, and its truths are true."""

import hashlib
import itertools
import json
import os
import subprocess
import sys
from collections import Counter

import numpy as np
import pytest

import irgate_fixtures
from irgate_battery.cases.battery_table import DRAWN, PERTURBATIONS
from irgate_battery.cases.catalogue import (
    all_cases,
    base_cases,
    battery_cases,
    condition_cases,
)
from irgate_battery.judge.measure import measure
from irgate_fixtures import FFD

ROUNDING = 1e-9
"""Arithmetic in float64 on coordinates of a few hundred px."""

ALL = tuple(battery_cases())


def by_id(name):
    return next(case for case in all_cases() if case.id == name)


def digest_of(many):
    return hashlib.sha256("".join(case.digest() for case in many).encode()).hexdigest()


def test_there_are_fifty_with_distinct_readable_ids():
    assert len({case.id for case in ALL}) == 50
    assert all(case.id.isascii() and "." not in case.id for case in ALL)
    assert Counter(case.fixture for case in ALL) == {
        "synth_translate_2d": 9,
        "synth_rotate_2d": 9,
        "lena_affine_2d": 12,
        "bspline_random_2d": 9,
        "brain_mri_real": 11,
    }
    assert all_cases() == (*base_cases(), *ALL, *condition_cases())


def test_the_recipes_are_those_that_the_oracle_was_stored_for():
    """A digest that changes without BATTERY_VERSION is a battery that changed unnoticed."""
    assert digest_of(ALL) == ("7444eb36ee5ccffd360f5e554d918803a0af78b37ace2682fe2c1930ca8cb38b")


def test_the_same_seed_gives_the_same_recipes_in_every_process():
    code = (
        "from irgate_battery.cases.catalogue import battery_cases; "
        "print(*(case.digest() for case in battery_cases(seed=3, count=70)))"
    )
    seen = set()
    for hash_seed in ("0", "1", "4711"):
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
        out = subprocess.run(
            [sys.executable, "-c", code],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        seen.add(out.stdout)
    assert len(seen) == 1
    assert seen == {" ".join(c.digest() for c in battery_cases(seed=3, count=70)) + "\n"}


def test_another_seed_gives_others_under_the_same_names():
    other = tuple(battery_cases(seed=1))
    assert [case.id for case in other] == [case.id for case in ALL]
    changed = sum(a.digest() != b.digest() for a, b in zip(ALL, other, strict=True))
    # A rotation's sign and the side of the overlap are two-valued: about half of 22 stay.
    assert changed > 30


def test_more_are_drawn_after_the_named_ones_and_one_at_a_time():
    assert tuple(battery_cases(count=120))[:50] == ALL
    endless = battery_cases(count=10**9)
    drawn = list(itertools.islice(endless, 50, 300))
    assert len({case.id for case in drawn}) == 250
    assert {case.fixture for case in drawn} == set(irgate_fixtures.NAMES)
    assert {case.recipe["perturbation"]["kind"] for case in drawn} == {"shift", "rotation", "noise"}
    assert tuple(battery_cases(count=7)) == ALL[:7]


def test_recipes_are_json_and_made_without_torch():
    for case in ALL:
        json.dumps(case.recipe, allow_nan=False)
    code = "import sys, irgate_battery; irgate_battery.all_cases(); print('torch' in sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout == "False\n"


@pytest.mark.parametrize("case", ALL, ids=lambda case: case.id)
def test_the_truth_of_a_case_is_true(case):
    """No other transform near it explains the pair as well, and its family holds it."""
    pair = case.pair()
    shape = pair.fixed.shape
    truth = pair.truth.displacement(shape)
    here = measure(pair, truth, truth)
    assert (here.folded, here.escaped) == (0, False)
    assert pair.model == case.model
    assert pair.intensity == case.intensity
    assert in_family(pair.truth, case.model, shape)
    if case.intensity == "same":
        for step in ((1, 0), (-1, 0), (0, 1), (0, -1)):
            assert measure(pair, truth + np.array(step), truth).rmse > here.rmse


def in_family(truth, model, shape):
    if model == "ffd":
        return representable(truth.displacement(shape), shape)
    linear = truth.matrix[:2, :2]
    if model == "translation":
        return np.allclose(linear, np.eye(2), atol=ROUNDING)
    if model == "rigid":
        turned = np.allclose(linear @ linear.T, np.eye(2), atol=ROUNDING)
        return turned and np.linalg.det(linear) > 0 and not np.allclose(linear, np.eye(2))
    return not np.allclose(linear @ linear.T, np.eye(2))


def representable(field, shape):
    """Whether a 4x4 FFD gives this field: a least-squares fit of its 16 weights leaves nothing."""
    columns = []
    for row, column in itertools.product(range(4), range(4)):
        points = np.zeros((2, 4, 4))
        points[0, row, column] = 1
        columns.append(FFD(points, shape).displacement(shape)[..., 0].ravel())
    weights = np.stack(columns, -1)
    fit, *_ = np.linalg.lstsq(weights, field.reshape(-1, 2), rcond=None)
    return np.abs(weights @ fit - field.reshape(-1, 2)).max() < 1e-6


def test_rotation_makes_a_translation_rigid_and_bias_makes_intensities_vary():
    assert by_id("synth_translate_2d-rot2").model == "rigid"
    assert by_id("synth_translate_2d-shift03").model == "translation"
    assert by_id("bspline_random_2d-rot75").model == "ffd"
    assert by_id("lena_affine_2d-bias30").intensity == "varying"
    assert by_id("lena_affine_2d-rot75").intensity == "same"


@pytest.mark.parametrize(("name", "px"), [("shift03", 0.3), ("shift07", 0.7), ("shift14", 1.4)])
def test_a_shift_is_added_in_the_moving_image(name, px):
    pair = by_id(f"lena_affine_2d-{name}").pair()
    shape = pair.fixed.shape
    added = pair.truth.displacement(shape) - irgate_fixtures.pair(
        "lena_affine_2d"
    ).truth.displacement(shape)
    np.testing.assert_allclose(np.linalg.norm(added, axis=-1), px, atol=ROUNDING)
    np.testing.assert_allclose(added, np.broadcast_to(added[0, 0], added.shape), atol=ROUNDING)


@pytest.mark.parametrize("degrees", [2, 15, 45, 75])
def test_a_rotation_is_added_about_the_centre(degrees):
    base = irgate_fixtures.pair("synth_rotate_2d").truth.matrix
    turned = by_id(f"synth_rotate_2d-rot{degrees}").pair().truth.matrix
    added = turned @ np.linalg.inv(base)
    assert abs(np.degrees(np.arctan2(added[1, 0], added[0, 0]))) == pytest.approx(degrees)
    centre = np.array([(203 - 1) / 2, (171 - 1) / 2, 1])
    np.testing.assert_allclose(added @ centre, centre, atol=ROUNDING)


@pytest.mark.parametrize(("name", "sigma"), [("noise02", 0.02), ("noise10", 0.1)])
def test_noise_is_on_the_moving_image_alone(name, sigma):
    noisy, clean = by_id(f"lena_affine_2d-{name}").pair(), irgate_fixtures.pair("lena_affine_2d")
    np.testing.assert_array_equal(noisy.fixed, clean.fixed)
    # 36608 draws: the spread of a standard deviation is sigma / sqrt(2 n) = 0.4 %.
    assert np.std(noisy.moving - clean.moving) == pytest.approx(sigma, rel=0.02)


@pytest.mark.parametrize("fixture", ["lena_affine_2d", "brain_mri_real"])
def test_low_overlap_leaves_two_fifths(fixture):
    pair = by_id(f"{fixture}-overlap40").pair()
    truth = pair.truth.displacement(pair.fixed.shape)
    assert measure(pair, truth, truth).coverage == pytest.approx(0.4, abs=0.03)


def test_the_occluder_is_masked_to_the_pixel():
    pair, clean = by_id("lena_affine_2d-occlusion25").pair(), irgate_fixtures.pair("lena_affine_2d")
    assert 1 - pair.mask.mean() == pytest.approx(0.25, abs=0.01)
    np.testing.assert_array_equal(pair.fixed[pair.mask], clean.fixed[pair.mask])
    assert np.mean(np.abs(pair.fixed - clean.fixed)[~pair.mask]) > 0.2


@pytest.mark.parametrize("fixture", ["lena_affine_2d", "brain_mri_real"])
def test_bias_is_smooth_and_of_its_amplitude(fixture):
    pair, clean = by_id(f"{fixture}-bias30").pair(), irgate_fixtures.pair(fixture)
    seen = clean.moving > 0.05
    field = pair.moving[seen] / clean.moving[seen]
    # The head fills the middle half of its image, and does not see the field's ends.
    assert 0.69 < field.min() < 0.9
    assert 1.1 < field.max() < 1.31


@pytest.mark.parametrize("fixture", ["lena_affine_2d", "brain_mri_real"])
def test_bias_is_half_a_period_of_a_cosine_across_the_moving_image(fixture):
    """It falls all the way from 1 + a to 1 - a, along one direction: no second dark band."""
    case = by_id(f"{fixture}-bias30")
    pair, clean = case.pair(), irgate_fixtures.pair(fixture)
    np.testing.assert_array_equal(pair.fixed, clean.fixed)
    height, width = clean.moving.shape
    angle = np.radians(case.recipe["perturbation"]["degrees"])
    y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    along = x * np.cos(angle) + y * np.sin(angle)
    order = np.argsort(along, axis=None)
    seen = clean.moving.ravel()[order] > 0.05
    field = (pair.moving.ravel()[order] / np.where(seen, clean.moving.ravel()[order], 1))[seen]
    assert np.all(np.diff(field) <= ROUNDING)
    s = ((along - along.min()) / np.ptp(along)).ravel()[order][seen]
    np.testing.assert_allclose(field, 1 + 0.3 * np.cos(np.pi * s), atol=1e-9)


def test_the_occluder_s_stripes_are_as_coarse_as_the_scene():
    """They repeat after 16 px along x, or 32 along y, and are the opposite half way."""
    pair = by_id("lena_affine_2d-occlusion25").pair()
    rows, columns = np.nonzero(~pair.mask)
    stripes = pair.fixed[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    assert stripes.shape[1] > 48
    np.testing.assert_allclose(stripes[:, 16:], stripes[:, :-16], atol=ROUNDING)
    np.testing.assert_allclose(stripes[32:], stripes[:-32], atol=ROUNDING)
    np.testing.assert_allclose(stripes[:, 8:], 1 - stripes[:, :-8], atol=ROUNDING)
    # Along a line y = -2 x they are one grey.
    np.testing.assert_allclose(stripes[2:, :-1], stripes[:-2, 1:], atol=ROUNDING)
    assert (stripes.min(), stripes.max()) == (
        pytest.approx(0, abs=0.01),
        pytest.approx(1, abs=0.01),
    )


def test_every_perturbation_that_can_be_drawn_has_a_purpose():
    assert set(irgate_fixtures.PURPOSES) == set(irgate_fixtures.NAMES)
    drawn = battery_cases(count=300)
    assert {case.purpose for case in (*base_cases(), *drawn)} == {
        *irgate_fixtures.PURPOSES.values(),
        *(perturbation.purpose for perturbation in PERTURBATIONS),
        *DRAWN.values(),
    }
