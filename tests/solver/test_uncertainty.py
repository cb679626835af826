"""The predicted covariance against the scatter of the answers over many draws of the noise."""

import numpy as np
import pytest
import torch
from scipy import ndimage

import irgate_fixtures
from irgate_solver import _noise, register

from . import scene

SHAPE = (64, 80)
TOP, LEFT = 60, 70
DRAWS = 200
SIGMA = 0.02
# A standard deviation from 200 draws is itself good to 1 / sqrt(400) = 5 %, and the largest of
# twelve to three times that; the issue asks for 20 %.
LIMIT = 0.2


def scatter(sampling: str, noisy: tuple[bool, bool]) -> tuple[np.ndarray, np.ndarray]:
    """Return predicted and observed standard errors of T at two corners and the centre.

    A crop of the photograph: enough contrast for the noise to be a small perturbation.
    """
    pair = irgate_fixtures.pair("lena_affine_2d")
    crop = pair.fixed[TOP : TOP + SHAPE[0], LEFT : LEFT + SHAPE[1]]
    truth = pair.truth.matrix @ np.array([[1, 0, LEFT], [0, 1, TOP], [0, 0, 1.0]])
    draw = np.random.default_rng(11)
    fixed = crop + noisy[0] * SIGMA * draw.standard_normal((DRAWS, *crop.shape))
    moving = pair.moving + noisy[1] * SIGMA * draw.standard_normal((DRAWS, *pair.moving.shape))
    result = register(
        fixed.astype(np.float32), moving.astype(np.float32), sampling=sampling, init=truth
    )
    points = torch.tensor([[8.0, 8.0], [40.0, 32.0], [70.0, 55.0]])
    predicted = result.standard_error(points).square().mean(0).sqrt().numpy()
    columns, rows = points.long().T
    found = result.displacement()[:, rows, columns]
    return predicted, found.std(0).numpy()


@pytest.mark.parametrize(
    ("sampling", "noisy"),
    [("linear", (True, False)), ("cubic", (True, False)), ("cubic", (True, True))],
)
def test_predicted_scatter_is_seen(sampling: str, noisy: tuple[bool, bool]) -> None:
    predicted, seen = scatter(sampling, noisy)
    np.testing.assert_allclose(predicted, seen, rtol=LIMIT)


def test_bilinear_sampling_of_a_noisy_moving_image_is_optimistic_as_documented() -> None:
    predicted, seen = scatter("linear", (True, True))
    assert np.all(predicted >= 0.6 * seen)
    assert np.all(predicted <= 1.1 * seen)


def test_covariance_is_that_of_its_equation() -> None:
    """By scipy: the Hessian with interpolated second differences, and each sample's own weights."""
    pair = scene.make(scene.field_of(scene.turned(SHAPE, 0, (1.4, -0.6)), SHAPE), noise=0.05)
    mask = np.zeros(SHAPE, dtype=bool)
    mask[4:-4, 4:-4] = True
    result = register(pair.fixed, pair.moving, model="translation", mask=mask, search=False)
    objective, images, p = result._objective, result._images, result.parameters[None]
    problem = objective.on(objective.level(*images), SHAPE)
    noise = _noise.estimate(objective, *images, problem, p)
    x, y = scene.grid(SHAPE) + result.parameters.numpy()[:, None, None]

    def at(image: scene.Array, dx: float = 0.0, dy: float = 0.0) -> scene.Array:
        return ndimage.map_coordinates(image, [y + dy, x + dx], order=1)[mask]

    residual, step, moving = at(pair.moving) - pair.fixed[mask], 1e-4, pair.moving
    shifts = ((step, 0.0), (0.0, step))
    slopes = np.stack([at(moving, *s) - at(moving, -s[0], -s[1]) for s in shifts]) / (2 * step)
    second = [at(ndimage.correlate1d(moving, [1, -2, 1], axis=axis)) for axis in (1, 0)]
    corners = [a * b * at(moving, a * step, b * step) for a in (1, -1) for b in (1, -1)]
    mixed = sum(corners) / (4 * step**2)
    terms = [
        [(residual * plane).sum() for plane in row]
        for row in [(second[0], mixed), (mixed, second[1])]
    ]
    inverse = np.linalg.inv(slopes @ slopes.T + np.array(terms))
    shared = np.zeros((2, *SHAPE))
    column, row = np.floor(x[mask]).astype(int), np.floor(y[mask]).astype(int)
    s, t = x[mask] - column, y[mask] - row
    for down, across in ((0, 0), (0, 1), (1, 0), (1, 1)):
        weight = np.abs(1 - across - s) * np.abs(1 - down - t)
        for axis in (0, 1):
            np.add.at(shared[axis], (row + down, column + across), weight * slopes[axis])
    shared = shared.reshape(2, -1)
    spread = float(noise.fixed) * slopes @ slopes.T + float(noise.moving) * shared @ shared.T
    # Central differences of slopes within a cell are exact, but for rounding of 1e-16 / step^2.
    np.testing.assert_allclose(result.covariance, inverse @ spread @ inverse, rtol=1e-4)


