"""Warps, normal equations, metrics, pyramid and descent: identities that hold whatever the data."""

import math

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from torch.autograd.functional import hessian as hessian_of
from torch.autograd.functional import jacobian as jacobian_of

from irgate_solver import (
    _levenberg,
    _lucas_kanade,
    _metrics,
    _normal_equations,
    _priors,
    _pyramid,
    _template,
    _warps,
)
from irgate_solver._levenberg import Linearisation
from irgate_solver._sampling import Jet, make_sampler

from . import scene

SHAPE = (11, 14)
WARPS = {
    "translation": _warps.Translation(*SHAPE),
    "rigid": _warps.Rigid(*SHAPE),
    "affine": _warps.Affine(*SHAPE),
    "ffd": _warps.FreeForm(*SHAPE, (5, 4)),
}
LINEAR = ("translation", "rigid", "affine")


def grid() -> tuple[torch.Tensor, torch.Tensor]:
    return tuple(torch.arange(n, dtype=torch.float64) for n in SHAPE)  # type: ignore[return-value]


def parameters(name: str, seed: int = 0) -> torch.Tensor:
    draw = torch.Generator().manual_seed(seed)
    return torch.rand(1, WARPS[name].size, generator=draw, dtype=torch.float64) * 2 - 1


def positions(warp: _warps.Warp, p: torch.Tensor) -> torch.Tensor:
    """Return T(x; p) at every pixel, `(1, 2, *SHAPE)`."""
    return _normal_equations.Basis.of(warp, *grid()).positions(warp.coefficients(p))


@pytest.mark.parametrize("name", WARPS)
def test_jacobian_and_second_order_are_derivatives_of_the_coefficients(name: str) -> None:
    warp, p = WARPS[name], parameters(name)

    def coefficients(q: torch.Tensor) -> torch.Tensor:
        return warp.coefficients(q[None]).flatten()

    expected = jacobian_of(coefficients, p[0])
    found = warp.jacobian(p)
    found = torch.eye(len(expected), dtype=torch.float64)[None] if found is None else found
    torch.testing.assert_close(found[0], expected)
    moments = torch.rand(
        1, len(expected), generator=torch.Generator().manual_seed(2), dtype=torch.float64
    )
    twice = hessian_of(lambda q: (coefficients(q) * moments[0]).sum(), p[0])
    second = warp.second_order(p, moments)
    second = torch.zeros_like(twice)[None] if second is None else second
    torch.testing.assert_close(second[0], twice)


@pytest.mark.parametrize("name", LINEAR)
def test_inverse_increment_is_composed_on_the_right(name: str) -> None:
    warp, p, step = WARPS[name], parameters(name, 1), parameters(name, 2)
    expected = warp.matrix(p) @ torch.linalg.inv(warp.matrix(step))
    torch.testing.assert_close(warp.matrix(warp.compose_inverse(p, step)), expected)


@pytest.mark.parametrize("name", LINEAR)
def test_matrix_and_parameters_are_inverse_to_each_other(name: str) -> None:
    warp, p = WARPS[name], parameters(name)
    torch.testing.assert_close(warp.from_matrix(warp.matrix(p)), p)


def test_rotation_turns_about_the_centre() -> None:
    angle = math.radians(30)
    warp = _warps.Rigid(*SHAPE)
    p = torch.tensor([[0.0, 0.0, angle * warp.radius]], dtype=torch.float64)
    np.testing.assert_allclose(warp.matrix(p)[0], scene.turned(SHAPE, 30), atol=1e-13)


def test_free_form_is_simpleitks() -> None:
    """The same control points move the same pixels as in SimpleITK's own transform."""
    image = sitk.GetImageFromArray(np.zeros(SHAPE, dtype=np.float32))
    theirs = sitk.BSplineTransformInitializer(image, (1, 1), 3)
    p = parameters("affine").new_tensor(np.random.default_rng(0).uniform(-2, 2, (1, 32)))
    theirs.SetParameters(p[0].tolist())
    ours = _warps.displacement(_warps.FreeForm(*SHAPE), p, *grid())[0]
    for x, y in ((0, 0), (13, 10), (5, 7), (13, 0)):
        moved = theirs.TransformPoint((float(x), float(y)))
        np.testing.assert_allclose(ours[:, y, x], (moved[0] - x, moved[1] - y), atol=1e-12)


