"""Each reproduction says which thread it is from, fits the protocol, and is at fault as it says.

How many of them the gate catches takes minutes: `python tests/faults/rate.py --reports`.
"""

import re

import numpy as np
import pytest

from irgate_battery.interface.protocol import Solver
from irgate_fixtures import pair
from reports.collection import KINDS, REPORTS

GIVEN = 11
"""Reports that the collection began with; at least 25 more were found in public threads."""


def test_there_are_enough_and_each_is_of_a_thread_of_its_own():
    origins = [report.origin for report in REPORTS.values()]
    assert len(origins) >= GIVEN + 25
    assert len(set(origins)) == len(origins)
    assert all(re.fullmatch(r"[\w.-]+/[\w.-]+ #\d+", origin) for origin in origins)
    assert {report.kind for report in REPORTS.values()} == {
        module.__name__.rpartition(".")[2] for module in KINDS
    }


@pytest.mark.parametrize("report", REPORTS.values(), ids=REPORTS)
def test_a_reproduction_fits_the_protocol(report):
    solver = Solver.of(report.build())
    assert report.about.endswith(".")
    assert report.names
    if report.kind == "correlation_peaks":
        assert solver.models == ("translation",)
    else:
        assert solver.accepts == {"model", "mask", "init", "intensity"}


@pytest.mark.parametrize(
    ("name", "shape"),
    [("quadrants_of_odd_sizes", (155, 199)), ("one_row_a_frame_at_odd_sizes", (155, 199))],
)
def test_odd_sizes_alone_are_wrong(name, shape):
    """The two that only a condition that no case has yet can show."""
    solver, whole = REPORTS[name].build(), pair("synth_translate_2d")
    assert all(side % 2 == 0 for side in whole.shape)

    def off(height, width):
        found = solver(whole.fixed[:height, :width], whole.moving[:height, :width])
        return float(np.hypot(*(found[:2, 2] - whole.truth.matrix[:2, 2])))

    assert off(*whole.shape) < 0.05
    assert off(*shape) > 0.4


def test_integers_and_bright_images_alone_are_wrong():
    whole = pair("synth_translate_2d")

    def off(name, scale, dtype):
        images = ((scale * image).astype(dtype) for image in (whole.fixed, whole.moving))
        found = REPORTS[name].build()(*images, "translation", None, None, "same")
        return float(np.hypot(*(found[:2, 2] - whole.truth.matrix[:2, 2])))

    for name, scale, dtype in (
        ("bright_pixels_wrap_around", 65000, np.uint16),
        ("integers_overflow_in_a_difference", 255, np.uint8),
    ):
        assert off(name, scale, dtype) > 5 * off(name, 1, np.float32)
