"""Priors: their derivatives, their null spaces, and their weights in the implicit gradient."""

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.autograd.functional import hessian, jacobian

from irgate_solver import _priors, _warps, register
from irgate_solver._priors import Term

from . import scene
from .test_theory import SHAPE, WARPS, grid, parameters

EXACT = 1e-10
"""Relative error of float64 sums of a hundred terms."""


def terms(name: str, p: Tensor) -> dict[str, Term]:
    warp = WARPS[name]
    origin = parameters(name, 7)
    found = {
        "total_variation": _priors.total_variation(warp, p),
        "anchor": _priors.anchor(warp, p, origin),
    }
    if isinstance(warp, _warps.FreeForm):
        found["bending"] = _priors.bending(warp, p)
    return found


@pytest.mark.parametrize("name", WARPS)
def test_gradient_and_hessian_are_those_of_the_energy(name: str) -> None:
    p = parameters(name)
    for which, term in terms(name, p).items():

        def energy(q: Tensor, which: str = which) -> Tensor:
            return terms(name, q[None])[which].energy[0]

        expected = jacobian(energy, p[0])
        torch.testing.assert_close(term.gradient[0], expected, rtol=EXACT, atol=1e-15)
        curvature = term.hessian if term.hessian.dim() == 2 else term.hessian[0]
        torch.testing.assert_close(curvature, hessian(energy, p[0]), rtol=EXACT, atol=1e-13)


def test_total_variation_is_that_of_the_field() -> None:
    """Against differences of the displacement on a fine grid, by a midpoint rule."""
    warp, p = WARPS["ffd"], parameters("ffd")
    fine, step = 300, 1e-5
    y, x = ((torch.arange(fine, dtype=torch.float64) + 0.5) / fine * n - 0.5 for n in SHAPE)
    total = torch.zeros(())
    for dy, dx in ((step, 0.0), (0.0, step)):
        ends = [_warps.displacement(warp, p, y + s * dy, x + s * dx) for s in (1, -1)]
        slope = (ends[0] - ends[1]) / (2 * step)
        epsilon = _priors.EPSILON
        total = total + ((slope**2 + epsilon**2).sqrt() - epsilon).sum(1).mean()
    # Four points a cell leave two percent where a slope changes its sign.
    assert float(_priors.total_variation(warp, p).energy) == pytest.approx(float(total), rel=0.02)


def test_anchor_sees_the_affine_part_alone() -> None:
    warp, affine = WARPS["ffd"], WARPS["affine"]
    p = parameters("affine")
    field = _warps.displacement(affine, p, *grid())
    origin = torch.zeros(1, warp.size, dtype=torch.float64)
    energy = _priors.anchor(warp, warp.fit(field), origin).energy
    expected = (field**2).sum(1).mean((1, 2))
    torch.testing.assert_close(energy, expected, rtol=EXACT, atol=0)
    # A pure bend: what is left of a field without its affine part.
    bent = _warps.displacement(warp, parameters("ffd"), *grid())
    y, x = (axis - axis.mean() for axis in grid())
    flat = torch.stack((torch.ones(SHAPE), x.expand(SHAPE), y[:, None].expand(SHAPE)), -1)
    basis = flat.reshape(-1, 3).double()
    fitted = basis @ torch.linalg.lstsq(basis, bent[0].flatten(1).mT).solution
    rest = bent - fitted.mT.view(bent.shape)
    left = _priors.anchor(warp, warp.fit(rest), origin).energy
    assert float(left) <= 1e-20 * float((bent**2).mean()) + 1e-24


@pytest.mark.parametrize(("weight", "model"), [("total_variation", "rigid"), ("anchor", "ffd")])
def test_gradient_by_a_weight_is_that_of_the_whole_solve(weight: str, model: str) -> None:
    pair = scene.make(scene.field_of(scene.turned((40, 48), 3, (1, -0.5)), (40, 48)), noise=0.01)
    mask = np.zeros((40, 48), dtype=bool)
    mask[6:-6, 6:-6] = True
    options = {"model": model, "sampling": "cubic", "mask": mask, "search": False}
    options |= {"bending": 0.1, "tolerance": 1e-12}

    def value(size: Tensor) -> Tensor:
        result = register(pair.fixed, pair.moving, **options, **{weight: size})
        return result.displacement()[10, 10].sum()

    size = torch.tensor(1e-3, dtype=torch.float64, requires_grad=True)
    (exact,) = torch.autograd.grad(value(size), size)
    step = 1e-6
    ends = [float(value(size.detach() + sign * step)) for sign in (1, -1)]
    # Central differences: the third derivative times a millionth squared, over the weight's square.
    assert (ends[0] - ends[1]) / (2 * step) == pytest.approx(float(exact), rel=1e-4)


def test_anchor_holds_what_the_images_leave_free() -> None:
    """Vertical stripes do not determine y: an anchor keeps it at the start's, and x is free."""
    x, _ = scene.grid((40, 48))
    fixed, moving = (np.sin(2 * np.pi * (x + shift) / 24) for shift in (1.3, 0.0))
    start = scene.linear_matrix((40, 48), [[1, 0], [0, 1]], (1.0, 2.0))
    result = register(fixed, moving, model="translation", init=start, anchor=1e-6)
    assert float(result.matrix[1, 2]) == pytest.approx(2.0, abs=1e-6)
    assert float(result.matrix[0, 2]) == pytest.approx(1.3, abs=0.01)


@pytest.mark.parametrize("weight", ["bending", "total_variation", "anchor"])
def test_weight_out_of_range_is_told(weight: str) -> None:
    pair = scene.make(scene.field_of(np.eye(3), (24, 28)))
    with pytest.raises(ValueError, match=f"{weight}=-1; expected one number, 0 or more"):
        register(pair.fixed, pair.moving, **{weight: -1})