def test_affine_maps_are_free_forms_and_do_not_bend() -> None:
    warp, affine, p = WARPS["ffd"], WARPS["affine"], parameters("affine")
    field = _warps.displacement(affine, p, *grid())
    q = warp.fit(field)
    torch.testing.assert_close(_warps.displacement(warp, q, *grid()), field)
    term = _priors.bending(warp, q)
    assert abs(float(term.energy)) <= 1e-16  # rounding of coefficients of 1 px, squared
    assert float(term.gradient.abs().max()) <= 1e-13


def test_bending_energy_is_that_of_the_field() -> None:
    """The mean of u_xx^2 + 2 u_xy^2 + u_yy^2 over the domain, by a fine midpoint rule."""
    warp, p = WARPS["ffd"], parameters("ffd")
    energy = float(_priors.bending(warp, p).energy)
    fine = 400
    y, x = (
        -0.625 + (torch.arange(fine, dtype=torch.float64) + 0.5) / fine * (n + 0.25) for n in SHAPE
    )
    field = _warps.displacement(warp, p, y, x)
    dy, dx = (
        torch.gradient(field, spacing=(float(s[1] - s[0]),), dim=d)[0] for s, d in ((y, 2), (x, 3))
    )
    dyy, dxx = (
        torch.gradient(f, spacing=(float(s[1] - s[0]),), dim=d)[0]
        for f, s, d in ((dy, y, 2), (dx, x, 3))
    )
    dxy = torch.gradient(dx, spacing=(float(y[1] - y[0]),), dim=2)[0]
    inner = (slice(None), slice(None), slice(3, -3), slice(3, -3))
    numeric = (dxx**2 + 2 * dxy**2 + dyy**2)[inner].sum(1).mean()
    assert energy == pytest.approx(float(numeric), rel=0.05)  # the frame that was left out


@pytest.mark.parametrize("name", WARPS)
def test_separable_normal_equations_are_the_dense_ones(name: str) -> None:
    warp, p = WARPS[name], parameters(name)
    draw = torch.Generator().manual_seed(3)
    psi, k, dx, dy = (torch.rand(1, *SHAPE, generator=draw, dtype=torch.float64) for _ in range(4))
    basis = _normal_equations.Basis.of(warp, *grid())

    def field(q: torch.Tensor) -> torch.Tensor:
        return _warps.displacement(warp, q[None], *grid())[0].flatten(1)

    jacobian = jacobian_of(field, p[0])
    dense = dx.flatten()[:, None] * jacobian[0] + dy.flatten()[:, None] * jacobian[1]
    by_coefficients = basis.projections(psi.unsqueeze(1), torch.stack((dx, dy), 1)).squeeze(1)
    gradient = _normal_equations.pull_gradient(warp.jacobian(p), by_coefficients)
    torch.testing.assert_close(gradient[0], dense.T @ psi.flatten())
    normal = basis.normal(torch.stack((k * dx * dx, k * dx * dy, k * dy * dy), 1))
    normal = _normal_equations.pull_normal(warp.jacobian(p), normal)
    torch.testing.assert_close(normal[0], dense.T @ (k.flatten()[:, None] * dense))


METRICS = {
    "ssd": _metrics.squared_differences,
    "ncc": _metrics.correlation,
    "huber": _metrics.huber(torch.tensor([0.2], dtype=torch.float64)),
}


@pytest.mark.parametrize("name", WARPS)
@pytest.mark.parametrize("metric", METRICS)
def test_gradient_and_hessian_are_those_of_the_objective(metric: str, name: str) -> None:
    """Autograd through values alone, with a smooth moving image that torch can differentiate."""
    warp, p = WARPS[name], parameters(name) * 0.3
    draw = torch.Generator().manual_seed(4)
    fixed = torch.rand(1, *SHAPE, generator=draw, dtype=torch.float64)
    valid = (torch.rand(1, *SHAPE, generator=draw) > 0.2).to(torch.float64)

    def moved(q: torch.Tensor) -> torch.Tensor:
        x, y = positions(warp, q).unbind(1)
        return torch.sin(0.7 * x) * torch.cos(0.5 * y) + 0.1 * x

    def objective(q: torch.Tensor) -> torch.Tensor:
        return METRICS[metric](fixed, moved(q[None]), valid, True).objective[0]

    x, y = positions(warp, p).unbind(1)
    sx, cx, sy, cy = torch.sin(0.7 * x), torch.cos(0.7 * x), torch.sin(0.5 * y), torch.cos(0.5 * y)
    jet = Jet(
        moved(p),
        torch.stack((0.7 * cx * cy + 0.1, -0.5 * sx * sy), 1),
        torch.stack((-0.49 * sx * cy, -0.35 * cx * sy, -0.25 * sx * cy), 1),
    )
    fit = METRICS[metric](fixed, jet.value, valid, True)
    basis = _normal_equations.Basis.of(warp, *grid())
    by_c, gradient, hessian = _lucas_kanade.normal_equations(basis, warp.jacobian(p), fit, jet)
    torch.testing.assert_close(gradient[0], jacobian_of(objective, p[0]))
    second = warp.second_order(p, by_c)
    hessian = hessian if second is None else hessian + second
    torch.testing.assert_close(hessian[0], hessian_of(objective, p[0]))


