"""Each contract check passes a good solver, and each fails on the fault that it is there for."""

import importlib
import random

import knowing
import numpy as np
import pytest
import torch

import irgate_fixtures
from irgate_battery.interface.protocol import Solver, SolverFault
from irgate_battery.suites.contract import CHECKS
from irgate_battery.suites.contract_checks.arguments import FAMILY_PX, SHEAR, sheared_pair
from irgate_battery.suites.evaluation import ItemFailed, NotAsked

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
    with pytest.raises(ItemFailed, match=r"cannot be confirmed.*nothing was moved"):
        run(check, lambda fixed, moving: np.eye(3))
    with pytest.raises(ItemFailed, match=r"cannot be confirmed.*no simple fault explains it"):
        run(check, lambda fixed, moving: np.array([[1.0, 0, 30], [0, 1, 40]]))


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

    with pytest.raises(ItemFailed, match="200 of 31200 pixels of moving_mask changed"):
        run("input_unchanged", register)


def test_identity_sees_a_half_pixel():
    half = np.array([[1.0, 0, 0.5], [0, 1, 0.5]])
    with pytest.raises(ItemFailed, match=r"by up to 0\.707 px"):
        run("identity", lambda fixed, moving: half)


def test_output_of_compiled_code_is_seen_too(capfd):
    import os

    def register(fixed, moving):
        os.write(1, b"from below\n")
        return knowing.register(fixed, moving)

    with pytest.raises(ItemFailed, match="'from below'"):
        run("prints_nothing", register)
    print("and afterwards output is where it was")
    assert "where it was" in capfd.readouterr().out


STATES = {
    "Python's": lambda: random.seed(0),
    "numpy's": lambda: np.random.random(),  # noqa: NPY002 - the legacy generator is the point
    "torch's global": lambda: torch.rand(1),
    "torch's default dtype": lambda: torch.set_default_dtype(torch.float64),
}


@pytest.mark.parametrize(("name", "change"), STATES.items(), ids=STATES)
def test_each_global_state_is_watched_and_put_back(name, change):
    def register(fixed, moving):
        change()
        return knowing.register(fixed, moving)

    before = (random.getstate(), torch.get_rng_state(), torch.get_default_dtype())
    for _ in range(2):  # a solver that has changed it once already is seen again
        with pytest.raises(ItemFailed, match=name):
            run("global_state_unchanged", register)
    assert random.getstate() == before[0]
    assert torch.equal(torch.get_rng_state(), before[1])
    assert torch.get_default_dtype() == before[2]


def test_a_solver_is_asked_for_a_model_that_it_has():
    asked = []

    def register(fixed, moving, model):
        asked.append(model)
        return knowing.register(fixed, moving)

    register.models = ("affine", "ffd")
    run("output_form", register)
    assert asked == ["affine"]


def test_what_a_solver_was_not_told_it_is_not_held_to():
    with pytest.raises(NotAsked, match="takes no model"):
        run("family", lambda fixed, moving: np.eye(3))
    with pytest.raises(NotAsked, match="takes no intensity"):
        run("brightness", lambda fixed, moving: np.eye(3))

    def affine_only(fixed, moving, model):
        return np.eye(3)

    affine_only.models = ("affine", "ffd")
    with pytest.raises(NotAsked, match="neither a translation nor a rigid model"):
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


def test_a_field_promises_no_family():
    field = irgate_fixtures.affine(SHEAR, 0, 0, sheared_pair().fixed.shape)

    def register(fixed, moving, model):
        return field.displacement(fixed.shape)

    run("family", register)
