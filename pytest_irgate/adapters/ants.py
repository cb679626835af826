"""ANTs (antspyx; Avants et al. 2011), under the gate's protocol.

Convention: `from_numpy(image.T)` makes the first index x, so that ANTs' physical points are pixels
`(x, y)`. The transforms of `fwdtransforms` move *images* from moving to fixed; applied to *points*
they go from fixed to moving, which is what is wanted here.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import ants
import numpy as np
import pandas as pd

from irgate_battery.interface.conventions import centred, matrix_from_pixels
from irgate_fixtures import image_centre, pixel_grid
from pytest_irgate.adapters.starts import start_in_model

STAGES = {
    "translation": "Translation",
    "rigid": "Rigid",
    "similarity": "Similarity",
    "affine": "Affine",
    "ffd": "SyN",
}
METRICS = {"same": "meansquares", "varying": "GC"}
"""Of the matrices; GC is global correlation. The default, mutual information on a fifth of the
pixels, is for images of two kinds."""
SYN = {"syn_metric": "CC", "syn_sampling": 4, "reg_iterations": (100, 70, 50)}
"""Local correlation over 9 px, down to full resolution (the default ends at half)."""
SYN_MARGIN = 16
"""Pixels put around both images: SyN holds its field at rest on the border, and cannot follow what
moves there."""
SETTLED = {"ANTS_RANDOM_SEED": "1", "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS": "1"}
"""Heard from the environment only, and by ITK when it is first used in a process: one that has run
ANTs on several threads before goes on doing so. `random_seed` is taken and ignored."""


def register(
    fixed: Any,
    moving: Any,
    model: str,
    mask: Any = None,
    init: Any = None,
    intensity: str = "same",
) -> Any:
    """Register; return `(3, 3)`, or for a free form (SyN after affine) `(H, W, 2)`, px.

    Raises: ValueError for a dense start.
    """
    margin = SYN_MARGIN if model == "ffd" else 0
    options: dict[str, Any] = dict(SYN) if model == "ffd" else {}
    if mask is not None:
        options |= {"mask": _image(np.pad(mask, margin)), "mask_all_stages": True}
    images = [_image(np.pad(image, margin, mode="edge")) for image in (fixed, moving)]
    with TemporaryDirectory() as folder, _settled():
        if init is not None:
            options["initial_transform"] = [
                _written(
                    start_in_model(init, model, fixed.shape, "ANTs"), fixed.shape, margin, folder
                )
            ]
        found = ants.registration(
            *images,
            type_of_transform=STAGES[model],
            aff_metric=METRICS[intensity],
            aff_random_sampling_rate=1.0,
            outprefix=f"{folder}/",
            **options,
        )
        grid = pixel_grid(fixed.shape)
        corners = np.array([[0.0, 0.0], [1000.0, 0.0], [0.0, 1000.0]])
        points = grid.reshape(-1, 2) if model == "ffd" else corners
        frame = pd.DataFrame(points + margin, columns=["x", "y"])
        mapped = ants.apply_transforms_to_points(2, frame, found["fwdtransforms"])
    there = mapped[["x", "y"]].to_numpy(dtype=np.float64) - margin
    if model == "ffd":
        return there.reshape(grid.shape) - grid
    origin, x, y = there
    return np.column_stack([(x - origin) / 1000, (y - origin) / 1000, origin])


def _image(array: Any) -> Any:
    return ants.from_numpy(np.ascontiguousarray(array.T, dtype=np.float32))


def _written(start: Any, shape: tuple[int, int], margin: int, folder: str) -> str:
    """Write a start as ANTs reads it, an affine transform about the image's centre; its path."""
    centre = image_centre(shape) + margin
    on_padded = matrix_from_pixels(start, centred((-margin, -margin)))
    about = matrix_from_pixels(on_padded, centred(centre))
    transform = ants.create_ants_transform(
        "AffineTransform",
        precision="double",
        dimension=2,
        matrix=about[:2, :2],
        translation=about[:2, 2],
        center=centre,
    )
    path = str(Path(folder) / "start.mat")
    ants.write_transform(transform, path)
    return path


@contextmanager
def _settled() -> Iterator[None]:
    """Let ANTs draw and add in the same way each time; put the environment back."""
    before = {name: os.environ.get(name) for name in SETTLED}
    os.environ.update(SETTLED)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


register.name = "ANTs"  # type: ignore[attr-defined]
register.version = version("antspyx")  # type: ignore[attr-defined]
register.models = tuple(STAGES)  # type: ignore[attr-defined]
# Measured: it starts with the centres of mass on each other and finds matrices with turns to 20
# degrees and shifts to 64 px; of turns from 30 degrees and of shifts from 96 px on some are lost.
register.reach = {"degrees": 25, "px": 70}  # type: ignore[attr-defined]
