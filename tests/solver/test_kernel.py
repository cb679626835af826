"""The compiled kernel gives torch's answers: looks, solves, gradients, at any size, in bounds."""

import itertools
from collections.abc import Callable

import numpy as np
import pytest
import torch

import irgate_solver
from irgate_solver import _metrics, _native, _warps, register
from irgate_solver._levenberg import Linearisation, damped_step
from irgate_solver._look import SAMPLERS, number_of
from irgate_solver._lucas_kanade import Forward, level_basis
from irgate_solver._octaves import evidence
from irgate_solver._pyramid import Level
from irgate_solver._sampling import LinearOnAverage, make_sampler
from irgate_solver._template import Inverse, WarpedLevel

from . import scene

LIBRARY, SAID = _native._loaded()
built = pytest.mark.skipif(LIBRARY is None, reason=f"no compiled kernel to compare with ({SAID})")

MODELS = tuple(_warps.MODELS)
METRICS = _metrics.METRICS
KINDS = ("linear", "cubic", "catmull-rom")
DTYPES = (torch.float32, torch.float64)
SIZES = ((10, 12), (17, 33), (65, 130))
"""(height, width) of the fixed image: small, odd, not square, of several chunks of 64 pixels."""

# A pixel's arithmetic is the same, but for the spline's, and sums are taken in another order.
ROUNDING = {torch.float32: 2e-5, torch.float64: 1e-11}
# Of a solve, px. Float32's are its rounding, over some 1000 pixels.
APART = {torch.float32: 1e-6, torch.float64: 1e-9}
# An FFD's outer control points are held by a few pixels: the normal matrix has a condition of 1e9.
# What they do to the points of the image, px.
FREE_FORM_APART = {torch.float32: 1e-4, torch.float64: 1e-9}


def by_both(monkeypatch: pytest.MonkeyPatch, run: Callable[[], object]) -> tuple[object, object]:
    """Return what `run` gives by the kernel, and by torch."""
    monkeypatch.delenv(_native.VARIABLE, raising=False)
    assert _native.library() is not None
    compiled = run()
    monkeypatch.setenv(_native.VARIABLE, "0")
    assert _native.library() is None
    return compiled, run()


def images(size: tuple[int, int], dtype: torch.dtype, seed: int = 0) -> torch.Tensor:
    """Return two smooth images with some noise, `(2, h, w)`, about [0, 1]."""
    draw = np.random.default_rng(seed)
    both = [
        scene.blobs(*scene.grid(size), size, seed + k) + 0.02 * draw.standard_normal(size)
        for k in range(2)
    ]
    return torch.tensor(np.stack(both), dtype=dtype)


def parameters(warp: _warps.Warp, seed: int = 0) -> torch.Tensor:
    """Return parameters of a batch of two, up to 1 px."""
    draw = torch.Generator().manual_seed(seed)
    return 2.0 * torch.rand(2, warp.size, generator=draw, dtype=torch.float64) - 1.0


def metric_of(name: str) -> _metrics.Metric:
    return _metrics.metric_of(name, torch.tensor([0.05, 0.2], dtype=torch.float64))


