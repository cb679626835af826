"""The page on libraries: its example works, its names exist, its comparison has a place."""

import re
import sys
from types import ModuleType

import numpy as np
import pytest

import irgate_battery
import irgate_fixtures
from irgate_battery.interface.protocol import Solver
from pytest_irgate.adapters import ADAPTERS


@pytest.fixture
def page(request):
    return (request.config.rootpath / "docs" / "libraries.md").read_text(encoding="utf-8")


def test_the_example_turns_a_librarys_convention_into_pixels(page, monkeypatch):
    """With a library that knows the truth, in torch's coordinates by torch's own arithmetic."""
    pair = irgate_fixtures.pair("lena_affine_2d")

    def align(fixed, moving, kind):
        assert kind == "affine"
        height, width = fixed.shape
        half = np.array([(width - 1) / 2, (height - 1) / 2])
        matrix = pair.truth.matrix
        linear = matrix[:2, :2] * half / half[:, None]
        shift = (matrix[:2, :2] @ half + matrix[:2, 2] - half) / half
        return np.column_stack([linear, shift])

    library = ModuleType("my_library")
    library.align = align
    monkeypatch.setitem(sys.modules, "my_library", library)
    (example,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert len([line for line in example.splitlines() if line.strip()]) <= 10
    written = {}
    exec(example, written)
    answer, _ = Solver.of(written["register"]).solve(pair.fixed, pair.moving, model="affine")
    np.testing.assert_allclose(answer.matrix, pair.truth.matrix, atol=1e-9)


def test_every_helper_that_it_names_is_there(page):
    helpers = page.partition("## An adapter")[2].partition("## Conventions")[0]
    called = set(re.findall(r"`(\w+)\(", helpers)) | set(re.findall(r"`(\w+_\w+)`", helpers))
    called -= {"grid_sample", "irgate_battery"}
    assert len(called) >= 12
    for name in called:
        assert hasattr(irgate_battery, name), name


def test_it_speaks_of_every_adapter(page):
    # The comparison is made by a command; what a hand has written stands before and after it.
    by_hand = re.sub(r"<!-- comparison: begin -->.*<!-- comparison: end -->", "", page, flags=re.S)
    assert by_hand != page
    for name in ADAPTERS:
        assert f"`{name}`" in by_hand, name
