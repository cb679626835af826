"""Bad and unusual input: the right answer, or an error that says which input and what to do."""

from typing import Any

import numpy as np
import pytest
import torch

from irgate_solver import Status, register

from . import scene
from .test_register import CLEAN_LINEAR, SHAPE, pair_of

GOOD = pair_of("translation")


def holed(image: scene.Array, value: float) -> scene.Array:
    damaged = image.copy()
    damaged[5, 7] = value
    return damaged


FAR = scene.linear_matrix(SHAPE, [[1, 0], [0, 1]], (1000.0, 0.0))

REFUSED: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "flat fixed": ({"fixed": np.full(SHAPE, 0.5)}, ValueError, "fixed is flat, 0.5"),
    "flat moving": ({"moving": np.zeros(SHAPE)}, ValueError, "moving is flat"),
    "flat under the mask": (
        {
            "fixed": np.where(np.arange(SHAPE[1]) < 40, 0.3, GOOD.fixed),
            "mask": np.broadcast_to(np.arange(SHAPE[1]) < 40, SHAPE),
        },
        ValueError,
        "fixed is flat",
    ),
    "mask all false": ({"mask": np.zeros(SHAPE, bool)}, ValueError, "mask trusts no pixel"),
    "mask of another shape": ({"mask": np.ones((3, 3), bool)}, ValueError, "mask has shape"),
    "NaN in fixed": (
        {"fixed": holed(GOOD.fixed, np.nan)},
        ValueError,
        r"fixed has 1 pixels that are NaN or infinite, the first at \(5, 7\).*mask",
    ),
    "infinity in moving": (
        {"moving": holed(GOOD.moving, np.inf)},
        ValueError,
        r"moving has 1 pixels .* \(5, 7\)",
    ),
    "three pixels": ({"fixed": GOOD.fixed[:3, :3]}, ValueError, "fixed is 3 x 3 pixels"),
    "three pixels wide": ({"moving": GOOD.moving[:, :3]}, ValueError, "moving is 72 x 3 pixels"),
    "empty": ({"fixed": np.zeros((0, 5))}, ValueError, "fixed has shape"),
    "colour": ({"fixed": np.zeros((5, 5, 3, 1))}, ValueError, "convert colour to grey"),
    "one batch axis": ({"fixed": GOOD.fixed[None]}, ValueError, "batch axis"),
    "complex": ({"fixed": GOOD.fixed + 0j}, TypeError, "expected real numbers"),
    "complex tensor": ({"moving": torch.tensor(GOOD.moving + 0j)}, TypeError, "is complex"),
    "text": ({"fixed": "a path"}, TypeError, "fixed is str"),
    "none": ({"moving": None}, TypeError, "moving is NoneType"),
    "start beyond the overlap": ({"init": FAR}, ValueError, "init leaves no overlap"),
    "start that is no transform": ({"init": np.eye(2)}, ValueError, "init's matrix has shape"),
    "start that is a projection": ({"init": np.ones((3, 3))}, ValueError, "last row"),
    "start with NaN": ({"init": np.full((3, 3), np.nan)}, ValueError, "not finite"),
    "start of no kind": ({"init": "identity"}, TypeError, "init is str"),
    "unknown model": ({"model": "projective"}, ValueError, "translation, rigid, affine, ffd"),
    "unknown metric": ({"metric": "mi"}, ValueError, "metric='mi'.*ssd, ncc, huber"),
    "unknown intensity": ({"intensity": "odd"}, ValueError, "same, varying"),
    "unknown sampling": ({"sampling": "nearest"}, ValueError, "linear, cubic"),
    "too few control points": ({"model": "ffd", "control": (3, 4)}, ValueError, "at least 4"),
    "control of no kind": ({"model": "ffd", "control": 4}, ValueError, "two whole numbers"),
    "too many control points": (
        {"model": "ffd", "control": (70, 70)},
        ValueError,
        "choose a coarser grid",
    ),
    "negative bending": ({"bending": -1.0}, ValueError, "bending=-1.0"),
    "no iterations": ({"iterations": 0}, ValueError, "iterations=0"),
    "negative tolerance": ({"tolerance": -1.0}, ValueError, "tolerance=-1.0"),
    "negative Huber width": ({"huber_width": 0.0}, ValueError, "huber_width=0.0"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_is_refused_in_one_line_that_names_it(case: str) -> None:
    changes, kind, message = REFUSED[case]
    options: dict[str, Any] = {
        "fixed": GOOD.fixed,
        "moving": GOOD.moving,
        "model": "translation",
        **changes,
    }
    with pytest.raises(kind, match=message) as caught:
        register(options.pop("fixed"), options.pop("moving"), **options)
    text = str(caught.value)
    assert text.startswith("register: ")
    assert "\n" not in text


def error_of(fixed: Any, moving: Any, truth: scene.Array, **options: Any) -> float:
    result = register(fixed, moving, model="translation", **options)
    return float(scene.distance(result.displacement().numpy(), truth).max())


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float16, np.int64, ">f4", ">f8"])
def test_any_real_type_is_taken(dtype: Any) -> None:
    images = [(200 * np.clip(image, 0, 1)).astype(dtype) for image in (GOOD.fixed, GOOD.moving)]
    # Rounding to 1/200 of the range adds noise of 0.0015 and moves the answer by hundredths.
    assert error_of(*images, GOOD.displacement) <= 0.05


