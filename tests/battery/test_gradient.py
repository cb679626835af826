"""The gradient suite passes an exact derivative, fails a wrong one, and names what is wrong."""

import json

import numpy as np
import pytest
import torch
from differentiable import EXACT, differentiable, moments, relative_error, with_derivative
from items import evaluate_gradient

from irgate_battery import check_solver
from irgate_battery.cases.catalogue import base_cases
from irgate_battery.interface.protocol import Solver

CASE = base_cases()[0]


def test_an_exact_derivative_is_a_row_that_passed():
    def register(fixed, moving):
        return moments(fixed, moving)

    row = evaluate_gradient(CASE, differentiable(register)).row
    assert (row.status, row.message) == ("passed", "")
    assert row.relative_error < EXACT


def test_one_percent_is_seen():
    def register(fixed, moving):
        return with_derivative(moments(fixed, moving), lambda gradient: 1.01 * gradient)

    assert relative_error(CASE, register) == pytest.approx(0.01, rel=1e-3)
    row = evaluate_gradient(CASE, differentiable(register)).row
    assert row.status == "failed"
    assert "differ by 1.0e-02 relative" in row.message
    # A damping of a percent looks like a factor; nobody scales by that on purpose.
    assert row.diagnosis == "inexact gradient"


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

    row = evaluate_gradient(CASE, differentiable(register)).row
    assert row.status == "failed"
    assert row.diagnosis == fault.partition(",")[0]
    assert words in row.message


def test_a_solver_that_makes_no_such_claim_is_skipped():
    row = evaluate_gradient(CASE, Solver.of(lambda fixed, moving: np.eye(3))).row
    assert row.status == "skipped"
    assert "does not say that it is differentiable" in row.message


def test_the_largest_error_of_the_two_images_counts():
    def register(fixed, moving):
        return moments(fixed, 0.5 * moving + 0.5 * moving.detach())

    row = evaluate_gradient(CASE, differentiable(register)).row
    assert row.relative_error > 0.1
    assert row.message.startswith("autograd and central differences of the solver")
    assert f"differ by {row.relative_error:.1e} relative, at most 0.001 is expected" in row.message


def test_a_model_that_it_lacks_is_not_asked_for():
    def register(fixed, moving):
        raise AssertionError("not to be called")

    register.models = ("ffd",)
    row = evaluate_gradient(CASE, differentiable(register)).row
    assert "has no translation model" in row.message


@pytest.mark.parametrize("size", [1e200, 1.7e308])
@pytest.mark.parametrize("image", ["fixed", "moving"])
def test_a_gradient_too_large_to_measure_is_the_solver_s_failure(size, image):
    """Its square, or its sum, is no float: no figure, no crash, and no pass."""

    def register(fixed, moving):
        images = {"fixed": fixed, "moving": moving}
        images[image] = with_derivative(
            images[image], lambda gradient: torch.full_like(gradient, size)
        )
        return moments(**images)

    register.differentiable = True
    report = check_solver(register, suites=["gradient"])
    row = report.rows[0]
    assert row.status == "failed", row.message
    assert "autograd and central differences of the solver itself differ" in row.message
    figure = json.loads(report.to_json())["cases"][0]["relative_error"]
    assert figure is None or figure > 1e190
    assert (figure is None) == ("(no finite number: relative_error = inf)" in row.message)
    assert len(report.rows) == 5
