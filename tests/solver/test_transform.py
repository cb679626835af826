"""A result by itself: points, inverses, chains, files, and the forms of other libraries."""

import importlib
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy import ndimage

from irgate_solver import Result, Transform, _maps, load, register

from . import scene
from .test_register import ffd_field

SHAPE = (60, 76)
MOVING_SHAPE = (66, 70)
MODELS = ["translation", "rigid", "similarity", "affine", "homography", "ffd"]
TRUTHS = {
    "translation": scene.linear_matrix(SHAPE, [[1, 0], [0, 1]], (1.4, -1.23)),
    "rigid": scene.turned(SHAPE, 6, (0.7, -0.6)),
    "similarity": scene.linear_matrix(SHAPE, [[1.04, -0.06], [0.06, 1.04]], (0.7, -0.6)),
    "affine": scene.linear_matrix(SHAPE, [[1.03, 0.04], [-0.03, 0.97]], (0.6, -0.8)),
}
POINTS = np.random.default_rng(0).uniform(0, 59, (40, 2))

ROUNDING = 1e-9
"""Of chains of matrices, and what Newton's method leaves of an inverse, px."""
# The libraries compute places, or weights, in float32; OpenCV's weights have five bits.
LOOKED_UP = {"simpleitk": 1e-6, "skimage": 1e-6, "kornia": 1e-4, "opencv": 0.02}


PROJECTIVE = np.array([[1.03, 0.04, -1.0], [-0.03, 0.97, 1.5], [4e-4, -3e-4, 1.0]])


def projected(matrix: scene.Array) -> scene.Array:
    """Return T(x) - x, `(H, W, 2)`, of a homography."""
    pixels = np.stack((*scene.grid(SHAPE), np.ones(SHAPE)), -1)
    mapped = pixels @ matrix.T
    return mapped[..., :2] / mapped[..., 2:] - pixels[..., :2]


def solve(model: str) -> Result:
    if model == "homography":
        field = projected(PROJECTIVE)
    else:
        field = ffd_field(SHAPE, 1.5) if model == "ffd" else scene.field_of(TRUTHS[model], SHAPE)
    pair = scene.make(field, MOVING_SHAPE)
    return register(pair.fixed, pair.moving, model=model)


RESULTS = {model: solve(model) for model in MODELS}
MOVING = np.random.default_rng(1).random(MOVING_SHAPE)
MOVING = ndimage.gaussian_filter(MOVING, 2.0)


@pytest.mark.parametrize("model", MODELS)
def test_points_lie_where_the_displacement_says(model: str) -> None:
    result = RESULTS[model]
    pixels = np.array([[0.0, 0.0], [7.0, 3.0], [75.0, 59.0]])
    columns, rows = pixels.astype(int).T
    field = result.displacement().numpy()
    np.testing.assert_allclose(result.transform(pixels), pixels + field[rows, columns], atol=1e-9)
    by_tensor = result.transform(torch.tensor(pixels))
    assert isinstance(by_tensor, torch.Tensor)
    np.testing.assert_array_equal(by_tensor, result.transform(pixels))
    alone = result.to_transform()
    np.testing.assert_allclose(alone.transform(POINTS), result.transform(POINTS), atol=ROUNDING)
    far = np.array([[-5.0, 80.0]])
    if model == "ffd":
        np.testing.assert_array_equal(result.transform(far), far)
        np.testing.assert_array_equal(alone.transform(far), far)


def test_points_are_differentiable_by_the_images() -> None:
    pair = scene.make(scene.field_of(TRUTHS["rigid"], SHAPE))
    fixed = torch.tensor(pair.fixed, requires_grad=True)
    mask = np.zeros(SHAPE, bool)
    mask[8:-8, 8:-8] = True
    result = register(fixed, pair.moving, model="rigid", mask=mask)
    at = result.transform(torch.tensor([[7.0, 3.0]]))
    (found,) = torch.autograd.grad(at[0, 0], fixed, retain_graph=True)
    (expected,) = torch.autograd.grad(result.displacement()[3, 7, 0], fixed)
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("model", MODELS)
def test_inverse_undoes(model: str) -> None:
    result = RESULTS[model]
    back = result.inverse()
    assert back.shape == MOVING_SHAPE
    np.testing.assert_allclose(back.transform(result.transform(POINTS)), POINTS, atol=1e-8)
    np.testing.assert_allclose(result.transform(back.transform(POINTS)), POINTS, atol=1e-8)
    again = back.inverse(SHAPE)
    np.testing.assert_allclose(again.displacement(), result.displacement(), atol=ROUNDING)


def test_an_inverse_that_is_not_found_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_maps, "STEPS", 1)
    with pytest.raises(ValueError, match=r"of 40 points have no inverse.*does not fold"):
        RESULTS["ffd"].inverse().transform(POINTS)


def test_compose_applies_its_argument_first() -> None:
    rigid, affine, ffd = (RESULTS[model] for model in ("rigid", "affine", "ffd"))
    both = rigid.compose(affine)
    np.testing.assert_allclose(both.matrix, rigid.matrix @ affine.matrix, atol=ROUNDING)
    expected = rigid.transform(ffd.transform(POINTS))
    np.testing.assert_allclose(rigid.compose(ffd).transform(POINTS), expected, atol=ROUNDING)
    np.testing.assert_allclose(
        ffd.compose(affine.matrix.numpy()).transform(POINTS),
        ffd.transform(affine.transform(POINTS)),
        atol=ROUNDING,
    )
    assert rigid.compose(ffd).matrix is None
    with pytest.raises(TypeError, match="first is str; expected a Transform"):
        rigid.compose("identity")
    with pytest.raises(ValueError, match=r"expected a finite \(3, 3\)"):
        rigid.compose(np.zeros((3, 3)))


