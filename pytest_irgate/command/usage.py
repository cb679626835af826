"""Wrong usage of the command: one line that says what came and what was expected, status 4."""

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from irgate_battery.interface.outside_text import one_line, said_by
from irgate_battery.suites.registry import REGISTRY, suites
from pytest_irgate.option_values import ECHOED, BadValueError, seconds, whole_number
from pytest_irgate.options import PROGRAM_CONVENTIONS, PROGRAM_FORMATS, option

if TYPE_CHECKING:
    from irgate_battery.cases.packs import Pack
    from irgate_battery.interface.protocol import Solver

EXIT_INTERRUPTED = 2
EXIT_USAGE = 4
"""As pytest's: a run that could not begin or did not end is not a solver that failed."""


class UsageError(Exception):
    """What was asked for cannot be done; the message is one line."""

    def __init__(self, message: str) -> None:
        super().__init__(one_line(message))


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line and exit with status 4."""

    def __init__(self, **keywords: Any) -> None:
        # An abbreviation that works today is another option's tomorrow.
        super().__init__(**{"allow_abbrev": False, **keywords})

    def error(self, message: str) -> NoReturn:
        """End with one line."""
        self.exit(EXIT_USAGE, f"{self.prog}: {message} (see {self.prog} --help)\n")


def flush() -> None:
    """Write out what was printed; a process that was started without standard output has none."""
    if sys.stdout is not None:
        sys.stdout.flush()


def read_text(path: Path) -> str:
    """Return a file's text. Raises: UsageError, in one line."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or type(error).__name__}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path}: not a text file; expected a JSON report") from None
    except ValueError as error:
        raise UsageError(f"{path}: {said_by(error)}") from None


@contextmanager
def opened(
    spec: str,
    isolation: str = "process",
    *,
    file_format: str = PROGRAM_FORMATS[0],
    convention: str = PROGRAM_CONVENTIONS[0],
) -> Iterator["Solver"]:
    """Open the solver that a SPEC names; modules are looked for in this folder too.

    Args:
        spec: as on the command line.
        isolation: `"process"`, or `"none"` for this one.
        file_format, convention: of a program's images and answers.
    Raises: UsageError, in one line.
    """
    # What is ours is imported before: a numpy.py in this folder is the user's and not ours.
    from irgate_battery.interface.declaration import NotASolver
    from irgate_battery.interface.launch import launched, process_of
    from irgate_battery.interface.protocol import Solver
    from pytest_irgate.spec import resolve

    here = Path.cwd()
    if str(here) not in sys.path:
        sys.path.insert(0, str(here))
    with ExitStack() as stack:
        try:
            if isolation == "none":
                solver = Solver.of(
                    resolve(spec, here, file_format=file_format, convention=convention)
                )
            else:
                # What it prints is not the report's.
                process = process_of(
                    spec,
                    here,
                    prints_to="stderr",
                    file_format=file_format,
                    convention=convention,
                )
                stack.callback(process.close)
                solver = launched(process)
        except NotASolver as error:
            raise UsageError(str(error)) from None
        yield solver


def names(text: str) -> tuple[str, ...]:
    """Read a comma-separated list, for argparse."""
    named = tuple(name.strip() for name in text.split(",") if name.strip())
    if not named:
        raise argparse.ArgumentTypeError(f"{text!r}: expected names, comma-separated")
    return named


def suite_names(text: str) -> tuple[str, ...]:
    """Read a list of suites whose items can be listed, for argparse."""
    listed = [suite.name for suite in suites() if suite.has_truth or not suite.own_data]
    return _known_suites(text, listed)


def command_suite_names(text: str) -> tuple[str, ...]:
    """Read a list of suites that run without pytest, for argparse."""
    for entry in REGISTRY:
        if entry.name in names(text) and not entry.in_command:
            raise argparse.ArgumentTypeError(
                f"{text}: the {entry.name} suite needs pytest: pytest --irgate "
                f"{option(entry.given_by or entry.name).flag} N"
            )
    return _known_suites(text, [entry.name for entry in REGISTRY if entry.in_command])


def _known_suites(text: str, known: Sequence[str]) -> tuple[str, ...]:
    named = names(text)
    unknown = [name for name in named if name not in known]
    if unknown:
        raise argparse.ArgumentTypeError(
            f"{text}: no suite {unknown[0]!r}; there are {', '.join(known)}"
        )
    return tuple(name for name in known if name in named)


def add_option(parser: argparse.ArgumentParser, name: str, **keywords: Any) -> None:
    """Add an option of the table: its help, its kind of value and its default."""
    known = option(name)
    settled: dict[str, Any] = {"help": known.command_help}
    match known.kind:
        case "flag":
            settled["action"] = "store_true"
        case "list":
            settled |= {"action": "append", "default": [], "metavar": known.metavar}
        case "whole number":
            read = _reader(lambda text: whole_number(text, known.least, known.most))
            settled |= {"type": read, "default": known.default, "metavar": known.metavar}
        case "seconds":
            # 0 stands for no limit, as it is written.
            read = _reader(lambda text: seconds(text) or 0.0)
            default = float(known.default or 0)
            settled |= {"type": read, "default": default, "metavar": known.metavar}
        case _:
            settled |= {"default": known.default, "metavar": known.metavar}
    parser.add_argument(f"--{known.name}", **{**settled, **keywords})


def packs_of(texts: Sequence[str]) -> tuple["Pack", ...]:
    """Read the packs of an option's texts; their images are not. Raises: UsageError."""
    from irgate_battery.cases.pack_values import PackError
    from irgate_battery.cases.packs import read_packs
    from pytest_irgate.packs import folder_of

    try:
        return read_packs([folder_of(text, Path.cwd()) for text in texts])
    except PackError as error:
        raise UsageError(f"--pack {error}") from None


def add_draw_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that say which battery."""
    add_option(parser, "seed")
    add_option(parser, "cases")


def _reader(read: Callable[[str], float]) -> Callable[[str], float]:
    """Return what reads a number for argparse."""

    def number(text: str) -> float:
        try:
            return read(text)
        except BadValueError as error:
            raise argparse.ArgumentTypeError(f"{one_line(text, ECHOED)}: {error}") from None

    return number
