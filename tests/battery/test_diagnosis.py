"""A fault is named where undoing it brings the answer to the truth, and only there."""

import numpy as np
import pytest

import irgate_fixtures
from irgate_battery.answer import read_answer
from irgate_battery.diagnosis import explain, swap_axes
from irgate_battery.judge import distance_px

SWAP = np.array([[0.0, 1, 0], [1, 0, 0], [0, 0, 1]])
LINEAR = ("synth_translate_2d", "synth_rotate_2d", "lena_affine_2d", "brain_mri_real")


def shape_of(pair):
    return pair.fixed.shape


def named(pair, raw):
    answer = read_answer(raw, shape_of(pair))
    found = explain(pair, answer.displacement, answer.matrix)
    return found and found.fault


@pytest.fixture(params=LINEAR)
def pair(request):
    return irgate_fixtures.pair(request.param)


def test_the_truth_needs_no_explanation(pair):
    assert named(pair, pair.truth.matrix) is None


def test_each_fault_is_named_as_matrix_and_as_field(pair):
    truth = pair.truth.matrix
    faults = {
        "identity": np.eye(3),
        "inverse": np.linalg.inv(truth),
        "x and y swapped": SWAP @ truth @ SWAP,
        "inverse, x and y swapped": SWAP @ np.linalg.inv(truth) @ SWAP,
    }
    for fault, matrix in faults.items():
        assert named(pair, matrix) == fault
    inverse = irgate_fixtures.Matrix(faults["inverse"]).displacement(shape_of(pair))
    assert named(pair, inverse) == "inverse"
    swapped = pair.truth.displacement(shape_of(pair))[..., ::-1]
    assert named(pair, swapped) == "x and y swapped"


def test_another_error_is_not_explained(pair):
    off = irgate_fixtures.translation(7, 5).matrix @ pair.truth.matrix
    assert named(pair, off) is None


def test_the_sentence_has_the_numbers_before_and_after():
    pair = irgate_fixtures.pair("synth_translate_2d")
    answer = read_answer(np.linalg.inv(pair.truth.matrix), shape_of(pair))
    found = explain(pair, answer.displacement, answer.matrix)
    # Twice the length of (3.5, -2.23).
    assert found.before_px == pytest.approx(2 * np.hypot(3.5, 2.23))
    assert found.after_px == pytest.approx(0, abs=1e-9)
    assert "matches the truth to 0.00 px" in found.sentence
    assert "now 8.30 px" in found.sentence


def test_swapping_twice_is_nothing(pair):
    matrix = pair.truth.matrix
    once = read_answer(SWAP @ matrix @ SWAP, shape_of(pair))
    assert distance_px(pair, swap_axes(once.displacement, once.matrix)) == pytest.approx(
        0, abs=1e-9
    )
