"""Wrong usage of the command: one line that says what came and what was expected, status 4."""

import argparse
from pathlib import Path
from typing import Any, NoReturn

EXIT_USAGE = 4
"""As pytest's: a run that could not begin is not a solver that failed."""


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


def read_text(path: Path) -> str:
    """Return a file's text. Raises: Wrong, in one line."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise Wrong(f"{path}: {_why(error)}") from None
    except UnicodeDecodeError:
        raise Wrong(f"{path}: not a text file; expected a JSON report") from None


def write_text(path: Path, text: str) -> None:
    """Write a file. Raises: Wrong, in one line."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise Wrong(f"{path}: it cannot be written: {_why(error)}") from None


def _why(error: OSError) -> str:
    return error.strerror or type(error).__name__


def names(text: str) -> tuple[str, ...]:
    """Read a comma-separated list, for argparse."""
    named = tuple(name.strip() for name in text.split(",") if name.strip())
    if not named:
        raise argparse.ArgumentTypeError(f"{text!r}: expected names, comma-separated")
    return named


def suite_names(text: str) -> tuple[str, ...]:
    """Read a comma-separated list of suites that this version has, for argparse."""
    from irgate_battery import SUITES

    named = names(text)
    unknown = [name for name in named if name not in SUITES]
    if unknown:
        raise argparse.ArgumentTypeError(
            f"{text}: no suite {unknown[0]!r}; there are {', '.join(SUITES)}"
        )
    return tuple(suite for suite in SUITES if suite in named)
