"""`bending="auto"`: an FFD that stays in view where there is something that does not fit.

Story: between two heads and with the weight that the page named, control points where nothing is to
be seen ran off by 10^2 to 10^5 px, the background left the view, and the answer was called settled.
"""

import re
from pathlib import Path

import nibabel
import nibabel.tests
import numpy as np
import pytest
import torch

import irgate_fixtures
from irgate_solver import InexactGradientWarning, Status, register

from . import scene
from .test_implicit import Problem


@pytest.fixture(scope="module")
def slices() -> list[np.ndarray]:
    """Return slices 10 and 14 of one head: alike, and no deformation makes them the same."""
    folder = Path(nibabel.tests.__file__).parent / "data"
    volume = nibabel.load(folder / "example4d.nii.gz").get_fdata()[..., 0]
    return [(volume[..., k] / volume[..., k].max()).astype(np.float32) for k in (14, 10)]


@pytest.mark.parametrize("control", [(4, 4), (8, 8)])
def test_the_background_stays_in_view(slices: list[np.ndarray], control: tuple[int, int]) -> None:
    affine = register(*slices, model="affine")
    result = register(*slices, model="ffd", control=control, bending="auto")
    assert float(result.overlap) >= 0.9 * float(affine.overlap)
    assert float(result.folded) == 0.0
    # The head is 90 px long; an affine map moves its corners by 4.
    assert float(result.displacement().norm(dim=-1).max()) < 20
    assert float(result.objective) < float(affine.objective)


def test_a_deformation_that_folds_is_doubtful(slices: list[np.ndarray]) -> None:
    result = register(*slices, model="ffd", control=(4, 4), bending=1e-4)
    assert float(result.folded) > 0.01
    assert result.status is Status.DOUBTFUL


def test_it_costs_a_pair_that_fits_next_to_nothing() -> None:
    pair = irgate_fixtures.pair("bspline_random_2d")
    truth = pair.truth.displacement(pair.fixed.shape)
    plain, auto = (
        scene.distance(
            register(pair.fixed, pair.moving, model="ffd", bending=bending).displacement().numpy(),
            truth,
        ).mean()
        for bending in (0.0, "auto")
    )
    assert auto <= plain + 0.003


def test_it_helps_a_fine_grid_under_noise() -> None:
    shape = (96, 112)
    x, y = scene.grid(shape)
    field = np.stack((2 * np.sin(y / 25), 1.5 * np.cos(x / 30)), -1)
    made = scene.make(field, noise=0.03)
    plain, auto = (
        scene.distance(
            register(made.fixed, made.moving, model="ffd", control=(8, 8), bending=bending)
            .displacement()
            .numpy(),
            field,
        ).mean()
        for bending in (0.0, "auto")
    )
    assert auto < 0.7 * plain


@pytest.mark.parametrize("metric", ["ssd", "ncc"])
def test_it_has_the_metrics_units(metric: str) -> None:
    """Intensities times 255 change the weight with the objective, and the answer not at all."""
    pair = irgate_fixtures.pair("bspline_random_2d")
    one, other = (
        register(
            scale * pair.fixed, scale * pair.moving, model="ffd", metric=metric, bending="auto"
        )
        for scale in (1.0, 255.0)
    )
    torch.testing.assert_close(one.control_points, other.control_points, rtol=0, atol=1e-4)


def test_its_gradient_is_warned_of_and_is_that_of_the_weight_it_names() -> None:
    """Story: the weight follows the images, the derivative holds it, and nothing said so."""
    problem = Problem("ffd", "ssd", "cubic")
    problem.options["bending"] = "auto"
    with pytest.warns(InexactGradientWarning, match="weight of the bending energy") as caught:
        held = problem.derivative(0)
    assert abs(problem.difference(0, 1e-6) - held) > 1e-3 * abs(held)
    said = re.search(r"give `bending`, here (\S+)$", str(caught[0].message))
    assert said is not None
    problem.options["bending"] = float(said[1])
    # The message gives three digits.
    assert problem.derivative(0) == pytest.approx(held, rel=0.01)


def test_linear_families_ignore_it_and_other_words_are_refused() -> None:
    pair = irgate_fixtures.pair("lena_affine_2d")
    plain = register(pair.fixed, pair.moving)
    assert torch.equal(plain.matrix, register(pair.fixed, pair.moving, bending="auto").matrix)
    plain = register(pair.fixed, pair.moving, model="homography")
    auto = register(pair.fixed, pair.moving, model="homography", bending="auto")
    assert torch.equal(plain.matrix, auto.matrix)
    with pytest.raises(ValueError, match=r"bending='much'; expected one of auto"):
        register(pair.fixed, pair.moving, model="ffd", bending="much")
