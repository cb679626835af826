"""Suite `gradient`: is autograd through the solver the derivative of what it computes?"""

import pytest

from irgate_battery import Case, base_cases
from pytest_irgate.bench import Bench

pytestmark = [pytest.mark.irgate, pytest.mark.irgate_gradient]


@pytest.mark.parametrize("case", base_cases(), ids=lambda case: case.id)
def test_gradient(case: Case, irgate_bench: Bench) -> None:
    """Autograd to fixed and to moving exists and agrees with central differences."""
    irgate_bench.gradient(case)
