"""A solver that is asked again shows what is wrong with it, each fault by another change.

The solvers here know the truth and have one habit each; so what a probe concludes can only come
from the habit.
"""

import math

import numpy as np
import pytest
from items import evaluate_case

from irgate_battery.cases.catalogue import base_cases, battery_cases
from irgate_battery.diagnosis import changed_pairs
from irgate_battery.diagnosis.probes import SLOWEST_SECONDS, probe
from irgate_battery.interface.protocol import Solver
from irgate_battery.oracle.store import OracleStore
from irgate_fixtures import Matrix, translation

CASES = {case.id: case for case in (*base_cases(), *battery_cases())}
OCCLUDED = CASES["lena_affine_2d-occlusion25"]
BIASED = CASES["lena_affine_2d-bias30"]
NOISY = CASES["lena_affine_2d-noise10"]
PLAIN = CASES["lena_affine_2d"]

AWAY = (3.1, 2.3)
"""An error that no misreading explains, px."""


def away(case, part=1.0):
    """The truth, moved by a part of an error."""
    x, y = AWAY
    return translation(part * x, part * y).matrix @ case.pair().truth.matrix


def alike(image, given):
    """Whether an image is a given one, whatever its scale."""
    return np.allclose(image / image.max(), given / given.max(), atol=1e-6)


def result(case, register):
    return evaluate_case(case, Solver.of(register), OracleStore("stored")).row


def distance(case, init):
    """How far a start is from the truth at the first pixel, px."""
    return math.hypot(*(init.matrix - case.pair().truth.matrix)[:2, 2])


def test_a_mask_that_changes_nothing_is_ignored():
    row = result(OCCLUDED, lambda fixed, moving, mask=None: away(OCCLUDED))
    assert row.diagnosis == "mask ignored"
    assert "without it the answer is the same" in row.message


def test_a_mask_that_is_read_the_wrong_way_round():
    def register(fixed, moving, mask=None):
        return away(OCCLUDED, 2.0 if mask is None else float(mask.mean() > 0.5))

    row = result(OCCLUDED, register)
    assert row.diagnosis == "mask inverted"
    assert row.undone_px == pytest.approx(0, abs=1e-6)


def test_brightness_that_is_taken_to_be_constant():
    given = BIASED.pair().fixed.astype(np.float32)

    def register(fixed, moving):
        return away(BIASED, float(np.array_equal(fixed, given)))

    row = result(BIASED, register)
    assert row.diagnosis == "intensity assumption"
    assert "made as bright as the moving one" in row.message


def test_the_brightness_probe_removes_the_gain_and_nothing_else():
    """Seen through the truth, the evened pair differs by far less than the given one."""
    seen = []
    register = lambda fixed, moving: seen.append(fixed) or away(BIASED)  # noqa: E731
    result(BIASED, register)
    given, even = seen[:2]
    pair = BIASED.pair()
    clean = CASES["lena_affine_2d"].pair()
    ratio = even / np.maximum(given, 0.02)
    assert np.ptp(ratio[20:-20, 20:-20]) > 0.3, "30 % of gain were there to remove"
    biased = float(np.abs(pair.fixed - given).max())
    assert biased < 1e-6
    assert np.array_equal(clean.fixed.astype(np.float32), given), "the bias is on the moving one"


def test_noise_that_leads_astray():
    """The clean pair has the same fixed image, and another moving one."""
    given = NOISY.pair()

    def register(fixed, moving):
        same = alike(fixed, given.fixed) and alike(moving, given.moving)
        return away(NOISY, float(same))

    assert result(NOISY, register).diagnosis == "noise"


def started(case, step):
    """A solver that goes from its start, or from `away`, by a habit of its own."""

    def register(fixed, moving, init=None):
        return step(init)

    return result(case, register)


def test_a_descent_that_stops_early():
    def step(init):
        if init is None:
            return away(PLAIN)
        truth = PLAIN.pair().truth.matrix
        return truth + 0.3 * (init.matrix - truth)

    row = started(PLAIN, step)
    assert row.diagnosis == "stops early"
    assert row.undone_px == pytest.approx(0.3 * math.hypot(*AWAY), rel=1e-6)


def test_a_descent_that_does_not_find_its_way():
    def step(init):
        near = init is not None and distance(PLAIN, init) < 1
        return PLAIN.pair().truth.matrix if near else away(PLAIN, 20.0)

    assert started(PLAIN, step).diagnosis == "wrong start"


