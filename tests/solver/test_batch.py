"""A batch gives each pair the answer that it gets alone."""

from typing import Any

import numpy as np
import pytest
import torch

from irgate_solver import _chunks, register
from irgate_solver._multistart import Multistart
from irgate_solver._schedule import Schedule

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


CHUNKED: dict[str, dict[str, Any]] = {
    "plain": {},
    "NCC": {"intensity": "varying"},
    "Huber": {"metric": "huber", "huber_width": 0.05},
    "smoothed": {"smoothing": "auto"},
    "FFD": {"model": "ffd", "bending": "auto"},
    "anchored": {"anchor": 1e-3, "sampling": "cubic"},
    "MIND": {"metric": "mind", "model": "translation"},
}


@pytest.mark.parametrize("what", CHUNKED)
def test_chunks_of_a_batch_give_its_answers(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Masks, starts, units and weights stay with their pairs; so does all that a result tells."""
    monkeypatch.setenv("IRGATE_KERNEL", "0")
    scenes = pairs()
    fixed = stacked([pair.fixed for pair in scenes], torch.float64)
    fixed = fixed * torch.tensor([1.0, 2.0, 0.5, 3.0], dtype=torch.float64).view(-1, 1, 1)
    fixed[1] += 0.02 * torch.randn(SHAPE, generator=torch.Generator().manual_seed(0)).double()
    moving = stacked([pair.moving for pair in scenes], torch.float64)
    moving = moving * torch.tensor([1.0, 2.0, 0.5, 3.0], dtype=torch.float64).view(-1, 1, 1)
    masks = torch.ones(len(scenes), *SHAPE, dtype=torch.bool)
    masks[1, 10:20] = False
    starts = np.stack([scene.turned(SHAPE, angle + 1) for angle in DEGREES])
    options = {"model": "rigid", "mask": masks, "init": starts, **CHUNKED[what]}
    whole = register(fixed, moving, **options)
    runs: list[int] = []
    run = Schedule.run

    def counted(self: Schedule, *arguments: Any) -> Any:
        runs.append(self.batch)
        return run(self, *arguments)

    monkeypatch.setattr(Schedule, "run", counted)
    monkeypatch.setattr(_chunks, "PIXELS", 3 * SHAPE[0] * SHAPE[1])
    chunked = register(fixed, moving, **options)
    assert runs == [3, 1]
    assert float((chunked.displacement() - whole.displacement()).abs().max()) <= ROUNDING
    assert chunked.status == whole.status
    assert chunked.iterations == whole.iterations
    for name in ("objective", "overlap", "correlation", "reciprocal_condition"):
        torch.testing.assert_close(getattr(chunked, name), getattr(whole, name))
    if what not in ("FFD", "MIND"):
        torch.testing.assert_close(chunked.covariance, whole.covariance, rtol=1e-5, atol=0)


def test_only_pairs_that_do_not_convince_are_searched(monkeypatch: pytest.MonkeyPatch) -> None:
    scenes = pairs()
    fixed = stacked([pair.fixed for pair in scenes], torch.float64)
    moving = stacked([pair.moving for pair in scenes], torch.float64)
    searched: list[int] = []
    beyond = Multistart.beyond

    def counted(self: Multistart, *arguments: Any) -> Any:
        searched.append(len(arguments[-1].p))
        return beyond(self, *arguments)

    monkeypatch.setattr(Multistart, "beyond", counted)
    result = register(fixed, moving, model="rigid", metric="huber", huber_width=0.05)
    alone = [
        register(*pair, model="rigid", metric="huber", huber_width=0.05)
        for pair in zip(fixed, moving, strict=True)
    ]
    assert 0 < searched[0] < len(scenes)
    assert searched[1:] == [1] * searched[0]
    for k, one in enumerate(alone):
        assert float((result.displacement()[k] - one.displacement()).abs().max()) <= ROUNDING
