"""Where images are noisy a descent ends far within the standard error of the minimum."""

import numpy as np
import pytest
import torch

from irgate_solver import Result, _precision, _stops, _warps, register

from . import scene

SIZE = (72, 90)
NOISE = 0.02
# Of the standard error: twice `_precision.SLACK_SHARE`, whose sum of further steps is an estimate.
LEFT = 0.2


def pair(noise: float, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Return a pair a little turned, with noise on the fixed image."""
    made = scene.make(scene.field_of(scene.turned(SIZE, 3.0, (1.2, -0.7)), SIZE), seed=seed)
    draw = np.random.default_rng(seed)
    fixed = made.fixed + noise * draw.standard_normal(SIZE)
    return torch.tensor(fixed), torch.tensor(made.moving)


def probe_errors(result: Result) -> float:
    """Return the largest standard error of the probes, px, by the sandwich of `_uncertainty`."""
    ends = torch.tensor([[0.0, 0.0], [SIZE[1] - 1.0, 0.0], [0.0, SIZE[0] - 1.0]])
    ends = torch.cat((ends, torch.tensor([[SIZE[1] - 1.0, SIZE[0] - 1.0]])))
    return float(result.standard_error(ends.double()).norm(dim=-1).max())


def moved(one: Result, other: Result) -> float:
    return float((one.displacement() - other.displacement()).norm(dim=-1).max())


def seen_slack(monkeypatch: pytest.MonkeyPatch) -> list[list[float]]:
    """Return the list to which each solve adds its pairs' slack."""
    seen: list[list[float]] = []
    whole = _stops.slack

    def watched(*arguments: object) -> list[float]:
        seen.append(whole(*arguments))  # type: ignore[arg-type]
        return seen[-1]

    monkeypatch.setattr(_stops, "slack", watched)
    return seen


@pytest.mark.parametrize("metric", ["ssd", "ncc"])
@pytest.mark.parametrize("model", sorted(_warps.LINEAR))
def test_the_standard_error_is_that_of_the_sandwich(
    model: str, metric: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two derivations: from the residual and the matrix, and from each image's noise."""
    seen = seen_slack(monkeypatch)
    model = "rigid" if model == "translation" else model
    result = register(*pair(NOISE), model=model, metric=metric, sampling="cubic")
    ((slack,),) = seen
    assert slack / _precision.SLACK_SHARE == pytest.approx(probe_errors(result), rel=0.2)


@pytest.mark.parametrize("sampling", ["linear", "cubic"])
@pytest.mark.parametrize("model", ["rigid", "similarity", "affine"])
def test_under_noise_little_is_left_and_steps_are_saved(model: str, sampling: str) -> None:
    options = {"model": model, "sampling": sampling}
    steps = [0, 0]
    for seed in range(8):
        images = pair(NOISE, seed)
        plain, minimum = register(*images, **options), register(*images, **options, tolerance=1e-9)
        assert moved(plain, minimum) <= LEFT * probe_errors(minimum)
        steps[0] += plain.iterations[-1]
        steps[1] += minimum.iterations[-1]
    assert steps[0] <= (0.6 if sampling == "linear" else 1.0) * steps[1]


def test_clean_images_are_solved_to_the_tolerance_of_their_type(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen = seen_slack(monkeypatch)
    plain = register(*pair(0.0), model="rigid")
    named = register(*pair(0.0), model="rigid", tolerance=1e-9)
    assert seen == [[0.0]]
    assert torch.equal(plain.parameters, named.parameters)


@pytest.mark.parametrize("options", [{"model": "ffd"}, {"model": "homography"}])
def test_a_deformation_is_solved_to_its_minimum(options: dict[str, str]) -> None:
    plain = register(*pair(NOISE), **options)
    named = register(*pair(NOISE), **options, tolerance=1e-9)
    assert torch.equal(plain.parameters, named.parameters)


def test_a_given_tolerance_and_a_derivative_go_to_the_minimum(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen = seen_slack(monkeypatch)
    fixed, moving = pair(NOISE)
    named = register(fixed, moving, model="rigid", sampling="cubic", tolerance=1e-9)
    attached = register(fixed.requires_grad_(True), moving, model="rigid", sampling="cubic")
    assert seen == []
    assert torch.equal(named.parameters, attached.parameters.detach())


def test_each_pair_of_a_batch_has_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = seen_slack(monkeypatch)
    pairs = [pair(noise, seed) for seed, noise in enumerate((0.0, NOISE, 2 * NOISE))]
    for each in pairs:
        register(*each, model="rigid")
    alone = [slack for (slack,) in seen]
    seen.clear()
    fixed, moving = (torch.stack(images) for images in zip(*pairs, strict=True))
    register(fixed, moving, model="rigid", channels="none")
    assert [slack for each in seen for slack in each] == pytest.approx(alone, rel=1e-6)
    assert 0.0 == alone[0] < alone[1] < alone[2]


def test_colour_counts_each_channel(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three draws of noise on one scene are as sure as three times the pixels."""
    seen = seen_slack(monkeypatch)
    fixed, moving = pair(NOISE)
    draw = torch.Generator().manual_seed(3)
    clean, _ = pair(0.0)
    colours = clean + NOISE * torch.randn(3, *SIZE, generator=draw, dtype=torch.float64)
    register(fixed, moving, model="rigid")
    register(colours, moving.expand(3, -1, -1), model="rigid", channels="first")
    (one,), (three,) = seen
    assert three == pytest.approx(one / 3**0.5, rel=0.1)