@pytest.mark.parametrize("sampling", ["linear", "cubic"])
@pytest.mark.parametrize("sigmas", [(0.05, 0.0), (0.05, 0.05), (0.0, 0.05)])
def test_noise_is_told_apart(sampling: str, sigmas: tuple[float, float]) -> None:
    """At half a pixel interpolation leaves each image's noise its own signature."""
    shape = (120, 130)
    truth = scene.linear_matrix(shape, [[1, 0], [0, 1]], (2.5, -1.4))
    pair = scene.make(scene.field_of(truth, shape))
    draw = np.random.default_rng(3)
    images = [
        image + sigma * draw.standard_normal(shape)
        for image, sigma in zip((pair.fixed, pair.moving), sigmas, strict=True)
    ]
    result = register(*images, model="translation", sampling=sampling, search=False)
    objective, p = result._objective, result.parameters[None]
    problem = objective.on(objective.level(*result._images), shape)
    noise = _noise.estimate(objective, *result._images, problem, p)
    found = [float(variance) / 0.05**2 for variance in (noise.fixed, noise.moving)]
    # A lag's mean over 15000 pixels is good to 1 / 120 of the variance, and its weight is a tenth.
    np.testing.assert_allclose(found, [(sigma / 0.05) ** 2 for sigma in sigmas], atol=0.2)


def test_bias_by_noise_on_both_is_predicted_and_said() -> None:
    """A shift: every point has the same place between the pixels, and nothing averages out."""
    pair = irgate_fixtures.pair("lena_affine_2d")
    source, (height, width), shift = pair.moving.astype(np.float64), SHAPE, (1.3, -0.7)
    source = ndimage.gaussian_filter(source, 1.0)
    y, x = np.mgrid[60 : 60 + height, 70 : 70 + width].astype(float)
    fixed, moving = (
        ndimage.map_coordinates(source, [y + dy, x + dx]) for dx, dy in (shift, (0.0, 0.0))
    )
    draw, count = np.random.default_rng(4), 60
    images = [
        (image + SIGMA * draw.standard_normal((count, *SHAPE))).astype(np.float32)
        for image in (fixed, moving)
    ]
    truth = scene.linear_matrix(SHAPE, [[1, 0], [0, 1]], shift)
    options = {"model": "translation", "sampling": "cubic", "init": truth}
    result = register(*images, **options)
    seen = result.parameters.numpy().mean(0) - np.array(shift)
    assert np.all(np.abs(seen) > 0.005)
    # The mean of sixty draws is good to an eighth of a standard error, which the bias exceeds.
    np.testing.assert_allclose(result.bias.numpy().mean(0), seen, rtol=0.25)
    assert not result.errors_hold.any()
    clean = np.stack([moving.astype(np.float32)] * count)
    assert register(images[0], clean, **options).errors_hold.float().mean() >= 0.5


def test_an_answer_that_noise_has_drawn_all_the_way_is_said_to_be_biased() -> None:
    """Smooth blobs under much noise end at half a pixel, where the first derivative of (2) is 0."""
    shape = (90, 100)
    truth = scene.linear_matrix(shape, [[1, 0], [0, 1]], (1.3, -0.7))
    pair = scene.make(scene.field_of(truth, shape), noise=0.05)
    result = register(pair.fixed, pair.moving, model="translation", sampling="cubic", init=truth)
    assert abs(float(result.parameters[0]) - 1.5) < 0.02
    assert not result.errors_hold


def test_bilinear_errors_of_a_fine_scene_do_not_hold() -> None:
    """Little noise, and interpolation that errs by more: the answer is biased without any noise."""
    pair = irgate_fixtures.pair("lena_affine_2d")
    images = [image.astype(np.float32) for image in (pair.fixed, pair.moving)]
    assert not register(*images).errors_hold
    assert register(*images, recipe="siren", iterations=1).errors_hold.shape == ()


def test_errors_are_of_the_images_that_were_registered() -> None:
    """The caller's buffers and weights are used again before the errors are asked for."""
    pair = scene.make(scene.field_of(scene.turned(SHAPE, 2, (0.4, 0.3)), SHAPE), noise=0.02)
    expected = register(pair.fixed, pair.moving, model="ffd", bending=0.1).covariance
    images = [torch.tensor(image) for image in (pair.fixed, pair.moving)]
    weight = torch.tensor(0.1, dtype=torch.float64)
    result = register(*images, model="ffd", bending=weight)
    for buffer in (*images, weight):
        buffer.fill_(3.0)
    torch.testing.assert_close(result.covariance, expected)


def test_undetermined_parameters_have_infinite_variance() -> None:
    x, _ = scene.grid(SHAPE)
    stripes = np.sin(2 * np.pi * x / 24)
    result = register(stripes, np.roll(stripes, 2, axis=1), model="translation", search=False)
    assert torch.isinf(result.covariance).all()
