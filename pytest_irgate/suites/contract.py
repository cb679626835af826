"""Suite `contract`: does the solver speak the protocol, whatever its accuracy?"""

import pytest

from pytest_irgate.bench import Bench

pytestmark = [pytest.mark.irgate, pytest.mark.irgate_contract]


def test_output_form(irgate_bench: Bench) -> None:
    """A finite transform of a known form comes back."""
    irgate_bench.check("output_form")


def test_direction(irgate_bench: Bench) -> None:
    """It maps points of the fixed image to points of the moving image."""
    irgate_bench.check("direction")


def test_axis_order(irgate_bench: Bench) -> None:
    """Points are (x, y), the column first."""
    irgate_bench.check("axis_order")


def test_input_unchanged(irgate_bench: Bench) -> None:
    """The images are the same afterwards."""
    irgate_bench.check("input_unchanged")


def test_repeatable(irgate_bench: Bench) -> None:
    """Two calls give one answer."""
    irgate_bench.check("repeatable")


def test_identity(irgate_bench: Bench) -> None:
    """An image registered to itself stays where it is."""
    irgate_bench.check("identity")


def test_family(irgate_bench: Bench) -> None:
    """A matrix lies in the family that was asked for."""
    irgate_bench.check("family")


def test_brightness(irgate_bench: Bench) -> None:
    """Told that brightness varies, it does not care."""
    irgate_bench.check("brightness")


def test_prints_nothing(irgate_bench: Bench) -> None:
    """Standard output is left to the caller."""
    irgate_bench.check("prints_nothing")


def test_global_state_unchanged(irgate_bench: Bench) -> None:
    """Global random generators and default dtypes are left as they were found."""
    irgate_bench.check("global_state_unchanged")
