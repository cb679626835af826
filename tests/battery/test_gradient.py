"""The gradient check passes an exact derivative and fails each way of losing one."""

import json
import types
from pathlib import Path

import numpy as np
import pytest
import torch
from items import evaluate_gradient

from irgate_battery import check_solver
from irgate_battery.cases.catalogue import base_cases
from irgate_battery.interface.protocol import Solver, SolverFault
from irgate_battery.suites import derivatives
from irgate_battery.suites.derivatives import (
    DerivativePair,
    compare_gradients,
    gradient_fault,
)
from irgate_battery.suites.evaluation import ItemFailed
from pytest_irgate.spec import resolve

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


def test_an_exact_derivative_is_a_row_that_passed():
    def register(fixed, moving):
        return moments(fixed, moving)

    row = evaluate_gradient(CASE, solver(register)).row
    assert (row.status, row.message) == ("passed", "")
    assert row.relative_error < EXACT


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


FORMS = {
    "(3, 3)": lambda matrix: torch.cat([matrix, torch.tensor([[0.0, 0.0, 1.0]])]),
    "float32": lambda matrix: matrix.float(),
    ".matrix": lambda matrix: types.SimpleNamespace(matrix=matrix),
    ".displacement": lambda matrix: types.SimpleNamespace(displacement=as_field(matrix)),
    ".displacement()": lambda matrix: types.SimpleNamespace(
        matrix=None, displacement=lambda shape: as_field(matrix, shape)
    ),
}


def as_field(matrix, shape=None):
    height, width = shape or CASE.pair().shape
    y, x = torch.meshgrid(
        torch.arange(height, dtype=torch.float64),
        torch.arange(width, dtype=torch.float64),
        indexing="ij",
    )
    points = torch.stack([x, y, torch.ones_like(x)], -1)
    return points @ matrix.T - points[..., :2]


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_the_protocol_has_a_derivative(form):
    def register(fixed, moving):
        return FORMS[form](moments(fixed, moving))

    # Single precision leaves 1e-7 of 100 px, and a difference over 2e-4 is a thousand times that.
    limit = 1e3 if form == "float32" else EXACT
    assert relative_error(CASE, solver(register), None) < limit


CENTRE = {
    "turn": [[0, -1], [1, 0]],
    "stretch of x": [[1, 0], [0, 0]],
    "stretch of y": [[0, 0], [0, 1]],
    "shear": [[0, 1], [0, 0]],
}


@pytest.mark.parametrize("change", CENTRE)
def test_no_parameter_is_overlooked(change):
    """A turn or a stretch about the centre moves nothing on average: the weights are not flat."""
    part = torch.tensor(CENTRE[change], dtype=torch.float64)

    def register(fixed, moving):
        height, width = fixed.shape
        centre = torch.tensor([(width - 1) / 2, (height - 1) / 2], dtype=torch.float64)
        amount = 1e-2 * ((fixed**2).mean() - (moving**2).mean())
        linear = torch.eye(2, dtype=torch.float64) + amount * part
        shift = torch.tensor([3.5, -2.23], dtype=torch.float64) + centre - linear @ centre
        return torch.cat([linear, shift[:, None]], 1)

    assert relative_error(CASE, solver(register), None) < 1e-5


def test_the_weights_see_every_linear_change_about_the_centre():
    """Each of the six parameters of an affine map has a share of its own size in the sum."""
    height, width = 156, 200
    weights = derivatives._weights((height, width))
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    for change in (np.ones_like(x), x, y):
        seen = np.einsum("hwc,hw->c", weights, change) / weights[..., 0].size
        assert np.all(np.abs(seen) > 0.3 * np.sqrt(np.mean(change**2)))


