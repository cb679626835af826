"""Metrics known by their function: derivatives, the whole solve, and the protocol's errors."""

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.autograd.functional import hessian, jacobian

from irgate_solver import Status, _objective, _precision, register
from irgate_solver._any_metric import AnyMetric, Variation
from irgate_solver._dissimilarity import Dissimilarity
from irgate_solver._lucas_kanade import level_basis
from irgate_solver._metric_table import BY_FUNCTION, NAMES
from irgate_solver._pyramid import Level
from irgate_solver._sampling import make_sampler

from . import scene
from .test_implicit import CUBIC, Problem
from .test_theory import WARPS, parameters

IDENTITY = 1e-10
"""Relative error between two ways of adding the same float64 numbers, some thousand of them."""

SAME_MINIMUM = 1e-6
"""Largest distance, px, between two float64 solves of one objective, each left with a step of 1e-9
px."""

# An FFD without a prior is held by noise: its control points drift hundreds of pixels.
PRIOR = 1e3


def images(shape: tuple[int, int] = (11, 14), seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    """Return a fixed and a warped image and weights with a hole, `(1, h, w)`, float64."""
    draw = torch.Generator().manual_seed(seed)
    fixed, warped = torch.rand(2, 1, *shape, generator=draw, dtype=torch.float64)
    valid = torch.ones_like(fixed)
    valid[:, 3:6, 4:8] = 0
    valid[:, :, -1] = 0
    return fixed, warped, valid


def squares(fixed: Tensor, warped: Tensor, valid: Tensor) -> Tensor:
    """Return the residual of "ssd"."""
    return (warped - fixed).unsqueeze(1)


def correlated(fixed: Tensor, warped: Tensor, valid: Tensor) -> Tensor:
    """Return the residual of "ncc", gain and offset eliminated within."""
    count = valid.sum((1, 2), keepdim=True)

    def centred(image: Tensor) -> Tensor:
        return image - (valid * image).sum((1, 2), keepdim=True) / count

    f, m = centred(fixed), centred(warped)
    gain = (valid * f * m).sum((1, 2), keepdim=True) / (valid * m * m).sum((1, 2), keepdim=True)
    scale = (valid * f * f).mean((1, 2), keepdim=True).sqrt()
    return ((gain * m - f) / scale).unsqueeze(1)


def mean_square(fixed: Tensor, warped: Tensor, valid: Tensor) -> Tensor:
    """Return the value of "ssd"."""
    return (valid * (warped - fixed) ** 2).sum((1, 2)) / valid.sum((1, 2))


@pytest.mark.parametrize("name", BY_FUNCTION)
def test_metric_is_twice_differentiable_by_the_warped_image(name: str) -> None:
    fixed, warped, valid = images()

    def value(image: Tensor) -> Tensor:
        return BY_FUNCTION[name].evaluate(fixed, image, valid).value

    warped.requires_grad_(True)
    assert torch.autograd.gradcheck(value, warped)
    assert torch.autograd.gradgradcheck(value, warped)


@pytest.mark.parametrize("name", BY_FUNCTION)
def test_what_is_not_valid_does_not_matter(name: str) -> None:
    fixed, warped, valid = images()
    other_fixed, other_warped = (
        torch.where(valid > 0, image, torch.full_like(image, 7.0)) for image in (fixed, warped)
    )
    evaluate = BY_FUNCTION[name].evaluate
    before = evaluate(fixed, warped, valid).value
    assert torch.equal(evaluate(other_fixed, other_warped, valid).value, before)


@pytest.mark.parametrize("name", BY_FUNCTION)
def test_pairs_of_a_batch_do_not_see_each_other(name: str) -> None:
    pairs = [images(seed=seed) for seed in (0, 1)]
    both = [torch.cat(parts) for parts in zip(*pairs, strict=True)]
    alone = torch.cat([BY_FUNCTION[name].evaluate(*pair).value for pair in pairs])
    together = BY_FUNCTION[name].evaluate(*both).value
    torch.testing.assert_close(together, alone, rtol=IDENTITY, atol=0)


def problem_of(metric: Dissimilarity, name: str) -> AnyMetric:
    """Return the problem of a random pair in one family; the region is held."""
    warp = WARPS[name]
    fixed, moving, valid = images((warp.height, warp.width), 3)
    level = Level(fixed, torch.ones_like(fixed), moving, 1)
    sampler = make_sampler("cubic", moving)
    basis = level_basis(warp, level)
    return AnyMetric(warp, basis, level, sampler, (warp.height, warp.width), metric, region=valid)


@pytest.mark.parametrize("model", WARPS)
@pytest.mark.parametrize("name", BY_FUNCTION)
def test_gradient_and_hessian_are_those_of_the_value(name: str, model: str) -> None:
    """Against autograd through the whole chain, sampling included."""
    problem = problem_of(BY_FUNCTION[name], model).complete()
    p = 0.3 * parameters(model)

    def value(q: Tensor) -> Tensor:
        points = problem.points(q[None])
        # The sampler's value is differentiable twice: x, y enter its polynomials.
        warped = _spline_value(problem, points)
        return problem.metric.evaluate(problem.level.fixed, warped, problem.region).value.sum()

    at = problem.linearise(p)
    torch.testing.assert_close(at.gradient[0], jacobian(value, p[0]), rtol=1e-8, atol=1e-12)
    torch.testing.assert_close(at.normal[0], hessian(value, p[0]), rtol=1e-8, atol=1e-10)
    torch.testing.assert_close(at.slope, at.gradient, rtol=IDENTITY, atol=0)


def _spline_value(problem: AnyMetric, points: Tensor) -> Tensor:
    """Return the moving image at `points`, twice differentiable by them: Taylor's second order."""
    jet = problem.sampler.jet(points.detach(), curvature=True)
    dx, dy = (points - points.detach()).unbind(1)
    second = jet.seconds
    assert second is not None
    curved = 0.5 * second[:, 0] * dx**2 + second[:, 1] * dx * dy + 0.5 * second[:, 2] * dy**2
    return jet.value + jet.slopes[:, 0] * dx + jet.slopes[:, 1] * dy + curved


def test_products_are_those_of_the_jacobian() -> None:
    fixed, warped, valid = images()
    metric = BY_FUNCTION["mind"]
    variation = Variation(metric, fixed, warped, valid)
    field = images(seed=5)[0]

    def residual(image: Tensor) -> Tensor:
        found = metric.evaluate(fixed, image, valid).residual
        assert found is not None
        return found

    (r_of,) = [jacobian(residual, warped).reshape(-1, warped.numel())]
    pushed = (r_of @ field.flatten()).view(residual(warped).shape)
    torch.testing.assert_close(variation.pushed(field), pushed, rtol=1e-8, atol=1e-12)
    weights = variation.evaluation.weights.flatten()
    squared = 2 * variation.evaluation.share * (r_of.mT @ (weights * (r_of @ field.flatten())))
    torch.testing.assert_close(variation.squared(field).flatten(), squared, rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize(
    ("function", "name"), [(squares, "ssd"), (mean_square, "ssd"), (correlated, "ncc")]
)
@pytest.mark.parametrize("model", ["rigid", "affine"])
def test_own_function_finds_what_the_hand_written_metric_finds(
    function: object, name: str, model: str
) -> None:
    """Two ways to one minimum, and to its derivative. More noise would make two minima of it."""
    pair = scene.make(scene.field_of(scene.turned((40, 48), 3, (0.7, -0.6)), (40, 48)), noise=0.01)
    mask = np.zeros((40, 48), dtype=bool)
    mask[6:-6, 6:-6] = True
    found = []
    for metric in (name, function):
        moving = torch.tensor(pair.moving).requires_grad_(True)
        result = register(
            pair.fixed, moving, model=model, metric=metric, sampling="cubic", mask=mask
        )
        (gradient,) = torch.autograd.grad(result.displacement()[mask].sum(), moving)
        found.append((result.displacement().detach().numpy(), gradient))
    (one, by_one), (other, by_other) = found
    assert scene.distance(one, other).max() <= SAME_MINIMUM
    assert float((by_one - by_other).norm()) <= CUBIC * float(by_one.norm())


@pytest.mark.parametrize("which", [0, 1], ids=["fixed", "moving"])
@pytest.mark.parametrize(
    ("name", "model"),
    [("mind", model) for model in WARPS] + [(name, "affine") for name in BY_FUNCTION][1:],
)
def test_gradient_is_that_of_the_whole_solve(name: str, model: str, which: int) -> None:
    problem = Problem(model, "ssd", "cubic")
    problem.options |= {"metric": name, "bending": PRIOR if model == "ffd" else 0.0}
    exact = problem.derivative(which)
    assert abs(problem.difference(which, 1e-6) - exact) <= CUBIC * abs(exact)


def test_the_comparison_notices_units_that_are_held(monkeypatch: pytest.MonkeyPatch) -> None:
    """MIND's floor sees the images' range: holding it gives a gradient that is not exact."""
    smooth = _precision.Units.smooth

    def held(image: Tensor, trusted: Tensor | None) -> _precision.Units:
        return smooth(image.detach(), trusted)

    monkeypatch.setattr(_objective.Units, "smooth", held)
    problem = Problem("affine", "ssd", "cubic")
    problem.options["metric"] = "nmi"
    wrong = problem.derivative(1)
    assert abs(problem.difference(1, 1e-6) - wrong) > CUBIC * abs(wrong)


def test_weights_of_a_residual_count() -> None:
    """Two squares of one residual each, one of which has three times the other's weight."""
    fixed, warped, valid = images()

    def compare(f: Tensor, m: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        both = torch.stack((m - f, m + f), 1)
        return both, torch.tensor([3.0, 1.0], dtype=f.dtype).view(1, 2, 1, 1)

    found = Dissimilarity("two", compare).evaluate(fixed, warped, valid).value
    first, second = ((valid * (warped - s * fixed) ** 2).sum() for s in (1, -1))
    expected = (3 * first + second) / (4 * valid.sum())
    torch.testing.assert_close(found, expected[None])


@pytest.mark.parametrize(
    ("returned", "error", "message"),
    [
        (lambda f, m, v: 1.0, TypeError, "returned float; expected a tensor"),
        (lambda f, m, v: m - f, ValueError, r"returned shape \(1, .*residual \(B, C, H, W\)"),
        (lambda f, m, v: (m - f)[:, None, 1:], ValueError, "expected a residual"),
    ],
)
def test_a_function_that_returns_something_else_is_told(
    returned: object, error: type[Exception], message: str
) -> None:
    pair = scene.make(scene.field_of(np.eye(3), (24, 28)))
    with pytest.raises(error, match=message):
        register(pair.fixed, pair.moving, metric=returned)


def test_unknown_metric_is_told_with_all_names() -> None:
    pair = scene.make(scene.field_of(np.eye(3), (24, 28)))
    with pytest.raises(ValueError, match=", ".join(NAMES)):
        register(pair.fixed, pair.moving, metric="mutual")


@pytest.mark.parametrize("name", BY_FUNCTION)
def test_a_batch_is_solved_as_its_pairs_are(name: str) -> None:
    fields = [scene.field_of(scene.turned((40, 48), angle, (1, -1)), (40, 48)) for angle in (2, 5)]
    pairs = [scene.make(field, seed=seed) for seed, field in enumerate(fields)]
    fixed, moving = (
        np.stack([getattr(pair, side) for pair in pairs]) for side in ("fixed", "moving")
    )
    options = {"model": "rigid", "metric": name, "sampling": "cubic", "search": False}
    together = register(fixed, moving, **options).displacement().numpy()
    for index, field in enumerate(together):
        alone = register(fixed[index], moving[index], **options)
        assert alone.status in (Status.CONVERGED, Status.STALLED)
        assert scene.distance(field, alone.displacement().numpy()).max() <= 1e-6


def test_covariance_of_another_metric_is_refused() -> None:
    pair = scene.make(scene.field_of(scene.turned((40, 48), 2), (40, 48)))
    with pytest.raises(ValueError, match="the metric is mind; expected one of ssd, ncc, huber"):
        _ = register(pair.fixed, pair.moving, model="rigid", metric="mind").covariance
