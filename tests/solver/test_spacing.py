"""Pixels that are not square: rigid in mm, priors in mm, and a result that tells mm."""

from typing import Any

import numpy as np
import pytest
import torch

import irgate_fixtures
from irgate_solver import Result, _priors, _pyramid, _search, register
from irgate_solver._free_form import FreeForm
from irgate_solver._linear import Affine, Rigid, Similarity

from . import scene
from .test_implicit import CUBIC, STEP, Problem

SHAPE = (60, 96)
# mm: pixels of a volume that is cut across its slices.
SPACING = (0.4, 1.0)
S = np.diag(SPACING)
# The bilinear bias of the finest blobs, at a corner, px.
CLEAN = 0.03
ROUNDING = 1e-9


def turned_in_mm(degrees: float, shift: tuple[float, float], scale: float = 1.0) -> scene.Array:
    """Return the matrix in px of a turn in mm about the image's centre, then a shift in px."""
    angle = np.deg2rad(degrees)
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return scene.linear_matrix(SHAPE, np.linalg.inv(S) @ turn @ S, shift)


def pair_of(matrix: scene.Array, **options: Any) -> scene.Scene:
    return scene.make(scene.field_of(matrix, SHAPE), **options)


@pytest.mark.parametrize("sampling", ["linear", "cubic"])
def test_a_turn_in_mm_is_solved_and_a_turn_in_px_is_another(sampling: str) -> None:
    pair = pair_of(turned_in_mm(12, (1.4, -0.8)))
    options = {"model": "rigid", "sampling": sampling}
    found = register(pair.fixed, pair.moving, spacing=SPACING, **options)
    assert scene.distance(found.displacement().numpy(), pair.displacement).max() <= CLEAN
    without = register(pair.fixed, pair.moving, **options)
    assert scene.distance(without.displacement().numpy(), pair.displacement).max() > 1.0
    # In mm it is a rotation: S A S^-1 is orthogonal.
    turn = S @ found.matrix.numpy()[:2, :2] @ np.linalg.inv(S)
    np.testing.assert_allclose(turn @ turn.T, np.eye(2), atol=ROUNDING)


def test_a_similarity_in_mm_is_solved() -> None:
    pair = pair_of(turned_in_mm(8, (1.0, 0.5), 1.06))
    found = register(pair.fixed, pair.moving, model="similarity", spacing=SPACING, sampling="cubic")
    assert scene.distance(found.displacement().numpy(), pair.displacement).max() <= CLEAN
    turn = S @ found.matrix.numpy()[:2, :2] @ np.linalg.inv(S)
    np.testing.assert_allclose(turn @ turn.T, np.linalg.det(turn) * np.eye(2), atol=ROUNDING)