def test_the_weights_are_half_a_period_of_a_cosine_along_each_diagonal():
    weights = derivatives._weights((5, 9))
    assert weights.shape == (5, 9, 2)
    high, low = 1 + np.sqrt(0.5), 1 - np.sqrt(0.5)
    expected = {(0, 0): (high, high), (0, 4): (high, low), (0, 8): (low, low), (4, 0): (low, low)}
    expected |= {(2, 0): (high, high), (2, 4): (low, high), (0, 2): (2, 1), (1, 0): (2, 2)}
    for at, value in expected.items():
        np.testing.assert_allclose(weights[at], value, atol=1e-12, err_msg=str(at))


def test_a_direction_is_smooth_of_size_one_and_its_own():
    first, again, other = (derivatives._direction((300, 400), name) for name in "aab")
    np.testing.assert_array_equal(first, again)
    assert abs(np.corrcoef(first.ravel(), other.ravel())[0, 1]) < 0.2
    assert np.sqrt(np.mean(first**2)) == pytest.approx(1)
    # White noise under a Gaussian of sigma 6 correlates by exp(-d^2 / (4 x 36)) over d px.
    over_6 = np.mean(first[:, 6:] * first[:, :-6])
    assert over_6 == pytest.approx(np.exp(-0.25), abs=0.05)


def test_differences_are_taken_on_both_sides_of_each_image_alone():
    """1e-4 away along directions of size 1, two for each image."""
    pair = CASE.pair()
    steps = []

    def register(fixed, moving, mask):
        told = [image.detach().numpy() for image in (fixed, moving)]
        steps.append([told[0] - pair.fixed, told[1] - pair.moving])
        return moments(fixed, moving)

    compare_gradients(CASE, solver(register), None)
    sizes = [[float(np.sqrt(np.mean(part**2))) for part in step] for step in steps]
    away = [pytest.approx(1e-4), 0.0]
    assert sizes == [[0, 0], *[away] * 4, [0, 0], *[away[::-1]] * 4]
    for first in (1, 3):
        np.testing.assert_allclose(steps[first][0], -steps[first + 1][0], atol=1e-15)
    assert abs(np.corrcoef(steps[1][0].ravel(), steps[3][0].ravel())[0, 1]) < 0.5


def test_a_pixel_counts_that_the_truth_maps_two_pixels_inside():
    """The shift is (3.5, -2.23): rows from 5 on, and columns up to W - 7."""
    told = []

    def register(fixed, moving, model, mask, intensity):
        told.append((model, intensity, mask.numpy().copy()))
        return moments(fixed, moving)

    compare_gradients(CASE, solver(register), None)
    height, width = CASE.pair().shape
    expected = np.zeros((height, width), dtype=bool)
    expected[5:, : width - 6] = True
    for model, intensity, mask in told:
        assert (model, intensity) == (CASE.model, CASE.intensity)
        np.testing.assert_array_equal(mask, expected)


class Refusing(torch.autograd.Function):
    """The identity, which cannot be differentiated."""

    @staticmethod
    def forward(ctx, tensor):
        return tensor.clone()

    @staticmethod
    def backward(ctx, cotangent):
        raise RuntimeError("no\nbackward here")


OWN = torch.nn.Parameter(torch.tensor(0.0, dtype=torch.float64))


def still(fixed, moving):
    """The value is the same whatever the images are, and the derivative is not zero."""
    found = moments(fixed, moving)
    return found - found.detach() + torch.tensor([[1, 0, 3.5], [0, 1, -2.23]])


def own_parameter(fixed, moving):
    """On a graph, and not on that of the images."""
    return moments(fixed.detach(), moving.detach()) + OWN


