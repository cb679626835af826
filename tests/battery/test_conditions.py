"""The conditions: their truths are exact, a good solver meets them, and a faulty one does not."""

import itertools
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from items import evaluate
from scipy.ndimage import binary_erosion, map_coordinates

from irgate_battery.cases import condition_table
from irgate_battery.cases.catalogue import Case, condition_cases
from irgate_battery.cases.condition_table import CONDITIONS
from irgate_battery.interface.declaration import ALL_MODELS, MODELS
from irgate_battery.judge.limits import CLEAN_PX, SLACK_LINEAR_PX
from irgate_battery.judge.measure import measure, trusted_at
from irgate_battery.oracle.store import OracleStore
from irgate_battery.results.result_row import ResultRow
from irgate_battery.results.suite_results import SuiteResults
from irgate_battery.suites.conditions import conditions
from irgate_battery.suites.registry import entry_of
from irgate_fixtures import pixel_grid
from pytest_irgate.adapters import bundled

SUITE = entry_of("conditions").suite
CASES = {case.id: case for case in condition_cases()}
MASKED = ("moving_mask", "both_masks")

SPLINE = 1e-4
"""RMSE, intensity, of quintic splines through the pixels of these scenes, whose finest waves are 11
px long. A shift of a hundredth of a pixel makes 3e-4 and more."""

SPLINE_PHOTOGRAPH = 4e-4
"""The same where a photograph is looked up, which is a cubic spline itself; a hundredth of a pixel
makes 4.6e-4 and more."""

RINGING_PX = 6
"""How far a spline carries a border or an edge, px."""

ORACLE_PX = {"fixed_sharper": 0.03, "gamma": 0.03, "small48-ffd": 0.03}
"""Mean distance of the oracle to the truth where it is over 0.01 px: the objective's own optimum
stands there, or there are few pixels."""


@cache
def pair_of(name):
    return CASES[name].pair()


def test_ids_are_names_and_purposes_are_one_line():
    assert len(CASES) == len(CONDITIONS) >= 30
    for condition in CONDITIONS:
        assert condition.name.isascii()
        assert condition.name.replace("_", "").replace("-", "").isalnum()
        assert condition.purpose
        assert "\n" not in condition.purpose
        assert CASES[condition.name].purpose == condition.purpose


def test_what_must_be_there_is_there():
    by_shape = {(each.size, each.model) for each in CONDITIONS}
    for model in ("translation", "affine", "ffd"):
        sizes = [size for size, of in by_shape if of == model]
        odd = {(height % 2, width % 2) for height, width in sizes}
        assert {(1, 0), (1, 1), (0, 0)} <= odd
        assert any(height > width for height, width in sizes)
        assert any(height == width != 48 for height, width in sizes)
        assert (48, 48) in sizes
        assert max(map(max, sizes)) == 500
    turns = {each.truth.get("degrees") for each in CONDITIONS}
    assert {100.0, 135.0, 180.0, -160.0} <= turns
    assert {each.model for each in CONDITIONS} == set(ALL_MODELS)


def test_the_two_large_shifts_are_40_and_60_per_cent_of_a_side():
    for name, axis, part in (("shift40", 1, 0.4), ("shift60", 0, 0.6)):
        pair = pair_of(name)
        shift = pair.truth.matrix[1 - axis, 2]
        assert abs(shift) / pair.shape[axis] == pytest.approx(part, abs=0.01)
        assert pair.model == "translation"


@pytest.mark.parametrize("name", CASES)
def test_the_truth_is_exact(name):
    """By splines, which are not the judge's interpolation: moving(T(x)) is the fixed image."""
    pair = pair_of(name)
    fixed = pair.fixed
    points = pair.truth(pixel_grid(pair.shape))
    height, width = pair.moving.shape
    inner = (points >= RINGING_PX) & (points <= (width - 1 - RINGING_PX, height - 1 - RINGING_PX))
    valid = np.all(inner, axis=-1)
    if pair.mask is not None:
        valid &= pair.mask
    if pair.moving_mask is not None:
        window = np.ones((2 * RINGING_PX + 1,) * 2, dtype=bool)
        valid &= trusted_at(binary_erosion(pair.moving_mask, window, border_value=1), points)
    seen = map_coordinates(pair.moving, [points[..., 1], points[..., 0]], order=5, mode="mirror")
    if name == "gamma":
        fixed = fixed**1.6
    if name == "fixed_sharper":
        # Of two pictures of unlike sharpness no pixel agrees; the truth is where both agree best.
        for step in itertools.product((-1, 0, 1), repeat=2):
            field = pair.truth.displacement(pair.shape)
            off, here = (measure(pair, field + np.array(s), field).rmse for s in (step, (0, 0)))
            assert off > here or step == (0, 0)
        return
    assert valid.sum() > 500
    photograph = CASES[name].condition["source"]["kind"] == "photograph"
    limit = SPLINE_PHOTOGRAPH if photograph else SPLINE
    assert np.sqrt(np.mean((seen - fixed)[valid] ** 2)) <= limit


