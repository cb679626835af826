"""Pairs that neither the gate nor the solver's tests use: photographs, drawn scenes, any motion.

A source is a large image; fixed and moving are both looked up in it by a cubic spline, so that
nothing enters from beyond a border and the truth is exact. The photographs are images of
scikit-image's wheel that its documentation calls CC0 (`pip install scikit-image`); without it the
drawn scenes remain. Sources are blurred by `SOURCE_SIGMA`, without which no interpolation of the
pair's own pixels could meet the truth.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Array = NDArray[np.float64]

SIDE = 560
"""Pixels on a side of a drawn source."""
SOURCE_SIGMA = 0.7
"""Blur of every source, px: a spline through its samples is then right to some 1e-3."""
SIZE = (160, 200)
"""Of both images, `(H, W)`: a window of a source that still holds it after a shift by 60 %."""
PHOTOGRAPHS = {"retina": (".jpg", 2), "cell": (".png", 1), "brick": (".png", 1)} | {
    "grass": (".png", 1),
    "gravel": (".png", 1),
}
"""File ending, and by how much each is reduced."""
MOTIONS = ("small", "medium", "large")


@dataclass(frozen=True, eq=False)
class Pair:
    """Two images and the displacement that takes the fixed one's pixels to the moving one's.

    Attributes:
        name: source, motion and what was done to the images.
        fixed, moving: `(H, W)`, float32.
        truth: `(H, W, 2)`, (dx, dy), px.
        model, intensity: as `register` takes them.
        overlap: part of the fixed pixels that the truth maps into the moving image.

    """

    name: str
    fixed: NDArray[np.float32]
    moving: NDArray[np.float32]
    truth: Array
    model: str
    intensity: str
    overlap: float


def _waves(draw: np.random.Generator) -> Array:
    """Return plane waves with periods of 8 to 80 px."""
    y, x = np.mgrid[:SIDE, :SIDE].astype(float)
    total = np.zeros_like(x)
    for _ in range(40):
        period, angle = 8 * 10 ** draw.uniform(0, 1), draw.uniform(0, np.pi)
        along = x * np.cos(angle) + y * np.sin(angle)
        total += period / 40 * np.sin(2 * np.pi * along / period + draw.uniform(0, 2 * np.pi))
    return total


def _cloud(draw: np.random.Generator) -> Array:
    """Return noise with amplitudes that fall as 1 over the frequency to the power of 1.5."""
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(SIDE), np.fft.rfftfreq(SIDE), indexing="ij"))
    frequency[0, 0] = np.inf
    spectrum = np.fft.rfft2(draw.standard_normal((SIDE, SIDE)))
    return np.fft.irfft2(spectrum / frequency**1.5, s=(SIDE, SIDE))


def _cells(draw: np.random.Generator) -> Array:
    """Return flat patches of different brightness, each nearest to a point of its own."""
    points, grey = draw.uniform(0, SIDE, (220, 2)), draw.uniform(0, 1, 220)
    y, x = np.mgrid[:SIDE, :SIDE].astype(float)
    nearest = np.full(x.shape, np.inf)
    total = np.zeros_like(x)
    for (py, px), value in zip(points, grey, strict=True):
        distance = (y - py) ** 2 + (x - px) ** 2
        total = np.where(distance < nearest, value, total)
        nearest = np.minimum(nearest, distance)
    return ndimage.gaussian_filter(total, 1.0)


def _spots(draw: np.random.Generator) -> Array:
    """Return bright round spots on a dark ground, as of fluorescent nuclei."""
    y, x = np.mgrid[:SIDE, :SIDE].astype(float)
    total = np.zeros_like(x)
    for _ in range(150):
        cy, cx = draw.uniform(0, SIDE, 2)
        sigma = draw.uniform(2.5, 6)
        total += draw.uniform(0.3, 1) * np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (2 * sigma**2))
    return total


def _strokes(draw: np.random.Generator) -> Array:
    """Return thin dark curves on a bright ground that is not even, as of vessels."""
    y, x = np.mgrid[:SIDE, :SIDE].astype(float)
    total = ndimage.gaussian_filter(draw.standard_normal((SIDE, SIDE)), 60)
    total *= 0.4 / total.std()
    for _ in range(35):
        cx, cy, angle = *draw.uniform(0, SIDE, 2), draw.uniform(0, np.pi)
        along = (x - cx) * np.cos(angle) + (y - cy) * np.sin(angle)
        across = (y - cy) * np.cos(angle) - (x - cx) * np.sin(angle)
        bent = across - 15 * np.sin(along / draw.uniform(20, 60))
        width = draw.uniform(1, 3)
        total -= np.exp(-(bent**2) / (2 * width**2)) * np.exp(-(along**2) / (2 * 90.0**2))
    return total


DRAWN: dict[str, Callable[[np.random.Generator], Array]] = {
    "waves": _waves,
    "cloud": _cloud,
    "cells": _cells,
    "spots": _spots,
    "strokes": _strokes,
}
"""Drawn scenes: what makes each from a generator."""
NAMES = (*PHOTOGRAPHS, *DRAWN)
"""All sources, whether they are there or not: what is drawn for one does not depend on others."""


def photographs() -> tuple[str, ...]:
    """Return the names of the photographs that are there."""
    return tuple(PHOTOGRAPHS) if _folder() is not None else ()


def sources() -> tuple[str, ...]:
    """Return the names of all sources."""
    return (*photographs(), *DRAWN)


@cache
def source(name: str, seed: int = 0) -> Array:
    """Return a source, `(H, W)`, from 0 to 1; a photograph is flipped and turned by the seed."""
    if name in DRAWN:
        image = DRAWN[name](np.random.default_rng([seed, list(DRAWN).index(name)]))
    else:
        from skimage.io import imread

        ending, step = PHOTOGRAPHS[name]
        folder = _folder()
        assert folder is not None
        image = imread(folder / f"{name}{ending}").astype(float)
        image = image[..., :3].mean(-1) if image.ndim == 3 else image
        image = ndimage.gaussian_filter(image, SOURCE_SIGMA * step)[::step, ::step]
        image = np.rot90(image, seed % 4)
        image = image[:, ::-1] if seed // 4 % 2 else image
    image = ndimage.gaussian_filter(image, SOURCE_SIGMA)
    return (image - image.min()) / (image.max() - image.min())


def motion(kind: str, model: str, size: tuple[int, int], draw: np.random.Generator) -> Array:
    """Return a 3x3 matrix about the pixel origin, fixed to moving.

    Small: up to 5 px and 3 degrees. Medium: 20 px, 20 degrees. Large: any turn, and a shift that
    leaves 40 to 60 % of the image.
    """
    direction = draw.uniform(0, 2 * np.pi)
    if kind == "large":
        degrees, strain = draw.uniform(-180, 180), 0.05
        shift = _shift_to(draw.uniform(0.4, 0.6), direction, size)
    else:
        most, turn, strain = (5, 3, 0.03) if kind == "small" else (20, 20, 0.08)
        degrees = draw.uniform(-turn, turn)
        shift = draw.uniform(0.3, 1) * most * np.array([np.cos(direction), np.sin(direction)])
    angle = math.radians(0.0 if model == "translation" else degrees)
    linear = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    if model == "affine":
        linear = linear @ (np.eye(2) + draw.uniform(-strain, strain, (2, 2)))
    centre = np.array([(size[1] - 1) / 2, (size[0] - 1) / 2])
    matrix = np.eye(3)
    matrix[:2, :2] = linear
    matrix[:2, 2] = centre + shift - linear @ centre
    return matrix


def _shift_to(overlap: float, direction: float, size: tuple[int, int]) -> Array:
    """Return the shift in `direction` that leaves `overlap` of the image, px."""
    x, y = np.cos(direction), np.sin(direction)
    both, product = abs(x) + abs(y), abs(x * y)
    if product < 1e-9:
        r = (1 - overlap) / both
    else:
        r = (both - np.sqrt(both**2 - 4 * product * (1 - overlap))) / (2 * product)
    return r * np.array([x * size[1], y * size[0]])


def field_of(matrix: Array, shape: tuple[int, int]) -> Array:
    """Return T(x) - x of a homogeneous matrix, `(H, W, 2)`."""
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float64)
    return (np.stack((x, y, np.ones_like(x)), -1) @ matrix.T)[..., :2] - np.stack((x, y), -1)


def look_up(image: Array, field: Array) -> Array:
    """Return a source at x + u(x) of a window about its centre, `(H, W)`."""
    height, width = field.shape[:2]
    y, x = np.mgrid[:height, :width].astype(np.float64)
    top, left = ((full - part) / 2 for full, part in zip(image.shape, (height, width), strict=True))
    places = (y + top + field[..., 1], x + left + field[..., 0])
    return ndimage.map_coordinates(image, places, order=3, mode="mirror")


def inside(field: Array, shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Return which pixels `field` maps into a moving image of `shape`."""
    y, x = np.mgrid[: field.shape[0], : field.shape[1]]
    px, py = x + field[..., 0], y + field[..., 1]
    return (px >= 0) & (px <= shape[1] - 1) & (py >= 0) & (py <= shape[0] - 1)


