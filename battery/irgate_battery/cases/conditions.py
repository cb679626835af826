"""What makes a pair of images out of a condition's recipe: scene, gamma, and what masks hide."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

import irgate_fixtures
from irgate_battery.cases.perturbations import stripes
from irgate_fixtures import Pair, pixel_grid


def condition_pair(name: str, recipe: Mapping[str, Any]) -> Pair:
    """Make the images of a condition.

    Args:
        name: the case's id.
        recipe: from `irgate_battery.cases.condition_table.Condition.recipe`.
    """
    pair = irgate_fixtures.render_recipe(name, recipe)
    if "gamma" in recipe:
        pair = replace(pair, moving=pair.moving ** recipe["gamma"])
    if "hidden" in recipe:
        trusted = _trusted(pair.fixed.shape, recipe["hidden"])
        fixed = np.where(trusted, pair.fixed, stripes(pair.fixed.shape))
        pair = replace(pair, fixed=fixed, mask=trusted)
    if "moving_hidden" in recipe:
        seen = _trusted(pair.moving.shape, recipe["moving_hidden"])
        moving = np.where(seen, pair.moving, stripes(pair.moving.shape))
        trusted = _trusted(pair.moving.shape, recipe["moving_hidden"], MOVING_MARGIN_PX)
        pair = replace(pair, moving=moving, moving_mask=trusted)
    return pair


MOVING_MARGIN_PX = 2
"""How far beyond the stripes a moving mask distrusts. ITK looks a mask up at the nearest pixel and
interpolates all the same, which reaches one pixel into what is hidden, and is no fault."""


def _trusted(
    shape: tuple[int, ...], hidden: Mapping[str, Any], margin: float = 0.0
) -> NDArray[np.bool_]:
    """Return the mask of an `(H, W)` image: False on the discs and rectangles that hide it.

    Args:
        shape: `(H, W)`.
        hidden: `discs`, `rectangles` and `inverted`, as in the table.
        margin: px by which discs and rectangles are larger.
    """
    x, y = np.moveaxis(pixel_grid(shape), -1, 0)
    behind = np.zeros(shape, dtype=bool)
    for middle_x, middle_y, radius in hidden.get("discs", ()):
        behind |= (x - middle_x) ** 2 + (y - middle_y) ** 2 <= (radius + margin) ** 2
    for left, top, right, bottom in hidden.get("rectangles", ()):
        inside = (x >= left - margin) & (x < right + margin)
        behind |= inside & (y >= top - margin) & (y < bottom + margin)
    return behind if hidden.get("inverted", False) else ~behind
