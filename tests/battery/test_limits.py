"""Every limit is what it says: just inside passes, just outside fails, and none has no test.

The numbers stand here a second time on purpose: a limit that is changed must be changed twice.
"""

import inspect
import threading
import time
import types
from dataclasses import dataclass, replace

import knowing
import numpy as np
import pytest
import torch
from differentiable import differentiable, with_derivative
from items import evaluate, evaluate_gradient, evaluate_recovery

from irgate_battery import check_solver
from irgate_battery.cases.catalogue import base_cases, condition_cases
from irgate_battery.cases.truth import Landmarks
from irgate_battery.interface.answer import AnswerError, read_answer
from irgate_battery.interface.declaration import ALL_MODELS
from irgate_battery.interface.protocol import Solver, SolverFault
from irgate_battery.judge import limits
from irgate_battery.judge.acceptance import (
    battery_fault,
    fixture_fault,
    landmark_fault,
    oracle_moved,
    tolerance_px,
)
from irgate_battery.judge.measure import Measurement, measure
from irgate_battery.oracle import plausibility
from irgate_battery.results.result_row import ResultRow
from irgate_battery.results.suite_results import SuiteResults
from irgate_battery.results.systematic import COMPONENTS, Tendency, systematic
from irgate_battery.suites import derivatives
from irgate_battery.suites.base import agreement
from irgate_battery.suites.battery import mean_ratio
from irgate_battery.suites.contract_checks.contract_check import shifted_pair
from irgate_battery.suites.evaluation import ItemFailed
from irgate_battery.suites.fixed_problems import clean, far_turn, rough
from irgate_battery.suites.problem import Problem
from irgate_battery.suites.properties import PROPERTIES, Broken
from irgate_battery.suites.suite import EvaluationSetup
from irgate_battery.suites.truth_evaluation import largest_distance
from irgate_fixtures import Pair, translation

PROPERTY = {prop.name: prop.check for prop in PROPERTIES}
SHIFT = base_cases()[0]
CLEAN = next(case for case in condition_cases() if case.tight)
SHAPE = (20, 30)

GOOD = Measurement(
    rmse=0.01,
    truth_rmse=0.01,
    oracle_rmse=0.01,
    ratio=1.0,
    rmse_vs_oracle=0.0,
    tre_px=0.0,
    tre_max_px=0.0,
    oracle_tre_px=0.0,
    oracle_distance_px=0.0,
    coverage=1.0,
    truth_coverage=1.0,
    oracle_coverage=1.0,
    folded=0.0,
    escaped=False,
    oracle_diverged=False,
)


def fixture_passes(**figures):
    return fixture_fault(replace(GOOD, **figures)) is None


def near_enough(px, model, intensity="same", noise=0.0, oracle_px=0.0):
    tolerance = tolerance_px(model, intensity, noise, oracle_px)
    return battery_fault(replace(GOOD, tre_px=px), tolerance) is None


def pair_of(fixed, moving, truth):
    return Pair("pair", fixed, moving, None, truth, "translation", "same")


def stays(part):
    """Whether a transform that keeps this part of 1000 columns has stayed in the overlap."""
    still = translation(0, 0)
    image = np.zeros((2, 1000))
    away = translation((1 - part) * 1000, 0).displacement(image.shape)
    measured = measure(pair_of(image, image, still), away, still.displacement(image.shape))
    assert measured.coverage == pytest.approx(part, abs=2e-3)
    return not measured.escaped


def oracle_stands(ratio):
    """Whether an oracle with this many times the truth's RMSE is not called diverged."""
    image = np.tile(np.arange(30.0), (20, 1))
    # Everywhere one grey too bright at the truth, and by more where the oracle stands.
    pair = pair_of(image - 1.0, image, translation(0, 0))
    oracle = translation(ratio - 1, 0).displacement(SHAPE)
    measured = measure(pair, oracle, oracle)
    assert measured.oracle_rmse / measured.truth_rmse == pytest.approx(ratio)
    return not measured.oracle_diverged