@pytest.mark.parametrize(("gain", "offset"), [(1e4, -3e3), (1e-6, 0.0), (-1.0, 0.5)])
def test_intensities_may_lie_anywhere(gain: float, offset: float) -> None:
    fixed, moving = (gain * image + offset for image in (GOOD.fixed, GOOD.moving))
    plain = register(GOOD.fixed, GOOD.moving, model="translation")
    scaled = register(fixed, moving, model="translation")
    assert float((scaled.matrix - plain.matrix).abs().max()) <= 1e-6
    assert float(scaled.objective) == pytest.approx(gain**2 * float(plain.objective), rel=1e-6)


@pytest.mark.parametrize("gain", [-1.0, 40.0])
def test_correlation_takes_any_gain_and_inverted_contrast(gain: float) -> None:
    """As ITK's Correlation does; from the neighbourhood, where no search is needed."""
    truth = scene.field_of(scene.turned(SHAPE, 2, (0.5, 0.4)), SHAPE)
    pair = scene.make(truth)
    result = register(pair.fixed, gain * pair.moving + 7, model="rigid", intensity="varying")
    assert scene.distance(result.displacement().numpy(), truth).max() <= CLEAN_LINEAR


@pytest.mark.parametrize("form", ["list", "view", "read-only", "tensor", "transposed"])
def test_forms_of_an_array(form: str) -> None:
    frozen = GOOD.fixed.copy()
    frozen.flags.writeable = False
    forms = {
        "list": GOOD.fixed.tolist(),
        "view": np.ascontiguousarray(GOOD.fixed[::-1, ::-1])[::-1, ::-1],
        "read-only": frozen,
        "tensor": torch.tensor(GOOD.fixed),
        "transposed": torch.tensor(GOOD.fixed.T.copy()).T,
    }
    assert error_of(forms[form], GOOD.moving, GOOD.displacement) <= CLEAN_LINEAR


def test_nan_under_the_mask_is_no_matter() -> None:
    mask = np.ones(SHAPE, bool)
    mask[5, 7] = False
    error = error_of(holed(GOOD.fixed, np.nan), GOOD.moving, GOOD.displacement, mask=mask)
    assert error <= CLEAN_LINEAR


def test_images_of_four_pixels_do_not_crash() -> None:
    """Nothing can be promised of so few pixels but a finite answer and an honest status."""
    draw = np.random.default_rng(0)
    for model in ("translation", "rigid", "affine", "ffd"):
        result = register(draw.random((4, 4)), draw.random((4, 5)), model=model)
        assert result.displacement().isfinite().all()
        assert isinstance(result.status, Status)


def test_disjoint_images_end_with_a_finite_answer() -> None:
    """Two scenes that share nothing: no crash, no NaN, and still some overlap."""
    one, other = (scene.make(GOOD.displacement, seed=seed) for seed in (1, 2))
    result = register(one.fixed, other.moving, model="affine")
    assert result.displacement().isfinite().all()
    assert float(result.overlap) >= 0.05


def test_a_mask_that_hides_control_points_is_said_to_leave_them_undetermined() -> None:
    mask = np.zeros(SHAPE, bool)
    mask[:, :4] = True
    result = register(GOOD.fixed, GOOD.moving, model="ffd", mask=mask, control=(4, 12))
    assert result.status is Status.SINGULAR
    assert "smaller model" in result.status.value
    assert result.displacement().isfinite().all()


def test_every_status_is_a_sentence_that_says_what_to_do() -> None:
    for status in Status:
        assert status.value[0].isupper()
        assert status.value.endswith(".")
        assert str(status) == status.value
