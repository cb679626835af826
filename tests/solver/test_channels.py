"""Colour: the mean of the channels' metrics, or a refusal in one line; flat pairs of a batch."""

import numpy as np
import pytest
import torch

from irgate_solver import Status, _metrics, register

from . import scene
from .test_implicit import CUBIC, STEP, Problem

SHAPE = (64, 72)
TRUTH = scene.field_of(scene.turned(SHAPE, 3, (1.4, -0.8)), SHAPE)
# The bilinear bias of the finest blobs, at a corner, px.
CLEAN = 0.03


def colour(noise: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Return both images with three unlike channels last."""
    pairs = [scene.make(TRUTH, seed=seed, noise=noise) for seed in (1, 2, 3)]
    return tuple(
        np.stack([getattr(pair, name) for pair in pairs], -1) for name in ("fixed", "moving")
    )


FIXED, MOVING = colour()


@pytest.mark.parametrize("metric", ["ssd", "ncc", "huber"])
@pytest.mark.parametrize("model", ["rigid", "similarity", "ffd"])
def test_colour_is_solved(model: str, metric: str) -> None:
    result = register(FIXED, MOVING, model=model, metric=metric, channels="last")
    limit = CLEAN if model != "ffd" else 0.2  # an FFD's corners, which few pixels hold
    assert scene.distance(result.displacement().numpy(), TRUTH).max() <= limit
    first = [np.moveaxis(image, -1, 0) for image in (FIXED, MOVING)]
    same = register(*first, model=model, metric=metric, channels="first")
    assert torch.equal(same.parameters, result.parameters)


def test_a_metric_of_ones_own_sees_the_channels_as_pairs() -> None:
    def difference(fixed: torch.Tensor, warped: torch.Tensor, valid: torch.Tensor) -> torch.Tensor:
        assert fixed.shape == warped.shape == valid.shape
        return (warped - fixed).unsqueeze(1)

    options = {"model": "rigid", "sampling": "cubic", "channels": "last"}
    own = register(FIXED, MOVING, metric=difference, **options)
    named = register(FIXED, MOVING, metric="ssd", **options)
    torch.testing.assert_close(own.matrix, named.matrix, rtol=0, atol=1e-6)


def test_three_equal_channels_are_the_grey_pair() -> None:
    grey = register(FIXED[..., 0], MOVING[..., 0], model="affine", sampling="cubic")
    thrice = [np.repeat(image[..., :1], 3, -1) for image in (FIXED, MOVING)]
    result = register(*thrice, model="affine", sampling="cubic", channels="last")
    torch.testing.assert_close(result.matrix, grey.matrix, rtol=0, atol=1e-8)


def test_channels_of_opposite_contrast_do_not_cancel() -> None:
    """Their mean is flat: a grey image would hold nothing."""
    images = [np.stack((image[..., 0], 1 - image[..., 0]), -1) for image in (FIXED, MOVING)]
    result = register(*images, model="rigid", channels="last")
    assert scene.distance(result.displacement().numpy(), TRUTH).max() <= CLEAN


def test_more_channels_say_more() -> None:
    """Three times the pixels: standard errors fall by the root of three."""
    draw = np.random.default_rng(3)
    fixed, moving = (
        np.repeat(image[..., :1], 3, -1) + 0.002 * draw.standard_normal((*SHAPE, 3))
        for image in (FIXED, MOVING)
    )
    options = {"model": "rigid", "sampling": "cubic"}
    points = np.array([[8.0, 8.0], [60.0, 50.0]])
    alone = register(fixed[..., 0], moving[..., 0], **options).standard_error(points)
    together = register(fixed, moving, channels="last", **options).standard_error(points)
    assert isinstance(together, np.ndarray)
    # How much noise there is, and whose, is estimated anew.
    np.testing.assert_allclose(together, alone / np.sqrt(3), rtol=0.15)


def test_a_batch_in_colour_equals_its_pairs() -> None:
    flipped = [np.stack((image, image[::-1])) for image in (FIXED, MOVING)]
    together = register(*flipped, model="rigid", channels="last")
    for k in range(2):
        alone = register(*(image[k].copy() for image in flipped), model="rigid", channels="last")
        torch.testing.assert_close(together.matrix[k], alone.matrix, rtol=0, atol=1e-9)
    assert together.warp(flipped[1]).shape == flipped[1].shape


@pytest.mark.parametrize("which", [0, 1], ids=["fixed", "moving"])
@pytest.mark.parametrize("metric", ["ssd", "ncc"])
def test_its_gradient_is_that_of_the_whole_solve(metric: str, which: int) -> None:
    problem = Problem("rigid", metric, "cubic")
    problem.images = [torch.stack((image, image.flip(0) ** 2)) for image in problem.images]
    problem.direction = torch.stack((problem.direction, problem.direction.flip(1)))
    problem.options["channels"] = "first"
    exact = problem.derivative(which)
    assert abs(problem.difference(which, STEP["cubic"]) - exact) <= CUBIC * abs(exact)


def test_masks_lie_on_all_channels() -> None:
    mask = np.ones(SHAPE, dtype=bool)
    mask[20:30, 20:40] = False
    spoilt = [image.copy() for image in (FIXED, MOVING)]
    for image in spoilt:
        image[~mask] = 7.0
    result = register(
        *spoilt, model="rigid", channels="last", mask=mask, moving_mask=mask, search=False
    )
    assert scene.distance(result.displacement().numpy(), TRUTH).max() <= CLEAN


@pytest.mark.parametrize(
    ("axes", "said"),
    [((2, 0, 1), 'channels="first" for colour'), ((0, 1, 2), 'channels="last" for colour')],
)
def test_what_may_be_colour_is_refused_in_one_line(axes: tuple[int, ...], said: str) -> None:
    images = [image.transpose(axes) for image in (FIXED, MOVING)]
    with pytest.raises(ValueError, match=said) as caught:
        register(*images)
    assert str(caught.value).startswith("register: fixed has shape")
    assert "\n" not in str(caught.value)


def test_three_pairs_are_a_batch_where_that_is_said() -> None:
    images = [np.moveaxis(image, -1, 0) for image in (FIXED, MOVING)]
    result = register(*images, model="rigid", channels="none")
    assert result.matrix.shape == (3, 3, 3)
    alone = register(images[0][1], images[1][1], model="rigid")
    torch.testing.assert_close(result.matrix[1], alone.matrix, rtol=0, atol=1e-9)


def test_other_channels_are_refused() -> None:
    with pytest.raises(ValueError, match="channels='rgb'; expected one of first, last, none"):
        register(FIXED, MOVING, channels="rgb")
    with pytest.raises(ValueError, match=r"expected \(H, W, C\)"):
        register(FIXED[..., 0], MOVING[..., 0], channels="last")
    with pytest.raises(ValueError, match="with the same channels"):
        register(FIXED, MOVING[..., :2], channels="last")
    with pytest.raises(ValueError, match="takes one channel and 3 came"):
        register(FIXED, MOVING, channels="last", recipe="siren")


@pytest.mark.parametrize("intensity", ["same", "varying"])
@pytest.mark.parametrize("model", ["rigid", "affine", "ffd"])
def test_a_flat_pair_of_a_batch_leaves_the_others_alone(model: str, intensity: str) -> None:
    flat, options = np.full(SHAPE, 0.3), {"model": model, "intensity": intensity}
    one, other = FIXED[..., 0], MOVING[..., 0]
    result = register(
        np.stack((one, flat, one)), np.stack((other, other, flat)), **options, channels="none"
    )
    alone = register(one, other, **options)
    torch.testing.assert_close(result.parameters[0], alone.parameters, rtol=0, atol=1e-9)
    assert result.status[0] is alone.status
    for k in (1, 2):
        assert result.status[k] is Status.SINGULAR
        assert float(result.displacement()[k].abs().max()) <= 1e-12
        assert result.objective[k].isnan()
        assert not result.errors_hold[k]
    assert result.standard_error(np.array([[3.0, 4.0]]))[1:].min() == np.inf
    with pytest.raises(ValueError, match="every pair has a flat image"):
        register(np.stack((one, flat)), np.stack((flat, other)), **options)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("metric", ["ssd", "ncc", "nmi"])
def test_a_flat_channel_is_left_out(metric: str, dtype: torch.dtype) -> None:
    """An opaque picture's alpha, once 1, once what float32 rounds it to, once in one image only."""
    draw = np.random.default_rng(2)
    planes = [torch.tensor(np.moveaxis(image, -1, 0)[:2], dtype=dtype) for image in (FIXED, MOVING)]
    ones = torch.ones(1, *SHAPE, dtype=dtype)
    ripple = 1 + torch.finfo(dtype).eps * torch.tensor(draw.integers(-1, 2, (1, *SHAPE)))
    options = {"model": "rigid", "metric": metric, "sampling": "cubic", "channels": "first"}
    leaves = [image.clone().requires_grad_(True) for image in planes]
    plain = register(*leaves, **options)
    plain.matrix[:2].sum().backward()
    alphas = ((ones, ones), (ripple.to(dtype), ones), (ones, planes[0][:1]))
    for first, second in alphas:
        given = [
            torch.cat((image, alpha)).requires_grad_(True)
            for image, alpha in zip(planes, (first, second), strict=True)
        ]
        result = register(*given, **options)
        assert torch.equal(result.parameters, plain.parameters)
        assert torch.equal(result.objective, plain.objective)
        if metric != "nmi":
            assert torch.equal(result.covariance, plain.covariance)
            assert torch.equal(result.bias, plain.bias)
        result.matrix[:2].sum().backward()
        for got, wanted in zip(given, leaves, strict=True):
            assert torch.equal(got.grad[:2], wanted.grad)
            assert not got.grad[2].any()


def test_one_channel_with_content_is_a_grey_pair() -> None:
    alpha = np.ones(SHAPE)
    pair = [np.stack((image[..., 0], alpha), -1) for image in (FIXED, MOVING)]
    grey = register(FIXED[..., 0], MOVING[..., 0])
    assert torch.equal(register(*pair, channels="last").parameters, grey.parameters)


def test_a_channel_that_is_flat_in_some_pairs_is_refused_in_one_line() -> None:
    batches = [np.stack((image, image)) for image in (FIXED, MOVING)]
    batches[0][1, ..., 2] = 1.0
    with pytest.raises(ValueError, match="register: channel 2 is flat in some pairs") as caught:
        register(*batches, channels="last")
    assert "\n" not in str(caught.value)
    # A pair that is flat altogether has no say.
    batches[0][1] = 1.0
    states = register(*batches, channels="last").status
    assert states[0].settled
    assert states[1] is Status.SINGULAR


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_correlation_of_rounding_is_none(dtype: torch.dtype) -> None:
    draw = torch.Generator().manual_seed(0)
    image = torch.rand(1, 16, 16, generator=draw, dtype=dtype)
    rounding = 0.5 + torch.finfo(dtype).eps * image
    valid = torch.ones_like(image)
    for pair in ((image, rounding), (rounding, image), (rounding, rounding)):
        fit = _metrics.correlation(*pair, valid, True)
        assert float(fit.objective) == pytest.approx(1.0, abs=1e-3)
        assert float(fit.scale) < 1e30
        assert float(fit.shares.abs().max()) < 1e60


@pytest.mark.parametrize("which", [0, 1], ids=["fixed", "moving"])
@pytest.mark.parametrize("metric", ["mind", "lncc", "nmi"])
def test_what_is_solved_is_what_is_differentiated(metric: str, which: int) -> None:
    """Story: channels were solved in the grey image's units and differentiated in their own.

    Both have floors and bins, so that the answer was no stationary point of what is differentiated.
    """
    problem = Problem("rigid", metric, "cubic")
    problem.images = [torch.stack((image, 0.3 * image.flip(0) ** 2)) for image in problem.images]
    problem.direction = torch.stack((problem.direction, problem.direction.flip(1)))
    problem.options["channels"] = "first"
    exact = problem.derivative(which)
    # Metrics of neighbourhoods have fifth derivatives of their own.
    assert abs(problem.difference(which, 1e-6) - exact) <= 1e-5 * abs(exact)


def test_a_chosen_bending_goes_with_its_pair_and_has_a_covariance() -> None:
    """Story: the weights, one for each pair, met the channels of all pairs."""
    flipped = [np.stack((image, image[::-1])) for image in colour(0.01)]
    options = {"model": "ffd", "bending": "auto", "channels": "last"}
    together = register(*flipped, **options)
    for k in range(2):
        alone = register(*(image[k].copy() for image in flipped), **options)
        points = np.array([[20.0, 20.0], [50.0, 40.0]])
        # The noise is estimated with other draws.
        found, wanted = together.standard_error(points)[k], alone.standard_error(points)
        np.testing.assert_allclose(found, wanted, rtol=0.2)


@pytest.mark.parametrize(
    "options",
    [
        {"model": "ffd", "bending": "auto"},
        {"model": "ffd", "recipe": "iclk-huber"},
        {"model": "rigid", "recipe": "iclk-huber"},
        {"model": "rigid"},
        {"model": "rigid", "metric": "ncc"},
        {"model": "rigid", "metric": "lncc", "sampling": "cubic"},
    ],
    ids=str,
)
def test_three_equal_channels_have_the_grey_pairs_units(options: dict[str, object]) -> None:
    """Story: three equal channels made a grey image of 1.7 times their range.

    The bending's weight was three times as large, a twentieth of the range and the rmse 1.7 times.
    """
    fixed, moving = (image[..., 0] for image in colour(0.02))
    grey = register(fixed, moving, **options)
    thrice = [np.repeat(image[..., None], 3, -1) for image in (fixed, moving)]
    result = register(*thrice, channels="last", **options)
    torch.testing.assert_close(result.parameters, grey.parameters, rtol=0, atol=1e-6)
    for name in ("rmse", "correlation", "objective"):
        found, wanted = float(getattr(result, name)), float(getattr(grey, name))
        assert found == pytest.approx(wanted, rel=1e-6)


def test_rmse_of_unlike_channels_is_numpys() -> None:
    fixed, moving = colour(0.02)
    fixed, moving = fixed * [1.0, 3.0, 0.2], moving * [1.0, 3.0, 0.2]
    result = register(fixed, moving, model="rigid", channels="last")
    field = result.displacement().numpy()
    squares = [
        scene.rmse(fixed[..., k], moving[..., k], field) ** 2 for k in range(fixed.shape[-1])
    ]
    assert float(result.rmse) == pytest.approx(np.sqrt(np.mean(squares)), rel=1e-6)


@pytest.mark.parametrize("which", [0, 1], ids=["fixed", "moving"])
def test_hubers_share_follows_each_channels_range_exactly(which: int) -> None:
    problem = Problem("rigid", "ssd", "cubic")
    problem.images = [torch.stack((image, 0.3 * image.flip(0))) for image in problem.images]
    problem.direction = torch.stack((problem.direction, problem.direction.flip(1)))
    del problem.options["metric"], problem.options["huber_width"]
    problem.options |= {"channels": "first", "recipe": "iclk-huber"}
    exact = problem.derivative(which)
    # Ten times smaller than elsewhere: Huber's second derivative jumps where a residual is as wide.
    assert abs(problem.difference(which, 1e-7) - exact) <= CUBIC * abs(exact)


@pytest.mark.parametrize("metric", ["mind", "lncc", "nmi"])
def test_a_flat_pair_leaves_the_others_alone_with_any_metric(metric: str) -> None:
    """Story: a flat pair had units of 0 / 0, and the bins of mutual information no place."""
    one, other = FIXED[..., 0], MOVING[..., 0]
    flat, options = np.full(SHAPE, 0.3), {"model": "rigid", "metric": metric, "channels": "none"}
    result = register(np.stack((one, flat)), np.stack((other, other)), **options)
    alone = register(one, other, **options)
    torch.testing.assert_close(result.parameters[0], alone.parameters, rtol=0, atol=1e-6)
    assert result.status[1] is Status.SINGULAR


@pytest.mark.filterwarnings("ignore:register. the gradient is not exact")
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("recipe", ["iclk-implicit", "mixed-checkpoint"])
@pytest.mark.parametrize("metric", ["ssd", "ncc", "huber", "nmi"])
def test_gradients_beside_a_flat_pair(metric: str, recipe: str, dtype: torch.dtype) -> None:
    if metric == "nmi" and recipe == "mixed-checkpoint":
        pytest.skip("this recipe unrolls the metrics of single pixels only")
    one, other = FIXED[..., 0], MOVING[..., 0]
    options = {"model": "rigid", "metric": metric, "recipe": recipe, "channels": "none"}
    fixed = torch.tensor(np.stack((one, np.full(SHAPE, 0.3))), dtype=dtype, requires_grad=True)
    moving = torch.tensor(np.stack((other, other)), dtype=dtype)
    register(fixed, moving, **options).matrix[:, :2].sum().backward()
    leaf = fixed.detach()[0].requires_grad_(True)
    register(leaf, moving[0], **options).matrix[:2].sum().backward()
    scale = float(leaf.grad.abs().max())
    torch.testing.assert_close(fixed.grad[0], leaf.grad, rtol=0, atol=1e-3 * scale)
    assert bool(fixed.grad.isfinite().all())
