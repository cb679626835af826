"""The case that a new pack begins with: an analytic scene and its shift, evaluated exactly."""

from pathlib import Path

import numpy as np

from irgate_fixtures import pair
from pytest_irgate.packs.drawing import write_image


def write(folder: Path) -> None:
    """Write its two images and its true matrix."""
    example = pair("synth_translate_2d")
    write_image(folder / "example-fixed.npy", example.fixed)
    write_image(folder / "example-moving.npy", example.moving)
    matrix = example.truth.matrix
    if matrix is None:
        raise ValueError("the example's truth is no matrix")
    np.savetxt(folder / "example.txt", matrix, fmt="%.17g")
