"""Smoothing in the objective: nearer to the truth under noise, exact, and nothing without noise."""

import numpy as np
import pytest
import torch

import irgate_fixtures
from irgate_solver import _smoothing, register

from . import scene

SHAPE = (128, 128)
# Story: noise of 3 % moved the minimum of squared differences by 0.01 to 0.4 px, because
# interpolation averages noise away and the minimiser follows it.
NOISE = 0.03


def shifted(noise: float, seed: int = 0) -> scene.Scene:
    field = np.tile([2.4, -1.3], (*SHAPE, 1))
    return scene.make(field, seed=seed, finest=3.0, noise=noise)


def error(made: scene.Scene, **options: object) -> float:
    result = register(made.fixed, made.moving, model="translation", **options)
    return float(scene.distance(result.displacement().numpy(), made.displacement).mean())


@pytest.mark.parametrize("sampling", ["linear", "cubic"])
def test_smoothing_brings_a_noisy_shift_nearer(sampling: str) -> None:
    draws = [shifted(NOISE, seed) for seed in range(6)]
    plain = np.median([error(made, sampling=sampling) for made in draws])
    smoothed = np.median([error(made, sampling=sampling, smoothing="auto") for made in draws])
    # Linear sampling still averages what is left: half, and cubic sampling a fifth and less.
    assert smoothed < {"linear": 0.7, "cubic": 0.4}[sampling] * plain


@pytest.mark.parametrize("sampling", ["linear", "cubic"])
def test_the_border_costs_a_noise_free_pair_little(sampling: str) -> None:
    """Means to one side at the border moved it by 0.0013 px; those pixels do not count."""
    made = shifted(0.0)
    plain, smoothed = (error(made, sampling=sampling, smoothing=sigma) for sigma in (0.0, 1.0))
    assert smoothed <= plain + 1e-4


def test_auto_is_off_where_there_is_no_noise_and_changes_no_bit_there() -> None:
    made = shifted(0.0)
    plain = register(made.fixed, made.moving, model="translation")
    auto = register(made.fixed, made.moving, model="translation", smoothing="auto")
    assert torch.equal(plain.parameters, auto.parameters)


def test_auto_decides_for_each_pair_of_a_batch() -> None:
    clean, noisy = shifted(0.0), shifted(NOISE)
    fixed, moving = np.stack([clean.fixed, noisy.fixed]), np.stack([clean.moving, noisy.moving])
    both = register(fixed, moving, model="translation", smoothing="auto").parameters
    for index, made in enumerate((clean, noisy)):
        alone = register(made.fixed, made.moving, model="translation", smoothing="auto")
        torch.testing.assert_close(both[index], alone.parameters, rtol=0, atol=1e-8)


@pytest.mark.parametrize("metric", ["ssd", "ncc", "lncc"])
def test_the_gradient_is_exact(metric: str) -> None:
    """Against central differences of the whole solve, float64, along one direction of each image.

    The step is where rounding (1e-9 px / 1e-4) and the third derivative are both under 1e-5.
    """
    shape = (40, 48)
    made = scene.make(np.tile([0.7, -0.4], (*shape, 1)), finest=3.0, noise=0.02)
    images = [torch.tensor(image) for image in (made.fixed, made.moving)]
    draw = torch.Generator().manual_seed(0)
    weights = torch.randn(2, generator=draw, dtype=torch.float64)

    def solve(fixed: torch.Tensor, moving: torch.Tensor) -> torch.Tensor:
        options = {"metric": metric, "sampling": "cubic", "smoothing": 1.0, "search": False}
        return (register(fixed, moving, model="translation", **options).parameters * weights).sum()

    for which in (0, 1):
        leaves = [image.clone().requires_grad_(k == which) for k, image in enumerate(images)]
        (gradient,) = torch.autograd.grad(solve(*leaves), [leaves[which]])
        direction = torch.randn(shape, generator=draw, dtype=torch.float64)
        step = 1e-4
        ends = []
        for sign in (1, -1):
            moved = [i + sign * step * direction * (k == which) for k, i in enumerate(images)]
            ends.append(float(solve(*moved)))
        difference = (ends[0] - ends[1]) / (2 * step)
        assert float((gradient * direction).sum()) == pytest.approx(difference, rel=1e-4)


def test_what_a_mask_hides_does_not_change_a_bit() -> None:
    made = shifted(0.01)
    mask = np.ones(SHAPE, bool)
    mask[40:70, 50:80] = False
    found = []
    for filler in (0.0, 7.0, np.nan):
        fixed, moving = made.fixed.copy(), made.moving.copy()
        fixed[~mask] = moving[~mask] = filler
        options = {"mask": mask, "moving_mask": mask, "smoothing": 1.0}
        found.append(register(fixed, moving, model="rigid", **options).parameters)
    assert torch.equal(found[0], found[1])
    assert torch.equal(found[0], found[2])


