"""Pack `landmarks`: pairs whose truth is points, of pictures that scikit-image and nibabel ship.

The points are corners of the fixed image; where they are seen in the moving one follows from the
transform that made it, to a hundredth of a pixel.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from irgate_fixtures import Matrix, affine, rigid
from pytest_irgate.packs.drawing import Array, Look, corners, grey, write_image, write_pack

POINTS = 24
APART, MARGIN = 10.0, 12.0
"""px: between two points, and to the border."""

DECIMALS = 2
"""Of the points. What rounding leaves is a hundredth of a pixel, a tenth of the tolerance."""

TOLERANCE = 0.15
"""px."""

SPACING_MM = 2.0
"""Of nibabel's test image."""

AIR = 24
"""px of zeros around its slices."""


@dataclass(frozen=True, eq=False)
class Scene:
    """A case.

    Attributes:
        id, model, intensity, purpose, licence, source: as in the pack's file.
        picture: what the fixed image is cut out of, `(H, W)`.
        other: the same for the moving image; `None` where it is the same.
        shape, scale, truth: as in `Look`.
        spacing_mm: the side of a pixel; 0 where the points are in px.
    """

    id: str
    model: str
    intensity: str
    purpose: str
    licence: str
    source: str
    picture: Array
    other: Array | None
    shape: tuple[int, int]
    scale: float
    truth: Matrix
    spacing_mm: float = 0.0


def scenes() -> tuple[Scene, ...]:
    """Return the cases. Raises: ImportError, OSError."""
    from skimage import data

    chelsea = data.chelsea()
    head, later = _head(0), _head(1)
    return (
        Scene(
            "moon-turn",
            "rigid",
            "same",
            "craters under low contrast",
            "public domain (NASA)",
            "scikit-image, skimage.data.moon",
            grey(data.moon()),
            None,
            (170, 150),
            2.1,
            rigid(np.radians(6), 4.2, -3.1, (170, 150)),
        ),
        Scene(
            "coffee-affine",
            "affine",
            "same",
            "an object before a plain ground, stretched",
            "CC0-1.0",
            "Rachel Michetti; scikit-image, skimage.data.coffee",
            grey(data.coffee()),
            None,
            (130, 200),
            2.0,
            affine([[1.04, -0.03], [0.02, 0.97]], -3.4, 2.2, (130, 200)),
        ),
        Scene(
            "cat-colours",
            "rigid",
            "varying",
            "red beside green: brightness that no gain explains",
            "CC0-1.0",
            "Stefan van der Walt; scikit-image, skimage.data.chelsea",
            grey(chelsea[..., 0]),
            grey(chelsea[..., 1]),
            (150, 180),
            1.35,
            rigid(np.radians(-5), 3.3, 2.4, (150, 180)),
        ),
        Scene(
            "head-mm",
            "rigid",
            "varying",
            "two scans of one head, each with its own noise; points in mm",
            "MIT (nibabel)",
            "nibabel, tests/data/example4d.nii.gz, slice 10 of volumes 0 and 1",
            head,
            later,
            (96, 100),
            1.0,
            rigid(np.radians(4), 2.3, -1.6, (96, 100)),
            spacing_mm=SPACING_MM,
        ),
    )


def write(folder: Path) -> None:
    """Write the pack. Raises: ImportError, OSError."""
    cases: list[dict[str, str | float]] = []
    for scene in scenes():
        look = Look(scene.picture, scene.shape, scene.scale, scene.truth)
        images = look.images(scene.other)
        points = corners(images[0], POINTS, APART, MARGIN)
        unit = scene.spacing_mm or 1.0
        names = []
        for role, image, seen in zip(
            ("fixed", "moving"), images, (points, scene.truth(points)), strict=True
        ):
            form = "nii" if scene.spacing_mm else "npy"
            name = f"{scene.id}-{role}.{form}"
            write = _write_nifti if scene.spacing_mm else write_image
            write(folder / name, image)
            listed = f"{scene.id}-{role}.csv"
            np.savetxt(
                folder / listed,
                seen * unit,
                fmt=f"%.{DECIMALS}f",
                delimiter=",",
                header="x,y",
                comments="",
            )
            names += [name, listed]
        cases.append(
            {
                "id": scene.id,
                "fixed": names[0],
                "moving": names[2],
                "model": scene.model,
                "intensity": scene.intensity,
                "truth.fixed": names[1],
                "truth.moving": names[3],
                "unit": "mm" if scene.spacing_mm else "px",
                "tolerance": TOLERANCE,
                "licence": scene.licence,
                "source": scene.source,
                "purpose": scene.purpose,
            }
        )
    write_pack(folder, {"name": "landmarks"}, cases)


def _head(volume: int) -> Array:
    """Return a slice of nibabel's test image, in a frame of air, in [0, 1]."""
    import nibabel

    root = Path(nibabel.__file__).parent
    image = nibabel.load(root / "tests" / "data" / "example4d.nii.gz")
    values = np.asarray(image.dataobj[..., 10, volume], dtype=np.float64).T
    return np.pad(values / values.max(), AIR)


def _write_nifti(path: Path, image: Array) -> None:
    """Write an image of one slice with its spacing."""
    import nibabel

    spacing = (SPACING_MM, SPACING_MM, 1.0)
    file = nibabel.Nifti1Image(image.T[..., None].astype(np.float32), np.diag([*spacing, 1.0]))
    file.to_filename(path)