def pair(
    name: str,
    kind: str,
    model: str,
    seed: int,
    *,
    noise: float = 0.0,
    size: tuple[int, int] = SIZE,
) -> Pair:
    """Return a pair of one source.

    Args:
        name: of the source.
        kind: of the motion.
        model: "translation", "rigid" or "affine".
        seed: of motion, noise and source.
        noise: standard deviation on both images.
        size: of both images.

    """
    draw = np.random.default_rng([seed, NAMES.index(name), MOTIONS.index(kind)])
    truth = field_of(motion(kind, model, size, draw), size)
    image = source(name, seed)
    fixed, moving = look_up(image, truth), look_up(image, np.zeros((*size, 2)))
    fixed = fixed + noise * draw.standard_normal(size)
    moving = moving + noise * draw.standard_normal(size)
    return Pair(
        f"{name}-{kind}-{model}-{seed}",
        fixed.astype(np.float32),
        moving.astype(np.float32),
        truth,
        model,
        "same",
        float(inside(truth, size).mean()),
    )


def with_foreign_block(clean: Pair, share: float, seed: int) -> Pair:
    """Return the pair with a block of another source over `share` of the moving image."""
    draw = np.random.default_rng([seed, 71])
    height, width = clean.moving.shape
    rows, columns = (round(side * math.sqrt(share)) for side in (height, width))
    top, left = draw.integers(0, height - rows), draw.integers(0, width - columns)
    other = source("cells", seed + 100)[:rows, :columns]
    moving = clean.moving.copy()
    moving[top : top + rows, left : left + columns] = other
    return replace(clean, name=f"{clean.name}-block", moving=moving)


