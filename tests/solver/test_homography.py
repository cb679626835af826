"""Similarity and homography: truth, derivatives, gradient, and what each refuses."""

from pathlib import Path

import numpy as np
import pytest
import torch

from irgate_solver import load, register
from irgate_solver._homography import Homography
from irgate_solver._linear import Affine, Similarity

from . import scene
from .test_implicit import CUBIC, STEP, Problem
from .test_transform import PROJECTIVE, projected

SHAPE = (60, 76)
FAMILY = Homography(*SHAPE)
DRAW = torch.Generator().manual_seed(0)
P = 3.0 * torch.randn(2, 8, generator=DRAW, dtype=torch.float64)
POINTS = 60.0 * torch.rand(9, 2, generator=DRAW, dtype=torch.float64)
# The bilinear bias of the finest blobs, at a corner, px.
CLEAN = 0.03
ROUNDING = 1e-9


def test_derivatives_are_autograds() -> None:
    rates = torch.autograd.functional.jacobian(lambda p: FAMILY.map(p, POINTS).sum(0), P)
    torch.testing.assert_close(torch.stack(FAMILY.rates(P, POINTS), -1), rates.permute(2, 3, 0, 1))
    pull = torch.randn(2, 9, 2, generator=DRAW, dtype=torch.float64)
    for k in range(2):

        def value(p: torch.Tensor, k: int = k) -> torch.Tensor:
            return (FAMILY.map(p[None], POINTS)[0] * pull[k]).sum()

        expected = torch.autograd.functional.hessian(value, P[k])
        torch.testing.assert_close(FAMILY.bend(P, POINTS, pull)[k], expected)


def test_matrix_maps_as_the_family_and_back() -> None:
    matrix = FAMILY.matrix(P)
    mapped = torch.cat((POINTS, torch.ones(9, 1)), 1) @ matrix.mT
    torch.testing.assert_close(mapped[..., :2] / mapped[..., 2:], FAMILY.map(P, POINTS))
    torch.testing.assert_close(FAMILY.from_matrix(3.0 * matrix), P)
    flat = P.clone()
    flat[:, 6:] = 0
    torch.testing.assert_close(FAMILY.matrix(flat), Affine(*SHAPE).matrix(flat[:, :6]))


def test_a_point_behind_the_camera_is_in_no_image() -> None:
    p = torch.zeros(1, 8, dtype=torch.float64)
    p[0, 6] = 2 * FAMILY.affine.radius
    assert float(FAMILY.map(p, torch.zeros(1, 2, dtype=torch.float64)).abs().min()) > 1e6


@pytest.mark.parametrize("metric", ["ssd", "ncc", "huber"])
@pytest.mark.parametrize("sampling", ["linear", "cubic"])
def test_a_homography_is_solved(metric: str, sampling: str) -> None:
    pair = scene.make(projected(PROJECTIVE), (66, 80))
    result = register(pair.fixed, pair.moving, model="homography", metric=metric, sampling=sampling)
    assert result.status.settled
    assert scene.distance(result.displacement().numpy(), pair.displacement).max() <= CLEAN
    assert float(result.matrix[2, 2]) == 1.0
    affine = register(pair.fixed, pair.moving, model="affine", metric=metric)
    assert scene.distance(affine.displacement().numpy(), pair.displacement).max() > 3 * CLEAN


def test_it_starts_at_a_matrix_a_result_or_a_displacement() -> None:
    pair = scene.make(projected(PROJECTIVE), (66, 80))
    plain = register(pair.fixed, pair.moving, model="homography", sampling="cubic")
    ffd = register(pair.fixed, pair.moving, model="ffd")
    for init in (PROJECTIVE, plain, ffd, np.eye(3)):
        again = register(pair.fixed, pair.moving, model="homography", sampling="cubic", init=init)
        torch.testing.assert_close(again.matrix, plain.matrix, rtol=0, atol=1e-6)


def test_a_batch_equals_its_pairs_and_a_large_turn_is_searched() -> None:
    turned = scene.turned(SHAPE, 70) @ PROJECTIVE
    pairs = [scene.make(projected(matrix), seed=k) for k, matrix in enumerate((PROJECTIVE, turned))]
    images = [np.stack([getattr(pair, name) for pair in pairs]) for name in ("fixed", "moving")]
    together = register(*images, model="homography")
    for k, pair in enumerate(pairs):
        alone = register(pair.fixed, pair.moving, model="homography")
        torch.testing.assert_close(together.matrix[k], alone.matrix, rtol=0, atol=ROUNDING)
        assert scene.distance(alone.displacement().numpy(), pair.displacement).max() <= 0.1


