"""What the compiled kernel makes of whole images is torch's: halves, splines, slopes, blurs."""

import pytest
import torch

from irgate_solver import _pyramid, _windows
from irgate_solver._sampling import make_sampler
from irgate_solver._template import gradient

from .test_kernel import DTYPES, SIZES, built, by_both


@built
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("size", [(4, 4), (1, 3), (3, 1), (2, 5), (33, 64), (64, 131)])
def test_halved_images_and_splines(
    size: tuple[int, int], dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = torch.rand(2, *size, generator=torch.Generator().manual_seed(1), dtype=dtype)
    halved = by_both(monkeypatch, lambda: _pyramid.halve(both))
    torch.testing.assert_close(*halved, rtol=0, atol=4 * torch.finfo(dtype).eps)
    if min(size) > 2:  # torch frames no smaller image
        framed = by_both(monkeypatch, lambda: make_sampler("cubic", both).framed)
        torch.testing.assert_close(*framed, rtol=0, atol=32 * torch.finfo(dtype).eps)


@built
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("sigma", [0.3, 1.0, 4.0])
@pytest.mark.parametrize("size", [(1, 1), (1, 3), (3, 1), (33, 64), (64, 131)])
def test_smoothed_planes(
    size: tuple[int, int], sigma: float, dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two channels, with kernels wider than the image too."""
    both = torch.rand(2, 2, *size, generator=torch.Generator().manual_seed(1), dtype=dtype)
    smoothed = by_both(monkeypatch, lambda: _windows.smooth(both, sigma))
    torch.testing.assert_close(*smoothed, rtol=0, atol=8 * torch.finfo(dtype).eps)


@built
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("size", [(2, 2), (3, 65), *SIZES])
def test_slopes_to_the_bit(
    size: tuple[int, int], dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = torch.rand(2, *size, dtype=dtype)
    compiled, expected = by_both(monkeypatch, lambda: gradient(image, 4))
    assert torch.equal(compiled, expected)