def level_of(size: tuple[int, int], dtype: torch.dtype, masked: bool, scale: int = 1) -> Level:
    """Return a level whose moving image has another size, masked in both or in none."""
    fixed = images(size, dtype)
    moving = images((size[0] + 3, size[1] + 2), dtype, seed=7)
    trusted = torch.ones_like(fixed)
    if not masked:
        return Level(fixed, trusted, moving, scale, whole=True)
    trusted[0, : size[0] // 4] = 0
    trusted[1, :, size[1] // 2] = 0
    hidden = torch.zeros_like(moving)
    hidden[:, 4:6, 6:] = 1
    return Level(fixed * trusted, trusted, moving, scale, hidden=hidden)


def close(compiled: torch.Tensor, expected: torch.Tensor, rounding: float) -> None:
    """Compare each pair's numbers, as parts of its largest."""
    assert compiled.shape == expected.shape
    assert compiled.dtype == expected.dtype
    assert torch.equal(compiled.isfinite(), expected.isfinite())
    kept = expected.isfinite()
    scale = torch.where(kept, expected.abs(), 0.0).reshape(len(kept), -1).amax(1)
    apart = torch.where(kept, compiled - expected, 0.0).abs().reshape(len(kept), -1).amax(1)
    assert bool((apart <= rounding * scale + 1e-30).all()), (compiled, expected)


@built
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("model", MODELS)
def test_forward_looks(
    model: str, metric: str, kind: str, dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Objective, gradient, Gauss-Newton matrix and Hessian, with and without masks and region."""
    for size, masked, exact, frozen in itertools.product(SIZES, *[(False, True)] * 3):
        scale = 2 if masked else 1
        level = level_of(size, dtype, masked, scale)
        height, width = (scale * side for side in size)
        warp: _warps.Warp
        if model == "ffd":
            warp = _warps.FreeForm(height, width, (4, 6) if masked else (4, 4))
        else:
            warp = _warps.LINEAR[model](height, width)
        region = level.trusted if frozen else None
        extent = (level.moving.shape[1] * scale, level.moving.shape[2] * scale)

        def look(
            warp: _warps.Warp = warp,
            level: Level = level,
            extent: tuple[int, int] = extent,
            region: torch.Tensor | None = region,
            exact: bool = exact,
        ) -> tuple[torch.Tensor, ...]:
            sampler = make_sampler(kind, level.moving)
            basis = level_basis(warp, level)
            whole = metric_of(metric)
            problem = Forward(warp, basis, level, sampler, extent, whole, region=region)
            at = (problem.newton() if exact else problem).linearise(parameters(warp))
            figures = torch.stack((at.objective, at.rounding, at.overlap), 1).unbind(1)
            return (*figures, at.gradient, at.normal, problem.inside_at(parameters(warp)))

        compiled, expected = by_both(monkeypatch, look)
        assert isinstance(compiled, tuple)
        assert isinstance(expected, tuple)
        rounding = (5, 5, 1, 5, 5, 0)
        for one, other, times in zip(compiled, expected, rounding, strict=True):
            close(one, other, times * ROUNDING[dtype])


@built
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("model", sorted(_warps.LINEAR))
def test_inverse_looks(
    model: str, metric: str, dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The template's matrix, objective and gradient; the warped image, and what counts of it.

    torch rounds the points to the image type, to 1e-6 of the image's side; so may a point at the
    very border count or not.
    """
    rounding = {torch.float32: 1e-4, torch.float64: 1e-11}[dtype]
    for size, masked in itertools.product(SIZES, (False, True)):
        level = level_of(size, dtype, masked, 2)
        warp = _warps.LINEAR[model](2 * size[0], 2 * size[1])

        def look(warp: _warps.LinearWarp = warp, level: Level = level) -> tuple[torch.Tensor, ...]:
            problem = Inverse(warp, level, metric_of(metric))
            p = parameters(warp)
            at = problem.linearise(p)
            moved, valid = WarpedLevel(warp, level).evaluate(p)
            shown = evidence(warp, [level], p, inverted=True)
            other = problem.objective(p, _metrics.correlation)
            figures = torch.stack((at.objective, at.overlap, shown, other), 1).unbind(1)
            return (*figures, at.gradient, at.normal, moved, valid.clone())

        compiled, expected = by_both(monkeypatch, look)
        assert isinstance(compiled, tuple)
        assert isinstance(expected, tuple)
        for one, other in zip(compiled, expected, strict=True):
            close(one, other, rounding)


@built
@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("metric", METRICS)
def test_looks_at_flat_images(metric: str, exact: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing is to be seen no number is infinite: the fixed image flat, the moving, both."""
    zero, other = torch.zeros(2, 12, 14), images((12, 14), torch.float32)
    warp = _warps.Rigid(12, 14)

    for fixed, moving in ((zero, other), (other, zero), (zero, zero)):

        def look(fixed: torch.Tensor = fixed, moving: torch.Tensor = moving) -> object:
            level = Level(fixed, torch.ones_like(fixed), moving, 1, whole=True)
            sampler, basis = make_sampler("cubic", moving), level_basis(warp, level)
            problem = Forward(warp, basis, level, sampler, (12, 14), metric_of(metric))
            at = (problem.newton() if exact else problem).linearise(parameters(warp))
            assert bool(at.normal.isfinite().all())
            return at.objective, at.rounding, at.gradient, at.normal

        for one, expected in zip(*by_both(monkeypatch, look), strict=True):  # type: ignore[call-overload]
            close(one, expected, 1e-3)


@built
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("scale", [1, 2])
def test_pixels_that_count(kind: str, scale: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Under masks on both images: the same ones."""
    for size, model in itertools.product(SIZES, ("affine", "ffd")):
        level = level_of(size, torch.float32, masked=True, scale=scale)
        sides = (scale * size[0], scale * size[1])
        warp: _warps.Warp = _warps.FreeForm(*sides, (4, 4))
        if model == "affine":
            warp = _warps.Affine(*sides)
        extent = (scale * level.moving.shape[1], scale * level.moving.shape[2])
        basis, sampler = level_basis(warp, level), make_sampler(kind, level.moving)
        metric = metric_of("ssd")
        problem = Forward(warp, basis, level, sampler, extent, metric)
        p = parameters(warp)
        inside = by_both(monkeypatch, lambda problem=problem, p=p: problem.inside_at(p))
        assert torch.equal(*inside)
        assert 0 < float(inside[0].sum()) < float(level.trusted.sum())  # type: ignore[attr-defined]


def pair(dtype: torch.dtype, size: tuple[int, int] = (61, 74)) -> tuple[torch.Tensor, torch.Tensor]:
    """Return a smooth pair, a little turned, stretched and shifted."""
    matrix = scene.linear_matrix(size, [[1.01, -0.03], [0.02, 0.99]], (1.3, -0.8))
    made = scene.make(scene.field_of(matrix, size), (size[0] + 4, size[1] - 3), seed=3, finest=2.5)
    return torch.tensor(made.fixed, dtype=dtype), torch.tensor(made.moving, dtype=dtype)


def same_answer(one: irgate_solver.Result, other: irgate_solver.Result, dtype: torch.dtype) -> None:
    assert one.iterations == other.iterations
    assert one.status == other.status
    if one.model == "ffd":
        apart = (one.displacement() - other.displacement()).abs().max()
        assert float(apart) <= FREE_FORM_APART[dtype]
    else:
        assert float((one.parameters - other.parameters).abs().max()) <= APART[dtype]


@built
@pytest.mark.parametrize("damping", [0.0, 10.0])
@pytest.mark.parametrize("size", [1, 3, 8])
def test_steps(size: int, damping: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two pairs; and with one matrix that no such damping makes positive."""
    draw = torch.Generator().manual_seed(size)
    root = torch.randn(2, size, size, generator=draw, dtype=torch.float64)
    gradient = torch.randn(2, size, generator=draw, dtype=torch.float64)
    nothing = torch.zeros(2, dtype=torch.float64)
    normal = root @ root.mT + torch.eye(size, dtype=torch.float64)
    for last in (1.0, -1e3):
        normal[1] *= last
        at = Linearisation(nothing, nothing, nothing, lambda: (gradient, normal))
        compiled, expected = by_both(monkeypatch, lambda at=at: damped_step(at, (damping, 1e-3)))
        assert [bool(info) for info in compiled[1]] == [False, last < 0]
        assert [bool(info) for info in expected[1]] == [False, last < 0]
        kept = slice(0, 2 if last > 0 else 1)
        close(compiled[0][kept], expected[0][kept], ROUNDING[torch.float64])


@built
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("model", MODELS)
def test_solves(
    model: str, metric: str, kind: str, dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    fixed, moving = pair(dtype)
    options = {"model": model, "metric": metric, "sampling": kind, "huber_width": 0.05}
    compiled, expected = by_both(monkeypatch, lambda: register(fixed, moving, **options))
    same_answer(compiled, expected, dtype)


OPTIONS: dict[str, dict[str, object]] = {
    "mask": {"mask": torch.arange(74) > 20},
    "moving mask": {"moving_mask": torch.arange(71) < 60},
    "smoothing": {"smoothing": 1.0},
    "anchor": {"anchor": 1e-4},
    "bending": {"model": "ffd", "bending": 1e-3},
    "fine grid": {"model": "ffd", "control": (7, 5), "bending": 1e-3},
    "varying": {"intensity": "varying"},
    "no search": {"search": False},
    "start": {"init": np.eye(3)},
    "MIND settles": {"metric": "mind", "model": "translation"},
    "homography": {"model": "homography"},
    "bundle": {"recipe": "lm-bundle"},
}


@built
@pytest.mark.parametrize("what", OPTIONS)
def test_solves_with_options(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    fixed, moving = pair(torch.float64)
    options: dict[str, object] = {"model": "affine", "sampling": "cubic", **OPTIONS[what]}
    for name, image in (("mask", fixed), ("moving_mask", moving)):
        if name in options:
            options[name] = options[name].expand(image.shape)  # type: ignore[attr-defined]
    compiled, expected = by_both(monkeypatch, lambda: register(fixed, moving, **options))
    same_answer(compiled, expected, torch.float64)


@built
def test_solves_of_colour_and_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    pairs = [pair(torch.float64) for _ in range(3)]
    fixed, moving = (torch.stack([one[k] for one in pairs]) for k in range(2))
    moving = moving * torch.tensor([1.0, 0.9, 0.8], dtype=torch.float64).view(3, 1, 1)
    for channels in ("first", "none"):
        options = {"model": "rigid", "channels": channels, "intensity": "varying"}
        compiled, expected = by_both(monkeypatch, lambda o=options: register(fixed, moving, **o))
        same_answer(compiled, expected, torch.float64)


@built
def test_a_search_finds_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    size = (64, 72)
    made = scene.make(scene.field_of(scene.turned(size, 100.0, (2, 1)), size), seed=2)
    fixed, moving = (torch.tensor(one) for one in (made.fixed, made.moving))
    options = {"model": "rigid", "sampling": "cubic"}
    compiled, expected = by_both(monkeypatch, lambda: register(fixed, moving, **options))
    same_answer(compiled, expected, torch.float64)


@built
@pytest.mark.parametrize("recipe", ["iclk-implicit", "mixed-checkpoint"])
def test_gradients_are_torchs(recipe: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel has no derivative; what is differentiated goes through torch on either path."""

    def derivatives() -> tuple[torch.Tensor, ...]:
        both = [image.requires_grad_(True) for image in pair(torch.float64)]
        result = register(*both, model="affine", recipe=recipe, sampling="cubic")
        return torch.autograd.grad(result.parameters.square().sum(), both)

    compiled, expected = by_both(monkeypatch, derivatives)
    for one, other in zip(compiled, expected, strict=True):  # type: ignore[call-overload]
        close(one[None], other[None], 1e-8)


@built
def test_a_warped_image_stays_differentiable(monkeypatch: pytest.MonkeyPatch) -> None:
    fixed, moving = pair(torch.float64)
    result = register(fixed, moving, model="affine")

    def derivative() -> torch.Tensor:
        leaf = moving.clone().requires_grad_(True)
        (found,) = torch.autograd.grad(result.warp(leaf, sampling="cubic").square().sum(), leaf)
        return found

    compiled, expected = by_both(monkeypatch, derivative)
    torch.testing.assert_close(compiled, expected, rtol=0, atol=1e-12)


@built
def test_the_kernel_serves_no_other_tensors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(_native.VARIABLE, raising=False)
    image = torch.zeros(1, 8, 8)
    assert _native.serves(image, None)
    assert not _native.serves(image.half())
    assert not _native.serves(image.to("meta"))
    assert not _native.serves(image.clone().requires_grad_(True))
    with torch.no_grad():
        assert _native.serves(image.clone().requires_grad_(True))
    assert LinearOnAverage not in SAMPLERS
    assert number_of(lambda *images: _metrics.correlation(*images)) is None


@built
def test_a_wrong_array_is_refused_before_the_kernel_reads_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv(_native.VARIABLE, raising=False)
    level = level_of((17, 33), torch.float32, False)
    warp = _warps.Affine(17, 33)
    problem = Inverse(warp, level, _metrics.correlation)
    with pytest.raises(
        ValueError, match=r"coefficients is \(1, 2, 2, 2\).*expected \(2, 2, 2, 2\)"
    ):
        problem.linearise(parameters(warp)[:1])
    with pytest.raises(ValueError, match=r"weights is \(2, 17, 33\), torch.float64"):
        problem.look.weigh(level.trusted.double(), frozen=True)


@built
def test_parameters_that_are_no_numbers_count_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """torch makes an index of NaN; the kernel reads the first pixel, and counts none."""
    monkeypatch.delenv(_native.VARIABLE, raising=False)
    level = level_of((17, 33), torch.float32, False)
    warp = _warps.Affine(17, 33)
    for kind in KINDS:
        sampler = make_sampler(kind, level.moving)
        basis, metric = level_basis(warp, level), _metrics.squared_differences
        problem = Forward(warp, basis, level, sampler, (20, 35), metric)
        for bad in (torch.nan, torch.inf, 1e300):
            at = problem.linearise(torch.full((2, 6), bad, dtype=torch.float64))
            assert at.overlap.tolist() == [0.0, 0.0]
            assert at.objective.tolist() == [torch.inf, torch.inf]
