"""Each consistency check passes a good solver, and each fails on the fault that it is there for."""

import numpy as np
import pytest
from items import evaluate

from irgate_battery.interface.protocol import Solver
from irgate_battery.judge.limits import CONSISTENT_PX, REPEAT_PX, ROUGH_PX
from irgate_battery.report.conclusion import evaluate as verdicts_over
from irgate_battery.results.result_row import ResultRow
from irgate_battery.suites.consistency_checks.checks import CHECKS
from irgate_battery.suites.consistency_checks.consistency_check import Asking, worst
from irgate_battery.suites.fixed_problems import clean
from irgate_battery.suites.registry import entry_of
from pytest_irgate.adapters import bundled

NAMES = [check.name for check in CHECKS]
LINEAR = ("translation", "rigid", "affine")

FAR_UNDER_PX = CONSISTENT_PX / 5
"""What a good solver leaves: the checks must have room above it."""


def row(name, solver):
    return evaluate("consistency", name, Solver.of(solver)).row


@pytest.mark.parametrize("name", NAMES)
def test_a_good_solver_passes_with_room(name):
    found = row(name, bundled.register)
    assert (found.status, found.message, found.diagnosis) == ("passed", "", None)
    assert found.inconsistency_px < FAR_UNDER_PX
    expected = {"another_call_between": REPEAT_PX, "flipped_under_noise": ROUGH_PX}
    assert found.tolerance_px == expected.get(name, CONSISTENT_PX)


# Faulty solvers: good, but for what each says.


def fields(fixed, moving, model="affine", mask=None, intensity="same"):
    found = bundled.register(fixed, moving, model=model, mask=mask, intensity=intensity)
    return np.asarray(found.displacement(fixed.shape).detach())


def leans(where):
    """A solver whose answer is 0.05 px off wherever the first image is brighter at one side."""

    def register(fixed, moving, model="affine"):
        return fields(fixed, moving, model) + np.multiply((0.05, 0), where(fixed, moving))

    return register


