"""The predicted covariance against the scatter of the answers over many draws of the noise."""

import numpy as np
import pytest
import torch
from scipy import ndimage

import irgate_fixtures
from irgate_solver import register

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
    assert np.all(predicted <= seen)


def test_covariance_with_linear_sampling_counts_the_kinks() -> None:
    """By scipy: A^-1 (J^T J) A^-1 s^2, A with interpolated second differences times residuals."""
    pair = scene.make(scene.field_of(scene.turned(SHAPE, 0, (1.4, -0.6)), SHAPE), noise=0.05)
    mask = np.zeros(SHAPE, dtype=bool)
    mask[4:-4, 4:-4] = True
    result = register(pair.fixed, pair.moving, model="translation", mask=mask, search=False)
    x, y = scene.grid(SHAPE) + result.parameters.numpy()[:, None, None]

    def at(image: scene.Array, dx: float = 0.0, dy: float = 0.0) -> scene.Array:
        return ndimage.map_coordinates(image, [y + dy, x + dx], order=1)[mask]

    residual, step, moving = at(pair.moving) - pair.fixed[mask], 1e-4, pair.moving
    shifts = ((step, 0.0), (0.0, step))
    slopes = np.stack([at(moving, *s) - at(moving, -s[0], -s[1]) for s in shifts]) / (2 * step)
    second = [at(ndimage.correlate1d(moving, [1, -2, 1], axis=axis)) for axis in (1, 0)]
    corners = [a * b * at(moving, a * step, b * step) for a in (1, -1) for b in (1, -1)]
    mixed = sum(corners) / (4 * step**2)
    outer = slopes @ slopes.T
    terms = [
        [(residual * plane).sum() for plane in row]
        for row in [(second[0], mixed), (mixed, second[1])]
    ]
    inverse = np.linalg.inv(outer + np.array(terms))
    variance = (residual**2).sum() / (mask.sum() - 2)
    # Central differences of slopes within a cell are exact, but for rounding of 1e-16 / step^2.
    np.testing.assert_allclose(result.covariance, variance * inverse @ outer @ inverse, rtol=1e-4)
    without = np.linalg.inv(outer) * variance
    assert result.covariance[0, 0] > 1.2 * without[0, 0]


def test_undetermined_parameters_have_infinite_variance() -> None:
    x, _ = scene.grid(SHAPE)
    stripes = np.sin(2 * np.pi * x / 24)
    result = register(stripes, np.roll(stripes, 2, axis=1), model="translation", search=False)
    assert torch.isinf(result.covariance).all()
