"""A truth that is wrong is doubted, and a right one is not."""

import numpy as np
import pytest
from own_pack import KINDS, MATRIX, SHAPE, TOLERANCE, bent, write_pack

from irgate_battery.cases.truth import FieldTransform, Landmarks
from irgate_battery.diagnosis.truth_doubts import doubts
from irgate_fixtures import Matrix, affine, pixel_grid, rigid, translation


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """The pack's pairs by name, as they are registered."""
    pack = write_pack(tmp_path_factory.mktemp("own"))
    return {case.own_id: case.read() for case in pack.cases}


def beside(pair, truth):
    return doubts(pair.with_truth(truth), TOLERANCE)


def said_of(found, *parts):
    assert any(all(part in doubt for part in parts) for doubt in found), found


@pytest.mark.parametrize("name", KINDS)
def test_a_right_truth_is_not_doubted(prepared, name):
    assert doubts(prepared[name], TOLERANCE) == ()


SWAP = np.array([[0, 1, 0], [1, 0, 0], [0, 0, 1]])
FROM_1 = np.array([[0, 0, 1], [0, 0, 1], [0, 0, 0]])
FIELD = bent(pixel_grid(SHAPE)) - pixel_grid(SHAPE)

WRONG = {
    "inverse": ("text", Matrix(np.linalg.inv(MATRIX.matrix)), "under its inverse"),
    "swapped": ("text", Matrix(SWAP @ MATRIX.matrix @ SWAP), "with x and y swapped"),
    "of another pair": ("text", rigid(0.5, -6, 7, SHAPE), "where nothing is moved"),
    "from 1": ("text", Matrix(MATRIX.matrix + FROM_1), "count pixels"),
    "far": ("text", translation(200, 0), "0% of the fixed image lands inside"),
    "identity": ("two-rows", Matrix(np.eye(3)), "doing nothing passes"),
    "a stretch": ("text", affine([[1.2, 0], [0, 1]], 0, 0, SHAPE), "no rigid transform comes"),
    "negated": ("field-npy", FieldTransform(-FIELD), "under its negative"),
    "(dy, dx)": ("field-npy", FieldTransform(FIELD[..., ::-1]), "dx and dy swapped"),
    "folded": ("field-npy", FieldTransform(9 * FIELD[:, ::-1] * [[[-1, 4]]]), "it folds"),
}


@pytest.mark.parametrize("fault", WRONG)
def test_a_wrong_transform_is_doubted(prepared, fault):
    name, truth, said = WRONG[fault]
    said_of(beside(prepared[name], truth), said)


def test_wrong_landmarks_are_doubted(prepared):
    pair = prepared["points"]
    fixed, moving = pair.truth.fixed, pair.truth.moving
    swapped = Landmarks(fixed, moving[:, ::-1])
    said_of(beside(pair, swapped), "x and y of the moving points swapped")
    exchanged = Landmarks(moving, fixed)
    said_of(beside(pair, exchanged), "the two lists exchanged")
    outside = Landmarks(fixed, moving + np.array([40, 0]))
    said_of(beside(pair, outside), "lie outside the moving image of 90x64 px")
    spoilt = moving.copy()
    spoilt[3] += 5
    said_of(beside(pair, Landmarks(fixed, spoilt)), "landmark 4 of 6", "rigid transform takes it")
