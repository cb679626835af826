"""The implicit gradient against central differences of the whole solve, input by input."""

import warnings

import numpy as np
import pytest
import torch
from torch.profiler import ProfilerActivity, profile

from irgate_solver import InexactGradientWarning, Status, _levenberg, register
from irgate_solver._native import VARIABLE

from . import scene
from .test_register import ffd_field

SHAPE = (56, 64)
MODELS = ["translation", "rigid", "affine", "ffd"]
VARIANTS = ["ssd", "ncc", "huber", "mask", "moving mask"]

# Largest relative error of a directional derivative. The five-point difference below has an error
# of h^4 times the fifth derivative, and rounding of some 1e-13 px / h: 1e-7 of a derivative of
# about 1 px per unit intensity at h = 1e-6.
CUBIC = 1e-6
# What the bilinear kinks leave where the minimiser is not on one.
LINEAR = 1e-3
# A smaller step crosses fewer kinks.
STEP = {"cubic": 1e-6, "linear": 1e-7}

# Noise over the intensity range. White noise on the moving image puts kinks of bilinear sampling
# everywhere, and most minima onto one, where there is no derivative; a thousandth leaves them off.
NOISE = {"cubic": 0.05, "linear": 0.001}

# Steps as small as above stay within the piece that is differentiated; the warning is of others.
KINKS = pytest.mark.filterwarnings("ignore:register. the gradient is not exact. .* stand on kinks")

TRUTHS = {
    "translation": scene.linear_matrix(SHAPE, [[1, 0], [0, 1]], (1.4, -1.23)),
    "rigid": scene.turned(SHAPE, 6, (0.7, -0.6)),
    "affine": scene.linear_matrix(SHAPE, [[1.03, 0.04], [-0.03, 0.97]], (0.6, -0.8)),
}


class Problem:
    """A noisy pair, the options of the solve, and a scalar made of its answer.

    Only pixels that stay inside are trusted: a mean over valid points jumps where one enters. The
    free form has a prior, without which its corners are held by noise.
    """

    def __init__(self, model: str, variant: str, sampling: str) -> None:
        field = ffd_field(SHAPE, 1.5) if model == "ffd" else scene.field_of(TRUTHS[model], SHAPE)
        clean = scene.make(field)
        low, span = clean.moving.min(), np.ptp(clean.moving)
        draw = np.random.default_rng(5)
        noise = NOISE[sampling] * draw.standard_normal((2, *SHAPE))
        self.images = [
            torch.tensor((clean.fixed - low) / span + noise[0]),
            torch.tensor((clean.moving - low) / span + noise[1]),
        ]
        mask = torch.zeros(SHAPE, dtype=torch.bool)
        mask[8:-8, 8:-8] = True
        if variant == "mask":
            mask[20:30, 24:36] = False
        seen = torch.ones(SHAPE, dtype=torch.bool)
        seen[22:31, 26:37] = False
        self.weights = torch.tensor(draw.standard_normal((*SHAPE, 2))) * mask.unsqueeze(-1)
        self.direction = torch.tensor(draw.standard_normal(SHAPE))
        self.options = {
            "model": model,
            "sampling": sampling,
            "metric": "ssd" if "mask" in variant else variant,
            "huber_width": 0.06 if variant == "huber" else None,
            "mask": mask,
            "moving_mask": seen if variant == "moving mask" else None,
            "bending": 0.1 if model == "ffd" else 0.0,
            "search": False,
            "iterations": 300,
            "tolerance": 1e-12,
        }

    def value(self, fixed: torch.Tensor, moving: torch.Tensor) -> torch.Tensor:
        result = register(fixed, moving, **self.options)
        return (result.displacement() * self.weights).sum()

    def derivative(self, which: int) -> float:
        """Differentiate along `direction` by autograd."""
        images = [image.clone() for image in self.images]
        images[which].requires_grad_(True)
        (gradient,) = torch.autograd.grad(self.value(*images), images[which])
        assert gradient.isfinite().all()
        return float((gradient * self.direction).sum())

    def difference(self, which: int, step: float) -> float:
        """Differentiate by the five-point rule, solving anew for each point."""

        def at(multiple: int) -> float:
            images = list(self.images)
            images[which] = images[which] + multiple * step * self.direction
            return float(self.value(*images))

        return (8 * (at(1) - at(-1)) - (at(2) - at(-2))) / (12 * step)


