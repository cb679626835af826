"""Comparisons at their limits: the width that Huber's metric chooses, and no valid pixel."""

import numpy as np
import pytest
import torch

import irgate_fixtures
from irgate_solver import _metrics, register

from . import scene

SHAPE = (150, 160)
SIGMA = 0.02
# The median of 12000 residuals is good to 1.2 / sqrt(12000) = 1.1 %; three times that.
SCATTER = 0.035


def test_huber_width_is_1345_standard_deviations_of_the_valid_residuals() -> None:
    """Invalid pixels, half of them, hold residuals a hundred times as large."""
    draw = np.random.default_rng(2)
    residual = SIGMA * draw.standard_normal((1, *SHAPE))
    valid = torch.ones(1, *SHAPE, dtype=torch.float64)
    valid[:, : SHAPE[0] // 2] = 0
    residual[:, : SHAPE[0] // 2] = 100 * SIGMA
    fixed = torch.zeros(1, *SHAPE, dtype=torch.float64)
    width = _metrics.huber_width(fixed, torch.tensor(residual), valid)
    assert float(width) == pytest.approx(1.345 * SIGMA, rel=SCATTER)


def test_automatic_huber_width_resists_outliers_as_the_right_width_does() -> None:
    """A tenth of the photograph's pixels is replaced; a border within keeps the same ones valid."""
    pair = irgate_fixtures.pair("lena_affine_2d")
    draw = np.random.default_rng(3)
    noisy = pair.fixed + SIGMA * draw.standard_normal(pair.fixed.shape)
    fixed = np.where(draw.random(noisy.shape) < 0.1, draw.uniform(0, 1, noisy.shape), noisy)
    mask = np.zeros(noisy.shape, dtype=bool)
    mask[20:-20, 20:-20] = True
    error, right, plain = (
        scene.distance(
            register(fixed, pair.moving, mask=mask, **choice).displacement().numpy(),
            pair.truth.displacement(fixed.shape),
        ).mean()
        for choice in (
            {"metric": "huber"},
            {"metric": "huber", "huber_width": 1.345 * SIGMA},
            {"metric": "ssd"},
        )
    )
    assert error <= 1.2 * right  # its median counts the outliers too: a somewhat wider one
    assert error <= 0.4 * plain


@pytest.mark.parametrize("metric", ["ssd", "huber"])
def test_no_valid_pixel_has_an_infinite_objective(metric: str) -> None:
    image = torch.rand(1, 8, 9, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    compare = _metrics.metric_of(metric, torch.tensor([0.1], dtype=torch.float64))
    fit = compare(image, image.flip(2), torch.zeros_like(image), False)
    assert torch.isinf(fit.objective).all()
    assert fit.count == 0


def test_no_valid_pixel_has_no_correlation() -> None:
    image = torch.rand(1, 8, 9, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    fit = _metrics.correlation(image, image.flip(2), torch.zeros_like(image), False)
    assert float(fit.objective) == 1.0
