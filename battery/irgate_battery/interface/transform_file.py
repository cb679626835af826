"""Transforms as programs write them: which file it is, and what it maps.

Read are numbers in a text file (2x3, 3x3), `.npy`, ITK's `.tfm`, `.h5` and `.mat` (ANTs' too),
elastix's TransformParameters, and displacement fields (`.mha`, `.nii`, `.nrrd`, `.npy`). SimpleITK
reads what is ITK's, and is imported only then.

Images are handed over with spacing 1, origin 0 and no direction, so ITK's physical points are
pixels `(x, y)`.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from irgate_battery.interface.conventions import (
    displacement_to_pixels,
    matrix_to_pixels,
    normalised,
)
from irgate_battery.interface.quiet_simpleitk import one_quiet_thread, simpleitk

Array = NDArray[np.float64]

CONVENTIONS = ("pixels", "itk", "ants", "elastix", "normalised")
"""How the numbers of an answer are meant. The three in the middle map physical points, which are
pixels here: they are the names by which their users look for it."""

FIELDS = (".mha", ".mhd", ".nii", ".nii.gz", ".nrrd", ".tif", ".tiff")
TRANSFORMS = (".tfm", ".h5", ".hdf5", ".mat", ".xfm")

_ITK_TEXT = "#Insight Transform File"
_ELASTIX = re.compile(r"^\s*\((\w+)\s+(.*)\)\s*$", re.MULTILINE)
_PARAMETERS = re.compile(r"TransformParameters\.(\d+)\.txt$")


class NoTransform(Exception):
    """There is no file of a transform, or it holds none; the message says what came."""


def answer_file(out: Path) -> Path:
    """Return the file that a program wrote for `out`: that very one, or one whose name begins so.

    ANTs adds an ending of its own to a prefix, and elastix writes into a folder: of its parameter
    files the last one counts.

    Raises: NoTransform.
    """
    if out.is_file():
        return out
    folder = out if out.is_dir() else out.parent
    there = sorted(path for path in folder.iterdir() if path.is_file())
    numbered = {int(found[1]): path for path in there if (found := _PARAMETERS.search(path.name))}
    if numbered:
        return numbered[max(numbered)]
    named = [path for path in there if path.name.startswith(out.name) and folder == out.parent]
    # ANTs writes the way back beside the way.
    forward = [path for path in named if "Inverse" not in path.name]
    if len(forward) == 1:
        return forward[0]
    if not forward:
        raise NoTransform("it wrote no answer: there is no file {out}")
    raise NoTransform(
        f"it wrote {', '.join(path.name for path in forward)}; expected one file {{out}}"
    )


def read_transform(
    path: Path, shape: tuple[int, int], moving_shape: tuple[int, int], convention: str = "pixels"
) -> Array:
    """Read a transform from fixed to moving pixels.

    Args:
        path: the file.
        shape: `(H, W)` of the fixed image.
        moving_shape: that of the moving one.
        convention: one of `CONVENTIONS`; what an ITK or elastix file says of itself comes first.
    Returns: a `(3, 3)` matrix, or a displacement `(H, W, 2)`; what came, where it is neither.
    Raises: NoTransform.
    """
    name = path.name.lower()
    try:
        if name.endswith(".npy"):
            return _converted(np.load(path), shape, moving_shape, convention)
        if name.endswith(FIELDS):
            return _converted(_field(path), shape, moving_shape, convention)
        if name.endswith(TRANSFORMS):
            return _evaluated(_itk(path), shape)
        text = path.read_text("utf-8")
        if text.startswith(_ITK_TEXT):
            return _evaluated(_itk(path), shape)
        if _ELASTIX.search(text):
            return _evaluated(_elastix(path, text), shape)
        return _converted(_numbers(text), shape, moving_shape, convention)
    except NoTransform:
        raise
    except (OSError, ValueError, RuntimeError, KeyError, IndexError) as error:
        said = " ".join(str(error).split())
        raise NoTransform(f"{path.name} holds no transform that can be read: {said:.300}") from None


def _converted(
    given: Any, shape: tuple[int, int], moving_shape: tuple[int, int], convention: str
) -> Array:
    array = np.asarray(given, dtype=np.float64)
    if convention != "normalised":
        return array
    to_pixels: Callable[..., Array]
    to_pixels = matrix_to_pixels if array.shape in ((2, 3), (3, 3)) else displacement_to_pixels
    frames = [normalised(side, align_corners=False) for side in (shape, moving_shape)]
    return to_pixels(array, *frames)


def _numbers(text: str) -> Array:
    rows = [line.split() for line in text.replace(",", " ").splitlines() if line.strip()]
    try:
        return np.array(rows, dtype=np.float64)
    except ValueError:
        raise NoTransform(
            f"its answer begins {text[:60]!r}; expected two or three rows of three numbers"
        ) from None


def _field(path: Path) -> Array:
    sitk = simpleitk()
    with one_quiet_thread():
        image = sitk.ReadImage(str(path))
    field: Array = np.squeeze(sitk.GetArrayFromImage(image)).astype(np.float64)
    if image.GetNumberOfComponentsPerPixel() != 2:
        raise NoTransform(
            f"{path.name} is an image with {image.GetNumberOfComponentsPerPixel()} components a "
            "pixel; a displacement field has two, (dx, dy)"
        )
    return field


def _itk(path: Path) -> Any:
    with one_quiet_thread():
        return simpleitk().ReadTransform(str(path))


def _evaluated(transform: Any, shape: tuple[int, int]) -> Array:
    """Return an ITK transform as a matrix where it is linear, else as a displacement."""
    sitk = simpleitk()
    if transform.GetDimension() != 2:
        raise NoTransform(f"it is a transform in {transform.GetDimension()} dimensions, not in 2")
    if transform.IsLinear():
        origin, right, down = (np.array(transform.TransformPoint(p)) for p in _CORNERS)
        return np.column_stack([right - origin, down - origin, origin])
    field = sitk.TransformToDisplacementField(
        transform, sitk.sitkVectorFloat64, (shape[1], shape[0])
    )
    return np.asarray(sitk.GetArrayFromImage(field), dtype=np.float64)


_CORNERS = ((0.0, 0.0), (1.0, 0.0), (0.0, 1.0))


def _elastix(path: Path, text: str) -> Any:
    """Return what a parameter file of elastix means, with the transform that it begins with."""
    sitk = simpleitk()
    told = {key: value.split() for key, value in _ELASTIX.findall(text)}
    kind = told["Transform"][0].strip('"')
    numbers = [float(number) for number in told["TransformParameters"]]

    def floats(key: str) -> list[float]:
        return [float(number) for number in told[key]]

    match kind:
        case "TranslationTransform":
            transform = sitk.TranslationTransform(2, numbers)
        case "EulerTransform":
            transform = sitk.Euler2DTransform(floats("CenterOfRotationPoint"))
            transform.SetParameters(numbers)
        case "SimilarityTransform":
            transform = sitk.Similarity2DTransform()
            transform.SetCenter(floats("CenterOfRotationPoint"))
            transform.SetParameters(numbers)
        case "AffineTransform":
            transform = sitk.AffineTransform(2)
            transform.SetCenter(floats("CenterOfRotationPoint"))
            transform.SetParameters(numbers)
        case "BSplineTransform" | "RecursiveBSplineTransform":
            order = int(float(told.get("BSplineTransformSplineOrder", ["3"])[0]))
            transform = sitk.BSplineTransform(2, order)
            transform.SetFixedParameters(
                [
                    *floats("GridSize"),
                    *floats("GridOrigin"),
                    *floats("GridSpacing"),
                    *(floats("GridDirection") if "GridDirection" in told else (1, 0, 0, 1)),
                ]
            )
            transform.SetParameters(numbers)
        case _:
            raise NoTransform(f"{path.name} is elastix's {kind}, which is not read here")
    first = _first_of(path, told)
    if first is None:
        return transform
    if told.get("HowToCombineTransforms", ["Compose"])[0].strip('"') != "Compose":
        raise NoTransform(f"{path.name} adds its transforms; expected Compose")
    # ITK applies the last of a list first; elastix applies the initial one first.
    return sitk.CompositeTransform([transform, first])


def _first_of(path: Path, told: dict[str, list[str]]) -> Any:
    """Return the transform that elastix applies before, or `None`."""
    for key in ("InitialTransformParametersFileName", "InitialTransformParameterFileName"):
        name = told.get(key, ['"NoInitialTransform"'])[0].strip('"')
        if name != "NoInitialTransform":
            before = path.parent / Path(name).name
            return _elastix(before, before.read_text("utf-8"))
    return None
