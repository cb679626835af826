"""The derivative where the solver lives: each form of an answer has one; what is lost is told."""

import types
from pathlib import Path

import numpy as np
import pytest
import torch
from differentiable import EXACT, differentiable, moments, relative_error, with_derivative
from items import evaluate_gradient

from irgate_battery.cases.catalogue import base_cases
from irgate_battery.interface.protocol import Solver, SolverFault
from irgate_battery.suites.derivatives import compare_gradients
from irgate_battery.suites.evaluation import ItemFailed
from pytest_irgate.spec import resolve

CASE = base_cases()[0]


def as_field(matrix, shape):
    height, width = shape
    y, x = torch.meshgrid(
        torch.arange(height, dtype=torch.float64),
        torch.arange(width, dtype=torch.float64),
        indexing="ij",
    )
    points = torch.stack([x, y, torch.ones_like(x)], -1)
    return points @ matrix.T - points[..., :2]


def field(fixed, moving):
    return as_field(moments(fixed, moving), fixed.shape)


@pytest.mark.parametrize("function", [moments, field])
def test_an_exact_derivative_passes_in_every_form(function):
    def register(fixed, moving):
        return function(fixed, moving)

    assert relative_error(CASE, register) < EXACT


FORMS = {
    "(3, 3)": lambda matrix: torch.cat([matrix, torch.tensor([[0.0, 0.0, 1.0]])]),
    "float32": lambda matrix: matrix.float(),
    ".matrix": lambda matrix: types.SimpleNamespace(matrix=matrix),
    ".displacement": lambda matrix: types.SimpleNamespace(
        displacement=as_field(matrix, CASE.pair().shape)
    ),
    ".displacement()": lambda matrix: types.SimpleNamespace(
        matrix=None, displacement=lambda shape: as_field(matrix, shape)
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_the_protocol_has_a_derivative(form):
    def register(fixed, moving):
        return FORMS[form](moments(fixed, moving))

    # Single precision leaves 1e-7 of 100 px, and a difference over 2e-4 is a thousand times that.
    limit = 1e3 if form == "float32" else EXACT
    assert relative_error(CASE, register) < limit


def test_an_array_is_no_differentiable_answer():
    def register(fixed, moving):
        return np.array([[1, 0, 3.5], [0, 1, -2.23]])

    with pytest.raises(SolverFault, match="returned a ndarray for tensors"):
        relative_error(CASE, register)


@pytest.mark.parametrize("name", ["fixed", "moving"])
def test_each_input_is_differentiated_alone(name):
    """One that is detached must not hide behind the other."""

    def register(fixed, moving):
        if name == "fixed":
            return moments(fixed.detach(), moving)
        return moments(fixed, moving.detach())

    with pytest.raises(ItemFailed, match=f"not on the graph of {name}"):
        relative_error(CASE, register)


def test_the_mask_of_one_call_is_not_that_of_the_next():
    """A solver that writes into its mask spoils its own, and nobody else's."""
    trusted = set()

    def register(fixed, moving, mask):
        trusted.add(int(mask.sum()))
        mask[:] = False
        return moments(fixed, moving)

    assert relative_error(CASE, register) < EXACT
    (count,) = trusted
    assert count > 0


def ignores_moving(fixed, moving):
    return moments(fixed, torch.ones_like(moving)) + 0 * moving.sum()


def refuse(gradient):
    raise RuntimeError("no\nbackward here")


def spoil(gradient):
    return gradient * float("nan")


OWN = torch.nn.Parameter(torch.tensor(0.0, dtype=torch.float64))


def still(fixed, moving):
    """The value is the same whatever the images are, and the derivative is not zero."""
    found = moments(fixed, moving)
    return found - found.detach() + torch.tensor([[1, 0, 3.5], [0, 1, -2.23]])


def own_parameter(fixed, moving):
    """On a graph, and not on that of the images."""
    return moments(fixed.detach(), moving.detach()) + OWN


LOST = {
    "raises": (
        lambda f, m: with_derivative(moments(f, m), refuse),
        r"autograd.grad with respect to fixed raised RuntimeError: no backward here$",
        None,
    ),
    "another graph": (own_parameter, "no gradient reaches fixed: the graph", "detached input"),
    "still": (still, "does not move when fixed does: it ignores the image", None),
    "all but finite": (
        lambda f, m: with_derivative(moments(f, m), spoil),
        r"31200 of 31200 entries .* to fixed are not finite", None,
    ),
    "zero": (ignores_moving, "gradient to moving is zero everywhere", "detached input"),
    "off the graph": (
        lambda f, m: moments(f, m).detach(), "not on the graph of fixed", "detached input",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", LOST)
def test_what_is_lost_has_words_and_a_name(case):
    function, words, fault = LOST[case]

    def register(fixed, moving):
        return function(fixed, moving)

    with pytest.raises(ItemFailed, match=words) as failure:
        compare_gradients(CASE, differentiable(register), None)
    assert failure.value.fault == fault


def test_the_number_of_torch_s_threads_changes_no_bit_and_is_put_back():
    """A worker of a parallel run has fewer, and its sums would have another order."""
    case = next(case for case in base_cases() if case.id == "lena_affine_2d")
    bundled = Solver.of(resolve("bundled", Path()))
    before, found = torch.get_num_threads(), []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            found.append(evaluate_gradient(case, bundled).row.relative_error)
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    assert found[0] == found[1]
