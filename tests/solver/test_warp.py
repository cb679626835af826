"""What `warp` takes: arrays and tensors, colour, labels and masks, in the form that came."""

from typing import Any

import numpy as np
import pytest
import torch

from irgate_solver import register

from . import scene

SHAPE, MOVING_SHAPE = (50, 64), (56, 60)
FIELD = scene.field_of(scene.turned(SHAPE, 5, (2.4, 1.7)), SHAPE)
PAIR = scene.make(FIELD, MOVING_SHAPE)
RESULT = register(PAIR.fixed, PAIR.moving, model="rigid")
GREY = RESULT.warp(torch.tensor(PAIR.moving)).numpy()
PLACES = RESULT.displacement().numpy() + np.stack(scene.grid(SHAPE), -1)
INSIDE = ((PLACES >= -0.5) & (np.array(MOVING_SHAPE[::-1]) - 0.5 > PLACES)).all(-1)


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.uint8, np.int16, np.uint16])
def test_an_array_comes_back_as_an_array_of_its_type(dtype: Any) -> None:
    scale = 1.0 if np.dtype(dtype).kind == "f" else 200.0
    image = np.clip(scale * PAIR.moving, 0, 255).astype(dtype)
    warped = RESULT.warp(image)
    assert isinstance(warped, np.ndarray)
    assert warped.dtype == dtype
    assert warped.shape == SHAPE
    # The image is cut to whole numbers, the warped one is rounded.
    slack = 1e-5 if scale == 1.0 else 1.5
    clipped = np.clip(scale * PAIR.moving, 0, 255)
    exact = RESULT.warp(clipped)
    assert np.abs(warped - exact).max() <= slack


def test_bytes_do_not_wrap_round() -> None:
    image = np.zeros(MOVING_SHAPE, np.uint8)
    image[:28] = 255
    warped = RESULT.warp(image, sampling="cubic")
    exact = RESULT.warp(image.astype(float), sampling="cubic")
    assert exact[INSIDE].max() > 255  # a spline overshoots
    assert np.abs(warped - np.clip(exact, 0, 255)).max() <= 1


@pytest.mark.parametrize("axis", [0, -1])
def test_colour_is_warped_channel_by_channel(axis: int) -> None:
    planes = [PAIR.moving, PAIR.moving**2, 1 - PAIR.moving]
    warped = RESULT.warp(np.stack(planes, axis))
    np.testing.assert_array_equal(warped, np.stack([RESULT.warp(p) for p in planes], axis))


def test_labels_and_masks_take_the_nearest_pixel() -> None:
    labels = np.random.default_rng(0).integers(0, 2**40, MOVING_SHAPE)
    column, row = (np.floor(PLACES[..., k] + 0.5).astype(int) for k in (0, 1))
    expected = np.full(SHAPE, 7)
    expected[INSIDE] = labels[row[INSIDE], column[INSIDE]]
    found = RESULT.warp(labels, sampling="nearest", outside=7)
    np.testing.assert_array_equal(found, expected)
    mask = labels % 2 == 0
    warped = RESULT.warp(mask)
    assert warped.dtype == bool
    assert not warped[~INSIDE].any()
    np.testing.assert_array_equal(warped[INSIDE], mask[row[INSIDE], column[INSIDE]])


def test_a_tensor_comes_back_as_a_tensor_on_the_graph() -> None:
    image = torch.tensor(PAIR.moving, requires_grad=True)
    warped = RESULT.warp(image)
    (gradient,) = torch.autograd.grad(warped.sum(), image)
    # Each fixed pixel's weights sum to one.
    assert float(gradient.sum()) == pytest.approx(INSIDE.sum(), rel=1e-9)


def test_batches_in_all_forms() -> None:
    images = [np.stack((image, image[::-1])) for image in (PAIR.fixed, PAIR.moving)]
    result = register(*images, model="rigid")
    grey = result.warp(images[1])
    assert grey.shape == (2, *SHAPE)
    assert result.warp(PAIR.moving[None]).shape == (2, *SHAPE)
    colour = np.stack((images[1],) * 3, -1)
    np.testing.assert_array_equal(result.warp(colour)[..., 1], grey)
    np.testing.assert_array_equal(result.warp(np.moveaxis(colour, -1, 1))[:, 1], grey)
    with pytest.raises(ValueError, match="holds 3 pairs' images and the result 2"):
        result.warp(np.stack((PAIR.moving,) * 3))


REFUSED: dict[str, tuple[Any, dict[str, Any], type[Exception], str]] = {
    "text": ("a path", {}, TypeError, "expected real numbers"),
    "complex": (torch.zeros(MOVING_SHAPE, dtype=torch.complex64), {}, TypeError, "magnitude"),
    "five axes": (np.zeros((1, 1, 1, *MOVING_SHAPE)), {}, ValueError, "pass channels="),
    "other sizes": (np.zeros((9, 9, 3)), {}, ValueError, "pass channels="),
    "a sampler": (PAIR.moving, {"sampling": "lanczos"}, ValueError, "nearest, linear, cubic"),
    "an axis": (PAIR.moving, {"channels": "none"}, ValueError, "expected one of first, last"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_is_refused_in_one_line(case: str) -> None:
    image, options, kind, message = REFUSED[case]
    with pytest.raises(kind, match=message) as caught:
        RESULT.warp(image, **options)
    assert str(caught.value).startswith("Result.warp: ")
    assert "\n" not in str(caught.value)


def test_errors_come_in_the_form_of_the_points() -> None:
    points = np.array([[3, 4], [40, 30]])
    errors = RESULT.standard_error(points)
    assert isinstance(errors, np.ndarray)
    np.testing.assert_array_equal(errors, RESULT.standard_error(torch.tensor(points)))
    with pytest.raises(ValueError, match=r"points have shape \(2,\); expected \(m, 2\)"):
        RESULT.standard_error(points[0])


def test_help_names_no_private_module() -> None:
    import pydoc

    text = pydoc.plain(pydoc.render_doc(register)) + (register.__doc__ or "")
    body = text.split("FILE")[0]
    assert "`_" not in body
    assert "._" not in body
    for model in ("translation", "rigid", "similarity", "affine", "homography", "ffd"):
        assert f'"{model}", ' in body
    for name in ("warp", "transform", "standard_error", "covariance", "compose"):
        assert "`_" not in (getattr(type(RESULT), name).__doc__ or "")


@pytest.mark.parametrize("dtype", [np.uint16, np.uint32, np.uint64])
def test_labels_of_every_unsigned_type_keep_their_value(dtype: Any) -> None:
    """Story: torch looks nothing up in these types."""
    most = np.iinfo(dtype).max
    labels = np.random.default_rng(0).choice(np.array([0, 1, most - 1, most], dtype), MOVING_SHAPE)
    warped = RESULT.warp(labels, sampling="nearest", outside=7)
    assert warped.dtype == dtype
    column, row = np.moveaxis(np.floor(PLACES + 0.5).astype(int), -1, 0)
    np.testing.assert_array_equal(warped[INSIDE], labels[row[INSIDE], column[INSIDE]])
    assert (warped[~INSIDE] == 7).all()
    assert (~INSIDE).any()


def test_help_of_every_public_name_names_no_private_module() -> None:
    import pydoc

    import irgate_solver

    for name in irgate_solver.__all__:
        text = pydoc.plain(pydoc.render_doc(getattr(irgate_solver, name)))
        assert "irgate_solver._" not in text
        assert getattr(irgate_solver, name).__module__ == "irgate_solver"
