"""The judge measures what it says, against values known in closed form and against SimpleITK."""

from dataclasses import replace

import numpy as np
import pytest
import SimpleITK as sitk

from irgate_battery.judge.measure import folded_fraction, measure, measure_without_truth
from irgate_fixtures import Matrix, Pair, rigid, translation

ROUNDING = 1e-12
"""float64 arithmetic on numbers of order 1 to 100."""


def ramp_pair(truth=(2.0, -1.0), shape=(20, 30), mask=None):
    """Images of a plane: linear interpolation is exact, so every figure has a closed form.

    moving = (x + 10 y) / 400, and fixed(x) = moving(T(x)).
    """
    y, x = np.mgrid[: shape[0], : shape[1]].astype(float)
    moving = (x + 10 * y) / 400
    fixed = ((x + truth[0]) + 10 * (y + truth[1])) / 400
    return Pair("ramp", fixed, moving, mask, translation(*truth), "translation", "same")


def field(dx, dy, shape=(20, 30)):
    return translation(dx, dy).displacement(shape)


def test_at_the_truth_all_is_zero_and_the_coverage_is_the_overlap():
    pair = ramp_pair()
    m = measure(pair, field(2, -1), field(2, -1))
    assert m.rmse == pytest.approx(0, abs=ROUNDING)
    assert m.tre_px == m.tre_max_px == m.oracle_tre_px == m.rmse_vs_oracle == 0
    # x + 2 <= 29 leaves 28 of 30 columns, y - 1 >= 0 leaves 19 of 20 rows.
    assert m.coverage == m.truth_coverage == pytest.approx(28 * 19 / 600)
    assert (m.escaped, m.oracle_diverged, m.folded) == (False, False, 0)


def test_a_shift_has_the_rmse_of_the_plane():
    m = measure(ramp_pair(), field(2.5, -1), field(2, -0.75))
    assert m.rmse == pytest.approx(0.5 / 400, abs=ROUNDING)
    assert m.oracle_rmse == pytest.approx(0.25 * 10 / 400, abs=ROUNDING)
    assert m.ratio == pytest.approx(0.5 / 2.5)
    # The two warped images differ by 0.5 / 400 - 2.5 / 400.
    assert m.rmse_vs_oracle == pytest.approx(2 / 400, abs=ROUNDING)
    assert (m.tre_px, m.tre_max_px) == pytest.approx((0.5, 0.5))
    assert m.oracle_tre_px == pytest.approx(0.25)


def test_only_trusted_pixels_count():
    mask = np.zeros((20, 30), dtype=bool)
    mask[5:10, 5:10] = True
    pair = ramp_pair(mask=mask)
    spoilt = pair.fixed.copy()
    spoilt[~mask] = 9
    pair = Pair("ramp", spoilt, pair.moving, mask, pair.truth, "translation", "same")
    m = measure(pair, field(2, -1), field(2, -1))
    assert m.rmse == pytest.approx(0, abs=ROUNDING)
    assert m.coverage == m.truth_coverage == 1


def test_a_result_that_leaves_the_overlap_has_escaped_whatever_its_rmse():
    m = measure(ramp_pair(), field(6, -1), field(2, -1))
    assert m.coverage < 0.9 * m.truth_coverage
    assert m.escaped
    gone = measure(ramp_pair(), field(100, 0), field(2, -1))
    assert gone.escaped
    assert (gone.rmse, gone.ratio, gone.tre_px, gone.rmse_vs_oracle) == (None, None, None, None)
    assert gone.coverage == 0


def test_an_oracle_that_failed_is_called_diverged():
    noise = np.random.default_rng(0).normal(0, 1e-3, (20, 30))
    pair = ramp_pair()
    pair = Pair("ramp", pair.fixed + noise, pair.moving, None, pair.truth, "translation", "same")
    assert not measure(pair, field(2, -1), field(2, -1)).oracle_diverged
    assert measure(pair, field(2, -1), field(4, -1)).oracle_diverged
    assert measure(pair, field(2, -1), field(100, 0)).oracle_diverged


def test_a_reflection_folds_everywhere_and_a_crease_in_part():
    reflection = Matrix(np.array([[-1.0, 0, 29], [0, 1, 0], [0, 0, 1]])).displacement((20, 30))
    assert folded_fraction(reflection) == 1
    assert folded_fraction(rigid(1.0, 0, 0, (20, 30)).displacement((20, 30))) == 0
    crease = np.zeros((20, 30, 2))
    crease[:, 15:, 0] = -5
    assert 0 < folded_fraction(crease) < 0.2


def test_the_warped_rmse_is_that_of_simpleitks_resampler():
    """An independent implementation: the judge uses scipy, this SimpleITK."""
    random = np.random.default_rng(1)
    fixed, moving = random.random((23, 31)), random.random((26, 29))
    truth = rigid(0.1, 1.3, -2.2, (23, 31))
    pair = Pair("noise", fixed, moving, None, truth, "rigid", "same")
    transform = sitk.AffineTransform(2)
    transform.SetMatrix(truth.matrix[:2, :2].ravel().tolist())
    transform.SetTranslation(truth.matrix[:2, 2].tolist())
    outside = -100.0
    warped = sitk.GetArrayFromImage(
        sitk.Resample(
            sitk.GetImageFromArray(moving),
            sitk.GetImageFromArray(fixed),
            transform,
            sitk.sitkLinear,
            outside,
        )
    )
    y, x = np.mgrid[:23, :31]
    mapped = np.stack([x, y, np.ones_like(x)], -1) @ truth.matrix.T
    inside = (mapped[..., 0] >= 0) & (mapped[..., 0] <= 28)
    inside &= (mapped[..., 1] >= 0) & (mapped[..., 1] <= 25)
    expected = np.sqrt(np.mean((warped - fixed)[inside] ** 2))
    m = measure(pair, truth.displacement((23, 31)), truth.displacement((23, 31)))
    assert m.rmse == pytest.approx(expected, rel=1e-9)


def test_without_a_truth_the_figures_are_the_same_and_those_of_the_truth_are_missing():
    pair = ramp_pair()
    ours, oracle = field(2.5, -1), field(2, -0.75)
    known, unknown = measure(pair, ours, oracle), measure_without_truth(pair, ours, oracle)
    assert unknown.oracle_distance_px == pytest.approx(np.hypot(0.5, 0.25))
    assert unknown.oracle_coverage == pytest.approx(28 * 19 / 600)
    of_truth = ("truth_rmse", "tre_px", "tre_max_px", "oracle_tre_px", "truth_coverage")
    same = replace(known, **dict.fromkeys(of_truth), oracle_diverged=False)
    assert unknown == same
    assert known.oracle_diverged


def test_without_a_truth_coverage_is_held_against_the_oracles():
    """Columns 0 to 29 - dx are valid: 26 of 28 are over 0.9, 25 are not."""
    pair = ramp_pair()
    assert not measure_without_truth(pair, field(4, 0), field(2, 0)).escaped
    assert measure_without_truth(pair, field(5, 0), field(2, 0)).escaped
    # The oracle itself may lie anywhere: nothing is known to hold it against.
    assert not measure_without_truth(pair, field(20, 0), field(20, 0)).oracle_diverged