def with_bias(clean: Pair, depth: float, seed: int) -> Pair:
    """Return the pair with a smooth gain, 1 - `depth` to 1 + `depth`, on the moving image."""
    draw = np.random.default_rng([seed, 72])
    height, width = clean.moving.shape
    y, x = np.mgrid[:height, :width].astype(float)
    phase = draw.uniform(0, 2 * np.pi, 2)
    wave = np.sin(np.pi * x / width + phase[0]) * np.sin(np.pi * y / height + phase[1])
    gain = 1 + depth * wave / np.abs(wave).max()
    moving = (clean.moving * gain).astype(np.float32)
    return replace(clean, name=f"{clean.name}-bias", moving=moving, intensity="varying")


def inverted(clean: Pair) -> Pair:
    """Return the pair with dark and bright exchanged in the moving image."""
    moving = 1 - clean.moving
    return replace(clean, name=f"{clean.name}-inverted", moving=moving, intensity="varying")


def unrelated(index: int) -> Pair:
    """Return the `index`-th of 40 pairs that no transform makes alike: nothing is the truth.

    White noise beside a scene, two scenes, a scene beside its mirror image, two noises.
    """
    names = sources()
    draw = np.random.default_rng([index, 73])
    kind, seed = index % 4, index // 4
    name = names[seed % len(names)]
    still = np.zeros((*SIZE, 2))
    fixed = look_up(source(name, seed), still)
    if kind == 0:
        moving = draw.uniform(0, 1, SIZE)
    elif kind == 1:
        moving = look_up(source(names[(seed + 3) % len(names)], seed + 20), still)
    elif kind == 2:
        moving = fixed[:, ::-1] + 0.01 * draw.standard_normal(SIZE)
    else:
        fixed, moving = draw.standard_normal(SIZE), draw.standard_normal(SIZE)
    model = ("translation", "rigid", "affine")[index % 3]
    label = ("noise", "scenes", "mirrored", "noises")[kind]
    images = (fixed.astype(np.float32), moving.astype(np.float32))
    return Pair(f"unrelated-{label}-{seed}", *images, np.full_like(still, np.nan), model, "same", 0)


@cache
def _folder() -> Path | None:
    """Return where scikit-image keeps its images, or None without it."""
    try:
        import skimage
    except ImportError:
        return None
    return Path(skimage.__file__).parent / "data"
