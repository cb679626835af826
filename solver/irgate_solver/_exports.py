"""A transform in the form of other libraries, none of which is needed to make it but its own."""

import importlib
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from irgate_solver._maps import Map, Matrix, Spline, grid_points

if TYPE_CHECKING:
    from irgate_solver._transform import Transform

FLAT = 1e-12
"""Size of a last row's entries, per px, under which a matrix is an affine map."""


def to_simpleitk(transform: "Transform", spacing: tuple[float, float] = (1.0, 1.0)) -> Any:
    """Return SimpleITK's transform of points in mm, of images with `spacing` (x, y), origin 0.

    What SimpleITK has no form for (a homography, an inverse) is the displacement of the pixels:
    exact there, interpolated between them, and nothing beyond.
    """
    itk = _library("SimpleITK", "SimpleITK")
    found = [_itk_map(itk, each, spacing) for each in transform.maps]
    if any(each is None for each in found):
        field = transform.displacement() * torch.tensor(spacing, dtype=torch.float64)
        image = itk.GetImageFromArray(field.numpy(), isVector=True)
        image.SetSpacing(spacing)
        return itk.DisplacementFieldTransform(image)
    if len(found) == 1:
        return found[0]
    # SimpleITK applies the last transform of a composite first.
    return itk.CompositeTransform(found[::-1])


def to_opencv(transform: "Transform") -> Any:
    """Return `(2, 3)` or `(3, 3)` for an inverse map, or the maps x and y of `cv2.remap`."""
    if transform.matrix is not None:
        matrix = transform.matrix.numpy()
        return matrix[:2] if _affine(transform.matrix) else matrix
    points = _mapped(transform)
    return points[..., 0].float().numpy(), points[..., 1].float().numpy()


def to_skimage(transform: "Transform") -> Any:
    """Return a transform of scikit-image, or the coordinates (row, column) `(2, H, W)`."""
    if transform.matrix is None:
        return _mapped(transform).flip(-1).permute(2, 0, 1).contiguous().numpy()
    library = _library("skimage.transform", "scikit-image")
    affine = _affine(transform.matrix)
    kind = library.AffineTransform if affine else library.ProjectiveTransform
    return kind(matrix=transform.matrix.numpy())


def to_kornia(transform: "Transform") -> Any:
    """Return the matrix from moving to fixed pixels, `(1, 3, 3)`, or the maps of `remap`."""
    if transform.matrix is not None:
        return torch.linalg.inv(transform.matrix)[None]
    points = _mapped(transform)[None]
    return points[..., 0], points[..., 1]


def _itk_map(itk: Any, each: Map, spacing: tuple[float, float]) -> Any:
    """Return the map as SimpleITK has it; None for what it has as a field of the whole only."""
    if isinstance(each, Matrix) and _affine(each.matrix):
        sides = each.matrix.new_tensor([*spacing, 1.0])
        matrix = sides.unsqueeze(1) * each.matrix / each.matrix[2, 2] / sides
        affine = itk.AffineTransform(2)
        affine.SetMatrix(matrix[:2, :2].flatten().tolist())
        affine.SetTranslation(matrix[:2, 2].tolist())
        return affine
    if isinstance(each, Spline):
        family = each.family
        image = itk.Image(family.width, family.height, itk.sitkUInt8)
        image.SetSpacing(spacing)
        rows, columns = family.control
        spline = itk.BSplineTransformInitializer(image, [columns - 3, rows - 3], order=3)
        sides = each.control_points.new_tensor(spacing).view(2, 1, 1)
        spline.SetParameters((sides * each.control_points).flatten().tolist())
        return spline
    return None


def _affine(matrix: Tensor) -> bool:
    return bool((matrix[2, :2].abs() <= FLAT * matrix[2, 2].abs()).all())


def _mapped(transform: "Transform") -> Tensor:
    """Return T(x) of the pixels, `(H, W, 2)`."""
    height, width = transform.shape
    return grid_points(height, width).view(height, width, 2) + transform.displacement()


def _library(module: str, package: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as cause:
        raise ImportError(
            f"irgate_solver: {module} is not installed; expected it, as its transform was asked "
            f"for: pip install {package}"
        ) from cause
