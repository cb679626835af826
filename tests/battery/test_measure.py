"""The judge measures what it says, against values known in closed form and against SimpleITK."""

from dataclasses import replace

import numpy as np
import pytest
import SimpleITK as sitk

from irgate_battery.judge.measure import (
    folded_fraction,
    inside,
    measure,
    measure_without_truth,
    trusted_at,
    warp,
)
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


def mean(values):
    return sum(values) / len(values)


def test_every_figure_is_that_of_its_own_region():
    """Beside a loop over pixels, with fields that differ from pixel to pixel.

    Three regions are in play: where ours is valid, where the oracle's is, and where both are.
    """
    pair = ramp_pair()
    y, x = np.mgrid[:20, :30].astype(float)
    ours = np.stack([2 + 0.05 * x, -1 + 0.02 * y], -1)
    oracle = np.stack([2 + 0.1 * y, -1 - 0.06 * x], -1)

    def lands(field, row, column):
        at_x, at_y = column + field[row, column, 0], row + field[row, column, 1]
        return 0 <= at_x <= 29 and 0 <= at_y <= 19

    def plane(field, row, column):
        # Linear interpolation of a plane is the plane.
        return (column + field[row, column, 0] + 10 * (row + field[row, column, 1])) / 400

    def off(one, other, row, column):
        return float(np.hypot(*(one[row, column] - other[row, column])))

    truth = np.broadcast_to(np.array([2.0, -1.0]), ours.shape)
    pixels = [(row, column) for row in range(20) for column in range(30)]
    mine = [at for at in pixels if lands(ours, *at)]
    its = [at for at in pixels if lands(oracle, *at)]
    both = [at for at in mine if at in its]
    assert len({len(mine), len(its), len(both)}) == 3
    m = measure(pair, ours, oracle)
    assert m.coverage == pytest.approx(len(mine) / 600)
    assert m.oracle_coverage == pytest.approx(len(its) / 600)
    assert m.truth_coverage == pytest.approx(28 * 19 / 600)
    assert m.tre_px == pytest.approx(mean([off(ours, truth, *at) for at in mine]))
    assert m.tre_max_px == pytest.approx(max(off(ours, truth, *at) for at in mine))
    assert m.tre_max_px > 1.5 * m.tre_px
    assert m.oracle_tre_px == pytest.approx(mean([off(oracle, truth, *at) for at in its]))
    assert m.oracle_distance_px == pytest.approx(mean([off(ours, oracle, *at) for at in mine]))

    def squared(field, other, region):
        return mean([(plane(field, *at) - plane(other, *at)) ** 2 for at in region])

    assert m.rmse == pytest.approx(squared(ours, truth, mine) ** 0.5)
    assert m.oracle_rmse == pytest.approx(squared(oracle, truth, its) ** 0.5)
    assert m.rmse_vs_oracle == pytest.approx(squared(ours, oracle, both) ** 0.5)
    assert m.ratio == pytest.approx(m.rmse / m.oracle_rmse)


def test_pixel_centres_of_the_border_are_inside_and_what_is_beyond_is_not():
    """[0, W - 1] x [0, H - 1], `(x, y)`, of an image of 5 rows and 9 columns."""
    inner = [(0, 0), (8, 0), (0, 4), (8, 4), (3.5, 1.2)]
    beyond = [(-1e-9, 2), (8 + 1e-9, 2), (2, -1e-9), (2, 4 + 1e-9), (2, 5), (9, 2)]
    assert inside(np.array(inner, dtype=float), (5, 9)).all()
    assert not inside(np.array(beyond), (5, 9)).any()


@pytest.mark.parametrize("seed", range(5))
def test_an_affine_map_folds_where_its_determinant_is_not_positive(seed):
    y, x = np.mgrid[:7, :9].astype(float)
    signs = set()
    for matrix in np.random.default_rng(seed).normal(size=(20, 2, 2)):
        moved = np.stack([x, y], -1) @ matrix.T
        folds = np.linalg.det(matrix) < 0
        signs.add(folds)
        assert folded_fraction(moved - np.stack([x, y], -1)) == folds
    assert len(signs) == 2


