"""Each contract check passes a good solver, and each fails on the fault that it is there for."""

import importlib
import os
from contextlib import nullcontext

import knowing
import numpy as np
import pytest

import irgate_fixtures
from irgate_battery.interface.protocol import Solver, SolverFault
from irgate_battery.suites.contract import CHECKS
from irgate_battery.suites.contract_checks.arguments import FAMILY_PX, SHEAR, sheared_pair
from irgate_battery.suites.contract_checks.units import written
from irgate_battery.suites.evaluation import ItemFailed, NotAsked
from irgate_battery.suites.fixed_problems import clean
from pytest_irgate.adapters import bundled

BY_NAME = {check.name: check for check in CHECKS}
LIMIT = 60.0


def run(check, solver):
    BY_NAME[check].run(Solver.of(solver), LIMIT)


@pytest.mark.parametrize("check", BY_NAME)
def test_a_good_solver_passes(check):
    run(check, knowing.register)


FAULTS = {
    "output_form": ("image", "that is an image"),
    "direction": ("inverse", "inverted: it maps moving to fixed"),
    "axis_order": ("swapped", "has x and y swapped"),
    "input_unchanged": ("writing", r"wrote into its input: \d+ of \d+ pixels of fixed"),
    "repeatable": ("drawing", "a different answer on each call"),
    "identity": ("drawing", "moved an image against itself"),
    "family": ("shearing", r"asked for a translation and returned a matrix that is none"),
    "brightness": ("dazzled", r"moved its answer by 0\.\d+ px where moving became 0\.5 moving"),
    "units": ("truncating", r"uint16 from 0 to 65500 \(0\.\d+ px\), int16 .* than as float32"),
    "prints_nothing": ("printing", "printed 19 characters.*'level 1: converged'"),
    "global_state_unchanged": ("seeding", "numpy's global random generator"),
}


@pytest.mark.parametrize("check", BY_NAME)
def test_the_fault_that_it_is_there_for_fails(check, monkeypatch):
    name, words = FAULTS[check]
    if check == "identity":
        monkeypatch.setattr("irgate_battery.suites.contract_checks.answers.IDENTITY_PX", 1e-9)
    with pytest.raises((ItemFailed, SolverFault), match=words) as fault:
        run(check, importlib.import_module(name).register)
    assert "\n" not in str(fault.value)


@pytest.mark.parametrize("check", ["direction", "axis_order"])
def test_an_answer_that_stands_nowhere_cannot_show_its_convention(check):
    with pytest.raises(ItemFailed, match=r"does not show.*nothing was moved"):
        run(check, lambda fixed, moving: np.eye(3))
    with pytest.raises(ItemFailed, match=r"does not show.*no convention brings it near"):
        run(check, lambda fixed, moving: np.array([[1.0, 0, 30], [0, 1, 40]]))


@pytest.mark.parametrize("check", ["direction", "axis_order"])
def test_a_coarse_answer_is_no_other_convention(check):
    """0.75 px off, and 8 px with the other direction."""
    with pytest.raises(
        ItemFailed, match=r"0\.75 px off.*it is coarse, and its .* is right"
    ) as coarse:
        run(check, lambda fixed, moving: np.array([[1.0, 0, 3.5 + 0.75], [0, 1, -2.23]]))
    assert coarse.value.fault == "coarse answer"
    # Its v negated besides: the nearest reading, though it leaves a coarse answer's distance.
    with pytest.raises(ItemFailed, match=r"sign of v wrong.*to 0\.75 px once.*now 4\.5") as negated:
        run(check, lambda fixed, moving: np.array([[1.0, 0, 3.5 + 0.75], [0, 1, 2.23]]))
    assert negated.value.reason.fault == "v negated"


def test_each_convention_names_its_own_fault_only():
    inverse, swapped = (importlib.import_module(name).register for name in ("inverse", "swapped"))
    run("axis_order", inverse)
    run("direction", swapped)


def test_a_written_mask_is_seen():
    def register(fixed, moving, mask):
        mask[:] = False
        return knowing.register(fixed, moving)

    with pytest.raises(ItemFailed, match="pixels of mask changed"):
        run("input_unchanged", register)