def row(suite, **figures):
    return ResultRow("id", suite, "a", oracle="stored", escaped=False, rmse=0.01, **figures)


def agrees(rmse):
    results = SuiteResults.of([row("base", rmse_vs_oracle=rmse)], "base", ["a"])
    return agreement(results).status == "pass"


def mean_passes(ratio):
    return mean_ratio(SuiteResults.of([row("battery", ratio=ratio)], "battery", ["a"])).status == (
        "pass"
    )


def is_clean(px):
    """A shift of the true answer, on a condition that is held to a hundredth of a pixel."""
    pair = CLEAN.pair()
    off = translation(px, 0.0).matrix @ pair.truth.matrix
    return evaluate("conditions", CLEAN.id, lambda fixed, moving: off).row.status == "passed"


def known(fixed, moving):
    return knowing.truth(fixed, moving).displacement(fixed.shape)


def comes_back(px, starts=10):
    """Whether a solver passes that ends this far from its optimum, from so many of ten starts."""
    calls = []

    def register(fixed, moving, init=None):
        if init is None:
            return known(fixed, moving)
        calls.append(init)
        off = px if len(calls) <= starts else 1.0
        # The last bits tell that the start was looked at.
        return known(fixed, moving) + (off, 0) + 1e-12 * init.displacement(fixed.shape)

    row = evaluate_recovery(SHIFT, "shift1px", Solver.of(register)).row
    assert (row.tried, len(calls)) == (10, 10)
    return row.status == "passed"


def share_is_enough(share):
    return comes_back(0.0, int(10 * share))


def true_shift(fixed, moving):
    """A function of the images that stands near the true shift of the first fixture."""
    across = torch.linspace(0, 1, fixed.shape[1], dtype=fixed.dtype)
    dx = (fixed * across).mean() - (moving * across).mean()
    one, zero = torch.ones_like(dx), torch.zeros_like(dx)
    return torch.stack(
        [torch.stack([one, zero, 3.5 + 0.1 * dx]), torch.stack([zero, one, 0.1 * dx - 2.23])]
    )


def gradient_passes(error):
    def scaled(gradient):
        return (1 + error) * gradient

    solver = differentiable(
        lambda fixed, moving: with_derivative(true_shift(fixed, moving), scaled)
    )
    row = evaluate_gradient(SHIFT, solver).row
    assert row.relative_error == pytest.approx(error, rel=1e-3)
    return row.status == "passed"


def has_registered(px):
    """Whether an answer this far from the truth has a gradient worth asking for."""
    away = read_answer(translation(3.5 + px, -2.23).matrix[:2], shifted_pair().shape)
    try:
        derivatives._require_registered(SHIFT, away)
    except ItemFailed:
        return False
    return True


def contract_passes(check, solver):
    row = evaluate("contract", check, Solver.of(solver)).row
    assert row.status in ("passed", "failed"), row.message
    return row.status == "passed"


def convention_shows(px):
    """By direction and by axis order alike."""
    away = translation(px, 0).displacement(shifted_pair().shape)
    passes = {
        contract_passes(check, lambda fixed, moving: known(fixed, moving) + away)
        for check in ("direction", "axis_order")
    }
    assert len(passes) == 1
    return passes.pop()


def stays_put(px):
    return contract_passes("identity", lambda fixed, moving: translation(px, 0).matrix)


def repeats(px):
    calls = []

    def register(fixed, moving):
        calls.append(None)
        return known(fixed, moving) + np.array([0, px * len(calls)])

    return contract_passes("repeatable", register)


def in_family(px):
    """A stretch about the centre that moves the farthest column by so much."""

    def register(fixed, moving, model):
        stretch = px / ((fixed.shape[1] - 1) / 2)
        return np.array([[1 + stretch, 0, 0], [0, 1, 0]])

    register.models = ("translation",)
    return contract_passes("family", register)


def stays_under_a_gain(px):
    def register(fixed, moving, intensity):
        moved = px * (moving.mean() > 0.55)
        return translation(3.5 + moved, -2.23).matrix

    pair = shifted_pair()
    assert pair.moving.mean() < 0.5 * pair.moving.mean() + 0.3
    return contract_passes("brightness", register)


