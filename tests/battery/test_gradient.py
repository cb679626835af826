"""The gradient check passes an exact derivative and fails each way of losing one."""

import numpy as np
import pytest
import torch
from items import evaluate_gradient

from irgate_battery.cases.catalogue import base_cases
from irgate_battery.interface.protocol import Solver, SolverFault
from irgate_battery.suites.derivatives import compare_gradients
from irgate_battery.suites.evaluation import ItemFailed

CASE = base_cases()[0]


def relative_error(case, solver, timeout):
    return max(comparison.error for comparison in compare_gradients(case, solver, timeout))


EXACT = 1e-7
"""Central differences with h = 1e-4 of a function whose third derivative is of order 1, and the
rounding of float64 over 2 h."""


def moments(fixed, moving):
    """A smooth function of both images that happens to stand near the truth."""
    y = torch.linspace(0, 1, fixed.shape[0], dtype=fixed.dtype)[:, None]
    x = torch.linspace(0, 1, fixed.shape[1], dtype=fixed.dtype)[None, :]
    dx = (fixed**2 * x).mean() - (moving**3 * y).mean()
    dy = (fixed * y).mean() * (moving * x).mean()
    one, zero = torch.ones_like(dx), torch.zeros_like(dx)
    # Near the true shift, as the check wants it, and with every entry that may depend on them.
    across = torch.stack([one, 1e-3 * dy, 3.5 + 0.1 * dx])
    return torch.stack([across, torch.stack([zero, one + 1e-3 * dx, 0.1 * dy - 2.23])])


class Scaled(torch.autograd.Function):
    """The identity with a derivative that is one percent off."""

    @staticmethod
    def forward(ctx, tensor):
        return tensor.clone()

    @staticmethod
    def backward(ctx, cotangent):
        return 1.01 * cotangent


class Spoilt(torch.autograd.Function):
    """The identity with a derivative that is not finite."""

    @staticmethod
    def forward(ctx, tensor):
        return tensor.clone()

    @staticmethod
    def backward(ctx, cotangent):
        return cotangent * float("nan")


def solver(function):
    function.differentiable = True
    return Solver.of(function)


def field(fixed, moving):
    matrix = moments(fixed, moving)
    height, width = fixed.shape
    y, x = torch.meshgrid(
        torch.arange(height, dtype=torch.float64),
        torch.arange(width, dtype=torch.float64),
        indexing="ij",
    )
    points = torch.stack([x, y, torch.ones_like(x)], -1)
    return points @ matrix.T - points[..., :2]


@pytest.mark.parametrize("function", [moments, field])
def test_an_exact_derivative_passes_in_every_form(function):
    def register(fixed, moving):
        return function(fixed, moving)

    assert relative_error(CASE, solver(register), None) < EXACT


def test_one_percent_is_seen():
    def register(fixed, moving):
        return Scaled.apply(moments(fixed, moving))

    assert relative_error(CASE, solver(register), None) == pytest.approx(0.01, rel=1e-3)
    row = evaluate_gradient(CASE, solver(register)).row
    assert row.status == "failed"
    assert "differ by 1.0e-02 relative" in row.message
    # A damping of a percent looks like a factor; nobody scales by that on purpose.
    assert row.diagnosis == "inexact gradient"


@pytest.mark.parametrize("name", ["fixed", "moving"])
def test_each_input_is_differentiated_alone(name):
    """One that is detached must not hide behind the other."""

    def register(fixed, moving):
        if name == "fixed":
            return moments(fixed.detach(), moving)
        return moments(fixed, moving.detach())

    with pytest.raises(ItemFailed, match=f"not on the graph of {name}"):
        relative_error(CASE, solver(register), None)


def ignores_moving(fixed, moving):
    return moments(fixed, torch.ones_like(moving)) + 0 * moving.sum()


def scaled(factor):
    return lambda fixed, moving: (
        factor * moments(fixed, moving) + ((1 - factor) * moments(fixed, moving).detach())
    )


def half_detached(fixed, moving):
    """The value of `moments`, and half of the derivative to the moving image."""
    return moments(fixed, 0.5 * moving + 0.5 * moving.detach())


def bent(fixed, moving):
    """The value of `moments`, with the derivative of something else added."""
    other = (fixed**2).mean() + (moving * torch.linspace(0, 1, moving.shape[1])).mean()
    return moments(fixed, moving) + 0.1 * (other - other.detach())


NAMED = {
    "scaled gradient": (scaled(0.5), "0.5 times what it should be"),
    "negated gradient": (scaled(-1.0), "opposite sign"),
    "inexact gradient": (half_detached, "wrong for the moving image only"),
    "inexact gradient, both": (bent, "not the derivative of what the solver computes"),
    "detached input": (lambda f, m: moments(f.detach(), m), "not on the graph of fixed"),
}


@pytest.mark.parametrize(("fault", "function", "words"), [(k, *v) for k, v in NAMED.items()])
def test_what_is_wrong_with_it_is_named(fault, function, words):
    def register(fixed, moving):
        return function(fixed, moving)

    row = evaluate_gradient(CASE, solver(register)).row
    assert row.status == "failed"
    assert row.diagnosis == fault.partition(",")[0]
    assert words in row.message


LOST = {
    "not finite": (lambda f, m: Spoilt.apply(moments(f, m)), "not finite"),
    "zero": (ignores_moving, "gradient to moving is zero everywhere"),
    "detached": (lambda f, m: moments(f, m).detach(), "not on the graph of fixed"),
}


@pytest.mark.parametrize(("function", "words"), LOST.values(), ids=LOST)
def test_each_way_of_losing_it_is_named(function, words):
    def register(fixed, moving):
        return function(fixed, moving)

    with pytest.raises(ItemFailed, match=words):
        relative_error(CASE, solver(register), None)


def test_what_does_not_register_has_no_gradient_worth_having():
    def register(fixed, moving):
        return moments(fixed, moving) + 1e-2

    with pytest.raises(ItemFailed, match="px from the truth; expected at most 1 px"):
        relative_error(CASE, solver(register), None)


def test_the_mask_of_one_call_is_not_that_of_the_next():
    """A solver that writes into its mask spoils its own, and nobody else's."""
    trusted = set()

    def register(fixed, moving, mask):
        trusted.add(int(mask.sum()))
        mask[:] = False
        return moments(fixed, moving)

    assert relative_error(CASE, solver(register), None) < EXACT
    (count,) = trusted
    assert count > 0


def test_an_array_is_no_differentiable_answer():
    def register(fixed, moving):
        return np.array([[1, 0, 3.5], [0, 1, -2.23]])

    with pytest.raises(SolverFault, match="returned a ndarray for tensors"):
        relative_error(CASE, solver(register), None)


def test_a_solver_that_makes_no_such_claim_is_skipped():
    row = evaluate_gradient(CASE, Solver.of(lambda fixed, moving: np.eye(3))).row
    assert row.status == "skipped"
    assert "does not say that it is differentiable" in row.message
