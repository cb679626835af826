"""The arithmetic of the gradient check: weights, directions, differences, and what is concluded."""

import numpy as np
import pytest
import torch
from differentiable import differentiable, moments, relative_error

from irgate_battery.cases.catalogue import base_cases
from irgate_battery.suites import derivatives
from irgate_battery.suites.derivatives import DerivativePair, compare_gradients, gradient_fault
from irgate_battery.suites.evaluation import ItemFailed

CASE = base_cases()[0]


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

    assert relative_error(CASE, register) < 1e-5


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

    compare_gradients(CASE, differentiable(register), None)
    sizes = [[float(np.sqrt(np.mean(part**2))) for part in step] for step in steps]
    away = [pytest.approx(1e-4), 0.0]
    assert sizes == [[0, 0], *[away] * 4, [0, 0], *[away[::-1]] * 4]
    for first in (1, 3):
        np.testing.assert_allclose(steps[first][0], -steps[first + 1][0], atol=1e-15)
    assert abs(np.corrcoef(steps[1][0].ravel(), steps[3][0].ravel())[0, 1]) < 0.5


def jumping(at, height):
    """An answer that jumps where the fixed image has moved so far along the first direction."""
    pair = CASE.pair()
    start = torch.tensor(pair.fixed)
    along = torch.tensor(derivatives._direction(pair.shape, f"{CASE.id} fixed 0"))

    def register(fixed, moving):
        beyond = ((fixed - start) * along).mean() > at
        return moments(fixed, moving) + height * beyond.to(fixed.dtype)

    return register


def test_a_right_derivative_beside_a_jump_is_right():
    """Where a pixel enters the region that a solver counts, its answer jumps."""
    assert relative_error(CASE, jumping(4e-5, 1e-6)) < 1e-5
    # A jump within both steps hides the derivative.
    assert relative_error(CASE, jumping(4e-6, 1e-6)) > 1e-3


def test_a_wrong_derivative_is_told_by_the_longer_step():
    """The shorter one does not move an answer that is rounded: that says nothing of the image."""
    pair = CASE.pair()
    start = torch.tensor(pair.fixed)
    along = torch.tensor(derivatives._direction(pair.shape, f"{CASE.id} fixed 0"))

    def register(fixed, moving):
        moved = ((fixed - start) * along).mean().detach()
        told = moments(fixed, moving.detach())
        return moments(start, moving) + (moved * 1e4).round() / 1e4 + told - told.detach()

    fixed, moving = compare_gradients(CASE, differentiable(register), None)
    # Every entry of the matrix moves by the step.
    assert fixed.differences[0] > 1
    assert fixed.error > 0.5
    assert moving.error < 1e-5


def test_a_pixel_counts_that_the_truth_maps_two_pixels_inside():
    """The shift is (3.5, -2.23): rows from 5 on, and columns up to W - 7."""
    told = []

    def register(fixed, moving, model, mask, intensity):
        told.append((model, intensity, mask.numpy().copy()))
        return moments(fixed, moving)

    compare_gradients(CASE, differentiable(register), None)
    height, width = CASE.pair().shape
    expected = np.zeros((height, width), dtype=bool)
    expected[5:, : width - 6] = True
    for model, intensity, mask in told:
        assert (model, intensity) == (CASE.model, CASE.intensity)
        np.testing.assert_array_equal(mask, expected)


def test_what_does_not_register_has_no_gradient_worth_having():
    def register(fixed, moving):
        return moments(fixed, moving) + 1e-2

    with pytest.raises(ItemFailed, match="px from the truth; expected at most 1 px"):
        relative_error(CASE, register)


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
