"""The compiled kernel descends as `_levenberg.descend` does: the same steps by the same rules."""

import itertools

import pytest
import torch

from irgate_solver import Result, _levenberg, _warps, register
from irgate_solver._compiled_descent import FAMILIES, STATES, nearing
from irgate_solver._levenberg import CONVERGED, EXHAUSTED, STALLED, Descent
from irgate_solver._lucas_kanade import Forward, level_basis
from irgate_solver._metrics import METRICS, metric_of
from irgate_solver._pyramid import Level
from irgate_solver._sampling import make_sampler
from irgate_solver._template import Inverse

from . import scene
from .test_kernel import KINDS, built, by_both, close, same_answer

SIZE = (41, 70)
# Steps are solutions of one system made in two orders; their sums go through float64 only.
NEAR = 1e-6
NOISE = 0.05
"""Of the first pair: bilinear sampling of it has kinks, at which steps are rejected."""
WIDTH = torch.tensor([0.05, 0.2], dtype=torch.float64)


def level(masked: bool) -> Level:
    """Return two pairs: one turned a little with noise, one clean and shifted."""
    draw = torch.Generator().manual_seed(5)
    made = [
        scene.make(scene.field_of(scene.turned(SIZE, degrees, shift), SIZE), SIZE, seed=seed)
        for seed, (degrees, shift) in enumerate([(2.0, (0.7, -0.4)), (0.0, (-1.2, 0.3))])
    ]
    fixed, moving = (
        torch.stack([torch.tensor(getattr(one, name)) for one in made]).double()
        for name in ("fixed", "moving")
    )
    for image in (fixed, moving):
        image[0] += NOISE * torch.randn(SIZE, generator=draw, dtype=torch.float64)
    trusted = torch.ones_like(fixed)
    if masked:
        trusted[0, :7] = trusted[1, :, 60:] = 0
    return Level(fixed * trusted, trusted, moving, 1, whole=not masked)


def additive(
    warp: _warps.LinearWarp, metric: str, kind: str, *, masked: bool, frozen: bool, exact: bool
) -> Forward:
    images = level(masked)
    sampler = make_sampler(kind, images.moving)
    region = images.trusted if frozen else None
    problem = Forward(
        *(warp, level_basis(warp, images), images, sampler, SIZE, metric_of(metric, WIDTH)),
        region=region,
    )
    return problem.newton() if exact else problem


def same(compiled: Descent, expected: Descent) -> None:
    assert compiled.state == expected.state
    assert compiled.iterations == expected.iterations
    assert compiled.damping == expected.damping
    assert compiled.moved == pytest.approx(expected.moved, rel=1e-4, abs=NEAR)
    torch.testing.assert_close(compiled.p, expected.p, rtol=0, atol=NEAR)
    for name in ("objective", "overlap", "normal"):
        close(getattr(compiled.at, name), getattr(expected.at, name), NEAR)
    # Near a minimum the gradient is what is left of its terms.
    left = compiled.at.gradient - expected.at.gradient
    scale = expected.at.normal.diagonal(dim1=1, dim2=2).abs()
    assert bool((left.abs() <= NEAR * scale).all())


HOW: dict[str, dict[str, object]] = {
    "to the minimum": {"iterations": 60, "tolerance": 1e-9, "kept": 0.5},
    "cut short": {"iterations": 2, "tolerance": 1e-9, "kept": 0.5},
    "coarsely": {"iterations": 60, "tolerance": 0.1, "kept": 0.5},
    "with slack": {"iterations": 60, "tolerance": 1e-9, "kept": 0.5, "slack": (3e-3, 0.0)},
    "all kept in view": {"iterations": 60, "tolerance": 1e-9, "kept": 1.0},
    "nothing to do": {"iterations": 0, "tolerance": 1e-9, "kept": 0.5},
}


