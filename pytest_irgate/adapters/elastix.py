"""elastix (Klein et al. 2010; Shamonin et al. 2013), under the gate's protocol.

Convention: images without spacing or origin, so that ITK's physical points are pixels `(x, y)`;
transforms go from fixed to moving. A linear one is A (x - c) + c + t about its centre of rotation.
Where there are several, the first acts first.
"""

import warnings
from importlib.metadata import version
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from irgate_battery.interface.conventions import centred, matrix_from_pixels, matrix_to_pixels
from irgate_fixtures import image_centre
from pytest_irgate.adapters.starts import start_in_model

with warnings.catch_warnings():
    # ITK loads on first use, and its generated code warns. Here rather than in a first call, whose
    # seconds would count.
    warnings.simplefilter("ignore", DeprecationWarning)
    from itk import (
        ParameterObject,
        elastix_registration_method,
        image_from_array,
        transformix_deformation_field,
    )

    for dtype in (np.float32, np.uint8):
        image_from_array(np.zeros((2, 2), dtype))

STAGES = {
    "translation": ["translation"],
    "rigid": ["rigid"],
    "similarity": ["rigid", "similarity"],
    "affine": ["rigid", "affine"],
    "ffd": ["affine", "bspline"],
}
LEVELS = 4
PARAMETERS = {"MaximumNumberOfIterations": ["500"], "NumberOfSpatialSamples": ["4096"]}
"""Over its default parameter maps, as its manual advises for accuracy: more steps, more samples."""
GRID_PX = "20"
"""Spacing of the free form's control points at the last level."""
METRICS = {"same": "AdvancedMeanSquares", "varying": "AdvancedNormalizedCorrelation"}


def register(
    fixed: Any,
    moving: Any,
    model: str,
    mask: Any = None,
    init: Any = None,
    intensity: str = "same",
) -> Any:
    """Register; return `(3, 3)` or, for a free form, an `(H, W, 2)` displacement.

    Random samples, drawn anew at each step from a seed of its own.

    Raises: ValueError for a dense start.
    """
    # ITK takes an array in Fortran's order for its transpose.
    images = [image_from_array(np.ascontiguousarray(i, np.float32)) for i in (fixed, moving)]
    given: dict[str, Any] = {}
    if mask is not None:
        given["fixed_mask"] = image_from_array(np.ascontiguousarray(mask, np.uint8))
    if init is not None:
        start = start_in_model(init, model, fixed.shape, "elastix")
        given["initial_transform_parameter_object"] = _initial(start, fixed.shape)
    parameters = ParameterObject.New()
    for stage in STAGES[model]:
        parameters.AddParameterMap(_settings(parameters, stage, intensity, init is None))
    _, found = elastix_registration_method(
        *images,
        parameter_object=parameters,
        log_to_console=False,
        number_of_threads=1,
        **given,
    )
    if model == "ffd":
        # It writes the field to a file too, and without being told to where the process stands.
        with TemporaryDirectory() as folder:
            field = transformix_deformation_field(
                images[1], found, log_to_console=False, output_directory=folder
            )
            return np.array(field)
    matrix = np.eye(3)
    # A start comes back as the first of them.
    for index in range(found.GetNumberOfParameterMaps()):
        matrix = _matrix(found.GetParameterMap(index)) @ matrix
    return matrix


def _settings(parameters: Any, stage: str, intensity: str, aligns_centres: bool) -> Any:
    # It has no map for a similarity: a rigid one's serves, about the same centre.
    base = "rigid" if stage == "similarity" else stage
    parameter_map = parameters.GetDefaultParameterMap(base, LEVELS)
    if stage == "similarity":
        parameter_map["Transform"] = ["SimilarityTransform"]
    parameter_map["Metric"] = [METRICS[intensity]]
    parameter_map["WriteResultImage"] = ["false"]
    for name, value in PARAMETERS.items():
        parameter_map[name] = value
    if not aligns_centres:
        parameter_map["AutomaticTransformInitialization"] = ["false"]
    if stage == "bspline":
        # Its default adds a penalty on bending, which holds the free form back from what is sought.
        parameter_map["Registration"] = ["MultiResolutionRegistration"]
        parameter_map["FinalGridSpacingInPhysicalUnits"] = [GRID_PX]
    return parameter_map


def _initial(matrix: Any, shape: tuple[int, int]) -> Any:
    """Return a start as elastix reads it: an affine transform about the image's centre."""
    centre = image_centre(shape)
    about = matrix_from_pixels(matrix, centred(centre))
    height, width = shape
    values = {
        "Transform": ["AffineTransform"],
        "NumberOfParameters": ["6"],
        "TransformParameters": [repr(float(v)) for v in (*about[:2, :2].ravel(), *about[:2, 2])],
        "CenterOfRotationPoint": [repr(float(v)) for v in centre],
        "InitialTransformParameterFileName": ["NoInitialTransform"],
        "HowToCombineTransforms": ["Compose"],
        "FixedImageDimension": ["2"],
        "MovingImageDimension": ["2"],
        "FixedInternalImagePixelType": ["float"],
        "MovingInternalImagePixelType": ["float"],
        "Size": [str(width), str(height)],
        "Index": ["0", "0"],
        "Spacing": ["1", "1"],
        "Origin": ["0", "0"],
        "Direction": ["1", "0", "0", "1"],
    }
    start = ParameterObject.New()
    start.AddParameterMap(values)
    return start


def _matrix(found: Any) -> Any:
    """Return one linear transform of elastix as a matrix on pixels."""
    parameters = np.array([float(value) for value in found["TransformParameters"]])
    match found["Transform"][0]:
        case "TranslationTransform":
            return np.array([[1, 0, parameters[0]], [0, 1, parameters[1]], [0, 0, 1]])
        case "EulerTransform":
            c, s = np.cos(parameters[0]), np.sin(parameters[0])
            linear, shift = np.array([[c, -s], [s, c]]), parameters[1:]
        case "SimilarityTransform":
            c, s = parameters[0] * np.array([np.cos(parameters[1]), np.sin(parameters[1])])
            linear, shift = np.array([[c, -s], [s, c]]), parameters[2:]
        case "AffineTransform":
            linear, shift = parameters[:4].reshape(2, 2), parameters[4:]
        case kind:
            raise ValueError(f"elastix returned a {kind}, which is no matrix")
    centre = [float(value) for value in found["CenterOfRotationPoint"]]
    return matrix_to_pixels(np.column_stack([linear, shift]), centred(centre))


register.name = "elastix"  # type: ignore[attr-defined]
register.version = version("itk-elastix")  # type: ignore[attr-defined]
register.models = tuple(STAGES)  # type: ignore[attr-defined]
# Measured: it starts with the centres on each other and finds all turns to 20 degrees and shifts to
# 64 px; of turns from 30 degrees on some are lost, and a shift by 96 px.
register.reach = {"degrees": 25, "px": 70}  # type: ignore[attr-defined]
