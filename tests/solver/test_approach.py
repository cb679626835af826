"""The parts of a coarse level: blur, trust in a pixel, the mask's edge, valid pixels, probes."""

import math

import numpy as np
import pytest
import torch
from scipy import ndimage

from irgate_solver import _lucas_kanade, _metrics, _pyramid, _search, _template, _warps

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


def hidden_square() -> torch.Tensor:
    """1 on a square of the moving image that its mask distrusts."""
    hidden = torch.zeros(1, *SHAPE, dtype=torch.float64)
    hidden[:, 8:16, 10:20] = 1
    return hidden


def test_hidden_moving_pixels_take_the_means_of_those_around_them_on_every_level() -> None:
    """A plane goes on under what is hidden, up to its slope over the means' reach."""
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    plane = torch.tensor(0.5 + 0.01 * x - 0.005 * y)[None]
    hidden = hidden_square()
    moving = _pyramid.filled(torch.where(hidden > 0, 9.0, plane), hidden)
    fine, coarse = _pyramid.build(plane, torch.ones_like(plane), moving, True, hidden)[:2]
    for level in (fine, coarse):
        seen = level.hidden[0] == 0
        there = plane[0, :: level.scale, :: level.scale]
        rim = ndimage.binary_dilation(seen.numpy()) & ~seen.numpy()
        off = (level.moving[0] - there).abs()
        assert float(off[torch.tensor(rim)].max()) <= 0.015 * 3 * level.scale


@pytest.mark.parametrize("shift", [0.0, 0.25])
def test_the_quick_warp_counts_no_pixel_that_needs_a_hidden_one(shift: float) -> None:
    """As the exact one does: between two pixels a hidden one on either side is too many."""
    image = torch.rand(1, *SHAPE, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    hidden = hidden_square()
    level = _pyramid.Level(image, torch.ones_like(image), image, 1, True, hidden)
    warp = _warps.Translation(*SHAPE)
    p = torch.tensor([[shift, shift]], dtype=torch.float64)
    _, quick = _template.WarpedLevel(warp, level).evaluate(p)
    points = _lucas_kanade.level_basis(warp, level).positions(warp.coefficients(p))
    assert torch.equal(quick, _lucas_kanade.valid_on(level, points, SHAPE))
    rows, columns = (side - (shift > 0) for side in SHAPE)
    spoilt = 8 * 10 if shift == 0 else 9 * 11
    assert int(quick.sum()) == rows * columns - spoilt


def test_the_search_turns_what_is_hidden_with_the_image() -> None:
    """Independently: scipy's linear look-up of what is hidden, on the turned grid."""
    image = torch.rand(1, *SHAPE, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    hidden = hidden_square()
    turns = torch.tensor([0.0, 0.7], dtype=torch.float64)
    plain, everywhere = _search._turned(image, None, turns)
    moved, seen = _search._turned(image, hidden, turns)
    assert torch.equal(moved, plain * seen)
    z = np.arange(everywhere.shape[-1]) - (everywhere.shape[-1] - 1) / 2
    zx, zy = np.meshgrid(z, z)
    for index, angle in enumerate(turns.tolist()):
        x = math.cos(angle) * zx - math.sin(angle) * zy + (SHAPE[1] - 1) / 2
        y = math.sin(angle) * zx + math.cos(angle) * zy + (SHAPE[0] - 1) / 2
        behind = ndimage.map_coordinates(hidden[0].numpy(), [y, x], order=1, mode="nearest")
        expected = everywhere[index, 0].numpy() * (behind <= _pyramid.MOST_HIDDEN)
        np.testing.assert_array_equal(seen[index, 0].numpy(), expected)
        assert expected.sum() < everywhere[index].sum()
