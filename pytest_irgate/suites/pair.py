"""Suite `pair`: the user's own images, held against SimpleITK, without a truth."""

import pytest

from irgate_battery import OwnPair
from pytest_irgate.bench import Bench
from pytest_irgate.settings import settings_of

pytestmark = [pytest.mark.irgate, pytest.mark.irgate_pair]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make an item of each pair that was named."""
    pairs = settings_of(metafunc.config).plan.pairs
    metafunc.parametrize("pair", pairs, ids=lambda pair: pair.id)


def test_case(pair: OwnPair, irgate_bench: Bench) -> None:
    """Hold rmse <= 1.1 x oracle_rmse + 1e-4, finite, not escaped, where that can be decided."""
    irgate_bench.pair(pair)