def left(image):
    width = image.shape[1]
    return image[:, : width // 2].mean() > image[:, -(width // 2) :].mean()


def stretched(fixed, moving, model="affine"):
    """Each image is stretched between its own extremes."""
    return fields(*((i - i.min()) / np.ptp(i) for i in (fixed, moving)), model)


def blind(fixed, moving, model="affine", mask=None):
    """The mask is taken and not looked at."""
    return fields(fixed, moving, model)


def swayed(fixed, moving, model="affine", intensity="same"):
    """Intensities are taken as they are, whatever was said of them."""
    return fields(fixed, moving, model)


class Remembering:
    """Half of the last answer is in this one."""

    def __init__(self):
        self.last = 0.0

    def __call__(self, fixed, moving, model="affine"):
        found = fields(fixed, moving, model).mean((0, 1))
        self.last = 0.999 * found + 0.001 * self.last
        return fields(fixed, moving, model) - found + self.last


def coarse_in_double(fixed, moving, model="affine"):
    """Grey levels are few where images come in double precision."""
    return fields(fixed, moving, model) + 0.05 * (fixed.dtype == np.float64)


def rounded_under_noise(fixed, moving, model="affine"):
    """Where the images do not match, every answer is rounded, and so away from zero."""
    found = fields(fixed, moving, model)
    return found + 0.3 * (len(fixed) == 129) * left(moving[:, ::-1])


FAULTS = {
    "swapped": leans(lambda fixed, moving: fixed.mean() < moving.mean()),
    "flipped_horizontally": leans(lambda fixed, moving: left(fixed)),
    "flipped_vertically": leans(lambda fixed, moving: not left(fixed.T)),
    "transposed": leans(lambda fixed, moving: fixed.shape[0] > fixed.shape[1]),
    "turned": leans(lambda fixed, moving: fixed.shape[0] > fixed.shape[1]),
    "cropped": stretched,
    "padded": blind,
    "gain_and_offset": swayed,
    "another_call_between": Remembering(),
    "double_precision": coarse_in_double,
    "flipped_under_noise": rounded_under_noise,
}

WORDS = {
    "swapped": "the inverse of the answer to fixed and moving swapped",
    "flipped_horizontally": "flipped left to right, flipped back",
    "flipped_vertically": "flipped upside down, flipped back",
    "transposed": "both images transposed, transposed back",
    "turned": "turned by 90 degrees, turned back",
    "cropped": "cropped by whole pixels, shifted back",
    "padded": "in a bright frame under the mask, shifted back",
    "gain_and_offset": 'moving 0.6 moving + 0.3, under intensity="varying"',
    "another_call_between": "the answer after a call on another pair",
    "double_precision": "the images as float64",
    "flipped_under_noise": "under noise, flipped back",
}
"""What a failing item holds against what."""


@pytest.mark.parametrize("name", NAMES)
def test_the_fault_that_it_is_there_for_fails(name):
    found = row(name, FAULTS[name])
    assert found.status == "failed", found.inconsistency_px
    assert found.inconsistency_px > found.tolerance_px
    assert found.diagnosis == f"inconsistent: {name}"
    assert WORDS[name] in found.message
    (check,) = (check for check in CHECKS if check.name == name)
    assert f"stands {found.inconsistency_px:.3g} px from" in found.message
    assert f"expected {found.tolerance_px:.3g} px at most" in found.message
    assert found.message.endswith(f"Usual causes: {check.causes}.")
    assert "\n" not in found.message


@pytest.mark.parametrize("name", NAMES)
def test_two_wrong_answers_that_agree_do_not_pass(name):
    """The identity is what most of the symmetries leave as it is."""
    found = row(name, lambda fixed, moving: np.eye(3))
    if name == "another_call_between":
        assert found.status == "passed"
    elif name in ("padded", "gain_and_offset"):
        assert found.status == "skipped"
    elif name == "flipped_under_noise":
        assert found.status == "skipped"
        assert "at a turn of 165 degrees, which is beyond its reach" in found.message
    else:
        assert found.status == "failed"
        assert "px from the truth of a clean" in found.message
        assert found.diagnosis == "identity"
        assert found.inconsistency_px is None


@pytest.mark.parametrize(
    ("models", "asked"),
    [
        (("translation",), {"translation"}),
        (("translation", "rigid"), {"rigid"}),
        (("ffd",), {"ffd"}),
        (("affine", "ffd"), {"affine", "ffd"}),
        (("affine", "homography"), {"affine"}),
        (("translation", "similarity"), {"translation"}),
        (("similarity", "homography"), {"similarity"}),
        (("homography",), {"homography"}),
    ],
)
def test_the_largest_linear_family_and_the_ffd_are_asked_for(models, asked):
    told = set()

    def register(fixed, moving, model):
        told.add(model)
        return bundled.register(fixed, moving, model=model)

    register.models = models
    assert row("transposed", register).status == "passed"
    assert told == asked


def test_what_a_solver_cannot_take_is_a_skip_that_says_so():
    def register(fixed, moving, model):
        raise AssertionError("not to be called")

    register.models = ("ffd",)
    lacking = {
        "swapped": "none of the models ['homography', 'similarity', 'translation', ",
        "cropped": "none of the models ['translation', 'rigid', 'affine']",
        "padded": "takes no mask",
        "gain_and_offset": "takes no intensity",
        "flipped_under_noise": "none of the models ['rigid', 'affine']",
    }
    for name, words in lacking.items():
        found = row(name, register)
        assert (found.status, words in found.message) == ("skipped", True)


def test_float64_that_is_refused_aloud_is_a_skip_in_the_solvers_words():
    def register(fixed, moving, model):
        if fixed.dtype != np.float32:
            raise ValueError("single precision only")
        return bundled.register(fixed, moving, model=model)

    found = row("double_precision", register)
    assert found.status == "skipped"
    assert found.message == (
        "solver 'register' does not take float64 images: ValueError: single precision only"
    )


def test_a_solver_that_raises_fails_in_its_own_words():
    def register(fixed, moving):
        raise ValueError("singular matrix")

    for name in ("flipped_horizontally", "another_call_between", "double_precision"):
        found = row(name, register)
        assert found.status == "failed"
        assert "singular matrix" in found.message


def test_what_was_measured_is_kept_where_a_later_call_fails():
    def register(fixed, moving, model):
        if model == "ffd":
            raise ValueError("no free form today")
        return bundled.register(fixed, moving, model=model)

    found = row("transposed", register)
    assert found.status == "failed"
    assert found.inconsistency_px < FAR_UNDER_PX


def test_an_item_is_the_same_alone_and_after_the_others():
    """The answer to an unchanged problem is kept for a solver, and for no other."""
    calls = []

    def register(fixed, moving, model):
        calls.append(model)
        return bundled.register(fixed, moving, model=model)

    solver = Solver.of(register)
    first = evaluate("consistency", "flipped_vertically", solver).row
    assert calls == ["affine", "affine", "ffd", "ffd"]
    assert evaluate("consistency", "transposed", solver).row.status == "passed"
    assert len(calls) == 6
    again = evaluate("consistency", "flipped_vertically", solver).row
    assert again == first
    assert evaluate("consistency", "flipped_vertically", Solver.of(register)).row == first


def test_each_item_writes_into_copies_only():
    """A solver that spoils its images spoils no problem."""
    kept = [image.copy() for image in (clean("affine").fixed, clean("affine").moving)]

    def register(fixed, moving, model):
        found = bundled.register(fixed.copy(), moving.copy(), model=model)
        fixed[:] = moving[:] = 0
        return found

    for name in ("flipped_horizontally", "double_precision"):
        assert row(name, register).status == "passed"
    for image, before in zip((clean("affine").fixed, clean("affine").moving), kept, strict=True):
        np.testing.assert_array_equal(image, before)


def test_the_worst_is_the_one_that_is_farthest_for_its_tolerance():
    (check,) = (check for check in CHECKS if check.name == "transposed")
    held = list(check.run(Asking(Solver.of(bundled.register), None)))
    assert [one.what.partition(":")[0] for one in held] == ["affine", "ffd"]
    assert worst(held).share == max(one.share for one in held)


# The verdict.


def rows(*statuses, px=0.001):
    return [
        ResultRow(
            f"irgate/consistency.py::test_{name}",
            "consistency",
            name,
            status=status,
            inconsistency_px=px if status in ("passed", "failed") else None,
        )
        for name, status in zip(NAMES, statuses, strict=False)
    ]


def verdict(given):
    return verdicts_over(given, {"consistency": NAMES}).consistency


def test_the_verdict_is_green_only_over_all_items():
    whole = verdict(rows(*["passed"] * len(NAMES)))
    assert (whole.status, whole.passed, whole.tried) == ("pass", len(NAMES), len(NAMES))
    assert whole.largest_px == 0.001
    assert whole.reason == "11 of 11 hold, answers at most 0.001 px apart (11 of 11 ran)"
    skipped = verdict(rows(*["passed"] * (len(NAMES) - 1), "skipped"))
    assert (skipped.status, skipped.reason) == ("not_evaluated", "not evaluated (10 of 11 ran)")
    missing = verdict(rows(*["passed"] * (len(NAMES) - 1), "missing"))
    assert missing.status == "not_evaluated"
    assert "missing: flipped_under_noise" in missing.reason
    failed = verdict(rows("failed", *["passed"] * (len(NAMES) - 1)))
    assert (failed.status, failed.passed) == ("fail", len(NAMES) - 1)
    assert failed.reason.endswith("; not: swapped")
    both = verdict(rows("failed", *["passed"] * (len(NAMES) - 2), "skipped"))
    assert (both.status, "10 of 11 ran" in both.reason) == ("fail", True)
    nothing = verdict([])
    assert (nothing.status, nothing.largest_px) == ("not_evaluated", None)


def test_the_section_says_how_far_answers_are_apart():
    suite = entry_of("consistency").suite
    failed = rows("failed", "passed", px=0.3)
    lines = [line.text for line in suite.section(failed, 100)]
    assert lines == [
        "consistency: 1 failed, 1 passed",
        "  swapped: failed (answers 0.3 px apart)",
    ]
    (shown,) = suite.compared(failed, {})
    assert (shown.title, shown.cell.text) == ("largest inconsistency, px", "0.3000")
