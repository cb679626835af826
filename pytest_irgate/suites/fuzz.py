"""Suite `fuzz`: properties that registration has on every pair, on drawn ones."""

import pytest

from pytest_irgate.bench import Bench
from pytest_irgate.properties import PROPERTIES, Property

pytestmark = [pytest.mark.irgate, pytest.mark.irgate_fuzz]


@pytest.mark.parametrize("asked", PROPERTIES, ids=lambda asked: asked.name)
def test_property(asked: Property, irgate_bench: Bench) -> None:
    """No drawn problem breaks the property; one that does is shrunk and can be replayed."""
    irgate_bench.fuzz(asked)
