"""The solver of one pytest run: what its SPEC names, imported once and kept in the stash."""

import pytest

from pytest_irgate.run_options import run_options_of
from pytest_irgate.spec import SpecError, resolve

RESOLVED = pytest.StashKey[object]()


def solver_of(config: pytest.Config) -> object:
    """Return the callable that this run's SPEC names, imported once.

    Raises: pytest.UsageError, in one line, where there is none or it is no solver.
    """
    if RESOLVED not in config.stash:
        options = run_options_of(config)
        try:
            config.stash[RESOLVED] = resolve(options.solver, options.solver_base)
        except SpecError as error:
            raise pytest.UsageError(f"--irgate-solver {error}") from None
    return config.stash[RESOLVED]