def test_correlation_is_one_minus_the_squared_coefficient() -> None:
    draw = np.random.default_rng(0)
    f, m = draw.random((2, 50))
    fit = _metrics.correlation(
        torch.tensor(f).view(1, 5, 10),
        torch.tensor(m).view(1, 5, 10),
        torch.ones(1, 5, 10, dtype=torch.float64),
        False,
    )
    assert float(fit.objective) == pytest.approx(1 - np.corrcoef(f, m)[0, 1] ** 2, rel=1e-12)


def test_template_normal_matrix_is_made_once_a_level(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IRGATE_KERNEL", "0")  # the kernel's is made by `Inverse` itself
    calls: list[int] = []
    whole = _template._template_normal

    def counted(*arguments: object) -> torch.Tensor:
        calls.append(1)
        return whole(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(_template, "_template_normal", counted)
    pair = scene.make(scene.field_of(scene.turned((40, 50), 4), (40, 50)))
    fixed, moving = torch.tensor(pair.fixed)[None], torch.tensor(pair.moving)[None]
    level = _pyramid.build(fixed, torch.ones_like(fixed), moving, True)[0]
    problem = _template.Inverse(_warps.Rigid(40, 50), level, METRICS["ssd"])
    start = torch.zeros(1, 3, dtype=torch.float64)
    descent = _levenberg.descend(problem, start, iterations=30, tolerance=1e-3)
    assert descent.iterations[0] >= 3
    assert len(calls) == 1


@pytest.mark.parametrize("name", LINEAR)
@pytest.mark.parametrize("metric", METRICS)
def test_template_normal_matrix_is_that_of_the_separable_sums(metric: str, name: str) -> None:
    """The fixed image's own slopes, fitted to itself, by the way that is tested above."""
    draw = torch.Generator().manual_seed(6)
    fixed = torch.rand(1, *SHAPE, generator=draw, dtype=torch.float64)
    ones, warp = torch.ones_like(fixed), WARPS[name]
    level = _pyramid.Level(fixed, ones, fixed, 1, True)
    found = _template.Inverse(warp, level, METRICS[metric]).normal
    dy, dx = torch.gradient(fixed, dim=(1, 2))
    jet = Jet(fixed, torch.stack((dx, dy), 1))
    start = torch.zeros(1, warp.size, dtype=torch.float64)
    fit = METRICS[metric](fixed, fixed, ones, False)
    basis = _normal_equations.Basis.of(warp, *grid())
    _, _, expected = _lucas_kanade.normal_equations(basis, warp.jacobian(start), fit, jet)
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("filler", [0.0, 1e6])
def test_blur_does_not_leak_across_the_mask(filler: float) -> None:
    """A constant image stays that constant whatever lies under the mask and beyond the border."""
    image = torch.full((1, 40, 48), 3.0, dtype=torch.float64)
    trusted = torch.ones_like(image)
    trusted[:, 10:25, 15:40] = 0
    image = torch.where(trusted > 0, image, filler)
    levels = _pyramid.build(image, trusted, image, False)
    assert len(levels) == 3
    for level in levels:
        kept = level.fixed[level.trusted > 0]
        torch.testing.assert_close(kept, torch.full_like(kept, 3.0))


def test_every_level_stands_where_it_says() -> None:
    """A ramp keeps its values at pixel i of level l, 2^l i px: no half-pixel offset anywhere."""
    x = torch.arange(64, dtype=torch.float64).expand(1, 64, 64)
    for level in _pyramid.build(x, torch.ones_like(x), x, True):
        place = torch.arange(level.fixed.shape[2], dtype=torch.float64) * level.scale
        inner = (place >= 24) & (place <= 40)  # beyond the reach of the border's one-sided blur
        torch.testing.assert_close(level.fixed[0, 4][inner], place[inner])
        torch.testing.assert_close(level.moving[0, 4][inner], place[inner])


def test_points_count_between_the_outermost_samples() -> None:
    points = torch.tensor([0.0, -0.01, 13.0, 13.01], dtype=torch.float64)
    points = torch.stack((points, torch.zeros(4, dtype=torch.float64))).view(1, 2, 1, 4)
    valid = _lucas_kanade.valid_points(points, SHAPE, torch.ones(1, 1, 4))
    assert valid.flatten().tolist() == [1, 0, 1, 0]


class Rosenbrock:
    """(1 - a)^2 + 100 (b - a^2)^2 as a least-squares problem: Gauss-Newton alone overshoots."""

    def __init__(self, overlap_ends_at: float = math.inf) -> None:
        self.overlap_ends_at = overlap_ends_at

    def linearise(self, p: torch.Tensor) -> Linearisation:
        a, b = p.unbind(1)
        residual = torch.stack((1 - a, 10 * (b - a * a)), 1)
        zero = torch.zeros_like(a)
        jacobian = torch.stack(
            (torch.stack((zero - 1, zero), 1), torch.stack((-20 * a, zero + 10), 1)), 1
        )
        overlap = (a < self.overlap_ends_at).to(torch.float64)
        gradient = 2 * (jacobian.mT @ residual[..., None]).squeeze(-1)
        normal = 2 * jacobian.mT @ jacobian
        return Linearisation(residual.square().sum(1), zero, overlap, lambda: (gradient, normal))

    def retract(self, p: torch.Tensor, step: torch.Tensor) -> torch.Tensor:
        return p + step

    def length(self, step: torch.Tensor) -> torch.Tensor:
        return step.norm(dim=1)


def test_descent_rejects_then_accepts_and_arrives(monkeypatch: pytest.MonkeyPatch) -> None:
    accepted: list[bool] = []
    whole = _levenberg.choose_all

    def watched(chosen: list[bool], *rest: Linearisation) -> Linearisation:
        accepted.extend(chosen)
        return whole(chosen, *rest)

    monkeypatch.setattr(_levenberg, "choose_all", watched)
    start = torch.tensor([[-1.2, 1.0]], dtype=torch.float64)
    descent = _levenberg.descend(Rosenbrock(), start, iterations=100, tolerance=1e-10)
    torch.testing.assert_close(descent.p, torch.ones(1, 2, dtype=torch.float64))
    assert descent.state == (_levenberg.CONVERGED,)
    first_rejected = accepted.index(False)
    assert any(accepted[first_rejected:])


def test_step_that_flees_the_overlap_is_rejected() -> None:
    start = torch.tensor([[-1.2, 1.0]], dtype=torch.float64)
    descent = _levenberg.descend(Rosenbrock(0.5), start, iterations=100, tolerance=1e-10)
    assert 0.4 <= float(descent.p[0, 0]) < 0.5


def test_singular_normal_matrix_moves_what_is_determined() -> None:
    class Valley(Rosenbrock):
        """(a - 2)^2: b is free."""

        def linearise(self, p: torch.Tensor) -> Linearisation:
            a = p[:, 0]
            zero = torch.zeros_like(a)
            normal = torch.diag_embed(torch.tensor([[2.0, 0.0]], dtype=torch.float64))
            gradient = torch.stack((2 * (a - 2), zero), 1)
            return Linearisation((a - 2).square(), zero, zero + 1, lambda: (gradient, normal))

    start = torch.tensor([[5.0, 7.0]], dtype=torch.float64)
    descent = _levenberg.descend(Valley(), start, iterations=50, tolerance=1e-12)
    torch.testing.assert_close(descent.p, torch.tensor([[2.0, 7.0]], dtype=torch.float64))


def test_cubic_forward_problem_and_its_exact_form_share_objective_and_gradient() -> None:
    pair = scene.make(scene.field_of(scene.turned((40, 50), 4), (40, 50)))
    fixed, moving = torch.tensor(pair.fixed)[None], torch.tensor(pair.moving)[None]
    level = _pyramid.Level(fixed, torch.ones_like(fixed), moving, 1)
    warp = _warps.Rigid(40, 50)
    basis = _lucas_kanade.level_basis(warp, level)
    p = torch.tensor([[0.3, -0.2, 0.5]], dtype=torch.float64)
    plain, exact = (
        _lucas_kanade.Forward(
            warp, basis, level, make_sampler("cubic", moving), (40, 50), METRICS["ncc"], exact=flag
        ).linearise(p)
        for flag in (False, True)
    )
    torch.testing.assert_close(plain.objective, exact.objective)
    torch.testing.assert_close(plain.gradient, exact.gradient)
    assert not torch.allclose(plain.normal, exact.normal, rtol=1e-6)