def same_in_bytes(px):
    """By the answer to images as uint8."""

    def register(fixed, moving):
        return translation(px * (fixed.dtype == np.uint8), 0).matrix

    return contract_passes("units", register)


def threads_end(seconds):
    def register(fixed, moving):
        threading.Thread(target=lambda: time.sleep(seconds)).start()
        return known(fixed, moving)

    return contract_passes("global_state_unchanged", register)


def transposes(off, own=0.0):
    """Whether answers pass that are so far apart, and the first so far from the truth."""
    problem = clean("translation")
    dx, dy = problem.truth.matrix[:2, 2]

    def register(fixed, moving):
        if fixed.shape == problem.shape:
            return translation(dx + own, dy).matrix
        return translation(dy, dx + own - off).matrix

    register.models = ("translation",)
    row = evaluate("consistency", "transposed", Solver.of(register)).row
    assert row.inconsistency_px == pytest.approx(off)
    return row.status == "passed"


def flips_under_noise(off):
    first = rough("rigid")
    truth, (height, width) = first.truth.matrix, first.shape
    upside_down = np.array([[1.0, 0, 0], [0, -1, height - 1], [0, 0, 1]])
    left_right = np.array([[-1.0, 0, width - 1], [0, 1, 0], [0, 0, 1]])

    def register(fixed, moving):
        for problem in (first, far_turn("rigid")):
            if np.array_equal(fixed, problem.fixed.astype(np.float32)):
                return truth
        up = np.array_equal(fixed[::-1], first.fixed.astype(np.float32))
        flip = upside_down if up else left_right
        return translation(off, 0).matrix @ flip @ truth @ flip

    register.models = ("rigid",)
    row = evaluate("consistency", "flipped_under_noise", Solver.of(register)).row
    return row.status == "passed"


def moves(px):
    return Solver.of(lambda fixed, moving: translation(px, 0).matrix)


def problem():
    image = shifted_pair().fixed
    return Problem(image, image, None, translation(0, 0), "translation", 0)


def is_found(px):
    try:
        PROPERTY["recovered"](moves(px), problem(), None)
    except Broken:
        return False
    return True


def is_symmetric(px):
    try:
        PROPERTY["flipped"](moves(px / 2), problem(), None)
    except Broken:
        return False
    return True


def noise(seed, shape=(100, 100)):
    return np.random.default_rng(seed).normal(size=shape)


def overlaps(part):
    """Whether an oracle is believed under which this part of 1000 columns overlaps."""
    image = noise(0, (12, 1000))
    transform = translation(np.ceil((1 - part) * 1000), 0)
    moving = np.roll(image, int(transform.matrix[0, 2]), axis=1)
    images = types.SimpleNamespace(fixed=image, moving=moving, mask=None, moving_mask=None)
    reason = plausibility.plausibility(images, transform.displacement(image.shape)).reason
    assert reason is None or "left the overlap" in reason
    return reason is None


def correlates(likeness):
    """Whether an oracle is believed under which fine structure correlates by so much."""
    shape = (100, 100)
    pair = types.SimpleNamespace(
        fixed=noise(0, shape), moving=noise(1, shape), mask=None, moving_mask=None
    )
    still = np.zeros((*shape, 2))
    # Orthogonal parts of unit length give the correlation exactly.
    one, other = (plausibility._band(image, 1.0) for image in (pair.fixed, pair.moving))
    one, other = one - one.mean(), other - other.mean()
    other = other - one * (one.ravel() @ other.ravel()) / (one.ravel() @ one.ravel())
    one, other = one / np.linalg.norm(one), other / np.linalg.norm(other)
    mixed = likeness * one + np.sqrt(1 - likeness**2) * other
    bands = iter((one, mixed))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plausibility, "_band", lambda image, sigma: next(bands))
        # The grey values themselves are better here than elsewhere: that is another question.
        patch.setattr(plausibility, "_lost", lambda *_: None)
        return plausibility.plausibility(pair, still).reason is None


