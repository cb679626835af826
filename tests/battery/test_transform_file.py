"""Files of transforms mean what the library that wrote them says: SimpleITK is the witness."""

import numpy as np
import pytest

from irgate_battery.interface.conventions import (
    displacement_from_pixels,
    matrix_from_pixels,
    normalised,
)
from irgate_battery.interface.program import FORMATS
from irgate_battery.interface.quiet_simpleitk import simpleitk
from irgate_battery.interface.transform_file import (
    CONVENTIONS,
    NoTransform,
    answer_file,
    read_transform,
)
from irgate_fixtures import pixel_grid
from pytest_irgate import options

SHAPE, MOVING = (11, 17), (13, 19)
EXACT_PX = 1e-9
"""Text files hold float64 to its last digits, and coordinates are below 20 px."""
SINGLE_PX = 1e-5
"""float32 files."""

sitk = simpleitk()


def euler():
    return sitk.Euler2DTransform((8.0, 5.0), 0.3, (1.5, -2.25))


def affine():
    transform = sitk.AffineTransform(2)
    transform.SetCenter((8.0, 5.0))
    transform.SetMatrix((1.1, 0.2, -0.1, 0.9))
    transform.SetTranslation((1.5, -2.25))
    return transform


def spline():
    image = sitk.Image(SHAPE[1], SHAPE[0], sitk.sitkFloat32)
    transform = sitk.BSplineTransformInitializer(image, [1, 1], 3)
    transform.SetParameters(np.linspace(-2, 2, 32).tolist())
    return transform


def mapped(transform):
    """Where a transform takes each pixel, by SimpleITK itself, as a displacement."""
    grid = pixel_grid(SHAPE)
    points = [transform.TransformPoint(tuple(map(float, p))) for p in grid.reshape(-1, 2)]
    return np.reshape(points, grid.shape) - grid


def displacement(read):
    if read.ndim == 3:
        return read
    grid = pixel_grid(SHAPE)
    return grid @ read[:2, :2].T + read[:2, 2] - grid


TRANSFORMS = {
    "translation": lambda: sitk.TranslationTransform(2, (3.5, -2.0)),
    "euler": euler,
    "affine": affine,
    "spline": spline,
    "composite": lambda: sitk.CompositeTransform([euler(), affine()]),
}


@pytest.mark.parametrize("ending", [".tfm", ".h5", ".txt"])
@pytest.mark.parametrize("name", TRANSFORMS)
def test_itk_s_own_files(tmp_path, name, ending):
    transform = TRANSFORMS[name]()
    path = tmp_path / f"answer{ending}"
    sitk.WriteTransform(transform, str(path))
    read = read_transform(path, SHAPE, MOVING)
    np.testing.assert_allclose(displacement(read), mapped(transform), atol=EXACT_PX)
    # Linear ones come as a matrix, so that a family can be told.
    assert (read.ndim == 2) == (name != "spline")


def test_ants_matrix(tmp_path):
    path = tmp_path / "answer0GenericAffine.mat"
    sitk.WriteTransform(affine(), str(path))
    read = read_transform(answer_file(tmp_path / "answer"), SHAPE, MOVING)
    np.testing.assert_allclose(displacement(read), mapped(affine()), atol=EXACT_PX)


@pytest.mark.parametrize("ending", [".mha", ".nii", ".nii.gz", ".nrrd"])
def test_displacement_fields(tmp_path, ending):
    field = mapped(spline())
    image = sitk.GetImageFromArray(field, isVector=True)
    path = tmp_path / f"answer{ending}"
    sitk.WriteImage(image, str(path))
    np.testing.assert_allclose(read_transform(path, SHAPE, MOVING), field, atol=EXACT_PX)


def test_an_array(tmp_path):
    field = mapped(spline()).astype(np.float32)
    np.save(tmp_path / "answer.npy", field)
    read = read_transform(tmp_path / "answer.npy", SHAPE, MOVING)
    np.testing.assert_allclose(read, mapped(spline()), atol=SINGLE_PX)


ELASTIX = {
    "translation": ('(Transform "TranslationTransform")\n(TransformParameters 3.5 -2)', None),
    "euler": (
        (
            '(Transform "EulerTransform")\n(TransformParameters 0.3 1.5 -2.25)\n'
            "(CenterOfRotationPoint 8 5)"
        ),
        euler,
    ),
    "affine": (
        (
            '(Transform "AffineTransform")\n(TransformParameters 1.1 0.2 -0.1 0.9 1.5 -2.25)\n'
            "(CenterOfRotationPoint 8.0 5.0)"
        ),
        affine,
    ),
}


@pytest.mark.parametrize("name", ELASTIX)
def test_elastix_parameters(tmp_path, name):
    text, same = ELASTIX[name]
    folder = tmp_path / "answer"
    folder.mkdir()
    (folder / "TransformParameters.0.txt").write_text("// an earlier one\n(Nothing 1)\n")
    (folder / "TransformParameters.1.txt").write_text(
        f'{text}\n(InitialTransformParametersFileName "NoInitialTransform")\n'
    )
    read = read_transform(answer_file(folder), SHAPE, MOVING)
    expected = mapped((same or TRANSFORMS[name])())
    np.testing.assert_allclose(displacement(read), expected, atol=EXACT_PX)