def test_the_smoothed_image_is_scipys_and_the_band_beside_a_mask_does_not_count() -> None:
    from scipy import ndimage

    draw = np.random.default_rng(0)
    image, trusted = draw.random((30, 36)), np.ones((30, 36), bool)
    trusted[10:14, 12:20] = False
    smoothing = _smoothing.read(1.0, torch.zeros(1, 1, 1), torch.zeros(1, 1, 1))
    assert smoothing is not None
    found = smoothing.apply(torch.tensor(image)[None], torch.tensor(trusted * 1.0)[None])[0]

    def blur(plane: np.ndarray) -> np.ndarray:
        return ndimage.gaussian_filter(plane, 1.0, mode="constant", radius=3)

    expected = blur(image * trusted) / blur(trusted * 1.0)
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-12)
    left = smoothing.shrunk(torch.tensor(trusted)[None])[0].numpy()
    square = np.ones((5, 5), bool)
    np.testing.assert_array_equal(left, ndimage.binary_erosion(trusted, square, border_value=0))


@pytest.mark.parametrize(
    "smoothing",
    [
        "much",
        -1,
        5.0,
        True,
        None,
        float("nan"),
        np.True_,
        np.ones(1),
        torch.ones((), requires_grad=True),
    ],
)
def test_what_is_no_sigma_is_refused(smoothing: object) -> None:
    pair = irgate_fixtures.pair("lena_affine_2d")
    with pytest.raises(ValueError, match=r'smoothing=.*expected px from 0 to 4, or "auto"'):
        register(pair.fixed, pair.moving, smoothing=smoothing)


def test_a_small_image_keeps_pixels_to_compare() -> None:
    """The band of 2 px on each side would leave 20 of 72 pixels."""
    shape = (8, 9)
    x, y = scene.grid(shape)
    fixed, moving = scene.blobs(x + 0.3, y, shape), scene.blobs(x, y, shape)
    result = register(fixed, moving, model="translation", smoothing=1.0)
    assert float(result.overlap) > 0.5


def test_predicted_errors_hold_for_noise_on_the_fixed_image() -> None:
    """Smoothing correlates the noise of neighbours; 60 draws scatter by 9 %."""
    field = np.tile([1.4, -0.8], (64, 72, 1))
    clean = scene.make(field, finest=3.0)
    draw = np.random.default_rng(1)
    found, predicted = [], []
    for _ in range(60):
        fixed = clean.fixed + 0.02 * draw.standard_normal(clean.fixed.shape)
        result = register(
            fixed, clean.moving, model="translation", sampling="cubic", smoothing=1.0, search=False
        )
        found.append(result.parameters.numpy())
        predicted.append(result.covariance.diagonal().sqrt().numpy())
    ratio = np.median(predicted, axis=0) / np.std(found, axis=0)
    assert (ratio > 0.7).all()
    assert (ratio < 1.4).all()


def test_auto_sees_the_noise_beside_a_mask() -> None:
    """Story: hidden pixels are zeros within, so that under a large mask no noise was seen."""
    made = shifted(NOISE)
    mask = np.zeros(SHAPE, bool)
    mask[30:-30, 30:-30] = True
    fixed, moving = (torch.tensor(np.where(mask, image, 0.0))[None] for image in (made.fixed,) * 2)
    seen = torch.tensor(mask)[None]
    smoothing = _smoothing.read("auto", fixed, moving, seen, seen)
    assert smoothing is not None
    assert smoothing.chosen.all()
    clean = torch.tensor(np.where(mask, shifted(0.0).fixed, 0.0))[None]
    assert _smoothing.read("auto", clean, clean, seen, seen) is None
    options = {"mask": mask, "model": "translation"}
    auto, given = (
        register(made.fixed, made.moving, smoothing=smoothing, **options).parameters
        for smoothing in ("auto", 1.0)
    )
    assert torch.equal(auto, given)


@pytest.mark.parametrize(
    "number", [np.float32(1), np.int64(1), np.array(1.0), torch.tensor(1.0), 1], ids=repr
)
def test_any_single_number_is_a_sigma(number: object) -> None:
    made = shifted(NOISE)
    given = register(made.fixed, made.moving, model="translation", smoothing=number)
    plain = register(made.fixed, made.moving, model="translation", smoothing=1.0)
    assert torch.equal(given.parameters, plain.parameters)


def test_a_start_within_the_band_is_told_apart_from_one_out_of_view() -> None:
    made = shifted(0.0)
    start = np.eye(3)
    for shift, said in ((126.0, "beside the band that smoothing does not count"), (500, "outside")):
        start[0, 2] = shift
        with pytest.raises(ValueError, match=said) as caught:
            register(made.fixed, made.moving, init=start, smoothing=2.0)
        assert "\n" not in str(caught.value)
    start[0, 2] = 126.0
    register(made.fixed, made.moving, model="translation", init=start)