@pytest.mark.parametrize("degrees", [60, 135, -100, 180])
@pytest.mark.parametrize("model", ["rigid", "affine"])
def test_large_turns_in_mm_are_searched(model: str, degrees: float) -> None:
    shape, spacing = (64, 160), (0.4, 1.0)
    sides = np.diag(spacing)
    angle = np.deg2rad(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = scene.linear_matrix(shape, np.linalg.inv(sides) @ turn @ sides, (2.0, -1.0))
    pair = scene.make(scene.field_of(matrix, shape), finest=4.0, seed=3)
    found = register(pair.fixed, pair.moving, model=model, spacing=spacing)
    assert scene.distance(found.displacement().numpy(), pair.displacement).mean() <= CLEAN


@pytest.mark.parametrize("degrees", [60, 135, -105])
def test_the_first_candidate_of_a_search_is_the_turn_in_mm(degrees: float) -> None:
    """Turns of the fan, of a wide scene: what is left is the grid of lags, a pixel of the level."""
    shape, spacing = (128, 320), (0.4, 1.0)
    sides = np.diag(spacing)
    angle = np.deg2rad(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = scene.linear_matrix(shape, np.linalg.inv(sides) @ turn @ sides, (4.0, -4.0))
    truth = scene.field_of(matrix, shape)
    made = scene.make(truth, finest=8.0, seed=3)
    images = [torch.tensor(image, dtype=torch.float32)[None] for image in (made.fixed, made.moving)]
    levels = _pyramid.build(images[0], torch.ones_like(images[0]), images[1], True)
    level = levels[_search.search_level(levels)]
    warp = Rigid(*shape, spacing)
    first = _search.candidates(warp, level)[0]
    found = scene.field_of(warp.matrix(first)[0].numpy(), shape)
    assert scene.distance(found, truth).max() <= level.scale


@pytest.mark.parametrize("side", [1.0, 0.3])
@pytest.mark.parametrize(
    ("model", "options"),
    [
        ("translation", {}),
        ("rigid", {}),
        ("similarity", {"anchor": None}),
        ("affine", {"recipe": "bspline-mind"}),
        ("ffd", {"bending": "auto"}),
        ("ffd", {"recipe": "iclk-huber", "control": (8, 8)}),
    ],
)
def test_square_pixels_change_no_transform(
    model: str, options: dict[str, Any], side: float
) -> None:
    pair = irgate_fixtures.pair("bspline_random_2d")
    options = {"model": model, **options}
    plain = register(pair.fixed, pair.moving, **options)
    spaced = register(pair.fixed, pair.moving, spacing=side, **options)
    torch.testing.assert_close(spaced.parameters, plain.parameters, rtol=0, atol=1e-4)
    if side == 1.0:
        assert torch.equal(spaced.parameters, plain.parameters)


@pytest.mark.parametrize("family", [Rigid, Similarity])
def test_the_families_are_groups_with_these_derivatives(family: type[Rigid]) -> None:
    warp = family(*SHAPE, SPACING)
    draw = torch.Generator().manual_seed(0)
    p, step = (4.0 * torch.randn(3, warp.size, generator=draw, dtype=torch.float64) for _ in "ps")
    torch.testing.assert_close(warp.from_matrix(warp.matrix(p)), p, rtol=0, atol=ROUNDING)
    together = warp.compose_inverse(p, step)
    expected = warp.matrix(p) @ torch.linalg.inv(warp.matrix(step))
    torch.testing.assert_close(warp.matrix(together), expected, rtol=0, atol=ROUNDING)
    exact = torch.autograd.functional.jacobian(lambda q: warp.coefficients(q)[0].flatten(), p[:1])
    torch.testing.assert_close(warp.jacobian(p[:1])[0], exact[:, 0], rtol=0, atol=ROUNDING)
    moments = torch.randn(1, 8, generator=draw, dtype=torch.float64)
    second = torch.autograd.functional.hessian(
        lambda q: (warp.coefficients(q).flatten(1) * moments).sum(), p[:1]
    )[0, :, 0]
    found = warp.second_order(p[:1], moments)
    found = torch.zeros(1, warp.size, warp.size) if found is None else found
    torch.testing.assert_close(found[0].double(), second, rtol=0, atol=ROUNDING)


@pytest.mark.parametrize("which", [0, 1], ids=["fixed", "moving"])
@pytest.mark.parametrize("model", ["rigid", "similarity", "ffd"])
def test_gradient_is_that_of_the_whole_solve(model: str, which: int) -> None:
    problem = Problem("rigid" if model == "similarity" else model, "ssd", "cubic")
    problem.options |= {"model": model, "spacing": (0.7, 1.2)}
    if model == "ffd":
        problem.options |= {"total_variation": 1e-3, "anchor": 1e-3}
    exact = problem.derivative(which)
    assert abs(problem.difference(which, STEP["cubic"]) - exact) <= CUBIC * abs(exact)


def in_mm(warp: Any, p: torch.Tensor, shape: tuple[int, int]) -> tuple[scene.Array, ...]:
    """Return u, mm, and its derivatives by mm along x and y, of a fine sampling of the image."""
    height, width = shape
    y, x = (torch.linspace(0, side - 1, 8 * side, dtype=torch.float64) for side in shape)
    field = (warp.rows(y) @ (warp.coefficients(p) @ warp.columns(x).mT))[0].numpy()
    sx, sy = warp.spacing
    field = field * np.array([sx, sy]).reshape(2, 1, 1)
    across, down = ((side - 1) / (8 * side - 1) for side in (width, height))
    return field, np.gradient(field, across * sx, axis=2), np.gradient(field, down * sy, axis=1)


def test_priors_are_integrals_over_mm() -> None:
    """Against second differences in mm of a drawn deformation."""
    warp = FreeForm(*SHAPE, (5, 6), SPACING)
    draw = torch.Generator().manual_seed(1)
    p = torch.randn(1, warp.size, generator=draw, dtype=torch.float64)
    _, across, down = in_mm(warp, p, SHAPE)
    sx, sy = SPACING
    steps = [(side - 1) / (8 * side - 1) for side in SHAPE]
    xx = np.gradient(across, steps[1] * sx, axis=2)
    xy = np.gradient(across, steps[0] * sy, axis=1)
    yy = np.gradient(down, steps[0] * sy, axis=1)
    bent = (xx**2 + 2 * xy**2 + yy**2).sum(0).mean()
    # Differences, and a domain that is an eighth of a pixel wider.
    assert float(_priors.bending(warp, p).energy) == pytest.approx(bent, rel=0.03)
    strains = np.stack((across, down))
    smoothed = (np.sqrt(strains**2 + _priors.EPSILON**2) - _priors.EPSILON).sum((0, 1)).mean()
    assert float(_priors.total_variation(warp, p).energy) == pytest.approx(smoothed, rel=0.03)
    affine = Affine(*SHAPE, SPACING)
    q = torch.randn(1, 6, generator=draw, dtype=torch.float64)
    field, _, _ = in_mm(affine, q, SHAPE)
    square = (field**2).sum(0).mean()
    found = _priors.anchor(affine, q, torch.zeros_like(q)).energy
    assert float(found) == pytest.approx(square, rel=0.03)


@pytest.mark.parametrize("prior", ["bending", "total_variation", "anchor"])
def test_priors_have_these_derivatives(prior: str) -> None:
    warp = FreeForm(*SHAPE, (4, 5), SPACING)
    draw = torch.Generator().manual_seed(2)
    p = 0.1 * torch.randn(1, warp.size, generator=draw, dtype=torch.float64)

    def term(q: torch.Tensor) -> _priors.Term:
        if prior == "anchor":
            return _priors.anchor(warp, q, torch.zeros_like(q))
        return getattr(_priors, prior)(warp, q)

    found = term(p)
    gradient = torch.autograd.functional.jacobian(lambda q: term(q).energy, p)[0, 0]
    torch.testing.assert_close(found.gradient[0], gradient, rtol=1e-9, atol=1e-12)
    rows = torch.autograd.functional.jacobian(lambda q: term(q).gradient, p)[0, :, 0]
    hessian = found.hessian if found.hessian.dim() == 2 else found.hessian[0]
    torch.testing.assert_close(hessian, rows, rtol=1e-9, atol=1e-12)


@pytest.fixture(scope="module")
def result() -> Result:
    pair = pair_of(turned_in_mm(5, (1.4, -0.8)), noise=0.01)
    return register(pair.fixed, pair.moving, model="rigid", spacing=SPACING, sampling="cubic")


def test_the_result_tells_mm(result: Result) -> None:
    assert result.spacing == SPACING
    sides = np.array(SPACING)
    field, points = result.displacement().numpy(), np.array([[3.0, 4.0], [60.0, 40.0]])
    np.testing.assert_allclose(result.displacement(unit="mm").numpy(), field * sides)
    errors = result.standard_error(points)
    np.testing.assert_allclose(result.standard_error(points, unit="mm"), errors * sides)
    most = np.linalg.norm(field * sides, axis=-1).max()
    assert f"by {most:.3g} mm at most" in str(result)


def test_mm_are_refused_where_none_are_known() -> None:
    pair = pair_of(turned_in_mm(2, (0.5, 0.5)))
    plain = register(pair.fixed, pair.moving, model="translation", search=False)
    assert plain.spacing is None
    with pytest.raises(ValueError, match=r"unit='mm'; expected px; register\(..., spacing=\)"):
        plain.displacement(unit="mm")
    spaced = register(pair.fixed, pair.moving, model="translation", search=False, spacing=2.0)
    with pytest.raises(ValueError, match="unit='cm'; expected px or mm"):
        spaced.standard_error(np.zeros((1, 2)), unit="cm")


@pytest.mark.parametrize("spacing", [0, -1, (1, 2, 3), (1,), "mm", (1, float("nan")), [1, None]])
def test_what_is_no_spacing_is_refused_in_one_line(spacing: object) -> None:
    pair = pair_of(turned_in_mm(2, (0.5, 0.5)))
    with pytest.raises(ValueError, match=r"spacing=.*expected mm, \(x, y\)") as caught:
        register(pair.fixed, pair.moving, spacing=spacing)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("model", ["rigid", "affine", "homography", "ffd"])
def test_simpleitk_draws_the_same_on_images_with_this_spacing(model: str) -> None:
    itk = pytest.importorskip("SimpleITK")
    pair = pair_of(turned_in_mm(5, (1.4, -0.8)))
    found = register(pair.fixed, pair.moving, model=model, spacing=SPACING)
    images = [itk.GetImageFromArray(image) for image in (pair.fixed, pair.moving)]
    for image in images:
        image.SetSpacing(SPACING)
    ours = found.warp(pair.moving)
    places = found.displacement().numpy() + np.stack(scene.grid(SHAPE), -1)
    inside = ((places >= 0) & (places <= np.array(SHAPE[::-1]) - 1)).all(-1)
    transforms = (
        found.to_simpleitk(),
        found.to_transform().to_simpleitk(SPACING),
        found.inverse().inverse(SHAPE).to_simpleitk(SPACING),
    )
    for transform in transforms:
        drawn = itk.GetArrayFromImage(itk.Resample(images[1], images[0], transform))
        assert np.abs(drawn - ours)[inside].max() <= 1e-6
