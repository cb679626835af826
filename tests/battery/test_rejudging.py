"""A stored answer gives the figures of its row; a row that was changed, or an oracle, does not."""

from dataclasses import replace

import numpy as np
import pytest
from items import evaluate

from irgate_battery.cases.catalogue import BATTERY_VERSION, all_cases
from irgate_battery.cases.run_spec import RunSpec
from irgate_battery.interface.protocol import Solver
from irgate_battery.report.conclusion import conclude
from irgate_battery.report.rejudging import DIGITS, rejudged
from irgate_battery.report.remade import NotRemadeError
from irgate_battery.report.saved_report import SavedReport
from irgate_battery.results.solver_identity import SolverIdentity
from irgate_battery.results.stored_transform import StoredGrid, StoredMatrix, stored
from irgate_fixtures import FFD, homography, rigid

COUNT = 3

ROWS = (
    ("base", "synth_translate_2d"),
    ("base", "lena_affine_2d"),
    ("base", "bspline_random_2d"),
    ("battery", "synth_translate_2d-shift03"),
    ("conditions", "homography"),
    ("conditions", "moving_mask"),
)


def guess(fixed, moving, model="affine", moving_mask=None):
    """Answer each family in a form of its own: numbers, a smooth field, a rough one."""
    shape = fixed.shape
    draw = np.random.RandomState(fixed.size)
    if model == "homography":
        return homography([[1.01, 0], [0, 0.99]], [1e-4, -5e-5], 1.5, -1, shape).homography
    if model == "ffd":
        return FFD(draw.uniform(-3, 3, (2, 4, 4)), shape).displacement(shape)
    if model == "affine":
        return draw.normal(0, 1, (*shape, 2))
    return rigid(0.02, 1.3, -0.4, shape).matrix


guess.models = ("translation", "rigid", "affine", "ffd", "similarity", "homography")


CASES = {case.id: case for case in all_cases(0, COUNT)}


def again(row):
    return rejudged(row, CASES[row.case], BATTERY_VERSION)


@pytest.fixture(scope="module")
def rows():
    measured = [evaluate(suite, case, Solver.of(guess)).row for suite, case in ROWS]
    report = conclude(measured, SolverIdentity(None, "guess", None), RunSpec(count=COUNT))
    return SavedReport.read(report.to_json(), "a.json").rows


def test_every_row_gives_its_figures(rows):
    assert {type(row.transform) for row in rows} == {StoredMatrix, StoredGrid}
    for row in rows:
        assert again(row).differs == (), row.id


@pytest.mark.parametrize("figure", sorted(set(DIGITS) - {"truth_rmse"}))
def test_a_figure_that_was_changed_is_named(rows, figure):
    row = next(row for row in rows if getattr(row, figure) is not None)
    told = getattr(row, figure) + 2 * DIGITS[figure]
    assert again(replace(row, **{figure: told})).differs == (figure,)
    assert again(replace(row, **{figure: None})).differs == (figure,)


def test_other_images_are_refused(rows):
    with pytest.raises(NotRemadeError, match="not those that were judged"):
        again(replace(rows[0], truth_rmse=rows[0].truth_rmse + 2 * DIGITS["truth_rmse"]))


def test_an_oracle_that_is_not_simpleitk_s_is_refused(rows):
    row = rows[0]
    case = CASES[row.case]
    false = stored(case.pair().truth.displacement(case.pair().shape) + 0.5)
    with pytest.raises(NotRemadeError, match=r"its oracle is 0\.7\d* px from the one"):
        again(replace(row, oracle_transform=false))


def test_what_cannot_be_measured_says_why(rows):
    with pytest.raises(NotRemadeError, match="holds no transform"):
        again(replace(rows[0], transform=None))
    with pytest.raises(NotRemadeError, match="drawn by battery 0"):
        rejudged(rows[0], CASES[rows[0].case], "0")
    own = replace(rows[0], files=None)
    with pytest.raises(NotRemadeError, match="does not name its files"):
        rejudged(own, None, BATTERY_VERSION)
