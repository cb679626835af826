"""The parts of a coarse level: blur, trust in a pixel, the mask's edge, valid pixels, probes."""

import math

import numpy as np
import pytest
import torch
from scipy import ndimage

from irgate_solver import _lucas_kanade, _metrics, _pyramid, _template, _warps

SHAPE = (24, 30)


@pytest.mark.parametrize(("period", "passed"), [(4, 0.29), (2, 0.014)])
def test_blur_passes_what_the_new_grid_can_hold(period: int, passed: float) -> None:
    """exp(-2 pi^2 / period^2) of an amplitude, and 0.007 more at period 2: the taps end at 3 px."""
    x = torch.arange(64, dtype=torch.float64).expand(1, 64, 64)
    wave = _pyramid.halve(torch.cos(2 * math.pi * x / period))
    inner = wave[0, 10:-10, 10:-10]
    assert float(inner.abs().max()) == pytest.approx(passed, abs=0.005)


def test_a_coarse_pixel_is_trusted_where_half_of_its_blur_is() -> None:
    """Independently: scipy's Gaussian of the mask, zero beyond the border, over that of ones."""
    draw = np.random.default_rng(0)
    trusted = np.ones(SHAPE)
    trusted[:, 13:] = 0
    trusted[draw.random(SHAPE) < 0.15] = 0
    image = torch.rand(1, *SHAPE, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    level = _pyramid.build(image, torch.tensor(trusted)[None], image, False)[1]

    def blur(plane: np.ndarray) -> np.ndarray:
        return ndimage.gaussian_filter(plane, 1.0, mode="constant", radius=3)

    share = (blur(trusted) / blur(np.ones(SHAPE)))[::2, ::2]
    assert np.abs(share - 0.5).min() > 1e-6  # none at the limit itself
    np.testing.assert_array_equal(level.trusted[0].numpy(), share >= 0.5)


def test_neighbours_of_masked_pixels_are_not_in_the_template() -> None:
    """Whatever stands under the mask, and however bright: the normal matrix is the same bits."""
    image = torch.rand(1, *SHAPE, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    trusted = torch.ones_like(image)
    trusted[:, 8:14, 10:20] = 0
    warp = _warps.Affine(*SHAPE)

    def normal(filler: float) -> torch.Tensor:
        filled = torch.where(trusted > 0, image, filler)
        level = _pyramid.Level(filled, trusted, image, 1)
        return _template.Inverse(warp, level, _metrics.squared_differences).normal

    assert torch.equal(normal(0.0), normal(50.0))


@pytest.mark.parametrize("shift", [-0.3, 0.3])
def test_the_quick_warp_counts_the_pixels_that_the_exact_one_counts(shift: float) -> None:
    """A third of a pixel beyond the outermost samples counts in neither."""
    image = torch.rand(1, *SHAPE, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    level = _pyramid.Level(image, torch.ones_like(image), image, 1, True)
    warp = _warps.Translation(*SHAPE)
    p = torch.tensor([[shift, shift]], dtype=torch.float64)
    _, quick = _template.WarpedLevel(warp, level).evaluate(p)
    points = _lucas_kanade.level_basis(warp, level).positions(warp.coefficients(p))
    exact = _lucas_kanade.valid_points(points, SHAPE, torch.ones_like(image))
    assert torch.equal(quick, exact)
    assert int(quick.sum()) == (SHAPE[0] - 1) * (SHAPE[1] - 1)


def test_a_step_of_one_inner_control_point_has_a_length() -> None:
    """It moves no corner: probes at the corners alone would take it for nothing."""
    warp = _warps.FreeForm(60, 60, (9, 9))
    step = torch.zeros(1, warp.size, dtype=torch.float64)
    step.view(2, 9, 9)[0, 4, 4] = 1.0
    y, x = torch.arange(60, dtype=torch.float64), torch.arange(60, dtype=torch.float64)
    largest = float(_warps.displacement(warp, step, y, x).abs().max())
    assert largest > 0.4
    assert float(_warps.length(warp, step)) >= 0.9 * largest