@KINKS
@pytest.mark.parametrize("which", [0, 1], ids=["fixed", "moving"])
@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(("sampling", "limit"), [("cubic", CUBIC), ("linear", LINEAR)])
def test_gradient_is_that_of_the_whole_solve(
    model: str, variant: str, sampling: str, limit: float, which: int
) -> None:
    problem = Problem(model, variant, sampling)
    exact = problem.derivative(which)
    assert abs(problem.difference(which, STEP[sampling]) - exact) <= limit * abs(exact)


def test_the_comparison_notices_a_gauss_newton_jacobian(monkeypatch: pytest.MonkeyPatch) -> None:
    """Dropping the residual's second-order terms, as other libraries do, fails the test above."""
    from irgate_solver import _implicit

    whole = _implicit.stationarity

    def gauss_newton(problem, p):  # type: ignore[no-untyped-def]
        at = whole(problem, p)
        shortened = problem.linearise(p).normal
        return _implicit.Stationarity(
            at.gradient, shortened, at.reciprocal_condition, at.newton_travel
        )

    monkeypatch.setattr(_implicit, "stationarity", gauss_newton)
    problem = Problem("affine", "ssd", "cubic")
    wrong = problem.derivative(0)
    assert abs(problem.difference(0, STEP["cubic"]) - wrong) > 1e-2 * abs(wrong)


def test_gradient_by_the_prior_weight() -> None:
    problem = Problem("ffd", "ssd", "cubic")

    def value(weight: torch.Tensor) -> torch.Tensor:
        result = register(*problem.images, **{**problem.options, "bending": weight})
        return (result.displacement() * problem.weights).sum()

    weight = torch.tensor(0.1, dtype=torch.float64, requires_grad=True)
    (exact,) = torch.autograd.grad(value(weight), weight)
    step = 1e-5
    points = [float(value(torch.tensor(0.1 + k * step, dtype=torch.float64))) for k in (1, -1)]
    assert (points[0] - points[1]) / (2 * step) == pytest.approx(float(exact), rel=CUBIC)


def test_gradient_flows_through_matrix_points_and_warped_image() -> None:
    """What a result hands out is attached: the warped image by the transform and by the image."""
    problem = Problem("rigid", "ssd", "cubic")
    fixed, moving = problem.images
    weights = problem.weights[..., 0]

    def value(image: torch.Tensor) -> torch.Tensor:
        result = register(fixed, image, **problem.options)
        return (result.warp(image) * weights).sum() + result.matrix[0, 2]

    image = moving.clone().requires_grad_(True)
    (gradient,) = torch.autograd.grad(value(image), image)
    exact = float((gradient * problem.direction).sum())
    step = STEP["cubic"]
    ends = [float(value(moving + k * step * problem.direction)) for k in (-2, -1, 1, 2)]
    difference = (8 * (ends[2] - ends[1]) - (ends[3] - ends[0])) / (12 * step)
    assert difference == pytest.approx(exact, rel=CUBIC)


def test_float32_images_give_the_same_gradient_to_their_precision() -> None:
    problem = Problem("affine", "ssd", "cubic")
    options = {**problem.options, "tolerance": None}
    gradients = []
    for dtype in (torch.float32, torch.float64):
        fixed = problem.images[0].to(dtype).requires_grad_(True)
        result = register(fixed, problem.images[1].to(dtype), **options)
        value = (result.displacement() * problem.weights).sum()
        (gradient,) = torch.autograd.grad(value, fixed)
        assert gradient.dtype == dtype
        gradients.append(gradient.double())
    difference = (gradients[0] - gradients[1]).norm() / gradients[1].norm()
    assert float(difference) <= 1e-3  # 1e-7 of the images, times the Hessian's condition


@KINKS
def test_masked_pixels_have_no_gradient() -> None:
    problem = Problem("affine", "mask", "linear")
    fixed = problem.images[0].clone().requires_grad_(True)
    (gradient,) = torch.autograd.grad(problem.value(fixed, problem.images[1]), fixed)
    assert torch.all(gradient[~problem.options["mask"]] == 0)
    assert torch.any(gradient != 0)


def test_hidden_moving_pixels_have_no_gradient() -> None:
    problem = Problem("affine", "moving mask", "cubic")
    moving = problem.images[1].clone().requires_grad_(True)
    (gradient,) = torch.autograd.grad(problem.value(problem.images[0], moving), moving)
    assert torch.all(gradient[~problem.options["moving_mask"]] == 0)
    assert torch.any(gradient != 0)