def test_what_is_flattened_onto_a_line_folds():
    """The determinant is 0 there, and nothing can be undone."""
    x = np.tile(np.arange(9.0), (7, 1))
    assert folded_fraction(np.stack([-x, 0 * x], -1)) == 1


def test_a_mask_of_one_pixel_or_none():
    for count in (1, 0):
        mask = np.zeros((20, 30), dtype=bool)
        mask[10, 10 : 10 + count] = True
        warped = warp(ramp_pair(mask=mask), field(0, 0))
        assert warped.coverage == count
        assert (warped.rmse is None) == (count == 0)


def test_nine_tenths_of_the_truth_s_coverage_are_enough():
    """Of 100 columns 90 remain, exactly 0.9, and then 89."""
    image = np.zeros((3, 100))
    pair = Pair("flat", image, image, None, translation(0, 0), "translation", "same")
    for away, escaped in ((10, False), (11, True)):
        m = measure(pair, field(away, 0, (3, 100)), field(0, 0, (3, 100)))
        assert (m.coverage, m.escaped) == (pytest.approx(1 - away / 100), escaped)


def test_an_oracle_that_left_the_overlap_has_diverged_however_small_its_rmse():
    """Along the plane's level lines, x + 10 y, nothing is seen to move."""
    pair = ramp_pair()
    pair = replace(pair, fixed=pair.fixed + 0.01)
    m = measure(pair, field(2, -1), field(8, -1.6))
    assert m.oracle_rmse == pytest.approx(0.01, abs=ROUNDING)
    assert m.oracle_coverage < 0.9 * m.truth_coverage
    assert m.oracle_diverged
    assert not m.escaped
    # The same for the solver, which then has escaped.
    assert measure(ramp_pair(), field(8, -1.6), field(2, -1)).escaped


def test_there_is_no_ratio_to_an_oracle_without_error_or_without_a_result():
    perfect = measure(ramp_pair(), field(2.5, -1), field(2, -1))
    assert perfect.oracle_rmse < ROUNDING
    image = np.zeros((20, 30))
    flat = Pair("flat", image, image, None, translation(0, 0), "translation", "same")
    assert measure(flat, field(1, 0), field(0, 0)).ratio is None
    assert measure(flat, field(1, 0), field(100, 0)).ratio is None
    assert measure(flat, field(100, 0), field(1, 0)).ratio is None
    assert measure(ramp_pair(), field(2.5, -1), field(100, 0)).oracle_diverged


def test_only_trusted_moving_pixels_count_and_no_interpolation_reads_another():
    """Fixed (x, y) shows moving (x + 2, y - 1): 28 x 19 pixels, less what needs a hidden one."""
    seen = np.ones((20, 30), dtype=bool)
    seen[5:8, 10:14] = False
    pair = replace(ramp_pair(), moving_mask=seen)
    spoilt = replace(pair, moving=np.where(seen, pair.moving, 9.0))
    whole = measure(pair, field(2, -1), field(2, -1))
    assert whole.truth_coverage == pytest.approx((28 * 19 - 3 * 4) / 600)
    # Between the pixels one more on each side is read.
    between = warp(spoilt, field(2.5, -1))
    assert int(between.valid.sum()) == 27 * 19 - 3 * 5
    assert between.rmse == pytest.approx(0.5 / 400, abs=ROUNDING)
    both = warp(spoilt, field(2.5, -1.5))
    assert int(both.valid.sum()) == 27 * 18 - 4 * 5


def test_a_moving_mask_is_asked_at_points_of_any_shape():
    seen = np.ones((3, 4), dtype=bool)
    seen[1, 2] = False
    points = np.array([[0.0, 0.0], [1.0, 1.0], [1.001, 1.0], [2.0, 1.0], [2.0, 2.0], [2.0, 1.999]])
    assert trusted_at(seen, points).tolist() == [True, True, False, False, True, False]
