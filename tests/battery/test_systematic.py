"""An error of one sign in every case: measured against transforms made with it, judged by signs."""

import math

import knowing
import numpy as np
import pytest
from scipy.stats import binomtest

from irgate_battery.cases.catalogue import all_cases
from irgate_battery.judge.limits import SYSTEMATIC_CASES, SYSTEMATIC_CHANCE, SYSTEMATIC_PX
from irgate_battery.judge.signed_error import SignedError
from irgate_battery.results.result_row import ResultRow
from irgate_battery.results.systematic import COMPONENTS, LEVER_PX, Tendency, systematic
from irgate_battery.run import check_solver
from irgate_fixtures import Composite, affine

CASES = {case.id: case for case in all_cases()}


def error_of(case, error):
    """What is measured of the truth with a known error after it, over the whole image."""
    pair = CASES[case].pair()
    answer = Composite(error(pair), pair.truth).displacement(pair.shape)
    return SignedError.of(pair, answer, np.ones(pair.shape, dtype=bool))


@pytest.mark.parametrize("case", ["synth_rotate_2d-rot75", "lena_affine_2d", "bspline_random_2d"])
def test_an_error_is_measured_as_it_was_made(case):
    angle, scale, shear, shift = 0.013, 1.002, 0.004, (0.3, -0.2)

    def error(pair):
        c, s = math.cos(angle), math.sin(angle)
        stretched = np.array(
            [[math.cosh(shear), math.sinh(shear)], [math.sinh(shear), math.cosh(shear)]]
        )
        linear = np.array([[c, -s], [s, c]]) * scale @ stretched
        return affine(linear, *shift, pair.moving.shape)

    found = error_of(case, error)
    assert (found.dx_px, found.dy_px) == pytest.approx(shift, abs=1e-9)
    assert found.degrees == pytest.approx(math.degrees(angle), abs=1e-9)
    assert found.scale == pytest.approx(scale - 1, abs=1e-12)
    assert found.shear == pytest.approx(math.sinh(shear), abs=1e-12)


def test_the_truth_has_none_and_too_few_pixels_say_nothing():
    found = error_of("lena_affine_2d", lambda pair: affine(np.eye(2), 0, 0, pair.shape))
    assert max(map(abs, vars(found).values())) < 1e-10
    pair = CASES["lena_affine_2d"].pair()
    few = np.zeros(pair.shape, dtype=bool)
    few[0, :10] = True
    assert SignedError.of(pair, pair.truth.displacement(pair.shape), few) is None


def test_clean_cases_are_those_where_nothing_lies_between_the_images():
    clean = [case for case in all_cases() if case.is_clean]
    assert {case.kind for case in clean} == {None, "shift", "rotation"}
    assert all(case.noise == 0 and case.intensity == "same" for case in clean)
    assert len(clean) >= 30


def rows(*scales, status="passed"):
    return [
        ResultRow(
            id=f"x{k}", suite="base", case=f"x{k}", status=status, error_dx_px=0.0,
            error_dy_px=0.0, error_degrees=0.0, error_scale=scale, error_shear=0.0,
        )
        for k, scale in enumerate(scales)
    ]  # fmt: skip


LARGE = 2 * SYSTEMATIC_PX / LEVER_PX


@pytest.mark.parametrize(("above", "below"), [(8, 0), (0, 8), (17, 3), (16, 4), (9, 1), (5, 5)])
def test_signs_are_as_improbable_as_a_sign_test_says(above, below):
    made = rows(*[LARGE] * above, *[-LARGE] * below)
    tendency = Tendency.of(COMPONENTS[3], made)
    assert (tendency.above, tendency.below) == (above, below)
    expected = binomtest(above, above + below).pvalue
    assert tendency.chance == pytest.approx(expected)
    fails = expected <= SYSTEMATIC_CHANCE
    assert systematic(made).status == ("fail" if fails else "pass")


def test_an_error_too_small_or_of_failures_is_none():
    assert systematic(rows(*[LARGE / 4] * 12)).status == "pass"
    few = int(SYSTEMATIC_CASES) - 1
    assert systematic(rows(*[LARGE] * few)).status == "not_evaluated"
    assert systematic([*rows(*[LARGE] * few), *rows(LARGE, status="failed")]).cases == few
    # Where there is no scale at all, as of a shift, there is no sign either.
    assert systematic([*rows(*[0.0] * 12), *rows(*[LARGE] * 4)]).status == "pass"


def test_what_is_systematic_is_said():
    verdict = systematic(rows(*[-LARGE] * 9))
    assert verdict.reason == (
        "the error has one sign over 9 clean cases: "
        "scale -2e-05 in the median (too small in 9 of 9)"
    )
    assert verdict.effect == "strict"
    assert verdict.figures()["signs"]["scale"] == [0, 9]


def test_a_scale_that_is_too_small_in_every_case_fails_a_strict_run_and_no_other():
    """By 1e-4: 0.01 px at the border, under each case's tolerance. An ECC was seen with that."""

    def register(fixed, moving, model, mask=None):
        found = knowing.register(fixed, moving)
        if model != "affine":
            return found
        shrunk = affine((1 - 1e-4) * np.eye(2), 0.0, 0.0, moving.shape).matrix
        return shrunk @ np.asarray(getattr(found, "matrix", found))

    report = check_solver(register, suites=["base", "battery"])
    assert {row.status for row in report.rows} == {"passed"}
    assert report.verdicts.systematic.status == "fail"
    assert "too small in 8 of 8" in report.verdicts.systematic.reason
    assert report.exit_status == 0
    told = report.to_dict()["systematic"]
    assert told["scale"] == pytest.approx(-1e-4, rel=0.01)
    assert any("systematic   over" in line.text for line in report.lines())
    strict = check_solver(register, suites=["base", "battery"], strict=True)
    assert strict.exit_status == 1
    assert "the systematic, under --irgate-strict: the error has one sign" in strict.sentence().text


def test_the_centre_of_the_moving_image_is_where_the_shift_is_measured():
    pair = CASES["lena_affine_2d"].pair()
    centre = (np.array(pair.moving.shape[::-1]) - 1) / 2
    grown = affine(1.01 * np.eye(2), 0, 0, pair.moving.shape)
    np.testing.assert_allclose(grown(centre), centre)
    found = error_of("lena_affine_2d", lambda pair: grown)
    assert (found.dx_px, found.dy_px) == pytest.approx((0, 0), abs=1e-9)
    assert found.scale == pytest.approx(0.01)