MORE = {
    "raises": (
        lambda f, m: Refusing.apply(moments(f, m)),
        r"autograd.grad with respect to fixed raised RuntimeError: no backward here$",
        None,
    ),
    "another graph": (own_parameter, "no gradient reaches fixed: the graph", "detached input"),
    "still": (still, "does not move when fixed does: it ignores the image", None),
    "all but finite": (
        lambda f, m: Spoilt.apply(moments(f, m)), r"31200 of 31200 entries .* to fixed are", None,
    ),
    "zero": (ignores_moving, "gradient to moving is zero everywhere", "detached input"),
    "off the graph": (
        lambda f, m: moments(f, m).detach(), "not on the graph of fixed", "detached input",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", MORE)
def test_what_is_lost_has_words_and_a_name(case):
    function, words, fault = MORE[case]

    def register(fixed, moving):
        return function(fixed, moving)

    with pytest.raises(ItemFailed, match=words) as failure:
        compare_gradients(CASE, solver(register), None)
    assert failure.value.fault == fault


def compared(image, analytic, differences):
    return DerivativePair(image, np.array(analytic), np.array(differences))


def test_the_error_is_that_of_the_whole_vector():
    assert compared("fixed", [1.0, 2.0], [1.0, 4.0]).error == pytest.approx(2 / np.sqrt(17))


@pytest.mark.parametrize(
    ("analytic", "factor"),
    [
        ([2.0, 0.0], 2.0), ([2.0, 0.0018], 2.0), ([2.0, 0.0022], None), ([-1.0, 0.0], -1.0),
        ([1.049, 0.0], None), ([1.051, 0.0], 1.051), ([0.951, 0.0], None), ([0.949, 0.0], 0.949),
        ([0.5, 0.5], None),
    ],
)  # fmt: skip
def test_a_factor_is_one_number_for_both_directions_and_not_one(analytic, factor):
    found = compared("fixed", analytic, [1.0, 0.0]).factor
    assert found == (None if factor is None else pytest.approx(factor, rel=1e-3))


@pytest.mark.parametrize(
    ("fixed", "moving", "fault"),
    [
        (2.0, 2.0018, "scaled gradient"), (2.0, 2.0022, "inexact gradient"),
        (-2.0, -2.0018, "scaled gradient"), (-1.0, -1.0, "negated gradient"),
        (-1.0009, -1.0009, "negated gradient"), (-1.0011, -1.0011, "scaled gradient"),
        (2.0, 1.0, "inexact gradient"), (1.0, 2.0, "inexact gradient"),
    ],
)  # fmt: skip
def test_a_factor_must_be_that_of_both_images(fixed, moving, fault):
    pairs = [compared("fixed", [fixed, 0.0], [1.0, 0.0]), compared("moving", [moving], [1.0])]
    name, words = gradient_fault(pairs)
    assert name == fault
    if fault == "scaled gradient":
        assert f"it is {fixed:.4g} times what it should be" in words
    if 1.0 in (fixed, moving):
        assert f"wrong for the {'moving' if fixed == 1 else 'fixed'} image only" in words
    elif fault == "inexact gradient":
        assert "not the derivative of what the solver computes" in words


def test_the_largest_error_of_the_two_images_counts():
    def register(fixed, moving):
        return moments(fixed, 0.5 * moving + 0.5 * moving.detach())

    row = evaluate_gradient(CASE, solver(register)).row
    assert row.relative_error > 0.1
    assert row.message.startswith(f"{CASE.id}: autograd and central differences of the solver")
    assert f"differ by {row.relative_error:.1e} relative, at most 0.001 is expected" in row.message


def test_a_model_that_it_lacks_is_not_asked_for():
    def register(fixed, moving):
        raise AssertionError("not to be called")

    register.models = ("ffd",)
    assert "has no translation model" in evaluate_gradient(CASE, solver(register)).row.message


class Huge(torch.autograd.Function):
    """The identity with a derivative of a size of its own everywhere."""

    @staticmethod
    def forward(ctx, tensor, size):
        ctx.size = size
        return tensor.clone()

    @staticmethod
    def backward(ctx, cotangent):
        return torch.full_like(cotangent, ctx.size), None


@pytest.mark.parametrize("size", [1e200, 1.7e308])
@pytest.mark.parametrize("image", ["fixed", "moving"])
def test_a_gradient_too_large_to_measure_is_the_solver_s_failure(size, image):
    """Its square, or its sum, is no float: no figure, no crash, and no pass."""

    def register(fixed, moving):
        images = {"fixed": fixed, "moving": moving}
        images[image] = Huge.apply(images[image], size)
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
