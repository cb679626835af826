"""Flat, constant, half-constant, tiny and masked images, for every metric, sampler and prior.

Each gives finite values and gradients, or one line that says what is wrong.
"""

import warnings

import numpy as np
import pytest
import torch

from irgate_solver import InexactGradientWarning, register
from irgate_solver._metric_table import NAMES
from irgate_solver._sampling import SAMPLERS

from . import scene

SIDE = 16
PRIORS = ({}, {"bending": 1e-3}, {"total_variation": 1e-3}, {"anchor": 1e-3})


def textured(side: int = SIDE) -> tuple[np.ndarray, np.ndarray]:
    pair = scene.make(scene.field_of(scene.turned((side, side), 2, (0.5, -0.3)), (side, side)))
    return pair.fixed, pair.moving


def half_constant() -> tuple[np.ndarray, np.ndarray]:
    fixed, moving = textured(32)
    for image in (fixed, moving):
        image[:, :16] = 0.5
    return fixed, moving


def nearly_flat() -> tuple[np.ndarray, np.ndarray]:
    """Contrast of a single pixel: MIND's patches and the windows of lncc are flat elsewhere."""
    fixed = np.full((24, 24), 0.5)
    moving = fixed.copy()
    fixed[11, 12] = moving[12, 12] = 1.0
    return fixed, moving


def holed() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    fixed, moving = textured(32)
    mask = np.ones(fixed.shape, dtype=bool)
    mask[10:20, 4:12] = False
    fixed[~mask] = np.nan
    return fixed, moving, mask


def finite(fixed: np.ndarray, moving: np.ndarray, **options: object) -> torch.Tensor:
    """Solve, and return the answer; it, the objective and both gradients are finite."""
    images = [torch.tensor(image).requires_grad_(True) for image in (fixed, moving)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InexactGradientWarning)
        result = register(*images, search=False, iterations=8, **options)
        field = result.displacement()
        gradients = torch.autograd.grad(field.sum(), images)
    assert field.isfinite().all()
    assert result.objective.isfinite().all()
    assert all(gradient.isfinite().all() for gradient in gradients)
    return field.detach()


@pytest.mark.parametrize("model", ["translation", "ffd"])
@pytest.mark.parametrize("sampling", SAMPLERS)
@pytest.mark.parametrize("metric", NAMES)
@pytest.mark.parametrize("make", [textured, half_constant, nearly_flat])
def test_answer_and_gradients_are_finite(
    make: object, metric: str, sampling: str, model: str
) -> None:
    finite(*make(), metric=metric, sampling=sampling, model=model)  # type: ignore[operator]


@pytest.mark.parametrize("prior", PRIORS, ids=lambda prior: next(iter(prior), "none"))
@pytest.mark.parametrize("metric", NAMES)
def test_answer_and_gradients_are_finite_with_a_prior(metric: str, prior: dict) -> None:
    finite(*half_constant(), metric=metric, sampling="cubic", model="ffd", **prior)


@pytest.mark.parametrize("sampling", SAMPLERS)
@pytest.mark.parametrize("metric", NAMES)
def test_nan_under_the_mask_changes_nothing(metric: str, sampling: str) -> None:
    fixed, moving, mask = holed()
    options = {"metric": metric, "sampling": sampling, "model": "rigid", "mask": mask}
    found = finite(fixed, moving, **options)
    assert torch.equal(finite(np.where(mask, fixed, 0.3), moving, **options), found)


@pytest.mark.parametrize("metric", NAMES)
def test_flat_images_are_told(metric: str) -> None:
    flat, content = np.full((SIDE, SIDE), 0.5), textured()[1]
    with pytest.raises(ValueError, match=r"fixed is flat.*nothing to align"):
        register(flat, content, metric=metric)
    with pytest.raises(ValueError, match=r"moving is flat.*nothing to align"):
        register(content, flat, metric=metric)


@pytest.mark.parametrize("metric", NAMES)
def test_nan_that_is_trusted_is_told(metric: str) -> None:
    fixed, moving, _ = holed()
    with pytest.raises(ValueError, match=r"fixed has 80 pixels that are NaN.*mask it out"):
        register(fixed, moving, metric=metric)
