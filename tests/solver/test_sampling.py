"""Samplers and splines against scipy, and their derivatives against differences."""

import numpy as np
import pytest
import torch
from scipy import interpolate, ndimage

from irgate_solver import _sampling, _spline

SHAPE = (9, 12)


def image() -> torch.Tensor:
    return torch.tensor(np.random.default_rng(0).random(SHAPE))[None]


def points(count: int = 200, margin: float = 0.49) -> torch.Tensor:
    """Return points between pixels, the outermost half pixel included, `(1, 2, 1, count)`."""
    draw = np.random.default_rng(1)
    x = draw.uniform(-margin, SHAPE[1] - 1 + margin, count)
    y = draw.uniform(-margin, SHAPE[0] - 1 + margin, count)
    return torch.tensor(np.stack((x, y)))[None, :, None]


def scipy_value(kind: str, at: torch.Tensor) -> np.ndarray:
    """Look up by scipy, by the conventions measured of ITK's two interpolators."""
    x, y = at[0, :, 0].numpy()
    samples = image()[0].numpy()
    if kind == "linear":
        clamped = [np.clip(y, 0, SHAPE[0] - 1), np.clip(x, 0, SHAPE[1] - 1)]
        return ndimage.map_coordinates(samples, clamped, order=1)
    return ndimage.map_coordinates(samples, [y, x], order=3, mode="mirror")


@pytest.mark.parametrize("kind", ["linear", "cubic"])
def test_values_are_those_of_scipy(kind: str) -> None:
    sampler = _sampling.make_sampler(kind, image())
    expected = scipy_value(kind, points())
    np.testing.assert_allclose(sampler.jet(points()).value.flatten(), expected, atol=1e-13)
    np.testing.assert_allclose(sampler.value(points()).flatten(), expected, atol=1e-13)


def test_catmull_rom_is_keys_convolution() -> None:
    """By the kernel as Keys writes it (1981, eq. 8, a = -1/2), over the four nearest samples."""

    def kernel(s: np.ndarray) -> np.ndarray:
        s = np.abs(s)
        near = 1.5 * s**3 - 2.5 * s**2 + 1
        return np.where(s < 1, near, np.where(s < 2, -0.5 * s**3 + 2.5 * s**2 - 4 * s + 2, 0))

    samples = np.pad(image()[0].numpy(), 3, mode="reflect")
    x, y = points()[0, :, 0].numpy()
    rows, columns = (
        kernel(place[:, None] - np.arange(-3, n + 3)) for place, n in ((y, SHAPE[0]), (x, SHAPE[1]))
    )
    expected = np.einsum("nr,rc,nc->n", rows, samples, columns)
    sampler = _sampling.make_sampler("catmull-rom", image())
    np.testing.assert_allclose(sampler.jet(points()).value.flatten(), expected, atol=1e-13)
    np.testing.assert_allclose(sampler.value(points()).flatten(), expected, atol=1e-13)


@pytest.mark.parametrize("kind", ["linear", "cubic", "catmull-rom"])
def test_derivatives_are_those_of_the_values(kind: str) -> None:
    """Central differences, step 1e-4: error 1e-8 of the third derivative, rounding 1e-12."""
    sampler = _sampling.make_sampler(kind, image())
    at, step = points(margin=-0.01), 1e-4
    away = (at - at.round()).abs().amin(1).flatten() > 2 * step

    # Value, slopes by x and y, second derivatives by xx, xy, yy.
    def planes(place: torch.Tensor) -> torch.Tensor:
        jet = sampler.jet(place, curvature=True)
        return torch.cat((jet.value[None], jet.slopes[0, :, None], jet.seconds[0, :, None]))

    def difference(axis: int, of: int) -> torch.Tensor:
        shift = torch.zeros_like(at)
        shift[:, axis] = step
        ends = [planes(at + sign * shift)[of] for sign in (1, -1)]
        return ((ends[0] - ends[1]) / (2 * step)).flatten()[away]

    pairs = [(1, 0, 0), (2, 1, 0), (4, 1, 1)]
    if kind != "linear":
        pairs += [(3, 0, 1), (5, 1, 2)]
    for which, axis, of in pairs:
        exact = planes(at)[which].flatten()[away]
        torch.testing.assert_close(exact, difference(axis, of), rtol=0, atol=1e-6)