def test_a_descent_that_a_plain_one_goes_on_from():
    """It stays wherever it is started, 3.9 px from the truth, too: that is within the basin."""

    def step(init):
        near = init is not None and distance(PLAIN, init) < 1
        return PLAIN.pair().truth.matrix if near else away(PLAIN)

    row = started(PLAIN, step)
    assert row.diagnosis == "stops early"
    assert "a plain Gauss-Newton descent on the full images goes on from its answer" in row.message


def test_a_solver_that_takes_no_steps_stays_at_the_truth():
    """Under noise the optimum is elsewhere, as the oracle says."""
    row = started(NOISY, lambda init: away(NOISY) if init is None else init.matrix)
    assert row.diagnosis == "stops early"
    assert "takes no steps: started at the truth it stays there" in row.message


def test_pixels_beyond_the_border_show_where_there_are_none():
    """With the fixed image cropped until all of it lands inside, the answer is right."""
    crop = changed_pairs.within(PLAIN.pair())

    def register(fixed, moving):
        return crop.truth.matrix if fixed.shape == crop.shape else away(PLAIN, 0.3)

    row = result(PLAIN, register)
    assert row.diagnosis == "border repeated and counted"
    assert "zeros beyond the border counted" in row.explanations
    # An answer that is lost may find its way on a cropped pair by chance.
    lost = lambda fixed, moving: (  # noqa: E731
        crop.truth.matrix if fixed.shape == crop.shape else away(PLAIN)
    )
    assert result(PLAIN, lost).diagnosis is None


def test_a_step_that_makes_it_worse():
    def step(init):
        return away(PLAIN, 1.0 if init is None or distance(PLAIN, init) > 1 else 2.0)

    assert started(PLAIN, step).diagnosis == "worsens its start"


def test_what_is_returned_is_not_what_was_found():
    """From the truth it comes back to the same answer, which matches far worse."""

    def step(init):
        return away(PLAIN, 1.0 if init is None else 1.0 + 1e-3 * distance(PLAIN, init))

    row = started(PLAIN, step)
    assert row.diagnosis == "read-out"
    assert "the linear part is right, the shift (+3.1, +2.3) px off" in row.message


def test_an_angle_that_alone_is_returned_wrongly_is_said():
    truth = CASES["synth_rotate_2d"].pair().truth.matrix
    case = CASES["synth_rotate_2d"]

    def step(init):
        c = (np.array(case.pair().shape[::-1]) - 1) / 2
        angle = math.radians(2.0 if init is None else 2.0 + 1e-6)
        back = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
        turned = np.eye(3)
        turned[:2, :2], turned[:2, 2] = back, c - back @ c
        return turned @ truth

    row = started(case, step)
    assert row.diagnosis == "read-out"
    assert "the shift at the centre is right, the angle +2 degrees off" in row.message


def test_a_threshold_of_intensity_shows_where_images_are_brighter():
    def register(fixed, moving):
        return away(PLAIN, float(fixed.max() < 2))

    row = result(PLAIN, register)
    assert row.diagnosis == "intensity scale"
    assert "with both images times 255" in row.message


def test_noise_is_no_explanation_where_the_clean_pair_is_wrong_too():
    given = NOISY.pair()

    def register(fixed, moving):
        return away(NOISY, float(alike(fixed, given.fixed)))

    assert result(NOISY, register).diagnosis is None


def test_an_overlap_that_is_fled():
    """Where few pixels are left, their squares add up to less than noise does at the truth."""

    def step(init):
        far = 211.0 if init is None else 211.0 + 1e-3 * distance(NOISY, init)
        return translation(far, 0.0).matrix @ NOISY.pair().truth.matrix

    row = started(NOISY, step)
    assert row.diagnosis == "flees the overlap"
    assert "covered, where the truth covers" in row.message


def test_an_overlap_that_is_lost_for_a_larger_sum_is_not_fled():
    """Without noise nothing is less than at the truth."""

    def step(init):
        far = 120.0 if init is None else 140.0
        return translation(far, 0.0).matrix @ PLAIN.pair().truth.matrix

    assert started(PLAIN, step).diagnosis == "worsens its start"


def test_an_optimum_that_is_elsewhere():
    """So near that the RMSE cannot tell, and too far for the case: under heavy noise."""

    def step(init):
        other = 0.2 if init is None else 0.2 + 1e-3 * distance(NOISY, init)
        return away(NOISY, other)

    assert started(NOISY, step).diagnosis == "another objective"


def test_one_place_wherever_it_starts_says_nothing():
    """To the last bit: it does not use its start."""
    row = started(PLAIN, lambda init: away(PLAIN))
    assert row.diagnosis is None
    assert "No simple fault explains it" in row.message


def test_a_solver_that_fails_when_it_is_asked_again_keeps_its_row():
    def step(init):
        if init is not None:
            raise ValueError("no start, please")
        return away(PLAIN)

    row = started(PLAIN, step)
    assert (row.status, row.diagnosis) == ("failed", None)
    assert row.rmse is not None