def last_row_is_read(off):
    return _is_read(np.array([[1.0, 0, 0], [0, 1, 0], [0, 0, 1 + off]]))


def size_is_read(size):
    return _is_read(np.array([[1.0, 0, size], [0, 1, 0]]))


def _is_read(matrix):
    try:
        read_answer(matrix, SHAPE)
    except AnswerError:
        return False
    return True


def is_called_after(hangs):
    solver = Solver.of(lambda fixed, moving: np.eye(3))
    solver.history.hangs = int(np.ceil(hangs)) - 1
    image = np.zeros(SHAPE)
    try:
        solver.solve(image, image, model="translation", timeout=60)
    except SolverFault:
        return False
    return True


@dataclass(frozen=True)
class Boundary:
    """Where a limit stands, and a question that is answered differently on its two sides.

    Attributes:
        value: the limit's, from the design.
        passes: whether a result with this figure passes.
        at_least: whether the figure must be no smaller; else no larger.
        margin: relative distance of the two questions from the limit.
    """

    value: float
    passes: object
    at_least: bool = False
    margin: float = 1e-6


def shares_no_sign(px):
    return systematic(nine(error_dx_px=px)).status == "pass"


def nine(number=9, **errors):
    """Rows of clean cases that passed with the same signed error."""
    names = ("error_dx_px", "error_dy_px", "error_degrees", "error_scale", "error_shear")
    told = {**dict.fromkeys(names, 0.0), **errors}
    return [ResultRow(id=f"x{k}", suite="base", case=f"x{k}", **told) for k in range(number)]


def may_be_chance(probability):
    tendency = type("Drawn", (Tendency,), {"chance": probability})
    return not tendency(COMPONENTS[0], 1.0, 9, 0).is_systematic


def clean_cases():
    needed = (n for n in range(99) if systematic(nine(n)).status != "not_evaluated")
    return next(needed)


def points_are_met(mean_px):
    points = types.SimpleNamespace(truth=Landmarks(np.zeros((1, 2)), np.zeros((1, 2))))
    return landmark_fault(GOOD, mean_px, largest_distance(points)) is None


