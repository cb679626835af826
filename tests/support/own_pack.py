"""A pack of fourteen pairs, one for each way in which a truth can be given, and who knows them all.

    fixed(x) = S(T(x)),    moving(y) = S(y)

with an analytic scene S, so that T is the truth exactly.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

from irgate_battery.cases.packs import Pack
from irgate_fixtures import affine, homography, pixel_grid, rigid, translation

SHAPE = (60, 80)
SIDE_MM = 0.5
TOLERANCE = 0.1

MATRIX = rigid(np.radians(4), 2.5, 3.1, SHAPE)

KNOWING = """
import numpy as np

with np.load("known.npz") as known:
    KNOWN = dict(known)


def register(fixed, moving, model, mask=None, moving_mask=None):
    name = min(KNOWN, key=lambda name: abs(float(name) - fixed.astype(np.float64).mean()))
    return KNOWN[name] + OFF
"""
"""A solver that reads the truth by the mean of a fixed image, and adds what it is given."""


def scene(points):
    x, y = points[..., 0], points[..., 1]
    return 0.5 + 0.2 * np.sin(x / 5) * np.cos(y / 6) + 0.2 * np.sin((x + 2 * y) / 11)


@dataclass(frozen=True)
class Kind:
    """How one truth is given: the lines of its case, and the transform."""

    truth: str
    transform: Any = MATRIX
    model: str = "rigid"
    unit: str = "px"
    form: str = "npy"


def bent(points):
    """Map points by a smooth field of 2 px."""
    x, y = points[..., 0], points[..., 1]
    return points + np.stack([2 * np.sin(y / 20), 1.5 * np.cos(x / 25)], axis=-1)


def in_mm():
    matrix = MATRIX.matrix.copy()
    matrix[:2, 2] *= SIDE_MM
    return matrix


KINDS = {
    "text": Kind('"text.txt"'),
    "two-rows": Kind('"two-rows.txt"', translation(3.2, -1.4), "translation"),
    "inline": Kind(
        str(affine([[1.02, 0.01], [0, 0.99]], 1.5, 1.1, SHAPE).matrix.tolist()),
        affine([[1.02, 0.01], [0, 0.99]], 1.5, 1.1, SHAPE),
        "affine",
    ),
    "itk": Kind('"itk.tfm"'),
    "itk-h5": Kind('"itk.h5"'),
    "ants": Kind('"ants.mat"'),
    "elastix": Kind('"TransformParameters.0.txt"'),
    "projective": Kind(
        '"projective.txt"',
        homography([[1.01, 0.01], [0, 0.99]], (2e-4, -1e-4), 1.5, 1.1, SHAPE),
        "homography",
    ),
    "field-npy": Kind('"field.npy"', bent, "ffd"),
    "field-mha": Kind('"field.mha"', bent, "ffd"),
    "matrix-mm": Kind(str(in_mm().tolist()), unit="mm", form="mha"),
    "points": Kind('"points.csv"'),
    "points-mm": Kind(
        '{ fixed = "fixed-mm.csv", moving = "moving-mm.csv" }', unit="mm", form="mha"
    ),
    "points-inline": Kind(""),
}
"""By the case's id."""


def write_pack(folder):
    """Write the pack, and return it as it is read."""
    folder.mkdir(exist_ok=True)
    points = np.array([[8.0, 9], [70, 12], [66, 50], [10, 48], [40, 30], [25.5, 20.25]])
    there = MATRIX(points)
    lines = ['name = "own"', 'licence = "CC0-1.0"']
    for name, kind in KINDS.items():
        truth = kind.truth
        if name == "points-inline":
            truth = f"{{ fixed = {points.tolist()}, moving = {there.tolist()} }}"
        images = scene(kind.transform(pixel_grid(SHAPE))), scene(pixel_grid((64, 90)))
        for role, image in zip(("fixed", "moving"), images, strict=True):
            _write_image(folder / f"{name}-{role}.{kind.form}", image)
        lines += [
            "",
            "[[cases]]",
            f'id = "{name}"',
            f'fixed = "{name}-fixed.{kind.form}"',
            f'moving = "{name}-moving.{kind.form}"',
            f'model = "{kind.model}"',
            'intensity = "same"',
            f"truth = {truth}",
            f'unit = "{kind.unit}"',
            f"tolerance = {TOLERANCE}",
        ]
    (folder / "pack.toml").write_text("\n".join(lines), "utf-8")
    _write_truths(folder, points, there)
    return Pack.read(folder)


