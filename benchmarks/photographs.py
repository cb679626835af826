"""Photographs with free licences, and pairs of known motion that are looked up in them.

The camera man (CC0) comes with PyWavelets; the others (CC0) with scikit-image's wheel.
"""

from collections.abc import Callable

import numpy as np
import pywt.data
from numpy.typing import NDArray
from scipy import ndimage

Array = NDArray[np.float64]

BLUR = 0.8
"""Of the source before it is looked up between its pixels, px: interpolation then errs little."""
FFD_PX = 2.0
"""Largest control displacement of a drawn FFD, px."""


def _skimage(name: str) -> Callable[[], Array]:
    def load() -> Array:
        import skimage.data

        image = np.asarray(getattr(skimage.data, name)(), dtype=float)
        return image.mean(-1) if image.ndim == 3 else image

    return load


SOURCES: dict[str, Callable[[], Array]] = {
    "camera": lambda: np.asarray(pywt.data.camera(), dtype=float),
    "brick": _skimage("brick"),
    "grass": _skimage("grass"),
    "gravel": _skimage("gravel"),
    "cell": _skimage("cell"),
    "retina": _skimage("retina"),
}


def source(name: str) -> Array:
    """Return a photograph in [0, 1], a little blurred; at most 512 px from its middle."""
    image = SOURCES[name]()
    height, width = image.shape
    top, left = max(0, (height - 512) // 2), max(0, (width - 512) // 2)
    image = ndimage.gaussian_filter(image[top : top + 512, left : left + 512], BLUR)
    return (image - image.min()) / np.ptp(image)


def motion(model: str, shape: tuple[int, int], draw: np.random.Generator) -> Array:
    """Return a drawn displacement of `model` on an `(H, W)` grid, `(H, W, 2)`, px."""
    y, x = np.mgrid[: shape[0], : shape[1]].astype(float)
    if model == "ffd":
        import torch

        from irgate_solver._warps import FreeForm, displacement

        p = torch.tensor(draw.uniform(-FFD_PX, FFD_PX, (1, 32)))
        rows, columns = (torch.arange(n, dtype=torch.float64) for n in shape)
        field = displacement(FreeForm(*shape), p, rows, columns)[0]
        return np.moveaxis(field.numpy(), 0, -1)
    linear = np.eye(2)
    angle = np.deg2rad(draw.uniform(-5, 5))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    if model == "similarity":
        linear = draw.uniform(0.95, 1.05) * turn
    elif model == "rigid":
        linear = turn
    elif model in ("affine", "homography"):
        linear = np.eye(2) + draw.uniform(-0.05, 0.05, (2, 2))
    place = np.stack((x - (shape[1] - 1) / 2, y - (shape[0] - 1) / 2), -1)
    shift = draw.uniform(-4, 4, 2)
    row = draw.uniform(-2e-4, 2e-4, 2) if model == "homography" else np.zeros(2)
    mapped = (place @ linear.T + shift) / (1 + place @ row)[..., None]
    return np.asarray(mapped - place, dtype=float)


def pair(
    name: str, model: str, shape: tuple[int, int], seed: int, step: float = 1.0
) -> tuple[Array, Array, Array]:
    """Return fixed, moving and the true displacement, without noise.

    Both images are looked up in the source by a cubic spline, so that nothing enters from beyond a
    border; a pixel of theirs is `step` pixels of the source wide.
    """
    whole = source(name)
    if step > 1:
        whole = ndimage.gaussian_filter(whole, 0.8 * step)
    truth = motion(model, shape, np.random.default_rng(seed))
    y, x = np.mgrid[: shape[0], : shape[1]].astype(float)
    top, left = ((whole.shape[axis] - step * (shape[axis] - 1)) / 2 for axis in (0, 1))

    def at(px: Array, py: Array) -> Array:
        return np.asarray(ndimage.map_coordinates(whole, [top + step * py, left + step * px]))

    return at(x + truth[..., 0], y + truth[..., 1]), at(x, y), truth
