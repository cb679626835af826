"""A gradient is exact, or a warning says why not: kinks, Huber's width, the border's pixels."""

import importlib
import sys
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

from irgate_solver import InexactGradientWarning, _implicit, register

from .test_implicit import CUBIC, STEP, Problem

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def gradients() -> Iterator[ModuleType]:
    names = {path.stem for path in BENCHMARKS.glob("*.py")}
    sys.path.insert(0, str(BENCHMARKS))
    try:
        yield importlib.import_module("gradients")
    finally:
        sys.path.remove(str(BENCHMARKS))
        for name in names:
            sys.modules.pop(name, None)


def warned(*images: torch.Tensor, **options: Any) -> list[str]:
    """Return the warnings of a solve whose fixed image requires grad."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        register(images[0].clone().requires_grad_(True), *images[1:], **options)
    assert all(warning.category is InexactGradientWarning for warning in caught)
    assert all(warning.filename == __file__ for warning in caught)
    return [str(warning.message) for warning in caught]


@pytest.mark.parametrize("model", ["rigid", "ffd"])
@pytest.mark.parametrize("metric", ["ssd", "ncc", "huber", "huber 0.1"])
def test_no_wrong_gradient_is_silent(gradients: ModuleType, model: str, metric: str) -> None:
    """The benchmark's rows on the camera man, with the arguments that a caller gives by default."""
    for noise in (0.0, 0.05):
        row = gradients.row("camera", model, metric, noise, 1, None)
        assert row["warned"] or metric != "huber"
        assert row["warned"] or row["error"] <= gradients.AGREES


def test_the_benchmark_sees_a_silent_one(
    gradients: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_implicit, "_warn", lambda *reasons: None)
    row = gradients.row("camera", "rigid", "huber", 0.05, 1, None)
    assert gradients.silent([row]) == [row]


@pytest.mark.parametrize("recipe", ["iclk-implicit", "mixed-checkpoint"])
def test_an_input_that_requires_grad_is_sampled_smoothly(recipe: str) -> None:
    problem = Problem("affine", "ssd", "cubic")
    fixed, moving = problem.images
    options = {"recipe": recipe, "mask": problem.options["mask"]}
    plain = register(fixed, moving, **options)
    attached = register(fixed.clone().requires_grad_(True), moving, **options)
    with torch.no_grad():
        unrecorded = register(fixed.clone().requires_grad_(True), moving, **options)
    assert plain._objective.settings.sampling == "linear"
    assert attached._objective.settings.sampling == "cubic"
    assert unrecorded._objective.settings.sampling == "linear"
    weight = torch.tensor(0.1, requires_grad=True)
    by_weight = register(fixed, moving, model="ffd", bending=weight, **options)
    assert by_weight._objective.settings.sampling == "cubic"


@pytest.mark.parametrize("recipe", ["iclk-implicit", "mixed-checkpoint"])
def test_bilinear_kinks_are_warned_of(recipe: str) -> None:
    fixed, moving = Problem("affine", "ssd", "cubic").images
    (message,) = warned(fixed, moving, model="rigid", sampling="linear", recipe=recipe)
    assert "1 of 1 answers stand on kinks" in message
    assert 'use sampling="cubic"' in message


def test_a_shift_by_whole_pixels_stands_on_every_kink_at_once() -> None:
    """Without noise and residual: the slopes to both sides differ, and no spike says so."""
    whole = torch.tensor(np.random.default_rng(0).random((60, 70)))
    whole = torch.nn.functional.avg_pool2d(whole[None], 5, 1)[0]
    fixed, moving = whole[2:-2, 3:-3], whole[1:-3, 1:-5]
    options = {"model": "translation", "init": np.array([[1, 0, 2], [0, 1, 1.0], [0, 0, 1]])}
    (message,) = warned(fixed, moving, sampling="linear", **options)
    assert "kinks" in message
    assert warned(fixed, moving, sampling="cubic", **options) == []


def test_a_width_from_the_residuals_is_warned_of() -> None:
    images = Problem("affine", "ssd", "cubic").images
    for recipe in ("iclk-implicit", "mixed-checkpoint"):
        (message,) = warned(*images, metric="huber", recipe=recipe)
        assert "give `huber_width`" in message
        assert warned(*images, metric="huber", huber_width=0.1, recipe=recipe) == []


def test_a_width_that_is_a_share_of_the_range_follows_it() -> None:
    """The brightest fixed pixel widens Huber's function; a held width misses that."""
    problem = Problem("affine", "huber", "cubic")
    mask = problem.options["mask"]
    problem.options |= {"metric": None, "huber_width": None, "recipe": "iclk-huber"}
    inside = torch.where(mask, problem.images[0], -torch.inf)
    problem.direction = torch.zeros_like(inside)
    problem.direction[inside == inside.max()] = 1.0
    exact = problem.derivative(0)
    step = 10 * STEP["cubic"]  # a derivative a hundred times smaller than along a whole image
    assert problem.difference(0, step) == pytest.approx(exact, rel=10 * CUBIC)
    held = Problem("affine", "huber", "cubic")
    span = float(inside.max() - torch.where(mask, problem.images[0], torch.inf).min())
    held.options["huber_width"] = 0.05 * span
    held.direction = problem.direction
    assert abs(held.derivative(0) - exact) > 1e-3 * abs(exact)


def test_pixels_that_leave_and_enter_are_warned_of() -> None:
    """The minimum over one set of border pixels maps another set inside, and so on, for ever."""
    problem = Problem("translation", "ssd", "cubic")
    result = register(*problem.images, **problem.options)
    fixed, moving = (image[None].clone() for image in problem.images)
    region = result._objective.region.clone()
    region[0, 20, 20] = 0.0
    other = replace(result._objective, region=region)
    with pytest.warns(InexactGradientWarning, match="leave and enter at the border"):
        _implicit.attach(other, fixed.requires_grad_(True), moving, result.parameters[None], [True])
