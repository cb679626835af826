"""What makes a battery case out of a base fixture: the families, as recipes and as images.

A recipe holds parameters (whole degrees, pixels, seeds) and no results, so that its digest is the
same on every machine; the arithmetic is done when the images are asked for.
"""

import math
import random
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

import irgate_fixtures
from irgate_battery.cases.battery_table import Perturbation
from irgate_fixtures import Composite, Matrix, Pair, Transform, pixel_grid, rigid, translation

Recipe = Mapping[str, Any]


def recipe_of(perturbation: Perturbation, draw: random.Random) -> Recipe:
    """Return the recipe of a perturbation; what its magnitude leaves open is drawn.

    Args:
        perturbation: of the battery's table.
        draw: seeded with the case's id.
    """
    magnitude = perturbation.magnitude
    match perturbation.kind:
        case "shift":
            return _shift(magnitude, draw)
        case "rotation":
            return _rotation(magnitude, draw)
        case "noise":
            return _noise(magnitude, draw)
        case "overlap":
            return {"kind": "overlap", "fraction": magnitude, "sign": draw.choice((-1, 1))}
        case "occlusion":
            place = [draw.randrange(101) / 100, draw.randrange(101) / 100]
            return {"kind": "occlusion", "fraction": magnitude, "place": place}
        case "bias":
            return {"kind": "bias", "amplitude": magnitude, "degrees": draw.randrange(360)}


def drawn(draw: random.Random) -> tuple[str, Recipe]:
    """Draw a family and a magnitude between those of its named members."""
    family = draw.choice(("shift", "rot", "noise"))
    match family:
        case "shift":
            return family, _shift(draw.randrange(3, 15) / 10, draw)
        case "rot":
            return family, _rotation(draw.randrange(2, 76), draw)
        case _:
            return family, _noise(draw.randrange(2, 11) / 100, draw)


def _shift(px: float, draw: random.Random) -> Recipe:
    return {"kind": "shift", "px": px, "degrees": draw.randrange(360)}


def _rotation(degrees: float, draw: random.Random) -> Recipe:
    return {"kind": "rotation", "degrees": draw.choice((-1, 1)) * degrees}


def _noise(sigma: float, draw: random.Random) -> Recipe:
    return {"kind": "noise", "sigma": sigma, "seed": draw.getrandbits(31)}


def model_of(base: str, recipe: Recipe) -> str:
    """Return the smallest family that holds the true transform of a perturbed fixture."""
    return "rigid" if recipe["kind"] == "rotation" and base == "translation" else base


def intensity_of(base: str, recipe: Recipe) -> str:
    """Return whether brightness constancy holds after the perturbation."""
    return "varying" if recipe["kind"] == "bias" else base


def perturbed(fixture: str, recipe: Recipe, model: str, intensity: str) -> Pair:
    """Make the images of a perturbed fixture.

    Args:
        fixture: the base fixture's name.
        recipe: from `recipe_of` or `drawn`.
        model, intensity: of the case.
    """
    truth = irgate_fixtures.true_transform(fixture)
    size: tuple[int, int] = tuple(irgate_fixtures.RECIPES[fixture]["size"])
    match recipe["kind"]:
        case "shift":
            angle = math.radians(recipe["degrees"])
            added = translation(recipe["px"] * math.cos(angle), recipe["px"] * math.sin(angle))
            pair = irgate_fixtures.render(fixture, followed_by(added, truth), model)
        case "rotation":
            added = rigid(math.radians(recipe["degrees"]), 0.0, 0.0, size)
            pair = irgate_fixtures.render(fixture, followed_by(added, truth), model)
        case "noise":
            pair = _noisy(irgate_fixtures.pair(fixture), recipe)
        case "overlap":
            pair = _with_low_overlap(fixture, truth, recipe)
        case "occlusion":
            pair = _occluded(irgate_fixtures.pair(fixture), recipe)
        case "bias":
            pair = _biased(irgate_fixtures.pair(fixture), recipe)
        case kind:
            raise ValueError(f"{fixture}: unknown kind of perturbation {kind!r}")
    return replace(pair, model=model, intensity=intensity)