BOUNDARIES = {
    "BASE_FACTOR": Boundary(1.1, lambda x: fixture_passes(rmse=x * 0.01 + 1e-4)),
    "BASE_SLACK": Boundary(1e-4, lambda x: fixture_passes(rmse=1.1 * 0.01 + x)),
    "ESCAPE_FRACTION": Boundary(0.9, stays, at_least=True, margin=2e-3),
    "DIVERGED_RATIO": Boundary(1.5, oracle_stands),
    "DIVERGED_PX": Boundary(0.02, lambda x: not oracle_moved(0.1 + x, 0.1)),
    "AGREEMENT_TARGET": Boundary(1e-4, agrees),
    "RATIO_CAP": Boundary(2.0, lambda x: battery_fault(replace(GOOD, rmse=x * 0.01), 0.1) is None),
    "MEAN_RATIO": Boundary(1.1, mean_passes),
    "SLACK_LINEAR_PX": Boundary(
        0.05,
        lambda x: _all_alike(near_enough(x, model) for model in ALL_MODELS if model != "ffd"),
    ),
    "SLACK_FFD_PX": Boundary(0.1, lambda x: near_enough(x, "ffd")),
    "VARYING_PX": Boundary(0.05, lambda x: near_enough(0.05 + x, "rigid", "varying")),
    "ORACLE_FACTOR": Boundary(1.5, lambda x: near_enough(0.05 + 0.2 * x, "affine", oracle_px=0.2)),
    "NOISE_PX": Boundary(1.0, lambda x: near_enough(0.05 + 0.1 * x, "affine", noise=0.1)),
    "CLEAN_PX": Boundary(0.01, is_clean),
    "RECOVERED_PX": Boundary(1e-3, comes_back),
    "RECOVERY_SHARE": Boundary(0.9, share_is_enough, at_least=True),
    "GRADIENT_ERROR": Boundary(1e-3, gradient_passes, margin=0.01),
    "REGISTERED_PX": Boundary(1.0, has_registered),
    "CONVENTION_PX": Boundary(0.5, convention_shows),
    "IDENTITY_PX": Boundary(0.01, stays_put),
    "REPEAT_PX": Boundary(1e-6, repeats, margin=1e-3),
    "FAMILY_PX": Boundary(0.01, in_family),
    "BRIGHTNESS_PX": Boundary(0.1, stays_under_a_gain),
    "UNITS_PX": Boundary(0.01, same_in_bytes),
    "THREADS_END": Boundary(0.2, threads_end, margin=0.5),
    "CONSISTENT_PX": Boundary(0.02, transposes),
    "CONSISTENT_FACTOR": Boundary(2.0, lambda x: transposes(0.1 * x, own=0.1)),
    "ROUGH_PX": Boundary(0.1, flips_under_noise),
    "FOUND_PX": Boundary(0.1, is_found),
    "SYMMETRY_PX": Boundary(0.02, is_symmetric),
    "LEAST_OVERLAP": Boundary(0.25, overlaps, at_least=True, margin=1e-3),
    "LEAST_CORRELATION": Boundary(0.5, correlates, at_least=True),
    "LANDMARK_PX": Boundary(1.0, points_are_met),
    "ANSWER_LAST_ROW": Boundary(1e-6, last_row_is_read, margin=1e-3),
    "ANSWER_LARGEST": Boundary(1e6, size_is_read),
    "SYSTEMATIC_PX": Boundary(1e-3, shares_no_sign),
    "SYSTEMATIC_CHANCE": Boundary(0.01, may_be_chance, at_least=True),
    "HANGS_IN_A_ROW": Boundary(5, is_called_after),
}


def _all_alike(answers):
    (answer,) = set(answers)
    return answer


def seeds():
    calls = []

    def register(fixed, moving, init=None):
        calls.append(init)
        return knowing.register(fixed, moving)

    evaluate_recovery(SHIFT, "shift1px", Solver.of(register))
    # One call for the optimum and one from far away come to them.
    return len(calls) - 2


def directions():
    solver = differentiable(true_shift)
    (counts,) = {
        (len(pair.analytic), len(pair.differences))
        for pair in derivatives.compare_gradients(SHIFT, solver, None)
    }
    assert counts[0] == counts[1]
    return counts[0]


def default_timeout():
    (value,) = {
        EvaluationSetup(None).timeout,
        inspect.signature(check_solver).parameters["timeout"].default,
    }
    return value


COUNTS = {
    "RECOVERY_SEEDS": (10, seeds),
    "GRADIENT_DIRECTIONS": (2, directions),
    "SYSTEMATIC_CASES": (8, clean_cases),
    "CALL_SECONDS": (300, default_timeout),
}
"""Numbers that nothing is held against: how many there are."""


def test_every_limit_has_its_test():
    assert set(limits.TABLE) == {*BOUNDARIES, *COUNTS}


@pytest.mark.parametrize("name", BOUNDARIES)
def test_just_inside_passes_and_just_outside_fails(name):
    edge = BOUNDARIES[name]
    assert limits.TABLE[name] == edge.value
    outwards = -1 if edge.at_least else 1
    assert edge.passes(edge.value * (1 - outwards * edge.margin))
    assert not edge.passes(edge.value * (1 + outwards * edge.margin))


@pytest.mark.parametrize("name", COUNTS)
def test_a_number_is_what_it_says(name):
    expected, count = COUNTS[name]
    assert limits.TABLE[name] == expected == count()


@pytest.mark.parametrize("name", limits.TABLE)
def test_a_limit_has_a_unit_and_a_reason(name):
    limit = limits.TABLE[name]
    assert name.isupper()
    assert limit.unit
    assert limit.why.endswith(".")
    assert f"| `{name}` | {limit:g} | {limit.unit} | {limit.why} |" in limits.page().splitlines()