@built
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("model", sorted(_warps.LINEAR))
def test_additive_descents(
    model: str, metric: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    warp = _warps.LINEAR[model](*SIZE, (1.0, 1.25))
    start = torch.zeros(2, warp.size, dtype=torch.float64)
    flags = [(False, False, False), (True, False, False), (True, True, kind != "linear")]
    for how, (masked, frozen, exact) in itertools.product(HOW, flags):

        def run(how: str = how, flags: tuple[bool, ...] = (masked, frozen, exact)) -> Descent:
            names = dict(zip(("masked", "frozen", "exact"), flags, strict=True))
            problem = additive(warp, metric, kind, **names)
            return nearing(problem, start, **HOW[how])  # type: ignore[arg-type]

        same(*by_both(monkeypatch, run))  # type: ignore[arg-type]


@built
@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("model", sorted(_warps.LINEAR))
def test_composing_descents(model: str, metric: str, monkeypatch: pytest.MonkeyPatch) -> None:
    warp = _warps.LINEAR[model](*SIZE, (1.0, 1.25))
    start = torch.full((2, warp.size), 1.6, dtype=torch.float64)
    for masked in (False, True):

        def run(masked: bool = masked) -> Descent:
            return Inverse(warp, level(masked), metric_of(metric, WIDTH)).descend(start, 12)

        compiled, expected = by_both(monkeypatch, run)
        same(compiled, expected)  # type: ignore[arg-type]
        assert max(compiled.iterations) > 2  # type: ignore[attr-defined]


@built
@pytest.mark.parametrize(
    ("options", "state"),
    [
        ({"tolerance": 1e-9}, CONVERGED),
        ({"tolerance": 0.0}, STALLED),
        ({"tolerance": 1e-9, "iterations": 3}, EXHAUSTED),
    ],
)
def test_every_end_of_a_descent(
    options: dict[str, float], state: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    warp = _warps.Rigid(*SIZE)
    start = torch.zeros(2, 3, dtype=torch.float64)
    how = {"iterations": 100, "kept": 0.5, **options}

    def run() -> Descent:
        problem = additive(warp, "ssd", "linear", masked=False, frozen=True, exact=False)
        return nearing(problem, start, **how)  # type: ignore[arg-type]

    compiled, expected = by_both(monkeypatch, run)
    assert compiled.state == expected.state == (state, state)  # type: ignore[attr-defined]
    # At the end rounding decides which steps lead down.
    counts = zip(compiled.iterations, expected.iterations, strict=True)  # type: ignore[attr-defined]
    assert all(abs(one - other) <= 2 for one, other in counts)
    torch.testing.assert_close(compiled.p, expected.p, rtol=0, atol=NEAR)  # type: ignore[attr-defined]


@built
@pytest.mark.parametrize("seed", range(6))
def test_under_noise_descents_end_at_the_same_kinks(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whole solves of noisy pairs, whose slack comes from the noise."""
    draw = torch.Generator().manual_seed(seed)
    made = scene.make(scene.field_of(scene.turned(SIZE, 2.0, (0.7, -0.4)), SIZE), SIZE, seed=seed)
    fixed, moving = (
        torch.tensor(image) + 0.02 * torch.randn(SIZE, generator=draw, dtype=torch.float64)
        for image in (made.fixed, made.moving)
    )
    compiled, expected = by_both(monkeypatch, lambda: register(fixed, moving))
    same_answer(compiled, expected, torch.float64)  # type: ignore[arg-type]


def test_the_kernel_s_states_are_those_of_a_descent() -> None:
    assert STATES == (_levenberg.RUNNING, CONVERGED, STALLED, EXHAUSTED)


@built
def test_a_descent_goes_on_from_another(monkeypatch: pytest.MonkeyPatch) -> None:
    warp = _warps.Affine(*SIZE)
    start = torch.zeros(2, 6, dtype=torch.float64)

    def run() -> Descent:
        problem = additive(warp, "ssd", "cubic", masked=False, frozen=False, exact=False)
        first = nearing(problem, start, iterations=3, tolerance=1e-9, kept=0.5)
        return nearing(problem, first.p, iterations=60, tolerance=1e-9, after=first, kept=0.5)

    compiled, expected = by_both(monkeypatch, run)
    same(compiled, expected)  # type: ignore[arg-type]
    assert compiled.damping != (1e-3, 1e-3)  # type: ignore[attr-defined]


@built
def test_a_start_out_of_view_ends_as_in_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    warp = _warps.Rigid(*SIZE)
    p = torch.tensor([[1e6, 0.0, 0.0], [0.0, 0.0, 0.0]], dtype=torch.float64)

    def run() -> Descent:
        problem = additive(warp, "ssd", "cubic", masked=False, frozen=False, exact=False)
        return nearing(problem, p, iterations=40, tolerance=1e-9, kept=0.5)

    same(*by_both(monkeypatch, run))  # type: ignore[arg-type]


@built
@pytest.mark.parametrize("start", [torch.nan, torch.inf])
def test_a_start_that_is_no_number_stays_what_it_is(
    start: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """torch makes indices of it and fails. The other pair of the batch does not notice."""
    monkeypatch.delenv("IRGATE_KERNEL", raising=False)
    warp, p = _warps.Rigid(*SIZE), torch.zeros(2, 3, dtype=torch.float64)
    problem = additive(warp, "ssd", "cubic", masked=False, frozen=False, exact=False)
    alone = nearing(problem, p, iterations=40, tolerance=1e-9, kept=0.5)
    p[0, 0] = start
    found = nearing(problem, p, iterations=40, tolerance=1e-9, kept=0.5)
    assert found.state == (STALLED, CONVERGED)
    assert not bool(found.p[0].isfinite().all())
    assert torch.equal(found.p[1], alone.p[1])


@built
def test_flat_images_end_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    warp = _warps.Affine(*SIZE)
    flat = torch.zeros(1, *SIZE, dtype=torch.float64)
    images = Level(flat, torch.ones_like(flat), flat.clone(), 1, whole=True)
    sampler, basis = make_sampler("linear", flat), level_basis(warp, images)
    problem = Forward(warp, basis, images, sampler, SIZE, metric_of("ssd", None))

    def run() -> tuple[object, ...]:
        start = torch.zeros(1, 6, dtype=torch.float64)
        found = nearing(problem, start, iterations=40, tolerance=1e-9, kept=0.5)
        return found.state, found.iterations, found.p.tolist()

    compiled, expected = by_both(monkeypatch, run)
    assert compiled == expected


@built
def test_a_pair_has_the_same_bits_in_a_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("IRGATE_KERNEL", raising=False)
    warp, both = _warps.Affine(*SIZE), level(masked=True)

    def found(some: slice) -> Descent:
        parts = (both.fixed[some], both.trusted[some], both.moving[some])
        images = Level(*parts, 1)
        sampler, basis = make_sampler("cubic", images.moving), level_basis(warp, images)
        problem = Forward(warp, basis, images, sampler, SIZE, metric_of("ncc", None))
        start = torch.zeros(len(images.fixed), 6, dtype=torch.float64)
        return nearing(problem, start, iterations=40, tolerance=1e-9, kept=0.5)

    together = found(slice(0, 2))
    for row in (0, 1):
        alone = found(slice(row, row + 1))
        assert torch.equal(alone.p[0], together.p[row])
        assert torch.equal(alone.at.normal[0], together.at.normal[row])
        assert alone.iterations[0] == together.iterations[row]


def test_the_kernel_knows_every_linear_family() -> None:
    assert set(FAMILIES) == set(_warps.LINEAR.values())


@built
@pytest.mark.parametrize("degrees", [179.9, 180.0, -179.9])
def test_a_half_turn_has_one_angle_on_both_paths(
    degrees: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The angle of a product of matrices would jump by a whole turn there."""
    made = scene.make(scene.field_of(scene.turned(SIZE, degrees, (0.6, -0.4)), SIZE), SIZE, seed=2)
    fixed, moving = torch.tensor(made.fixed), torch.tensor(made.moving)
    start = scene.turned(SIZE, 179.95 if degrees > 0 else -179.95, (0.0, 0.0))

    def solve() -> Result:
        return register(fixed, moving, model="rigid", init=start, sampling="cubic")

    same_answer(*by_both(monkeypatch, solve), torch.float64)  # type: ignore[arg-type]


@built
def test_any_number_of_iterations_can_be_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("IRGATE_KERNEL", raising=False)
    made = scene.make(scene.field_of(scene.turned(SIZE, 2.0, (0.6, -0.4)), SIZE), SIZE, seed=2)
    fixed, moving = torch.tensor(made.fixed), torch.tensor(made.moving)
    many = register(fixed, moving, model="rigid", iterations=2**63)
    assert torch.equal(many.parameters, register(fixed, moving, model="rigid").parameters)