def test_elastix_applies_its_initial_transform_first(tmp_path):
    folder = tmp_path / "answer"
    folder.mkdir()
    first = folder / "TransformParameters.0.txt"
    first.write_text(ELASTIX["euler"][0] + "\n")
    (folder / "TransformParameters.1.txt").write_text(
        f'{ELASTIX["affine"][0]}\n(InitialTransformParametersFileName "{first}")\n'
        '(HowToCombineTransforms "Compose")\n'
    )
    read = read_transform(answer_file(folder), SHAPE, MOVING)
    grid = pixel_grid(SHAPE).reshape(-1, 2)
    places = [affine().TransformPoint(euler().TransformPoint(tuple(map(float, p)))) for p in grid]
    expected = np.reshape(np.array(places) - grid, (*SHAPE, 2))
    np.testing.assert_allclose(displacement(read), expected, atol=EXACT_PX)


def test_an_elastix_spline_is_itk_s(tmp_path):
    transform = spline()
    fixed = transform.GetFixedParameters()
    size, origin, spacing, direction = fixed[:2], fixed[2:4], fixed[4:6], fixed[6:]

    def row(values):
        return " ".join(repr(float(value)) for value in values)

    path = tmp_path / "TransformParameters.0.txt"
    path.write_text(
        '(Transform "BSplineTransform")\n'
        f"(GridSize {row(size)})\n(GridOrigin {row(origin)})\n(GridSpacing {row(spacing)})\n"
        f"(GridDirection {row(direction)})\n"
        f"(TransformParameters {row(transform.GetParameters())})\n"
    )
    read = read_transform(answer_file(tmp_path), SHAPE, MOVING)
    np.testing.assert_allclose(read, mapped(transform), atol=EXACT_PX)


@pytest.mark.parametrize("rows", ["1 0 2\n0 1 3\n", "1, 0, 2\n0, 1, 3\n0, 0, 1\n"])
def test_numbers_in_a_text_file(tmp_path, rows):
    path = tmp_path / "answer"
    path.write_text(rows)
    np.testing.assert_array_equal(read_transform(path, SHAPE, MOVING)[:2], [[1, 0, 2], [0, 1, 3]])


def test_numbers_on_the_square_from_minus_one_to_one(tmp_path):
    frames = [normalised(shape, align_corners=False) for shape in (SHAPE, MOVING)]
    matrix = np.array([[1.1, 0.2, 3.0], [-0.1, 0.9, -2.0], [0.0, 0.0, 1.0]])
    path = tmp_path / "answer"
    np.savetxt(path, matrix_from_pixels(matrix, *frames), fmt="%.17g")
    read = read_transform(path, SHAPE, MOVING, "normalised")
    np.testing.assert_allclose(read, matrix, atol=EXACT_PX)
    field = mapped(spline())
    np.save(tmp_path / "answer.npy", displacement_from_pixels(field, *frames))
    read = read_transform(tmp_path / "answer.npy", SHAPE, MOVING, "normalised")
    np.testing.assert_allclose(read, field, atol=EXACT_PX)


WRONG = {
    "text": ("answer", "once upon a time", "expected two or three rows of three numbers"),
    "no itk": ("answer.tfm", "nothing", "holds no transform that can be read"),
    "no array": ("answer.npy", "nothing", "holds no transform that can be read"),
    "no image": ("answer.mha", "nothing", "holds no transform that can be read"),
    "three dimensions": ("answer.tfm", sitk.Euler3DTransform(), "in 3 dimensions, not in 2"),
    "an elastix kind": (
        "answer", '(Transform "WeightedCombination")\n(TransformParameters 1)', "not read here",
    ),
    "elastix without numbers": (
        "answer", '(Transform "EulerTransform")', "holds no transform that can be read",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_what_holds_no_transform_is_said(tmp_path, name):
    file, content, words = WRONG[name]
    path = tmp_path / file
    if isinstance(content, str):
        path.write_text(content)
    else:
        sitk.WriteTransform(content, str(path))
    with pytest.raises(NoTransform, match=words):
        read_transform(path, SHAPE, MOVING)


def test_an_image_is_no_field(tmp_path):
    path = tmp_path / "answer.mha"
    sitk.WriteImage(sitk.Image(17, 11, sitk.sitkFloat32), str(path))
    with pytest.raises(NoTransform, match="1 components a pixel"):
        read_transform(path, SHAPE, MOVING)


def test_which_file_is_the_answer(tmp_path):
    out = tmp_path / "answer"
    (tmp_path / "fixed.npy").touch()
    with pytest.raises(NoTransform, match="wrote no answer"):
        answer_file(out)
    (tmp_path / "answer1Warp.nii.gz").touch()
    (tmp_path / "answer1InverseWarp.nii.gz").touch()
    assert answer_file(out).name == "answer1Warp.nii.gz"
    (tmp_path / "answer0GenericAffine.mat").touch()
    with pytest.raises(NoTransform, match=r"wrote answer0.*, answer1Warp.*; expected one file"):
        answer_file(out)
    out.touch()
    assert answer_file(out) == out


def test_the_options_know_what_is_read_and_written():
    assert options.PROGRAM_CONVENTIONS == CONVENTIONS
    assert options.PROGRAM_FORMATS == FORMATS
