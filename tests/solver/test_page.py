"""docs/solver.md: the code of "Your own metric" runs, solves the MRI pair, and has its gradient."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import irgate_fixtures
from irgate_solver import recipes, register

from .test_implicit import CUBIC, Problem

PAGE = (Path(__file__).parents[2] / "docs" / "solver.md").read_text(encoding="utf-8")

SOLVED = 0.1
"""Mean distance to the truth, px, that the page promises."""


@pytest.fixture(scope="module")
def page() -> dict[str, Any]:
    """Run the section's code on the MRI pair, and return what it defines."""
    section = PAGE.split("## Your own metric")[1].split("\n## ")[0]
    (code,) = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    pair = irgate_fixtures.pair("brain_mri_real")
    names: dict[str, Any] = {
        "fixed": pair.fixed.astype(np.float32),
        "moving": pair.moving.astype(np.float32),
    }
    exec(code, names)
    return names


def test_the_metric_of_the_page_solves_the_mri_pair(page: dict[str, Any]) -> None:
    truth = irgate_fixtures.pair("brain_mri_real").truth
    field = page["result"].displacement().numpy()
    away = np.linalg.norm(field - truth.displacement(field.shape[:2]), axis=-1)
    assert away.mean() <= SOLVED


@pytest.mark.parametrize("which", [0, 1], ids=["fixed", "moving"])
def test_its_gradient_is_that_of_the_whole_solve(page: dict[str, Any], which: int) -> None:
    problem = Problem("affine", "ssd", "cubic")
    problem.options["metric"] = page["gradient_fields"]
    exact = problem.derivative(which)
    assert abs(problem.difference(which, 1e-6) - exact) <= CUBIC * abs(exact)


def test_the_page_names_every_recipe() -> None:
    assert all(f"`{name}`" in PAGE for name in recipes())


def test_what_is_passed_goes_before_the_recipe() -> None:
    pair = irgate_fixtures.pair("lena_affine_2d")
    images = [torch.tensor(image[:64, :72]) for image in (pair.fixed, pair.moving)]
    by_recipe = register(*images, recipe="bspline-mind", sampling="linear", total_variation=0)
    plain = register(*images)
    assert torch.equal(by_recipe.parameters, plain.parameters)
    with pytest.raises(ValueError, match="recipe='none'; expected one of iclk-implicit"):
        register(*images, recipe="none")
