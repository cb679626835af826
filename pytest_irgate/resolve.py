"""The solver of one pytest run: what its SPEC names, started once and kept in the stash."""

import pytest

from irgate_battery.interface.declaration import NotASolver, SpecError
from irgate_battery.interface.launch import launched, process_of
from irgate_battery.interface.outside_text import one_line
from irgate_battery.interface.process import SolverProcess
from pytest_irgate.run_options import run_options_of
from pytest_irgate.spec import resolve

RESOLVED = pytest.StashKey[object]()
PROCESS = pytest.StashKey[SolverProcess]()


def begin(config: pytest.Config) -> None:
    """Start the solver's process, if it is to have one: it loads while the judge prepares.

    Raises: pytest.UsageError, in one line.
    """
    options = run_options_of(config)
    if options.isolation == "none" or PROCESS in config.stash:
        return
    try:
        process = process_of(
            options.solver,
            options.solver_base,
            file_format=options.format,
            convention=options.convention,
        )
    except SpecError as error:
        raise pytest.UsageError(f"--irgate-solver {error}") from None
    config.stash[PROCESS] = process
    config.add_cleanup(process.close)


def solver_of(config: pytest.Config) -> object:
    """Return the solver that this run's SPEC names: in a process of its own, or the callable.

    Raises: pytest.UsageError, in one line, where there is none or it is no solver.
    """
    if RESOLVED not in config.stash:
        options = run_options_of(config)
        begin(config)
        process = config.stash.get(PROCESS, None)
        try:
            config.stash[RESOLVED] = (
                resolve(
                    options.solver,
                    options.solver_base,
                    file_format=options.format,
                    convention=options.convention,
                )
                if process is None
                else launched(process)
            )
        except NotASolver as error:
            raise pytest.UsageError(f"--irgate-solver {one_line(str(error))}") from None
    return config.stash[RESOLVED]


def rest(config: pytest.Config) -> None:
    """End the solver's process until it is asked again."""
    process = config.stash.get(PROCESS, None)
    if process is not None:
        process.rest()
