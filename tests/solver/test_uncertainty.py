"""The predicted covariance against the scatter of the answers over many draws of the noise."""

import numpy as np
import pytest
import torch

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


def test_undetermined_parameters_have_infinite_variance() -> None:
    x, _ = scene.grid(SHAPE)
    stripes = np.sin(2 * np.pi * x / 24)
    result = register(stripes, np.roll(stripes, 2, axis=1), model="translation", search=False)
    assert torch.isinf(result.covariance).all()
