"""The program that a solver lives in: it resolves a SPEC, and answers the judge's calls.

    python -m pytest_irgate.host '{"spec": "mine.py:register", "folder": "/home", ...}'

It speaks `irgate_battery.interface.wire` on what were its standard streams. The solver gets an
empty input, and its output goes where the judge's goes. Nothing of the truth is imported here.
"""

from __future__ import annotations

import contextlib
import faulthandler
import gc
import io
import json
import os
import sys
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

from irgate_battery.interface import linux
from irgate_battery.interface.call import Outcome
from irgate_battery.interface.declaration import Declaration, NotASolver
from irgate_battery.interface.perform import perform, raised
from irgate_battery.interface.process_state import working_directory
from irgate_battery.interface.wire import PROTOCOL, encoded, read_call, write_outcome
from pytest_irgate.spec import resolve


def main(order: dict[str, Any]) -> None:
    """Serve until the judge closes its side.

    Args:
        order: the solver's `spec`, the `folder` of a relative path in it, the judge's module `path`
            and process number `judge`, `stdout`, a file descriptor or `None`, and a program's
            `format`, `convention` and `scratch` folder.
    """
    asked, answers = _streams(order["stdout"])
    _belong_to(order["judge"])
    sys.breakpointhook = _no_terminal
    sys.argv = ["irgate"]
    sys.path[:] = order["path"]
    home = working_directory()
    line = asked.readline()
    if not line:
        return
    try:
        function: Any = resolve(
            order["spec"],
            Path(order["folder"]),
            file_format=order["format"],
            convention=order["convention"],
            scratch=Path(order["scratch"]),
        )
        declaration = Declaration.of(function)
    except NotASolver as error:
        _tell(answers, {"irgate": PROTOCOL, "error": str(error)})
        return
    _tell(answers, {"irgate": PROTOCOL, **declaration.to_dict()})
    while line := asked.readline():
        request = json.loads(line)
        call = read_call(request)
        try:
            outcome = perform(function, declaration.accepts, call, home)
        except KeyboardInterrupt as error:
            # Nobody can press Ctrl-C here.
            outcome = Outcome(raised=raised(error))
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError, AttributeError):
                stream.flush()
        _tell(answers, write_outcome(outcome, request, call.shape))
    # The memory goes with the process. To look through all that a library such as torch has made
    # for garbage takes half as long at the end as its import did.
    gc.freeze()


def _streams(stdout: int | None) -> tuple[BinaryIO, BinaryIO]:
    """Take the standard streams for the protocol, and give the solver others."""
    asked, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    empty = os.open(os.devnull, os.O_RDONLY)
    os.dup2(empty, 0)
    os.close(empty)
    os.dup2(2 if stdout is None else stdout, 1)
    if stdout is not None:
        os.close(stdout)
    sys.stdin = io.TextIOWrapper(os.fdopen(os.dup(0), "rb"))
    with contextlib.suppress(OSError, ValueError, RuntimeError):
        faulthandler.enable()
    return asked, answers


def _belong_to(judge: int) -> None:
    """End with the judge, take in what the solver leaves behind, and keep out of its memory.

    Where the system has no way to say so, the judge ends this process and its group all the same.
    """
    linux.die_with_parent()
    linux.adopt_orphans()
    # A solver that fills the memory must not take the judge with it.
    linux.go_first()
    linux.forgo_tracing()
    if os.name != "nt" and os.getppid() != judge:
        os._exit(1)


def _no_terminal(*arguments: Any, **keywords: Any) -> NoReturn:
    raise RuntimeError(
        "breakpoint() needs a terminal, which a solver in a process of its own has not: run with "
        "--irgate-isolation none -s"
    )


def _tell(answers: BinaryIO, line: dict[str, Any]) -> None:
    answers.write(encoded(line))
    answers.flush()


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
