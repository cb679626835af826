"""Figures side by side: digits as far as they say something, and never a wall of zeros."""

import pytest

from irgate_battery.results import formatting


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.00004, "0.0000"), (0.12345, "0.1235"), (9.5, "9.5000"), (9.99994, "9.9999"),
        (10.0, "10.0"), (10.5, "10.5"), (99999.0, "99999.0"), (99999.5, "99999.5"),
        (1e5, "1e+05"), (100000.5, "1e+05"), (2e17, "2e+17"),
    ],
)  # fmt: skip
def test_a_distance(value, shown):
    assert formatting.px(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (1.0, "1.0000"), (1.03456, "1.0346"), (99.5, "99.5000"), (100.0, "100"), (100.6, "101"),
        (99999.2, "99999"), (1e5, "1e+05"), (100000.5, "1e+05"), (3e9, "3e+09"),
    ],
)  # fmt: skip
def test_a_ratio(value, shown):
    assert formatting.ratio(value) == shown


def test_an_error():
    assert formatting.error(0.000123) == "1.2e-04"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.01234, "0.0123"), (12.34, "12.3"), (998.6, "999"), (999.6, "1e+03"), (1000.4, "1000"),
        (1000.0, "1000"), (1234.5, "1234"),
    ],
)  # fmt: skip
def test_a_time(value, shown):
    assert formatting.seconds(value) == shown
