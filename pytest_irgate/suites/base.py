"""Suite `base`: the five base fixtures, over which the hard gate stands."""

import pytest

from irgate_battery import Case, base_cases
from pytest_irgate.bench import Bench

pytestmark = [pytest.mark.irgate, pytest.mark.irgate_base]


@pytest.mark.parametrize("case", base_cases(), ids=lambda case: case.id)
def test_case(case: Case, irgate_bench: Bench) -> None:
    """Hold rmse <= 1.1 x oracle_rmse + 1e-4, finite, not escaped."""
    irgate_bench.case(case)
