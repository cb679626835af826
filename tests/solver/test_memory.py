"""What a solve holds at once grows with the number of pixels, however long a side is."""

import numpy as np
import pytest
import torch
from scipy import ndimage
from torch.profiler import ProfilerActivity, profile

from irgate_solver import _search, _spline, register

from . import scene

# Numbers of the images' type that a solve may hold for each pixel of an image, whatever its shape.
# The eight candidates of a search, the sixteen planes of a spline and the float64 of a fan's lags
# are some hundred; a square of the long side would be four thousand and more.
HELD = 500


def noisy(height: int, width: int) -> list[np.ndarray]:
    """Return a pair that needs a search: shifted by 3 px, with noise."""
    draw = np.random.default_rng(0)
    whole = ndimage.gaussian_filter(draw.standard_normal((height, width + 3)), 1.5)
    noise = whole.std() * draw.standard_normal((2, height, width))
    return [
        (image + one).astype(np.float32)
        for image, one in zip((whole[:, 3:], whole[:, :width]), noise, strict=True)
    ]


def peak(images: list[np.ndarray], sampling: str) -> int:
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as record:
        register(*images, model="rigid", sampling=sampling)
    events = [e for e in record.profiler.kineto_results.events() if e.name() == "[memory]"]
    sizes = [event.nbytes() for event in sorted(events, key=lambda event: event.start_ns())]
    return int(np.cumsum(sizes).max())


@pytest.mark.parametrize("sampling", ["linear", "cubic"])
@pytest.mark.parametrize("shape", [(4, 4000), (4000, 4)])
def test_a_long_side_takes_no_square_of_itself(shape: tuple[int, int], sampling: str) -> None:
    held = peak(noisy(*shape), sampling)
    pixels = shape[0] * shape[1]
    assert held > 4 * pixels  # at least one image, else nothing was measured
    assert held <= HELD * 4 * pixels


@pytest.mark.parametrize("degrees", [70, 175, -120])
def test_one_rotation_at_a_time_finds_what_the_fan_finds(
    degrees: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    shape = (64, 90)
    pair = scene.make(scene.field_of(scene.turned(shape, degrees, (3, -2)), shape))
    together = register(pair.fixed, pair.moving, model="rigid")
    monkeypatch.setattr(_search, "MOST_AT_ONCE", 0)
    apart = register(pair.fixed, pair.moving, model="rigid")
    torch.testing.assert_close(apart.matrix, together.matrix, rtol=0, atol=1e-5)
    assert scene.distance(apart.displacement().numpy(), pair.displacement).max() <= 0.05


@pytest.mark.parametrize("shape", [(40, 1500), (700, 30), (513, 513)])
def test_long_sides_are_filtered_as_short_ones(shape: tuple[int, int]) -> None:
    """Unser's coefficients, by scipy: in blocks, and by one matrix."""
    image = np.random.default_rng(0).random(shape)
    found = _spline.interpolating_coefficients(torch.tensor(image)[None])[0].numpy()
    np.testing.assert_allclose(found, ndimage.spline_filter(image, mode="mirror"), atol=1e-13)