def test_a_slow_solver_is_not_asked_again():
    asked = []
    solver = Solver.of(lambda fixed, moving, init=None: asked.append(1) or away(PLAIN))
    pair = PLAIN.pair()
    answer, _ = solver.solve(pair.fixed, pair.moving, model="affine")
    options = {"near_px": 0.05, "optimum_px": 0.0, "timeout": None}
    assert probe(PLAIN, pair, solver, answer, seconds=SLOWEST_SECONDS + 1, **options) is None
    assert len(asked) == 1
    probe(PLAIN, pair, solver, answer, seconds=0.1, **options)
    assert len(asked) == 4


def test_a_right_answer_is_not_asked_about():
    calls = []

    def register(fixed, moving, init=None):
        calls.append(1)
        return Matrix(PLAIN.pair().truth.matrix)

    assert result(PLAIN, register).status == "passed"
    assert len(calls) == 1


def asked(case, register, near_px=0.1, seconds=0.1, pair=None):
    """What is found where a solver is asked again about its first answer."""
    pair = pair or case.pair()
    solver = Solver.of(register)
    answer, _ = solver.solve(
        pair.fixed,
        pair.moving,
        model=case.model,
        mask=pair.mask,
        intensity=case.intensity,
    )
    return probe(
        case, pair, solver, answer, near_px=near_px, optimum_px=0.0, seconds=seconds, timeout=60.0
    )


def shifted(case, px):
    """The truth, moved by so many px to the right."""
    return translation(px, 0.0).matrix @ case.pair().truth.matrix


def fault_of(found):
    return None if found is None else found.fault


def test_a_mask_that_is_not_needed_is_not_ignored():
    """Matched points leave an occluder out by themselves; inside it they find another answer."""

    def robust(fixed, moving, mask=None):
        return shifted(OCCLUDED, 3.0 if mask is None or mask.mean() > 0.5 else 9.0)

    def refusing(fixed, moving, mask=None):
        if mask is not None and mask.mean() < 0.5:
            raise ValueError("too few points")
        return shifted(OCCLUDED, 3.0)

    for register in (robust, refusing):
        assert fault_of(asked(OCCLUDED, register)) != "mask ignored"


@pytest.mark.parametrize(("off", "fault"), [(0.9e-6, "mask ignored"), (1.1e-6, None)])
def test_answers_are_the_same_to_a_millionth_of_a_pixel(off, fault):
    def masked(fixed, moving, mask=None):
        return shifted(OCCLUDED, 3.0 + off * (mask is None))

    found = asked(OCCLUDED, masked)
    assert fault_of(found) == fault


def test_what_is_found_says_where_the_answer_was_and_where_it_comes_to():
    found = asked(OCCLUDED, lambda fixed, moving, mask=None: shifted(OCCLUDED, 3.0))
    assert (found.fault, found.fits) == ("mask ignored", ("mask ignored",))
    assert (found.before_px, found.after_px) == (pytest.approx(3.0), pytest.approx(3.0))
    assert found.sentence.endswith("the answer is the same, 3 px from the truth, now 3 px")


@pytest.mark.parametrize(("left", "named"), [(0.099, True), (0.101, False)])
@pytest.mark.parametrize("fault", ["mask inverted", "intensity assumption", "noise", "wrong start"])
def test_near_enough_is_what_the_case_says(fault, left, named):
    case = {"mask inverted": OCCLUDED, "intensity assumption": BIASED, "noise": NOISY}.get(
        fault, PLAIN
    )
    given = case.pair()

    def wrong(fixed, moving, mask, init):
        if fault == "mask inverted":
            return mask is None or mask.mean() > 0.5
        if fault == "wrong start":
            return init is None or distance(case, init) > 1
        return alike(fixed, given.fixed) and alike(moving, given.moving)

    def masked(fixed, moving, mask=None):
        without = 1.0 if mask is None else 0.0
        return shifted(case, 3.0 + without if wrong(fixed, moving, mask, None) else left)

    def started(fixed, moving, init=None):
        return shifted(case, 60.0 if wrong(fixed, moving, None, init) else left)

    def plain(fixed, moving):
        return shifted(case, 3.0 if wrong(fixed, moving, None, None) else left)

    register = {"mask inverted": masked, "wrong start": started}.get(fault, plain)
    found = asked(case, register)
    assert (fault_of(found) == fault) == named
    if named:
        assert found.after_px == pytest.approx(left)