@pytest.mark.parametrize("model", MODELS)
def test_files_hold_every_digit(model: str, tmp_path: Path) -> None:
    result = RESULTS[model]
    result.save(tmp_path / "t.json")
    found = load(tmp_path / "t.json")
    assert found.shape == SHAPE
    assert torch.equal(found.displacement(), result.to_transform().displacement())
    chain = result.inverse().compose(RESULTS["rigid"])
    chain.save(tmp_path / "chain.json")
    np.testing.assert_array_equal(
        load(tmp_path / "chain.json").transform(POINTS), chain.transform(POINTS)
    )


def test_what_is_no_transform_is_refused(tmp_path: Path) -> None:
    for text in ("{}", "no json", '{"format": "irgate_solver transform", "version": 2}'):
        (tmp_path / "x").write_text(text)
        with pytest.raises(ValueError, match="holds no transform"):
            load(tmp_path / "x")


def test_a_loaded_transform_starts_a_solve(tmp_path: Path) -> None:
    RESULTS["ffd"].save(tmp_path / "t.json")
    pair = scene.make(ffd_field(SHAPE, 1.5), MOVING_SHAPE)
    again = register(pair.fixed, pair.moving, model="ffd", init=load(tmp_path / "t.json"))
    np.testing.assert_allclose(again.displacement(), RESULTS["ffd"].displacement(), atol=1e-5)


def drawn_by_simpleitk(transform: Any, moving: scene.Array) -> scene.Array:
    import SimpleITK as sitk

    fixed = sitk.Image(SHAPE[1], SHAPE[0], sitk.sitkFloat64)
    image = sitk.GetImageFromArray(moving)
    return sitk.GetArrayFromImage(sitk.Resample(image, fixed, transform, sitk.sitkLinear, 0.0))


def drawn_by_opencv(transform: Any, moving: scene.Array) -> scene.Array:
    cv2 = importlib.import_module("cv2")
    size = (SHAPE[1], SHAPE[0])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    if isinstance(transform, tuple):
        return cv2.remap(moving, *transform, cv2.INTER_LINEAR)
    if transform.shape == (2, 3):
        return cv2.warpAffine(moving, transform, size, flags=flags)
    return cv2.warpPerspective(moving, transform, size, flags=flags)


def drawn_by_skimage(transform: Any, moving: scene.Array) -> scene.Array:
    library = importlib.import_module("skimage.transform")
    return library.warp(moving, transform, output_shape=SHAPE, order=1)


def drawn_by_kornia(transform: Any, moving: scene.Array) -> scene.Array:
    geometry = importlib.import_module("kornia.geometry")
    image = torch.tensor(moving)[None, None]
    if isinstance(transform, tuple):
        drawn = geometry.remap(image, *transform, align_corners=True)
    else:
        drawn = geometry.warp_perspective(image, transform, SHAPE, align_corners=True)
    return drawn[0, 0].numpy()


DRAWN = {
    "simpleitk": drawn_by_simpleitk,
    "opencv": drawn_by_opencv,
    "skimage": drawn_by_skimage,
    "kornia": drawn_by_kornia,
}
# What must be there before a transform is asked for: that of scikit-image is of its own class.
MODULES = {
    "simpleitk": "SimpleITK",
    "opencv": "cv2",
    "skimage": "skimage.transform",
    "kornia": "kornia.geometry",
}


def transforms() -> dict[str, Transform]:
    """Return each family, and what is no family: an inverse, a chain."""
    found = {model: result.to_transform() for model, result in RESULTS.items()}
    found["inverse of ffd"] = found["ffd"].inverse()
    found["chain"] = found["affine"].compose(found["ffd"])
    return found


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("library", DRAWN)
@pytest.mark.parametrize("name", [*MODELS, "inverse of ffd", "chain"])
def test_each_library_draws_what_we_draw(library: str, name: str) -> None:
    pytest.importorskip(MODULES[library], reason=f"{library} is not installed")
    transform = transforms()[name]
    exported = getattr(transform, f"to_{library}")()
    drawn = DRAWN[library](exported, MOVING)
    mapped = transform.displacement().numpy() + np.stack(scene.grid(SHAPE), -1)
    # Where every library has samples on all sides.
    inner = ((mapped >= 1) & (mapped <= np.array(MOVING_SHAPE[::-1]) - 2)).all(-1)
    assert inner.mean() > 0.5
    ours = transform.warp(MOVING)
    reference = ndimage.map_coordinates(MOVING, [mapped[..., 1], mapped[..., 0]], order=1)
    np.testing.assert_allclose(ours[inner], reference[inner], atol=1e-9)
    away = np.abs(drawn - ours)[inner]
    assert away.max() <= LOOKED_UP[library] * np.ptp(MOVING)
    moved = np.abs(MOVING[: SHAPE[0], :70] - ours[:, :70])[inner[:, :70]].max()
    assert moved > 3 * LOOKED_UP[library] * np.ptp(MOVING)


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "SimpleITK", None)
    with pytest.raises(ImportError, match=r"SimpleITK is not installed.*pip install SimpleITK"):
        RESULTS["rigid"].to_simpleitk()


def test_a_batch_hands_out_one_pair_at_a_time() -> None:
    pair = scene.make(scene.field_of(TRUTHS["rigid"], SHAPE))
    images = [np.stack((image, image[::-1])) for image in (pair.fixed, pair.moving)]
    result = register(*images, model="rigid")
    assert result.transform(POINTS).shape == (2, 40, 2)
    np.testing.assert_allclose(
        result.to_transform(1).transform(POINTS), result.transform(POINTS)[1], atol=ROUNDING
    )
    with pytest.raises(ValueError, match=r"batch of 2 pairs.*to_transform\(0\)"):
        result.save("nowhere")
