"""Suite `recovery`: does the solver find its own optimum again when it starts beside it?"""

import pytest

from irgate_battery import Case, Plan, recovery_name
from pytest_irgate.bench import Bench

pytestmark = [pytest.mark.irgate, pytest.mark.irgate_recovery]


@pytest.mark.parametrize(
    ("case", "push"),
    [pytest.param(case, push, id=recovery_name(case, push)) for case, push in Plan().recovery()],
)
def test_recovers(case: Case, push: str, irgate_bench: Bench) -> None:
    """At least 9 of 10 pushed starts come back to within 1e-3 px."""
    irgate_bench.recovery(case, push)