def test_a_written_moving_mask_is_seen():
    def register(fixed, moving, moving_mask):
        moving_mask[0] = False
        return knowing.register(fixed, moving)

    with pytest.raises(ItemFailed, match="160 of 20480 pixels of moving_mask changed"):
        run("input_unchanged", register)


def test_images_are_watched_at_a_size_that_needs_no_padding():
    """OpenCV's phaseCorrelate writes a window over its input, or over a copy padded for its FFT."""

    def register(fixed, moving):
        answer = knowing.register(fixed, moving)
        padding = [(0, -n % 32) for n in fixed.shape]
        work = np.pad(fixed, padding) if np.any(padding) else fixed
        work *= np.float32(0.5)
        return answer

    with pytest.raises(ItemFailed, match="20480 of 20480 pixels of fixed changed"):
        run("input_unchanged", register)


def test_identity_sees_a_half_pixel():
    half = np.array([[1.0, 0, 0.5], [0, 1, 0.5]])
    with pytest.raises(ItemFailed, match=r"by up to 0\.707 px"):
        run("identity", lambda fixed, moving: half)


def test_output_of_compiled_code_is_seen_too(capfd):

    def register(fixed, moving):
        os.write(1, b"from below\n")
        return knowing.register(fixed, moving)

    with pytest.raises(ItemFailed, match="'from below'"):
        run("prints_nothing", register)
    print("and afterwards output is where it was")
    assert "where it was" in capfd.readouterr().out


def test_a_solver_is_asked_for_a_model_that_it_has():
    asked = []

    def register(fixed, moving, model):
        asked.append(model)
        return knowing.register(fixed, moving)

    register.models = ("affine", "ffd")
    run("output_form", register)
    assert asked == ["affine"]


@pytest.mark.parametrize("model", ["similarity", "homography"])
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_a_solver_of_an_optional_model_alone_is_asked_for_that(check, model):
    def register(fixed, moving, model):
        return bundled.register(fixed, moving, model=model)

    register.models = (model,)
    not_asked = check.name == "brightness" or (check.name, model) == ("family", "homography")
    with pytest.raises(NotAsked) if not_asked else nullcontext():
        check.run(Solver.of(register), LIMIT)


def test_what_a_solver_was_not_told_it_is_not_held_to():
    with pytest.raises(NotAsked, match="takes no model"):
        run("family", lambda fixed, moving: np.eye(3))
    with pytest.raises(NotAsked, match="takes no intensity"):
        run("brightness", lambda fixed, moving: np.eye(3))

    def affine_only(fixed, moving, model):
        return np.eye(3)

    affine_only.models = ("affine", "ffd")
    with pytest.raises(NotAsked, match="has no translation, rigid or similarity"):
        run("family", affine_only)


def test_each_family_holds_its_own_members():
    """The nearest rotation is found, whatever its angle; a shear or a scale is none."""
    shape = sheared_pair().fixed.shape

    def answering(matrix):
        def register(fixed, moving, model):
            return np.asarray(matrix)

        register.models = ("rigid",)
        return register

    for angle in (0.0, 0.3, -2.0, np.pi):
        run("family", answering(irgate_fixtures.rigid(angle, 3.0, -1.0, shape).matrix))
    for linear in (SHEAR, 1.001 * np.eye(2), np.diag([1.0, -1.0])):
        with pytest.raises(ItemFailed, match="asked for a rigid"):
            run("family", answering(irgate_fixtures.affine(linear, 0, 0, shape).matrix))
    rounding = FAMILY_PX / max(shape) / 10
    run("family", answering(irgate_fixtures.affine((1 + rounding) * np.eye(2), 0, 0, shape).matrix))


def as_field(transform):
    """A solver that answers with a dense field, whatever the model."""

    def register(fixed, moving, model):
        return transform.displacement(fixed.shape)

    return register


SIZE = sheared_pair().fixed.shape
SHIFT = irgate_fixtures.translation(3.0, -1.0)
TURN = irgate_fixtures.rigid(2.0, 3.0, -1.0, SIZE)
GROWN = irgate_fixtures.similarity(2.0, 1.3, 3.0, -1.0, SIZE)
SHEARED = irgate_fixtures.affine(SHEAR, 3.0, -1.0, SIZE)
BENT = irgate_fixtures.FFD(np.full((2, 4, 4), 1.0) * np.arange(4) ** 2, SIZE)