@pytest.mark.parametrize(("left", "early"), [(0.49, True), (0.51, False)])
def test_a_descent_that_halves_what_is_left_had_stopped_early(left, early):
    """Started at its own answer it goes on; started at the truth it leaves for elsewhere."""

    def register(fixed, moving, init=None):
        if init is None:
            return shifted(PLAIN, 3.0)
        return shifted(PLAIN, 3.0 * left if distance(PLAIN, init) > 1 else 9.0)

    assert (fault_of(asked(PLAIN, register)) == "stops early") == early


@pytest.mark.parametrize(("seconds", "found"), [(10.0, True), (10.1, False)])
def test_a_call_of_ten_seconds_may_be_repeated(seconds, found):
    def register(fixed, moving, mask=None):
        return shifted(OCCLUDED, 3.0)

    assert (asked(OCCLUDED, register, seconds=seconds) is not None) == found


def test_what_a_solver_does_not_take_is_not_asked():
    """Neither a mask nor a start; brightness and noise only where the case changes them."""
    calls = []

    def register(fixed, moving):
        calls.append(None)
        return shifted(PLAIN, 3.0)

    for case, count in ((PLAIN, 3), (OCCLUDED, 3), (NOISY, 4), (BIASED, 4)):
        calls.clear()
        asked(case, register)
        assert len(calls) == count, case.id


def test_each_question_is_the_same_but_for_one_thing():
    told = []

    def register(fixed, moving, model, mask=None, init=None, intensity="same"):
        told.append((fixed, moving, model, mask, init, intensity))
        return shifted(OCCLUDED, 3.0 + 0.1 * len(told))

    asked(OCCLUDED, register)
    pair = OCCLUDED.pair()
    first, unmasked, inverted, on, there, brighter, cropped, ringed = told
    np.testing.assert_array_equal(ringed[0], first[0])
    assert not ringed[3][:6].any()
    assert ringed[3].sum() < pair.mask.sum()
    assert not (ringed[3] & ~pair.mask).any()
    assert cropped[0].size < first[0].size
    np.testing.assert_array_equal(cropped[1], first[1])
    np.testing.assert_allclose(brighter[0], 255 * first[0], rtol=1e-6)
    np.testing.assert_allclose(brighter[1], 255 * first[1], rtol=1e-6)
    for fixed, moving, model, _, _, intensity in (first, unmasked, inverted, on, there):
        assert (model, intensity) == ("affine", "same")
        np.testing.assert_array_equal(fixed, first[0])
        np.testing.assert_array_equal(moving, first[1])
    assert unmasked[3] is None
    np.testing.assert_array_equal(inverted[3], ~pair.mask)
    for started in (on, there):
        np.testing.assert_array_equal(started[3], pair.mask)
    assert first[4] is unmasked[4] is inverted[4] is None
    np.testing.assert_allclose(on[4].matrix, shifted(OCCLUDED, 3.1))
    np.testing.assert_allclose(there[4].matrix, pair.truth.matrix)
    np.testing.assert_allclose(
        there[4].displacement(pair.shape), pair.truth.displacement(pair.shape)
    )


@pytest.mark.parametrize("worse", [True, False])
def test_a_larger_rmse_is_told_from_as_small_a_one(worse):
    """Under noise of 0.1 the RMSE cannot tell 0.2 px; it can tell 9 px."""
    off = 9.0 if worse else 0.2

    def register(fixed, moving, init=None):
        there = init is not None and distance(NOISY, init) < off / 2
        return shifted(NOISY, 1.5 * off if there else off + 1e-3 * (init is not None))

    assert fault_of(asked(NOISY, register)) == (
        "worsens its start" if worse else "another objective"
    )


@pytest.mark.parametrize(
    ("off", "fault"),
    [(0.6, "centroid of negative values"), (5.0, "every frequency weighted alike")],
)
def test_an_answer_that_hangs_on_the_faintest_noise(off, fault):
    """Read off a peak; where that is the right one, what lies around it decides."""
    case = CASES["synth_translate_2d"]
    given = case.pair().fixed.astype(np.float32)

    def register(fixed, moving):
        # Another answer to every other image, whatever it is.
        return shifted(case, off * (1.0 if np.array_equal(fixed, given) else 1.2))

    found = asked(case, register)
    assert found.fault == fault
    assert "a quarter of a grey level moves it by" in found.sentence

    def flow(fixed, moving):
        field = np.zeros((*fixed.shape, 2)) + np.asarray(register(fixed, moving))[:2, 2]
        return field + np.linspace(0, 0.1, fixed.shape[1])[None, :, None]

    # A field of many shifts was read off no peak. A steady answer is none of that.
    assert asked(case, flow) is None
    assert asked(case, lambda fixed, moving: shifted(case, off)) is None
