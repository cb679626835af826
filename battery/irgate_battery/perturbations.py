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
from irgate_fixtures import Composite, Matrix, Pair, Transform, pixel_grid, rigid, translation

Recipe = Mapping[str, Any]

SHIFTS_PX = {"shift03": 0.3, "shift07": 0.7, "shift14": 1.4}
"""Added to the true transform: below, over and well over half a pixel."""

ROTATIONS_DEG = {"rot2": 2, "rot15": 15, "rot45": 45, "rot75": 75}
"""Added about the centre: from what any descent finds to what needs a search."""

NOISES = {"noise02": 0.02, "noise10": 0.1}
"""Standard deviation of Gaussian noise on the moving image alone; 0 is the base fixture itself."""

OVERLAP = 0.4
"""Part of the field of view that two images with low overlap have in common."""

OCCLUDED = 0.25
"""Part of the fixed image behind the occluder."""

BIAS = 0.3
"""Amplitude of a multiplicative bias field on the moving image: twice that of the MRI fixture."""

EVERYWHERE = (*SHIFTS_PX, *ROTATIONS_DEG, *NOISES)
"""Perturbations that every fixture gets."""

STRESSORS = {
    "lena_affine_2d": ("overlap40", "occlusion25", "bias30"),
    "brain_mri_real": ("overlap40", "bias30"),
}
"""Those that only images of something get."""


PURPOSES = {
    "shift03": "0.3 px more: answers rounded to whole or half pixels, a sampler half a pixel off",
    "shift07": "0.7 px more: the same, from the other side of half a pixel",
    "shift14": "1.4 px more: a shift that is not scaled between the levels of a pyramid",
    "rot2": "2 degrees more, which any descent finds: a wrong centre shows as a shift",
    "rot15": "15 degrees more: a start without a pyramid, an angle in the wrong unit",
    "rot45": "45 degrees more: a descent without a search stays in a wrong minimum",
    "rot75": "75 degrees more: a search over too few angles",
    "noise02": "slight noise on the moving image: a stop that waits for a zero residual",
    "noise10": "strong noise on the moving image: derivatives without smoothing, early stops",
    "overlap40": "40 % in common: flight from the overlap, zeros beyond the border taken as image",
    "occlusion25": "a quarter hidden, and masked: a mask that is ignored, inverted or blurred over",
    "bias30": "brightness varies by 30 % across: a metric that trusts brightness",
}
"""What each is for: the faults that it shows. No part of a recipe, so of no digest."""

DRAWN = {
    "shift": "a drawn shift more: sub-pixel faults, at another place and direction",
    "rot": "a drawn turn more: what a search over angles leaves out",
    "noise": "drawn noise on the moving image: derivatives without smoothing, early stops",
}
"""The same for the families that `drawn` draws from."""


def named(perturbation: str, draw: random.Random) -> Recipe:
    """Return the recipe of a named perturbation; what it leaves open is drawn.

    Args:
        perturbation: one of `EVERYWHERE` or of `STRESSORS`.
        draw: seeded with the case's id.
    """
    if perturbation in SHIFTS_PX:
        return _shift(SHIFTS_PX[perturbation], draw)
    if perturbation in ROTATIONS_DEG:
        return _rotation(ROTATIONS_DEG[perturbation], draw)
    if perturbation in NOISES:
        return _noise(NOISES[perturbation], draw)
    match perturbation:
        case "overlap40":
            return {"kind": "overlap", "fraction": OVERLAP, "sign": draw.choice((-1, 1))}
        case "occlusion25":
            place = [draw.randrange(101) / 100, draw.randrange(101) / 100]
            return {"kind": "occlusion", "fraction": OCCLUDED, "place": place}
        case "bias30":
            return {"kind": "bias", "amplitude": BIAS, "degrees": draw.randrange(360)}
        case _:
            raise KeyError(f"no perturbation {perturbation!r}")


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


def _rotation(degrees: int, draw: random.Random) -> Recipe:
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
        recipe: from `named` or `drawn`.
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
    grid = pixel_grid((height, width))
    stripes = 0.5 + 0.5 * np.sin(2 * np.pi * (grid[..., 0] + 0.5 * grid[..., 1]) / STRIPE_PX)
    return replace(pair, fixed=np.where(behind, stripes, pair.fixed), mask=~behind)


STRIPE_PX = 16.0
"""Period of the occluder's stripes: structure as coarse as the scene's, so that a solver that
looks at it is drawn by it."""


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
