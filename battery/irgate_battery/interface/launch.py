"""From a SPEC to a solver that lives in a process of its own."""

import json
import os
import shlex
import sys
from pathlib import Path
from typing import Literal

from irgate_battery.interface.declaration import SERVED, SpecError
from irgate_battery.interface.printed import Printed
from irgate_battery.interface.process import STARTS_IN, SolverProcess, shared_folder
from irgate_battery.interface.program import FORMATS
from irgate_battery.interface.protocol import Solver
from irgate_battery.interface.transform_file import CONVENTIONS

HOST = "pytest_irgate.host"
"""The program that a Python solver lives in. It is run, not imported."""


def process_of(
    spec: str,
    base: Path,
    *,
    prints_to: Literal["stdout", "stderr"] = "stdout",
    file_format: str = FORMATS[0],
    convention: str = CONVENTIONS[0],
    starts_in: float = STARTS_IN,
) -> SolverProcess:
    """Start the process of a SPEC; it loads the solver while the caller does something else.

    Args:
        spec: as on the command line.
        base: the folder from which a relative path in it starts.
        prints_to: the judge's stream on which the solver's prints are shown; "stderr" where they
            stand beside the report, and get a bar before each line.
        file_format, convention: of a program's images and answers, see `Program`.
        starts_in: seconds in which it must be loaded.
    Raises: SpecError, in one line.
    """
    # A SPEC that cannot be read is refused before anything is opened for it.
    served = command_of(spec, base) if spec.startswith(SERVED) else None
    bar = "| " if prints_to == "stderr" else ""
    printed = Printed(prints_to, bar), Printed("stderr", bar)
    folder = shared_folder()
    if served is not None:
        return SolverProcess(
            served,
            spec,
            folder=folder,
            printed=printed,
            program_in=base.absolute(),
            starts_in=starts_in,
        )
    order = {
        "spec": spec,
        "folder": str(base.absolute()),
        # Other kinds of entries stand there by mistake, and Python passes over them.
        "path": [entry for entry in sys.path if isinstance(entry, str)],
        "judge": os.getpid(),
        # Windows hands no descriptors down; there it prints to standard error.
        "stdout": None if os.name == "nt" else printed[0].fileno(),
        "scratch": str(folder),
        "format": file_format,
        "convention": convention,
    }
    # -P: a numpy.py in the working directory is the user's and not ours.
    command = [sys.executable, "-P", "-m", HOST, json.dumps(order)]
    return SolverProcess(command, spec, folder=folder, printed=printed, starts_in=starts_in)


def launched(process: SolverProcess) -> Solver:
    """Return the solver that a process serves, once it is loaded. Raises: NotASolver."""
    return Solver(process, process.declaration())


def command_of(spec: str, base: Path) -> list[str]:
    """Return the program and the arguments of a SPEC `serve:PROGRAM ARGS`. Raises: SpecError."""
    kind, _, text = spec.partition(":")
    try:
        command = shlex.split(text)
    except ValueError as error:
        raise SpecError(f"{spec}: {error}; expected {kind}:PROGRAM ARGUMENTS") from None
    if not command:
        raise SpecError(f"{spec}: no program is named; expected {kind}:PROGRAM ARGUMENTS")
    if os.sep in command[0]:
        command[0] = str(base / command[0])
    return command
