"""Wrong usage of the command: one line that says what came and what was expected, status 4."""

import argparse
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

EXIT_INTERRUPTED = 2
EXIT_USAGE = 4
"""As pytest's: a run that could not begin or did not end is not a solver that failed."""


class Wrong(Exception):
    """What was asked for cannot be done; the message is one line."""


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line and exit with status 4."""

    def __init__(self, **settings: Any) -> None:
        # An abbreviation that works today is another option's tomorrow.
        super().__init__(**{"allow_abbrev": False, **settings})

    def error(self, message: str) -> NoReturn:
        """End with one line."""
        self.exit(EXIT_USAGE, f"{self.prog}: {message} (see {self.prog} --help)\n")


def flush() -> None:
    """Write out what was printed; a process that was started without standard output has none."""
    if sys.stdout is not None:
        sys.stdout.flush()


def read_text(path: Path) -> str:
    """Return a file's text. Raises: Wrong, in one line."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise Wrong(f"{path}: {_why(error)}") from None
    except UnicodeDecodeError:
        raise Wrong(f"{path}: not a text file; expected a JSON report") from None


def write_text(path: Path, text: str, name: Path | None = None) -> None:
    """Write a file. Raises: Wrong, in one line that calls it by this name, or by its path."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise Wrong(f"{name or path}: it cannot be written: {_why(error)}") from None


def suite_or_fuzz_names(text: str) -> tuple[str, ...]:
    """Read a list of suites, those that need pytest among them, for argparse."""
    from irgate_battery import SUITES

    return _known(text, names(text), (*SUITES, "fuzz"))


def _known(text: str, named: tuple[str, ...], known: tuple[str, ...]) -> tuple[str, ...]:
    """Return the suites that are named, in the order in which they run."""
    unknown = [name for name in named if name not in known]
    if unknown:
        raise argparse.ArgumentTypeError(
            f"{text}: no suite {unknown[0]!r}; there are {', '.join(known)}"
        )
    return tuple(suite for suite in known if suite in named)


def clear_report(path: Path) -> None:
    """Take an earlier run's report away, so that it cannot be read as this run's.

    Raises: Wrong where one could not be written there.
    """
    if path.is_dir():
        raise Wrong(f"--json {path}: that is a folder; name a file")
    try:
        path.touch()
        path.unlink()
    except OSError as error:
        raise Wrong(f"--json {path}: it cannot be written: {_why(error)}") from None


def solver_of(spec: str) -> object:
    """Return the solver that a SPEC names; modules are looked for in this folder too.

    Raises: Wrong, in one line.
    """
    # What is ours is imported before: a numpy.py in this folder is the user's and not ours.
    from pytest_irgate.spec import SpecError, resolve

    here = Path.cwd()
    if str(here) not in sys.path:
        sys.path.insert(0, str(here))
    try:
        return resolve(spec, here)
    except SpecError as error:
        raise Wrong(str(error)) from None


def _why(error: OSError) -> str:
    return error.strerror or type(error).__name__


def names(text: str) -> tuple[str, ...]:
    """Read a comma-separated list, for argparse."""
    named = tuple(name.strip() for name in text.split(",") if name.strip())
    if not named:
        raise argparse.ArgumentTypeError(f"{text!r}: expected names, comma-separated")
    return named


def suite_names(text: str) -> tuple[str, ...]:
    """Read a comma-separated list of suites that run without pytest, for argparse."""
    from irgate_battery import PAIR, SUITES

    named = names(text)
    if "fuzz" in named:
        raise argparse.ArgumentTypeError(
            f"{text}: the fuzz suite needs pytest: pytest --irgate --irgate-fuzz N"
        )
    return _known(text, named, (*SUITES, PAIR))


def add_seed(parser: argparse.ArgumentParser) -> None:
    """Add the option that says what is drawn."""
    parser.add_argument(
        "--seed",
        type=_whole_number(0),
        default=0,
        metavar="N",
        help="what the battery is drawn with (default: 0)",
    )


def add_draw_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that say which battery."""
    add_seed(parser)
    parser.add_argument(
        "--cases",
        type=_whole_number(1),
        default=50,
        metavar="N",
        help="how many battery cases; over 50 more are drawn (default: 50)",
    )


def add_run_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of a run: which battery, which oracle, how long a call may take."""
    add_draw_options(parser)
    parser.add_argument(
        "--oracle",
        choices=("auto", "stored", "live"),
        default="auto",
        metavar="MODE",
        help="auto: stored SimpleITK results, else computed; stored: never compute; live: compute "
        "all anew (default: auto)",
    )
    add_timeout(parser)


def add_timeout(parser: argparse.ArgumentParser) -> None:
    """Add the option that says how long a call of the solver may take."""
    parser.add_argument(
        "--timeout",
        type=_seconds,
        default=300.0,
        metavar="SECONDS",
        help="limit for each call of the solver, 0 for none (default: 300)",
    )


def _whole_number(least: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not text.isascii() or not text.isdigit() or int(text) < least:
            raise argparse.ArgumentTypeError(f"{text}: expected a whole number of {least} or more")
        return int(text)

    return read


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= threading.TIMEOUT_MAX:
        raise argparse.ArgumentTypeError(
            f"{text}: expected seconds, a number from 0 (no limit) to {threading.TIMEOUT_MAX:.0f}"
        )
    return seconds