def test_linear_is_clamped_beyond_the_outermost_samples() -> None:
    """The value is the edge's, and the slope the one with which it is reached."""
    beyond = torch.tensor([[[[-0.4, 11.3]], [[3.3, 4.2]]]], dtype=torch.float64)
    edge = torch.tensor([[[[0.0, 11.0]], [[3.3, 4.2]]]], dtype=torch.float64)
    sampler = _sampling.Linear(image())
    found, expected = (sampler.jet(at, curvature=True) for at in (beyond, edge))
    assert torch.equal(found.value, expected.value)
    assert torch.equal(found.slopes, expected.slopes)
    assert torch.equal(found.seconds, expected.seconds)


@pytest.mark.parametrize("kind", ["linear", "cubic"])
def test_gradient_by_image_and_points(kind: str) -> None:
    at = points(6, margin=-0.3).requires_grad_(True)
    source = image().requires_grad_(True)

    def value(samples: torch.Tensor, place: torch.Tensor) -> torch.Tensor:
        return _sampling.make_sampler(kind, samples).value(place)

    assert torch.autograd.gradcheck(value, (source, at))


def test_a_far_point_keeps_its_fraction_in_single_precision() -> None:
    """A plain float32 coordinate of 2001.3 is good to 1e-4 px only; a split one to 1e-8."""
    ramp = torch.zeros(1, 4, 4000)
    ramp[..., 1::2] = 1.0
    at = torch.tensor([2001.3, 1.0], dtype=torch.float64).view(1, 2, 1, 1)
    assert float(_sampling.Linear(ramp).jet(at).value) == pytest.approx(0.7, abs=1e-6)


def test_spline_pieces_are_those_of_scipy() -> None:
    t = torch.linspace(0, 0.999, 37, dtype=torch.float64)
    for order, found in enumerate(_spline.weights(t)):
        for piece in range(4):
            element = (
                interpolate.BSpline.basis_element(np.arange(-2, 3)).derivative(order)
                if order
                else interpolate.BSpline.basis_element(np.arange(-2, 3))
            )
            np.testing.assert_allclose(found[:, piece], element(t.numpy() + 1 - piece), atol=1e-13)


@pytest.mark.parametrize("order", [0, 1, 2])
def test_integrals_of_products_are_those_of_quadrature(order: int) -> None:
    """Gauss-Legendre of six points is exact for these polynomials of degree six."""
    cells, length = 3, 2.5
    nodes, weights = np.polynomial.legendre.leggauss(6)
    expected = np.zeros((6, 6))
    for cell in range(cells):
        t = torch.tensor((nodes + 1) / 2)
        pieces = _spline.weights(t)[order].numpy() / length**order
        block = np.einsum("n,ni,nj->ij", weights / 2 * length, pieces, pieces)
        expected[cell : cell + 4, cell : cell + 4] += block
    np.testing.assert_allclose(
        _spline.product_integrals(cells, length, order), expected, atol=1e-14
    )


def test_fast_path_agrees_with_the_evaluator() -> None:
    at = points()
    grid = _sampling.normalised(at, *SHAPE)
    fast = _sampling.sample_normalised(image(), grid)
    torch.testing.assert_close(fast, _sampling.Linear(image()).jet(at).value, rtol=0, atol=1e-13)


def test_curvature_on_average_is_that_of_long_steps() -> None:
    """The interpolated second difference at x is L(x + 1) - 2 L(x) + L(x - 1), L linear."""
    at = points(margin=-2.5)
    linear = _sampling.Linear(image())
    seconds = _sampling.LinearOnAverage(image()).jet(at, curvature=True).seconds
    for axis, which in ((0, 0), (1, 2)):
        step = torch.zeros_like(at)
        step[:, axis] = 1.0
        ends = linear.jet(at + step).value + linear.jet(at - step).value
        expected = ends - 2 * linear.jet(at).value
        torch.testing.assert_close(seconds[:, which], expected)
    mixed = linear.jet(at, curvature=True).seconds[:, 1]
    torch.testing.assert_close(seconds[:, 1], mixed)