def followed_by(added: Matrix, truth: Transform) -> Transform:
    """Return added(truth(x)): what is added acts in the moving image.

    In this order a rotated FFD is still one 4x4 FFD, since R(x + u(x)) - x = (R - 1) x + R u(x),
    and both terms lie in the spline's space; the other order leaves it.
    """
    if truth.matrix is None:
        return Composite(added, truth)
    return Matrix(added.matrix @ truth.matrix)


def _noisy(pair: Pair, recipe: Recipe) -> Pair:
    # The legacy generator's stream is frozen for good; that of default_rng may change.
    noise = np.random.RandomState(recipe["seed"]).normal(0.0, recipe["sigma"], pair.moving.shape)
    return replace(pair, moving=pair.moving + noise)


def _with_low_overlap(fixture: str, truth: Transform, recipe: Recipe) -> Pair:
    """Let two images see the same scene through windows that share a part of their width.

    The photograph goes on beyond its crop, so the moving window is moved there. The MRI slice does
    not; so both windows are cut out of it, each as wide as leaves them the part in common.
    """
    pair = irgate_fixtures.pair(fixture)
    width = pair.fixed.shape[1]
    if irgate_fixtures.RECIPES[fixture]["source"]["kind"] != "mri":
        away = recipe["sign"] * (1 - recipe["fraction"]) * width
        return irgate_fixtures.render(fixture, followed_by(translation(away, 0.0), truth))
    window = round(width / (2 - recipe["fraction"]))
    left, right = slice(0, window), slice(width - window, width)
    seen_fixed, seen_moving = (left, right) if recipe["sign"] < 0 else (right, left)
    # Pixel x of a window is pixel x + start of the slice.
    into = translation(float(seen_fixed.start), 0.0)
    back = translation(-float(seen_moving.start), 0.0)
    return replace(
        pair,
        fixed=np.ascontiguousarray(pair.fixed[:, seen_fixed]),
        moving=np.ascontiguousarray(pair.moving[:, seen_moving]),
        truth=followed_by(back, Matrix(_matrix(truth) @ into.matrix)),
    )


def _occluded(pair: Pair, recipe: Recipe) -> Pair:
    """Put a striped rectangle, half as high and wide as the image, in front of the fixed scene."""
    height, width = pair.fixed.shape
    side = math.sqrt(recipe["fraction"])
    tall, wide = round(side * height), round(side * width)
    top = round(recipe["place"][1] * (height - tall))
    left = round(recipe["place"][0] * (width - wide))
    behind = np.zeros(pair.fixed.shape, dtype=bool)
    behind[top : top + tall, left : left + wide] = True
    seen = np.where(behind, stripes(pair.fixed.shape), pair.fixed)
    return replace(pair, fixed=seen, mask=~behind)


STRIPE_PX = 16.0
"""Period of an occluder's stripes. They are as coarse as the scene, so that they draw a solver
that looks at them."""


def stripes(shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Return slanting stripes in [0, 1], `(H, W)`: what stands in front of a scene."""
    grid = pixel_grid(shape)
    across = grid[..., 0] + 0.5 * grid[..., 1]
    return np.asarray(0.5 + 0.5 * np.sin(2 * np.pi * across / STRIPE_PX))


def _biased(pair: Pair, recipe: Recipe) -> Pair:
    """Multiply the moving image by 1 + a cos(pi s), s from 0 to 1 across the image."""
    height, width = pair.moving.shape
    angle = math.radians(recipe["degrees"])
    grid = pixel_grid((height, width)) / (width - 1, height - 1)
    along = grid[..., 0] * math.cos(angle) + grid[..., 1] * math.sin(angle)
    s = (along - along.min()) / np.ptp(along)
    return replace(pair, moving=pair.moving * (1 + recipe["amplitude"] * np.cos(np.pi * s)))


def _matrix(transform: Transform) -> NDArray[np.float64]:
    if transform.matrix is None:
        raise ValueError("a dense transform cannot be cut into windows")
    return transform.matrix
