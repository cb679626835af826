"""Recipe `lm-bundle`: its Jacobian, its Schur complement, its widths; and that it solves."""

import numpy as np
import pytest
import torch

from irgate_solver import _bundle, _levenberg, _lucas_kanade, _metrics, _pyramid, _warps, register
from irgate_solver._sampling import make_sampler

from . import scene
from .test_register import ffd_field

SHAPE = (40, 50)
METRICS = {
    "ssd": _metrics.squared_differences,
    "ncc": _metrics.correlation,
    "huber": _metrics.huber(torch.tensor([0.02], dtype=torch.float64)),
}


def problem(metric: str, sampling: str = "cubic") -> tuple[_lucas_kanade.Forward, torch.Tensor]:
    """Return a noisy FFD problem and parameters near its minimum."""
    pair = scene.make(ffd_field(SHAPE), noise=0.005)
    fixed, moving = torch.tensor(pair.fixed)[None], torch.tensor(pair.moving)[None]
    level = _pyramid.Level(fixed, torch.ones_like(fixed), moving, 1)
    warp = _warps.FreeForm(*SHAPE)
    p = torch.tensor(np.random.default_rng(0).normal(0, 0.5, (1, warp.size)))
    basis = _lucas_kanade.level_basis(warp, level)
    sampler = make_sampler(sampling, moving)
    found = _lucas_kanade.Forward(warp, basis, level, sampler, SHAPE, METRICS[metric])
    return found, p


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("sampling", ["linear", "cubic"])
def test_automatic_jacobian_gives_the_separable_normal_equations(
    metric: str, sampling: str
) -> None:
    plain, p = problem(metric, sampling)
    by_hand = plain.linearise(p)
    found = _bundle.AutogradForward.of(plain).linearise(p)
    torch.testing.assert_close(found.objective, by_hand.objective)
    torch.testing.assert_close(found.gradient, by_hand.gradient)
    torch.testing.assert_close(found.normal, by_hand.normal)


def test_schur_complement_gives_the_step_of_the_whole_matrix() -> None:
    plain, p = problem("ssd")
    at = plain.linearise(p)
    whole, info = _levenberg.damped_step(at, [1e-3])
    apart, also = _bundle.SchurComplement(plain.warp)(at, [1e-3])
    assert int(info) == int(also) == 0
    # The whole matrix has a condition of some 1e7 with this damping: seven digits of sixteen.
    torch.testing.assert_close(apart, whole, rtol=1e-6, atol=1e-8)


def test_gauge_and_rest_split_the_control_points() -> None:
    warp = _warps.FreeForm(*SHAPE)
    gauge, rest = _bundle._split(warp)
    both = torch.cat((gauge, rest), 1)
    torch.testing.assert_close(both @ both.mT, torch.eye(32, dtype=torch.float64))
    for column in gauge.mT:  # an affine map does not bend
        x, y = column.view(2, -1)
        assert float((x @ warp.bending @ x + y @ warp.bending @ y).abs()) <= 1e-15
    bent = torch.diagonal(rest.mT @ torch.block_diag(warp.bending, warp.bending) @ rest)
    assert float(bent.min()) > 1e-10


def test_singular_gauge_is_reported() -> None:
    """Without damping a flat image determines nothing, and no step is taken."""
    plain, p = problem("ssd")
    at = plain.linearise(p)
    flat = _levenberg.Linearisation(
        at.objective, at.rounding, at.overlap, lambda: (at.gradient, torch.zeros_like(at.normal))
    )
    _, info = _bundle.SchurComplement(plain.warp)(flat, [0.0])
    assert int(info) != 0


@pytest.mark.parametrize("model", ["translation", "rigid", "affine", "ffd"])
def test_finds_the_truth_among_outliers(model: str) -> None:
    shape = (72, 88)
    truth = {
        "translation": scene.linear_matrix(shape, [[1, 0], [0, 1]], (3.4, -2.23)),
        "rigid": scene.turned(shape, 8, (1.5, -1)),
        "affine": scene.linear_matrix(shape, [[1.05, 0.07], [-0.04, 0.97]], (2, -3)),
    }
    field = ffd_field(shape) if model == "ffd" else scene.field_of(truth[model], shape)
    pair = scene.make(field, finest=4.0)
    draw = np.random.default_rng(1)
    # On an eighth of the pixels, as far off as the image is bright.
    fixed = np.where(draw.random(shape) < 0.125, draw.uniform(0, 1, shape), pair.fixed)
    errors = [
        scene.distance(
            register(fixed, pair.moving, model=model, **choice).displacement().numpy(), field
        ).mean()
        for choice in ({"recipe": "lm-bundle"}, {"metric": "ssd"})
    ]
    assert errors[0] <= (0.1 if model == "ffd" else 0.02)
    assert errors[0] <= 0.5 * errors[1]


def widths_of_a_run(monkeypatch: pytest.MonkeyPatch, noise: float) -> tuple[list[float], int]:
    """Return the widths of one solve, and its iterations without those that hold the width."""
    widths: list[float] = []
    whole = _metrics.huber

    def watched(width: torch.Tensor) -> _metrics.Metric:
        widths.append(float(width))
        return whole(width)

    monkeypatch.setattr(_metrics, "huber", watched)
    pair = scene.make(scene.field_of(scene.turned((72, 88), 8), (72, 88)))
    fixed = pair.fixed + np.random.default_rng(2).normal(0, noise, pair.fixed.shape)
    result = register(fixed, pair.moving, model="rigid", recipe="lm-bundle", search=False)
    return widths, sum(result.iterations[:-1])


def test_width_is_taken_anew_for_each_iteration(monkeypatch: pytest.MonkeyPatch) -> None:
    widths, iterations = widths_of_a_run(monkeypatch, noise=0.005)
    assert len(set(widths)) >= iterations
    assert widths[-1] < 0.5 * widths[0]


def test_width_stays_above_interpolation_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    widths, _ = widths_of_a_run(monkeypatch, noise=0.0)
    assert widths[-1] == pytest.approx(_bundle.LEAST_WIDTH)
    assert min(widths) == widths[-1]


def test_an_ffd_keeps_nine_tenths_of_its_level_in_view() -> None:
    """Story: it kept half, of each step's start, and pushed what does not fit out of view: 0.66."""
    shape = (64, 72)
    moving = scene.blobs(*scene.grid(shape), shape)
    fixed = moving.copy()
    fixed[:, :18] += 3.0
    options = {"model": "ffd", "recipe": "lm-bundle", "bending": 0.0, "init": np.eye(3)}
    assert float(register(fixed, moving, **options).overlap) >= 0.9**2