@pytest.mark.parametrize("name", CASES)
def test_the_pair_is_what_the_case_says(name):
    case, pair = CASES[name], pair_of(name)
    assert (pair.model, pair.intensity) == (case.model, case.intensity)
    assert ("mask" in case.needs) == (pair.mask is not None)
    assert ("moving_mask" in case.needs) == (pair.moving_mask is not None)
    truth = pair.truth.displacement(pair.shape)
    here = measure(pair, truth, truth)
    assert (here.folded, here.escaped) == (0, False)
    # Whoever moves nothing is far from it.
    assert np.linalg.norm(truth, axis=-1).mean() > 1.0


@pytest.mark.parametrize("name", CASES)
def test_the_stored_oracle_stands_at_the_truth(name):
    pair = pair_of(name)
    result, _ = OracleStore("stored").get(CASES[name], pair)
    field = result.transform.displacement(pair.shape)
    figures = measure(pair, field, field)
    assert not figures.oracle_diverged
    assert figures.tre_px <= ORACLE_PX.get(name, 0.01)


def knowing(fixed, moving, model, mask=None, moving_mask=None):
    """The truth: looked up by the images."""
    for name in CASES:
        pair = pair_of(name)
        if pair.fixed.shape == fixed.shape and np.array_equal(np.float32(pair.fixed), fixed):
            if pair.truth.matrix is not None:
                return pair.truth.matrix
            return getattr(pair.truth, "homography", pair.truth.displacement(pair.shape))
    raise AssertionError("no case has this fixed image")


knowing.models = ALL_MODELS


def identity(fixed, moving, model, mask=None, moving_mask=None):
    return np.eye(3)


identity.models = ALL_MODELS


@pytest.mark.parametrize("name", CASES)
def test_the_truth_passes_and_doing_nothing_does_not(name):
    assert evaluate("conditions", name, knowing).row.status == "passed"
    row = evaluate("conditions", name, identity).row
    assert (row.status, row.diagnosis) == ("failed", "identity")


@pytest.mark.parametrize("name", CASES)
def test_the_bundled_solver_meets_it(name):
    row = evaluate("conditions", name, bundled.register).row
    assert row.status == "passed", row.message


def off_by(px):
    def register(fixed, moving, model, mask=None, moving_mask=None):
        answer = knowing(fixed, moving, model)
        return answer + np.array([[0, 0, px], [0, 0, 0], [0, 0, 0]])

    return register


def test_the_clean_ones_are_held_to_a_hundredth_of_a_pixel():
    clean = [condition.name for condition in CONDITIONS if condition.tight]
    assert sorted(clean) == ["clean-affine", "clean-rigid"]
    for name in clean:
        assert evaluate("conditions", name, off_by(0.9 * CLEAN_PX)).row.status == "passed"
        row = evaluate("conditions", name, off_by(1.1 * CLEAN_PX)).row
        assert (row.status, row.tolerance_px) == ("failed", CLEAN_PX)
    row = evaluate("conditions", "turn100", off_by(1.1 * CLEAN_PX)).row
    assert row.status == "passed"
    assert row.tolerance_px > SLACK_LINEAR_PX


# --- masks ------------------------------------------------------------------------------------


def blind(fixed, moving, model, mask=None, moving_mask=None, init=None):
    """Takes a moving mask, and does not look at it."""
    return bundled.register(fixed, moving, model=model, mask=mask, init=init)


def upside_down(fixed, moving, model, mask=None, moving_mask=None):
    """Reads the moving mask the wrong way round."""
    seen = None if moving_mask is None else ~moving_mask
    return bundled.register(fixed, moving, model=model, mask=mask, moving_mask=seen)


@pytest.mark.parametrize("name", MASKED)
def test_a_moving_mask_that_is_ignored_or_inverted_is_seen_and_named(name):
    row = evaluate("conditions", name, blind).row
    assert (row.status, row.diagnosis) == ("failed", "mask ignored")
    assert "ignores the moving_mask" in row.message
    row = evaluate("conditions", name, upside_down).row
    assert (row.status, row.diagnosis) == ("failed", "mask inverted")
    assert "reads the moving_mask the wrong way round" in row.message


