"""Pack `skimage`: pictures of scikit-image's wheel, each CC0, moved by known transforms."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from irgate_fixtures import Homography, Matrix, affine, rigid, translation
from pytest_irgate.packs.drawing import Look, grey, write_image, write_pack

LICENCE = "CC0-1.0"

SOURCES = {
    "retina": "Haggstrom, fundus photograph of a normal left eye, 2014",
    "cell": "Jewell, quantitative phase image of a cell",
    "brick": "CC0Textures, Bricks25",
    "grass": "linolafett, Grass 01",
    "gravel": "CC0Textures, Gravel04",
    "microaneurysms": "Maier, fundus images of the FAU",
}
"""Each as scikit-image's documentation of the picture names it."""


@dataclass(frozen=True)
class Recipe:
    """A case.

    Attributes:
        id: its name.
        picture: of `skimage.data`.
        shape: `(H, W)` px of both images.
        scale: the picture's pixels a pixel of theirs.
        truth: from fixed to moving pixels.
        model: what is asked for.
        purpose: what it is there to show.
        gain: part of 1 by which a smooth gain brightens one side of the moving image.
    """

    id: str
    picture: str
    shape: tuple[int, int]
    scale: float
    truth: Matrix | Homography
    model: str
    purpose: str
    gain: float = 0.0


def recipes() -> tuple[Recipe, ...]:
    """Return the cases."""
    return (
        Recipe(
            "retina-turn",
            "retina",
            (180, 220),
            4.0,
            rigid(np.radians(6), 4.3, -2.6, (180, 220)),
            "rigid",
            "thin vessels on a dark border: a turn",
        ),
        Recipe(
            "retina-gain",
            "retina",
            (180, 220),
            4.0,
            rigid(np.radians(-3), 3.7, 5.2, (180, 220)),
            "rigid",
            "the same under a gain of one side: squared differences without a gain",
            gain=0.06,
        ),
        Recipe(
            "cell-shift",
            "cell",
            (200, 170),
            2.4,
            translation(-4.4, 6.3),
            "translation",
            "one soft object on an empty ground: little to hold on to",
        ),
        Recipe(
            "cell-affine",
            "cell",
            (180, 160),
            2.4,
            affine([[1.03, 0.02], [-0.01, 0.98]], 3.2, -2.1, (180, 160)),
            "affine",
            "the same, stretched",
        ),
        Recipe(
            "brick-shift",
            "brick",
            (150, 190),
            2.0,
            translation(3.3, -2.4),
            "translation",
            "a pattern that repeats itself: the nearest repetition is not the truth",
        ),
        Recipe(
            "grass-turn",
            "grass",
            (160, 150),
            2.1,
            rigid(np.radians(4), -2.7, 3.4, (160, 150)),
            "rigid",
            "a fine texture without large structure: a coarse level that sees nothing",
        ),
        Recipe(
            "grass-affine",
            "grass",
            (150, 160),
            2.1,
            affine([[0.98, 0.03], [0.02, 1.02]], 2.2, 1.7, (150, 160)),
            "affine",
            "the same, sheared",
        ),
        Recipe(
            "gravel-turn",
            "gravel",
            (161, 151),
            2.1,
            rigid(np.radians(-5), 3.4, 2.3, (161, 151)),
            "rigid",
            "many stones of one size: a turn",
        ),
        Recipe(
            "lesions-shift",
            "microaneurysms",
            (64, 72),
            1.0,
            translation(2.6, -1.7),
            "translation",
            "a small image of low contrast: a pyramid with too many levels",
        ),
    )


def write(folder: Path) -> None:
    """Write the pack. Raises: ImportError, OSError."""
    from skimage import data

    cases: list[dict[str, str | float]] = []
    for recipe in recipes():
        picture = grey(getattr(data, recipe.picture)())
        fixed, moving = Look(picture, recipe.shape, recipe.scale, recipe.truth).images()
        if recipe.gain:
            moving = moving * (1 + recipe.gain * np.linspace(-1, 1, moving.shape[1]))
        for role, image in (("fixed", fixed), ("moving", moving)):
            write_image(folder / f"{recipe.id}-{role}.npy", image)
        truth = recipe.truth
        matrix = truth.matrix if isinstance(truth, Matrix) else truth.homography
        np.savetxt(folder / f"{recipe.id}.txt", matrix, fmt="%.17g")
        cases.append(
            {
                "id": recipe.id,
                "fixed": f"{recipe.id}-fixed.npy",
                "moving": f"{recipe.id}-moving.npy",
                "model": recipe.model,
                "intensity": "varying" if recipe.gain else "same",
                "truth": f"{recipe.id}.txt",
                "tolerance": 0.1,
                "source": f"{SOURCES[recipe.picture]}; scikit-image, skimage.data.{recipe.picture}",
                "purpose": recipe.purpose,
            }
        )
    write_pack(folder, {"name": "skimage", "licence": LICENCE}, cases)
