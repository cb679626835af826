"""Where the error of an answer lies, where that is one place."""

import numpy as np
import pytest

from irgate_battery.diagnosis.error_place import BORDER, error_place

SHAPE = (90, 120)
EVERYWHERE = np.ones(SHAPE, dtype=bool)


def pixels():
    return np.mgrid[: SHAPE[0], : SHAPE[1]].astype(float)


def test_an_error_that_is_the_same_everywhere_lies_in_no_place():
    assert error_place(np.ones(SHAPE), EVERYWHERE) is None


def test_nor_does_that_of_a_wrong_turn_about_the_centre():
    y, x = pixels()
    distance = np.hypot(x - (SHAPE[1] - 1) / 2, y - (SHAPE[0] - 1) / 2)
    assert error_place(distance, EVERYWHERE) is None


def test_a_strip_along_the_border():
    distance = np.full(SHAPE, 0.01)
    distance[:, -8:] = 5.0
    distance[:6] = 5.0
    found = error_place(distance, EVERYWHERE)
    assert found.name == BORDER
    assert found.share == pytest.approx(1 - 0.01 * 72 * 96 / distance.sum())


@pytest.mark.parametrize(
    ("rows", "columns", "name"),
    [
        (slice(20, 28), slice(90, 98), "the upper right ninth"),
        (slice(40, 50), slice(50, 70), "the middle"),
        (slice(62, 70), slice(45, 60), "the lower middle ninth"),
    ],
)
def test_one_part_of_the_image(rows, columns, name):
    distance = np.full(SHAPE, 0.001)
    distance[rows, columns] = 9.0
    assert error_place(distance, EVERYWHERE).name == name


def test_only_what_is_valid_counts():
    distance = np.full(SHAPE, 0.001)
    distance[20:28, 90:98] = 9.0
    valid = EVERYWHERE.copy()
    valid[20:28, 90:98] = False
    assert error_place(distance, valid) is None


def test_no_error_and_no_valid_pixel_have_no_place():
    assert error_place(np.zeros(SHAPE), EVERYWHERE) is None
    assert error_place(np.ones(SHAPE), ~EVERYWHERE) is None


def test_three_quarters_in_the_border_are_enough():
    distance = np.full(SHAPE, 48.0)
    distance[9:-9, 12:-12] = 9.0
    assert error_place(distance, EVERYWHERE).share == 0.75
    distance[9:-9, 12:-12] = 9.001
    assert error_place(distance, EVERYWHERE) is None


def test_three_fifths_in_a_ninth_are_enough():
    distance = np.ones(SHAPE)
    distance[30:60, 40:80] = 12.0
    assert error_place(distance, EVERYWHERE).share == 0.6
    for other in (11.99, 5.0, 3.0):
        distance[30:60, 40:80] = other
        assert error_place(distance, EVERYWHERE) is None


def test_what_is_not_valid_has_no_part_in_it():
    distance = np.full(SHAPE, 1e-9)
    distance[40:50, 50:70] = 1e-6
    distance[:30] = 7.0
    valid = EVERYWHERE.copy()
    valid[:30] = False
    whole = 200e-6 + 7000e-9
    assert error_place(distance, valid).share == pytest.approx((whole - 6000e-9) / whole, rel=1e-9)