def test_nothing_is_attached_without_need() -> None:
    problem = Problem("affine", "ssd", "linear")
    assert not register(*problem.images, **problem.options).matrix.requires_grad
    fixed = problem.images[0].clone().requires_grad_(True)
    with torch.no_grad():
        assert not register(fixed, problem.images[1], **problem.options).matrix.requires_grad


def test_second_derivative_is_refused() -> None:
    problem = Problem("translation", "ssd", "cubic")
    fixed = problem.images[0].clone().requires_grad_(True)
    value = problem.value(fixed, problem.images[1])
    (gradient,) = torch.autograd.grad(value, fixed, create_graph=True)
    with pytest.raises(RuntimeError, match="one derivative only"):
        gradient.sum().backward()


def test_unfinished_solve_warns_once_and_says_so() -> None:
    problem = Problem("affine", "ssd", "cubic")
    fixed = problem.images[0].clone().requires_grad_(True)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = register(fixed, problem.images[1], **{**problem.options, "iterations": 2})
        result.matrix.sum().backward()
    assert [w.category for w in caught] == [InexactGradientWarning]
    assert "ran out of iterations" in str(caught[0].message)
    assert caught[0].filename == __file__
    assert result.status is Status.EXHAUSTED
    assert fixed.grad.isfinite().all()


def test_a_point_that_is_not_stationary_warns() -> None:
    """Its solve says that it ended by itself, and the objective's gradient says otherwise."""
    from irgate_solver import _implicit

    problem = Problem("translation", "ssd", "cubic")
    result = register(*problem.images, **problem.options)
    fixed, moving = (image[None] for image in problem.images)
    fixed.requires_grad_(True)
    near = result.parameters[None] + torch.tensor([[0.02, 0.0]], dtype=torch.float64)
    with pytest.warns(InexactGradientWarning, match="1 are further than 0.01 px"):
        _implicit.attach(result._objective, fixed, moving, near, [True])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        _implicit.attach(result._objective, fixed, moving, result.parameters[None], [True])


def test_singular_hessian_warns_and_gives_the_least_norm_gradient() -> None:
    """Vertical stripes do not determine y: the gradient of x stays right."""
    x, _ = scene.grid(SHAPE)
    stripes = [torch.tensor(np.sin(2 * np.pi * (x + shift) / 24)) for shift in (1.3, 0.0)]
    fixed = stripes[0].requires_grad_(True)
    with pytest.warns(InexactGradientWarning, match="singular"):
        result = register(fixed, stripes[1], model="translation", search=False)
    assert result.status is Status.SINGULAR
    (by_x,) = torch.autograd.grad(result.matrix[0, 2], fixed, retain_graph=True)
    (by_y,) = torch.autograd.grad(result.matrix[1, 2], fixed)
    assert float(by_x.norm()) > 0
    assert float(by_y.norm()) <= 1e-6 * float(by_x.norm())


def peak_bytes(iterations: int, monkeypatch: pytest.MonkeyPatch) -> int:
    """Return the peak of what torch held at once during a solve and its backward pass."""
    problem = Problem("affine", "ssd", "linear")
    fixed = problem.images[0].clone().requires_grad_(True)
    options = {**problem.options, "iterations": iterations}
    with monkeypatch.context() as patch:
        # With these codes equal to RUNNING no descent in torch ends before its iterations do.
        patch.setenv(VARIABLE, "0")
        patch.setattr(_levenberg, "CONVERGED", _levenberg.RUNNING)
        patch.setattr(_levenberg, "STALLED", _levenberg.RUNNING)
        with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as record:
            with pytest.warns(InexactGradientWarning):
                result = register(fixed, problem.images[1], **options)
            result.matrix.sum().backward()
    assert result.iterations[-1] >= iterations
    events = [e for e in record.profiler.kineto_results.events() if e.name() == "[memory]"]
    sizes = [event.nbytes() for event in sorted(events, key=lambda event: event.start_ns())]
    return int(np.cumsum(sizes).max())


def test_memory_does_not_grow_with_iterations(monkeypatch: pytest.MonkeyPatch) -> None:
    few, many = (peak_bytes(iterations, monkeypatch) for iterations in (10, 200))
    assert few > 8 * SHAPE[0] * SHAPE[1]  # at least one image, else nothing was measured
    assert many <= 1.05 * few
