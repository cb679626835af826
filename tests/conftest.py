"""What the tests of all four packages share."""

from pathlib import Path

import pytest

pytest_plugins = ["pytester"]


@pytest.fixture(scope="session")
def solvers() -> Path:
    """The folder of example solvers, good and broken, one a file."""
    return Path(__file__).with_name("solvers")