@pytest.mark.parametrize("which", [0, 1], ids=["fixed", "moving"])
@pytest.mark.parametrize("model", ["similarity", "homography"])
@pytest.mark.parametrize("metric", ["ssd", "ncc", "huber"])
def test_gradient_is_that_of_the_whole_solve(model: str, metric: str, which: int) -> None:
    problem = Problem("affine", metric, "cubic")
    problem.options |= {"model": model}
    del problem.options["bending"]
    exact = problem.derivative(which)
    assert abs(problem.difference(which, STEP["cubic"]) - exact) <= CUBIC * abs(exact)


def test_predicted_scatter_is_seen() -> None:
    pair = scene.make(projected(PROJECTIVE), (66, 80))
    draw, count = np.random.default_rng(2), 40
    fixed = pair.fixed + 0.01 * draw.standard_normal((count, *SHAPE))
    result = register(
        fixed, np.stack([pair.moving] * count), model="homography", sampling="cubic", init=np.eye(3)
    )
    points = np.array([[8.0, 8.0], [38.0, 30.0], [70.0, 52.0]])
    predicted = np.sqrt((result.standard_error(points) ** 2).mean(0))
    # A standard deviation of 40 draws is good to 11 %, and the largest of six to twice that.
    np.testing.assert_allclose(predicted, result.transform(points).std(0), rtol=0.3)


def test_a_similarity_keeps_its_form_and_its_nearest_member() -> None:
    family = Similarity(*SHAPE)
    p = torch.tensor([[1.0, -2.0, 3.0, 4.0]], dtype=torch.float64)
    linear = family.matrix(p)[0, :2, :2]
    torch.testing.assert_close(linear[0, 0], linear[1, 1])
    torch.testing.assert_close(linear[0, 1], -linear[1, 0])
    torch.testing.assert_close(family.from_matrix(family.matrix(p)), p)
    step = torch.tensor([[0.3, 0.2, -0.4, 0.5]], dtype=torch.float64)
    expected = family.matrix(p) @ torch.linalg.inv(family.matrix(step))
    torch.testing.assert_close(family.matrix(family.compose_inverse(p, step)), expected)


@pytest.mark.parametrize("degrees", [5.0, 110.0])
def test_a_similarity_is_solved(degrees: float) -> None:
    turn = scene.turned(SHAPE, degrees)[:2, :2]
    truth = scene.linear_matrix(SHAPE, (1.06 * turn).tolist(), (1.5, -0.7))
    pair = scene.make(scene.field_of(truth, SHAPE))
    result = register(pair.fixed, pair.moving, model="similarity")
    assert scene.distance(result.displacement().numpy(), pair.displacement).max() <= CLEAN


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"metric": "mind"}, "model='homography' came with metric='mind'"),
        ({"recipe": "siren"}, "expected one of the metrics ssd, ncc, huber and recipe="),
        ({"anchor": 0.1}, "came with a weight of a prior"),
    ],
)
def test_what_it_cannot_do_is_refused_in_one_line(options: dict[str, object], message: str) -> None:
    pair = scene.make(projected(PROJECTIVE))
    with pytest.raises(ValueError, match=message) as caught:
        register(pair.fixed, pair.moving, model="homography", **options)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("model", ["translation", "rigid", "similarity", "affine", "ffd"])
def test_its_result_starts_every_other_family(model: str, tmp_path: Path) -> None:
    """Story: it was refused for its last row, although it has a displacement."""
    pair = scene.make(scene.field_of(scene.turned(SHAPE, 4, (1.5, -1.0)), SHAPE))
    first = register(pair.fixed, pair.moving, model="homography", sampling="cubic")
    first.save(tmp_path / "first.json")
    plain = register(pair.fixed, pair.moving, model=model, sampling="cubic")
    for init in (first, load(tmp_path / "first.json")):
        again = register(pair.fixed, pair.moving, model=model, sampling="cubic", init=init)
        both = again.displacement() - plain.displacement()
        assert float(both.norm(dim=-1).max()) <= 1e-5
    with pytest.raises(ValueError, match=r"last row is not \(0, 0, 1\)"):
        register(pair.fixed, pair.moving, model=model, init=PROJECTIVE)
