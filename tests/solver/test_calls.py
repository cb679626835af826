"""What may surround a call: the transforms of `torch.func`, and autocast."""

from collections.abc import Callable

import pytest
import torch

from irgate_solver import register

from .test_implicit import Problem

PROBLEM = Problem("affine", "ssd", "cubic")
FIXED, MOVING = PROBLEM.images
MASK = PROBLEM.options["mask"]


def answer(fixed: torch.Tensor, moving: torch.Tensor = MOVING) -> torch.Tensor:
    return register(fixed, moving, model="rigid", mask=MASK).parameters


def scalar(fixed: torch.Tensor, moving: torch.Tensor = MOVING) -> torch.Tensor:
    result = register(fixed, moving, model="affine", mask=MASK)
    return (result.displacement() * PROBLEM.weights).sum() + result.matrix[0, 0]


def test_grad_is_that_of_autograd() -> None:
    leaves = [image.clone().requires_grad_(True) for image in (FIXED, MOVING)]
    expected = torch.autograd.grad(scalar(*leaves), leaves)
    found = torch.func.grad(scalar, argnums=(0, 1))(FIXED, MOVING)
    assert all(torch.equal(one, other) for one, other in zip(found, expected, strict=True))


def test_vjp_and_jacrev_are_those_of_autograd() -> None:
    leaf = FIXED.clone().requires_grad_(True)
    p = answer(leaf)
    rows = [torch.autograd.grad(one, leaf, retain_graph=True)[0] for one in p]
    torch.testing.assert_close(torch.func.jacrev(answer)(FIXED), torch.stack(rows))
    value, pull = torch.func.vjp(answer, FIXED)
    assert torch.equal(value, p.detach())
    torch.testing.assert_close(pull(torch.ones(3, dtype=p.dtype))[0], sum(rows))


def test_batches_and_prior_weights_under_grad() -> None:
    images = [torch.stack((image, image.flip(0))) for image in (FIXED, MOVING)]

    def value(weight: torch.Tensor, fixed: torch.Tensor) -> torch.Tensor:
        result = register(fixed, images[1], model="ffd", bending=weight, mask=MASK)
        return result.control_points[:, 0].sum()

    weight = torch.tensor(0.1, dtype=torch.float64)
    found = torch.func.grad(value, argnums=(0, 1))(weight, images[0])
    leaves = [weight.clone().requires_grad_(True), images[0].clone().requires_grad_(True)]
    expected = torch.autograd.grad(value(*leaves), leaves)
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other)


REFUSED: dict[str, tuple[Callable[[], object], str]] = {
    "vmap": (
        lambda: torch.func.vmap(answer)(torch.stack((FIXED, FIXED))),
        r"vmap came; expected a batch.* pass \(B, H, W\)",
    ),
    "vmap of grad": (
        lambda: torch.func.vmap(torch.func.grad(scalar))(torch.stack((FIXED, FIXED))),
        "vmap came",
    ),
    "jacfwd": (lambda: torch.func.jacfwd(answer)(FIXED), "expected reverse mode"),
    "hessian": (lambda: torch.func.hessian(scalar)(FIXED), "expected reverse mode"),
    "grad of grad": (
        lambda: torch.func.grad(lambda image: torch.func.grad(scalar)(image).sum())(FIXED),
        "one derivative only",
    ),
}


# What torch imports for forward mode warns of torch itself.
@pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated")
@pytest.mark.parametrize("name", REFUSED)
def test_other_transforms_are_refused_in_one_sentence(name: str) -> None:
    call, message = REFUSED[name]
    with pytest.raises(RuntimeError, match=message) as caught:
        call()
    assert str(caught.value).startswith("register: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("sampling", ["linear", "cubic", "catmull-rom"])
def test_autocast_changes_no_bit(sampling: str) -> None:
    fixed, moving = FIXED.float(), MOVING.float()

    def run() -> list[torch.Tensor]:
        leaf = fixed.clone().requires_grad_(True)
        plain = register(fixed, moving, sampling=sampling, mask=MASK)
        found = [plain.parameters, plain.warp(moving), plain.covariance, plain.displacement()]
        if sampling != "linear":
            register(leaf, moving, sampling=sampling, mask=MASK).matrix.sum().backward()
            found.append(leaf.grad)
        return found

    expected = run()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = run()
    assert all(torch.equal(one, other) for one, other in zip(found, expected, strict=True))


def test_results_made_in_inference_mode_are_whole() -> None:
    """Story: tensors made there are refused by autograd for ever, and the covariance needs it."""
    plain = register(FIXED, MOVING, model="rigid", mask=MASK)
    points = torch.tensor([[3.0, 4.0], [30.0, 20.0]])
    with torch.inference_mode():
        made = [image.clone() for image in (FIXED, MOVING)]
        results = [register(*pair, model="rigid", mask=MASK) for pair in (made, (FIXED, MOVING))]
        within = results[0].covariance
        assert not results[0].parameters.requires_grad
    results.append(register(*made, model="rigid", mask=MASK))  # made there, used here
    assert torch.equal(within, plain.covariance)
    for result in results:
        assert torch.equal(result.parameters, plain.parameters)
        assert torch.equal(result.covariance, plain.covariance)
        assert torch.equal(result.standard_error(points), plain.standard_error(points))
        assert result.status is plain.status
    leaf = FIXED.clone().requires_grad_(True)
    register(leaf, made[1], model="rigid", mask=MASK).transform(points).sum().backward()
    assert bool(leaf.grad.any())
