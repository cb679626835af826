"""Hypothesis strategies for registration, for your own tests: images, warps, masks, problems.

from hypothesis import given
from pytest_irgate import strategies

@given(strategies.problems(models=["rigid"]))
def test_mine(problem):
matrix = register(problem.fixed, problem.moving)
"""

from irgate_battery.suites.drawn_problems import (
    images,
    masks,
    problems,
    scene_seeds,
    shapes,
    warps,
)
from irgate_battery.suites.problem import Problem, scene_of

__all__ = ["Problem", "images", "masks", "problems", "scene_of", "scene_seeds", "shapes", "warps"]
