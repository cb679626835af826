"""A batch gives each pair the answer that it gets alone."""

import numpy as np
import pytest
import torch

from irgate_solver import register

from . import scene
from .test_register import SHAPE

DEGREES = (3.0, 70.0, -12.0, 175.0)


def pairs() -> list[scene.Scene]:
    """Return pairs of which some need the search and some do not."""
    return [
        scene.make(scene.field_of(scene.turned(SHAPE, angle, (0.1 * k, -1)), SHAPE), seed=k)
        for k, angle in enumerate(DEGREES)
    ]


def stacked(images: list[scene.Array], dtype: torch.dtype) -> torch.Tensor:
    return torch.tensor(np.stack(images), dtype=dtype)


# Sums over a batch may be taken in another order than over one pair.
ROUNDING = 1e-9
# In float32 the last steps follow that rounding; what is left is a few final tolerances.
ROUNDING_SINGLE = 1e-4


@pytest.mark.parametrize("intensity", ["same", "varying"])
@pytest.mark.parametrize("model", ["translation", "rigid", "affine", "ffd"])
def test_batch_equals_its_pairs(model: str, intensity: str) -> None:
    scenes = pairs()
    fixed = stacked([pair.fixed for pair in scenes], torch.float64)
    moving = stacked([pair.moving for pair in scenes], torch.float64)
    mask = torch.ones(SHAPE, dtype=torch.bool)
    mask[20:30, 20:40] = False
    together = register(fixed, moving, model=model, intensity=intensity, mask=mask)
    for k in range(len(scenes)):
        alone = register(fixed[k], moving[k], model=model, intensity=intensity, mask=mask)
        difference = together.displacement()[k] - alone.displacement()
        assert float(difference.abs().max()) <= ROUNDING
        assert together.status[k] is alone.status
        assert together.iterations[k] == alone.iterations


def test_batch_in_single_precision() -> None:
    scenes = pairs()
    fixed = stacked([pair.fixed for pair in scenes], torch.float32)
    moving = stacked([pair.moving for pair in scenes], torch.float32)
    together = register(fixed, moving, model="rigid")
    assert together.matrix.shape == (4, 3, 3)
    assert together.warp(moving).shape == fixed.shape
    for k in range(len(scenes)):
        alone = register(fixed[k], moving[k], model="rigid")
        assert float((together.matrix[k] - alone.matrix).abs().max()) <= ROUNDING_SINGLE


def test_start_values_and_masks_may_differ_in_a_batch() -> None:
    scenes = pairs()
    fixed = stacked([pair.fixed for pair in scenes], torch.float64)
    moving = stacked([pair.moving for pair in scenes], torch.float64)
    masks = torch.ones(len(scenes), *SHAPE, dtype=torch.bool)
    masks[1, 10:30] = False
    starts = np.stack([scene.turned(SHAPE, angle + 2) for angle in DEGREES])
    result = register(fixed, moving, model="rigid", init=starts, mask=masks)
    for k, pair in enumerate(scenes):
        error = scene.distance(result.displacement()[k].numpy(), pair.displacement)
        assert error.max() <= 0.03  # the bilinear bias of the finest blobs, at a corner


def test_gradients_of_a_batch_are_those_of_its_pairs() -> None:
    scenes = pairs()
    moving = stacked([pair.moving for pair in scenes], torch.float64)
    weights = torch.randn(3, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    fixed = stacked([pair.fixed for pair in scenes], torch.float64).requires_grad_(True)
    options = {"model": "rigid", "sampling": "cubic"}
    value = (register(fixed, moving, **options).matrix * weights).sum()
    (together,) = torch.autograd.grad(value, fixed)
    for k in range(len(scenes)):
        single = fixed[k].detach().requires_grad_(True)
        value = (register(single, moving[k], **options).matrix * weights).sum()
        (alone,) = torch.autograd.grad(value, single)
        torch.testing.assert_close(together[k], alone, rtol=1e-6, atol=1e-9)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="this machine has no CUDA device")
@pytest.mark.parametrize("model", ["rigid", "ffd"])
def test_cuda_gives_the_same_answer(model: str) -> None:
    pair = pairs()[0]
    answers = []
    for device in ("cpu", "cuda"):
        fixed = torch.tensor(pair.fixed, device=device)
        result = register(fixed, torch.tensor(pair.moving, device=device), model=model)
        assert result.parameters.device.type == device
        answers.append(result.displacement().cpu())
    assert float((answers[0] - answers[1]).abs().max()) <= 1e-6
