"""Suite `battery`: the base fixtures under perturbations that tend to break a solver."""

import pytest

from irgate_battery import Case
from pytest_irgate.bench import Bench
from pytest_irgate.settings import settings_of

pytestmark = [pytest.mark.irgate, pytest.mark.irgate_battery]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make an item of each case that was asked for."""
    plan = settings_of(metafunc.config).plan
    metafunc.parametrize("case", plan.battery(), ids=lambda case: case.id)


def test_case(case: Case, irgate_bench: Bench) -> None:
    """Hold rmse <= 2 x oracle_rmse, finite, not escaped, and as near to the truth as it can be."""
    irgate_bench.case(case)
