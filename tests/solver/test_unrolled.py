"""The unrolled gradient against differences, the implicit one, and itself without checkpoints."""

import pytest
import torch

from irgate_solver import _arguments, _unrolled, register

from .test_implicit import CUBIC, KINKS, STEP, Problem

# Twelve Gauss-Newton iterations of a noisy pair: a rate of a tenth to the power twelve is far
# below; for the FFD, whose corners are held by a prior, the rate is worse.
UNROLLED = {"affine": 1e-5, "rigid": 1e-5, "ffd": 1e-3}


def gradient(problem: Problem, which: int, recipe: str) -> torch.Tensor:
    images = [image.clone() for image in problem.images]
    images[which].requires_grad_(True)
    options = {**problem.options, "recipe": recipe}
    value = (register(*images, **options).displacement() * problem.weights).sum()
    (found,) = torch.autograd.grad(value, images[which])
    return found


@pytest.mark.parametrize("which", [0, 1], ids=["fixed", "moving"])
@pytest.mark.parametrize("metric", ["ssd", "ncc"])
@pytest.mark.parametrize("model", list(UNROLLED))
def test_gradient_is_the_implicit_one_and_that_of_differences(
    model: str, metric: str, which: int
) -> None:
    problem = Problem(model, metric, "cubic")
    unrolled = gradient(problem, which, "mixed-checkpoint")
    implicit = gradient(problem, which, "iclk-implicit")
    limit = UNROLLED[model]
    assert float((unrolled - implicit).norm()) <= limit * float(implicit.norm())
    exact = float((unrolled * problem.direction).sum())
    difference = problem.difference(which, STEP["cubic"])
    assert difference == pytest.approx(exact, rel=max(limit, CUBIC))


@KINKS
@pytest.mark.parametrize("model", ["translation", "rigid", "affine"])
def test_gauss_newton_unrolled_comes_near_the_implicit_gradient(model: str) -> None:
    """Linear sampling takes the Gauss-Newton matrix, whose rate decides how many steps it needs."""
    problem = Problem(model, "ssd", "linear")
    unrolled = gradient(problem, 0, "mixed-checkpoint")
    implicit = gradient(problem, 0, "iclk-implicit")
    assert float((unrolled - implicit).norm()) <= 1e-4 * float(implicit.norm())


def test_answer_is_the_defaults_to_its_tolerance() -> None:
    problem = Problem("affine", "ssd", "cubic")
    fixed = problem.images[0].clone().requires_grad_(True)
    found = register(fixed, problem.images[1], **{**problem.options, "recipe": "mixed-checkpoint"})
    plain = register(*problem.images, **problem.options)
    assert found.matrix.requires_grad
    torch.testing.assert_close(found.matrix.detach(), plain.matrix, rtol=0, atol=1e-8)


def test_checkpoints_change_no_bit_of_the_gradient() -> None:
    problem = Problem("affine", "ssd", "cubic")
    result = register(*problem.images, **problem.options)
    start = (result.parameters + 0.05)[None]
    gradients = []
    for checkpointed in (False, True):
        fixed, moving = (image[None].clone().requires_grad_(True) for image in problem.images)
        p = _unrolled.unroll(
            result._objective, fixed, moving, start, iterations=4, checkpointed=checkpointed
        )
        p.sum().backward()
        gradients.append((fixed.grad, moving.grad))
    assert torch.equal(gradients[0][0], gradients[1][0])
    assert torch.equal(gradients[0][1], gradients[1][1])


def test_too_few_iterations_are_seen_by_the_comparison() -> None:
    """One iteration's derivative is not the minimiser's: the test above can fail."""
    problem = Problem("affine", "ssd", "cubic")
    result = register(*problem.images, **problem.options)
    fixed, moving = (image[None].clone().requires_grad_(True) for image in problem.images)
    implicit = gradient(problem, 0, "iclk-implicit")
    start = (result.parameters + 0.05)[None]
    p = _unrolled.unroll(result._objective, fixed, moving, start, iterations=1)
    warp = result._objective.warp
    y, x = (torch.arange(n, dtype=torch.float64) for n in fixed.shape[1:])
    field = (warp.rows(y) @ (warp.coefficients(p) @ warp.columns(x).mT)).permute(0, 2, 3, 1)
    (found,) = torch.autograd.grad((field[0] * problem.weights).sum(), fixed)
    assert float((found[0] - implicit).norm()) > 1e-3 * float(implicit.norm())


def test_siren_has_no_gradient_and_says_so() -> None:
    problem = Problem("translation", "ssd", "linear")
    fixed = problem.images[0].clone().requires_grad_(True)
    with pytest.raises(ValueError, match="has no gradient"):
        register(fixed, problem.images[1], model="translation", recipe="siren")


def test_every_recipes_stages_exist() -> None:
    from irgate_solver import recipes
    from irgate_solver._register import STAGES

    for name in recipes():
        for model in ("affine", "ffd"):
            for intensity in ("same", "varying"):
                parts = _arguments.read_parts(name, intensity, model)
                assert parts.stages in STAGES
                assert parts.gradient in ("implicit", "unrolled", "none")