@pytest.mark.parametrize("name", ["mask_at_border", "mask_of_a_box", "mask_with_holes"])
def test_a_mask_that_is_ignored_is_seen_and_named(name):
    def register(fixed, moving, model, mask):
        return bundled.register(fixed, moving, model=model)

    row = evaluate("conditions", name, register).row
    assert (row.status, row.diagnosis) == ("failed", "mask ignored")


def test_without_the_argument_the_case_is_skipped_and_says_so():
    def register(fixed, moving, model):
        raise AssertionError("it is not called")

    row = evaluate("conditions", "moving_mask", register).row
    assert (row.status, row.message) == ("skipped", "solver 'register' takes no moving_mask")
    row = evaluate("conditions", "both_masks", register).row
    assert (row.status, row.message) == ("skipped", "solver 'register' takes no mask")


@pytest.mark.parametrize("model", ["similarity", "homography"])
def test_a_model_that_is_not_declared_is_not_asked_for(model):
    def register(fixed, moving, model):
        raise AssertionError("it is not called")

    row = evaluate("conditions", model, register).row
    assert row.status == "skipped"
    assert f"has no {model} model (it declares" in row.message


def test_where_masks_end_no_stripe_shows():
    """Two pixels at least lie between what the moving mask trusts and the stripes."""
    pair = pair_of("moving_mask")
    plain = {key: part for key, part in CASES["moving_mask"].condition.items() if "hid" not in key}
    scene = Case("plain", "plain", "affine", "same", {"condition": plain}).pair().moving
    rows, columns = np.nonzero(pair.moving != scene)
    trusted = np.argwhere(pair.moving_mask)
    least = min(
        np.abs(trusted - (row, column)).max(axis=1).min()
        for row, column in ((rows.min(), columns.min()), (rows.max(), columns.max()))
    )
    assert least > 2


# --- digests ----------------------------------------------------------------------------------


def test_a_recipe_decides_the_digest_and_a_purpose_does_not():
    condition = CONDITIONS[0]
    digests = {
        Case(c.name, c.name, c.model, c.intensity, {"condition": c.recipe()}).digest()
        for c in (condition, replace(condition, purpose="another"), replace(condition, tight=True))
    }
    assert len(digests) == 1
    assert len({case.digest() for case in CASES.values()}) == len(CASES)


# --- the verdict ------------------------------------------------------------------------------


def row(case, status="passed", **figures):
    return ResultRow(SUITE.node_id(case), SUITE.name, case, CASES[case].model, status, **figures)


def verdict(rows):
    return conditions(SuiteResults.of(rows, SUITE.name, list(CASES)))


def test_all_that_a_solver_declares_is_expected_of_it():
    some = [row(name) for name in CASES if CASES[name].model in MODELS]
    undeclared = [row(name, "skipped") for name in CASES if CASES[name].model not in MODELS]
    told = verdict([*some, *undeclared])
    assert (told.status, told.passed, told.ran, told.expected, told.skipped) == (
        "pass", len(some), len(some), len(some), 2,
    )  # fmt: skip
    assert told.reason == (
        f"{len(some)} of {len(some)} met ({len(some)} of {len(some)} ran; not asked: 2 of models "
        "not declared)"
    )
    every = verdict([row(name) for name in CASES])
    assert (every.status, every.expected, every.skipped) == ("pass", len(CASES), 0)


def test_what_did_not_run_is_not_green():
    assert verdict([]).status == "not_evaluated"
    rows = [row(name, "skipped" if name in MASKED else "passed") for name in CASES]
    told = verdict(rows)
    assert (told.status, told.ran) == ("not_evaluated", len(CASES) - 2)
    assert told.reason == f"not evaluated ({len(CASES) - 2} of {len(CASES)} ran)"
    assert verdict([row(name, "xfailed") for name in CASES]).status == "not_evaluated"


@pytest.mark.parametrize("status", ["failed", "missing", "error"])
def test_one_that_fails_or_is_lost_fails_it(status):
    rows = [row(name, status if name == "turn180" else "passed") for name in CASES]
    told = verdict(rows)
    assert told.status == "fail"
    assert "not: turn180" in told.reason


def test_the_section_says_what_was_skipped_and_why():
    rows = [
        row("turn180"),
        row("turn100", "failed", tre_px=70.0, tolerance_px=0.05),
        row("moving_mask", "skipped", message="solver 'mine' takes no moving_mask"),
    ]
    assert [(line.text, line.tone) for line in SUITE.section(rows, 100)] == [
        ("conditions: 1 failed, 1 passed, 1 skipped", "bad"),
        ("  turn100: failed (70.000 px from the truth, tolerance 0.050 px)", "bad"),
        ("  1 skipped: solver 'mine' takes no moving_mask", "open"),
    ]


def test_the_page_has_them_all():
    assert all(f"| `{name}` |" in condition_table.page() for name in CASES)
