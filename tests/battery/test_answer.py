"""Whatever a solver returns is read as a transform, or refused with words that help its author."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from irgate_battery.interface.answer import AnswerError, read_answer
from irgate_fixtures import Homography, pixel_grid

SHAPE = (4, 6)
MATRIX = np.array([[1.1, 0.2, 3.0], [-0.1, 0.9, -2.0], [0.0, 0.0, 1.0]])


def dense(matrix):
    """The displacement of a matrix, written out point by point."""
    field = np.empty((*SHAPE, 2))
    for y in range(SHAPE[0]):
        for x in range(SHAPE[1]):
            field[y, x] = (matrix @ (x, y, 1))[:2] - (x, y)
    return field


FORMS = {
    "(3, 3)": MATRIX,
    "(2, 3)": MATRIX[:2],
    "nested lists": MATRIX[:2].tolist(),
    "float32": MATRIX.astype(np.float32),
    "torch": torch.tensor(MATRIX),
    "torch on the graph": torch.tensor(MATRIX, requires_grad=True),
    "displacement": dense(MATRIX),
    "torch displacement": torch.tensor(dense(MATRIX), dtype=torch.float32),
    "object with matrix": SimpleNamespace(matrix=MATRIX, displacement=None),
    "object with displacement": SimpleNamespace(matrix=None, displacement=dense(MATRIX)),
    "object with a matrix method": SimpleNamespace(matrix=lambda: MATRIX),
    "object with a method": SimpleNamespace(matrix=None, displacement=lambda shape: dense(MATRIX)),
}


@pytest.mark.parametrize("raw", FORMS.values(), ids=FORMS)
def test_every_form_gives_the_same_displacement(raw):
    answer = read_answer(raw, SHAPE)
    assert answer.displacement.dtype == np.float64
    np.testing.assert_allclose(answer.displacement, dense(MATRIX), atol=1e-6)


def test_matrix_is_kept_and_displacement_has_none():
    np.testing.assert_array_equal(read_answer(MATRIX[:2], SHAPE).matrix, MATRIX)
    assert read_answer(dense(MATRIX), SHAPE).matrix is None


def test_displacement_is_x_first_on_a_grid_of_columns_and_rows():
    shift = np.array([[1.0, 0.0, 5.0], [0.0, 1.0, -2.0]])
    displacement = read_answer(shift, SHAPE).displacement
    assert displacement.shape == (4, 6, 2)
    np.testing.assert_array_equal(displacement[..., 0], 5.0)
    np.testing.assert_array_equal(pixel_grid(SHAPE)[1, 3], (3, 1))


REFUSED = {
    "None": (None, r"returned None.*`return` missing"),
    "image": (np.zeros(SHAPE), r"shape \(4, 6\).*that is an image"),
    "components first": (np.zeros((2, *SHAPE)), r"components first.*moveaxis"),
    "rows and columns": (np.zeros((6, 4, 2)), "rows and columns swapped"),
    "another grid": (np.zeros((2, 3, 2)), "another grid"),
    "parameters": (np.zeros(6), "vector of parameters"),
    "batch": (np.zeros((1, 3, 3)), "batch axis"),
    "no translation": (np.eye(2), "without its translation"),
    "three dimensions": (np.eye(4), "three dimensions"),
    "odd shape": (np.zeros((7, 5)), "no transform has that shape"),
    "NaN": (np.full((2, 3), np.nan), "6 of 6 numbers that are NaN"),
    "infinite": (np.full((*SHAPE, 2), np.inf), "48 of 48 numbers"),
    "huge": (np.full((2, 3), 1e308), "number of size 1e\\+308.*ran away"),
    "text": ("translation", "returned a str"),
    "object": (object(), "returned a object"),
    "tuple with score": ((MATRIX, 0.5), r"returned a tuple.*without scores"),
    "complex": (np.eye(3) * 1j, "returned a ndarray of complex128; expected real numbers"),
    "bool": (np.eye(3, dtype=bool), "returned a ndarray of bool; expected real numbers"),
    "objects": (np.eye(3, dtype=object), "returned a ndarray of object; expected real numbers"),
    "words": ([["1", "0"], ["0", "1"]], "returned a list of <U1; expected real numbers"),
    "complex tensor": (torch.eye(3) * 1j, "returned a Tensor of complex64; expected real"),
    "bool tensor": (torch.eye(3).bool(), "returned a Tensor of bool; expected real numbers"),
    "masked": (np.ma.masked_equal(MATRIX, 0.2), "returned a masked array; .* fill it"),
    "masked attribute": (
        SimpleNamespace(matrix=None, displacement=np.ma.masked_array(dense(MATRIX))),
        r"returned a masked array as \.displacement",
    ),
    "transposed": (MATRIX.T, r"last row is \[3.0, -2.0, 1.0\].*transposed"),
    "bad attribute": (SimpleNamespace(matrix=np.eye(4)), r"as \.matrix.*three dimensions"),
}


@pytest.mark.parametrize(("raw", "words"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_transform_is_refused_in_one_line(raw, words):
    with pytest.raises(AnswerError, match=words) as refused:
        read_answer(raw, SHAPE)
    assert "\n" not in str(refused.value)
    assert "expected" in str(refused.value)


PROJECTIVE = np.array([[1.1, 0.2, 3.0], [-0.1, 0.9, -2.0], [0.01, -0.02, 1.0]])


@pytest.mark.parametrize("factor", [1.0, -4.0])
def test_a_homography_is_read_where_it_was_asked_for(factor):
    answer = read_answer(factor * PROJECTIVE, SHAPE, projective=True)
    assert answer.matrix is None
    expected = Homography(PROJECTIVE).displacement(SHAPE)
    np.testing.assert_allclose(answer.displacement, expected, atol=1e-12)
    with pytest.raises(AnswerError, match="the model that was asked for is not projective"):
        read_answer(PROJECTIVE, SHAPE)
    read = read_answer(SimpleNamespace(matrix=PROJECTIVE), SHAPE, projective=True)
    np.testing.assert_allclose(read.displacement, expected, atol=1e-12)


def test_an_affine_answer_to_a_homography_keeps_its_matrix():
    np.testing.assert_array_equal(read_answer(MATRIX, SHAPE, projective=True).matrix, MATRIX)


@pytest.mark.parametrize("row", [[-0.5, 0, 1], [0, 0.5, 0], [0, 0, 0]])
def test_a_homography_that_sends_pixels_to_infinity_is_refused(row):
    bad = np.vstack([MATRIX[:2], row])
    with pytest.raises(AnswerError, match="sends points of the fixed image to infinity; expected"):
        read_answer(bad, SHAPE, projective=True)