FIELDS = {
    ("translation",): (SHIFT, irgate_fixtures.rigid(0.01, 0, 0, SIZE)),
    ("rigid",): (TURN, SHEARED),
    ("similarity",): (GROWN, SHEARED),
    ("affine",): (SHEARED, BENT),
    ("rigid", "affine"): (TURN, BENT),
}
"""What a solver declares, a transform that lies in all of it, and one that does not."""


@pytest.mark.parametrize("models", FIELDS, ids="-".join)
def test_a_field_is_held_to_its_family_too(models):
    inside, outside = FIELDS[models]
    for transform in (inside, outside):
        solver = as_field(transform)
        solver.models = models
        if transform is inside:
            run("family", solver)
        else:
            words = f"asked for a {models[0]} and returned a field that is none: it is up to"
            with pytest.raises(ItemFailed, match=words):
                run("family", solver)


def test_an_ffd_s_field_promises_no_family():
    solver = as_field(BENT)
    solver.models = ("ffd",)
    with pytest.raises(NotAsked, match="nor an affine one as a field"):
        run("family", solver)


class TestUnits:
    """One pair in other number types."""

    def test_each_form_holds_the_same_grey_values(self):
        problem = clean("affine")
        forms = dict(written(problem))
        first = forms["float32 from 0 to 1"][0].astype(float)
        for name, images in forms.items():
            for image in images:
                assert image.shape == problem.shape
            gain, offset = np.polyfit(first.ravel(), images[0].astype(float).ravel(), 1)
            np.testing.assert_allclose(images[0], gain * first + offset, atol=1e-6 * gain)
            kind, _, ends = name.partition(" from ")
            assert images[0].dtype.name == kind.partition(" ")[0]
            if ends:
                low, high = (float(end) for end in ends.split(" to "))
                room = 1e-3 * (high - low)
                assert [offset, gain + offset] == pytest.approx([low, high], abs=room)
        assert forms["float32 in Fortran's order"][0].flags.f_contiguous
        assert not forms["float32 that is not contiguous"][0].flags.forc

    def test_what_a_solver_refuses_aloud_is_a_skip_in_its_own_words(self):
        def register(fixed, moving, model):
            if fixed.dtype.kind != "f":
                raise TypeError("float images only")
            return np.eye(3)

        with pytest.raises(NotAsked) as skip:
            run("units", register)
        assert str(skip.value) == (
            "solver 'register' does not take images as uint8 from 0 to 250: TypeError: float "
            "images only (of 8 forms it takes 5, and gives one transform to those)"
        )

    def test_a_refusal_does_not_hide_a_difference(self):
        def register(fixed, moving, model):
            if fixed.dtype.kind != "f":
                raise TypeError("float images only")
            return irgate_fixtures.translation(fixed.min() < 0, 0).matrix

        with pytest.raises(ItemFailed, match=r"as float32 from -1 to 1 \(1 px\) than as"):
            run("units", register)

    @pytest.mark.parametrize("fault", ["NaN", "exit"])
    def test_a_wrong_answer_is_no_refusal(self, fault):
        def register(fixed, moving, model):
            if fixed.dtype == np.uint16 and fault == "exit":
                raise SystemExit(1)
            return np.full((3, 3), np.nan) if fixed.dtype == np.uint16 else np.eye(3)

        with pytest.raises(ItemFailed, match="with images as uint16 from 0 to 65500: solver"):
            run("units", register)

    def test_float32_itself_may_not_be_refused(self):
        def register(fixed, moving, model):
            raise TypeError("bytes only")

        with pytest.raises(SolverFault, match="bytes only"):
            run("units", register)

    def test_the_largest_linear_family_is_asked_for(self):
        asked = set()

        def register(fixed, moving, model):
            asked.add((model, fixed.shape))
            return np.eye(3)

        for models in (("translation", "rigid"), ("ffd",)):
            register.models = models
            run("units", register)
        assert asked == {("rigid", clean("rigid").shape), ("ffd", clean("ffd").shape)}