def answers(pack, folder, off=0.0):
    """Write a solver that knows a pack's truth, off by so many px, and return its SPEC."""
    known = {}
    for case in pack.cases:
        mean = case.read().fixed.astype(np.float32).astype(np.float64).mean()
        transform = KINDS[case.own_id].transform
        known[repr(float(mean))] = transform(pixel_grid(SHAPE)) - pixel_grid(SHAPE)
    np.savez(folder / "known.npz", **known)
    text = KNOWING.replace('"known.npz"', repr(str(folder / "known.npz")))
    # A file of its own for each: Python keeps the bytecode of one that is as long and as old.
    solver = folder / f"knowing_all_{round(100 * off)}.py"
    solver.write_text(text.replace("OFF", repr(off)), "utf-8")
    return f"{solver}:register"


def _write_image(path, image):
    if path.suffix == ".npy":
        np.save(path, image)
        return
    written = sitk.GetImageFromArray(image)
    written.SetSpacing((SIDE_MM, SIDE_MM))
    sitk.WriteImage(written, str(path))


def _write_truths(folder, points, there):
    np.savetxt(folder / "text.txt", MATRIX.matrix)
    np.savetxt(folder / "two-rows.txt", KINDS["two-rows"].transform.matrix[:2])
    np.savetxt(folder / "projective.txt", KINDS["projective"].transform.homography)
    centre = [(side - 1) / 2 for side in reversed(SHAPE)]
    euler = sitk.Euler2DTransform(centre, np.radians(4), (2.5, 3.1))
    sitk.WriteTransform(euler, str(folder / "itk.tfm"))
    sitk.WriteTransform(euler, str(folder / "itk.h5"))
    as_affine = sitk.AffineTransform(2)
    as_affine.SetMatrix(euler.GetMatrix())
    as_affine.SetCenter(centre)
    as_affine.SetTranslation((2.5, 3.1))
    sitk.WriteTransform(as_affine, str(folder / "ants.mat"))
    (folder / "TransformParameters.0.txt").write_text(
        '(Transform "EulerTransform")\n'
        f"(TransformParameters {np.radians(4)} 2.5 3.1)\n"
        f"(CenterOfRotationPoint {centre[0]} {centre[1]})\n",
        "utf-8",
    )
    field = bent(pixel_grid(SHAPE)) - pixel_grid(SHAPE)
    np.save(folder / "field.npy", field)
    sitk.WriteImage(sitk.GetImageFromArray(field, isVector=True), str(folder / "field.mha"))
    rows = [f"{x},{y},{u!r},{v!r}" for (x, y), (u, v) in zip(points, there.tolist(), strict=True)]
    (folder / "points.csv").write_text("x,y,u,v\n" + "\n".join(rows), "utf-8")
    for name, listed in (("fixed-mm", points), ("moving-mm", there)):
        # As landmark tools write it: a number before each point.
        numbered = [f"{i},{x!r},{y!r}" for i, (x, y) in enumerate((listed * SIDE_MM).tolist())]
        (folder / f"{name}.csv").write_text(" ,X,Y\n" + "\n".join(numbered), "utf-8")


def edited(folder, before, after):
    """Change a pack's file."""
    file = Path(folder, "pack.toml")
    text = file.read_text("utf-8")
    assert before in text
    file.write_text(text.replace(before, after, 1), "utf-8")
