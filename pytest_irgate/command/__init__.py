"""The command `irgate`: its subcommands, and how each ends."""

import argparse
import io
import os
import sys
from collections.abc import Sequence

from pytest_irgate import __version__
from pytest_irgate.command import (
    badge,
    check,
    compare,
    init,
    listing,
    merge,
    pack,
    report,
    show,
    site,
)
from pytest_irgate.command.usage import EXIT_INTERRUPTED, EXIT_USAGE, Parser, UsageError, flush

EPILOG = """\
examples:
  irgate check mine.py:register --json mine.json
  irgate compare a.json b.json --cases
  irgate report a.json b.json -o page.html
  irgate list --suite battery
  irgate show lena_affine_2d-rot75 --solver mine.py:register -o mine.png
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one subcommand.

    Args:
        argv: arguments; those of the process if not given.
    Returns: the exit status, with pytest's meanings: 0 passed, 1 failed, 2 interrupted, 4 wrong
        usage.

    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A solver's name may have letters that this terminal's encoding has not.
        sys.stdout.reconfigure(errors="backslashreplace")
    parser = parser_of_all()
    arguments = parser.parse_args(argv)
    if arguments.run is None:
        parser.print_help()
        return EXIT_USAGE
    arguments.ends_process = argv is None
    try:
        status: int = arguments.run(arguments)
        flush()
    except UsageError as error:
        print(f"irgate {arguments.subcommand}: {error}", file=sys.stderr)
        return EXIT_USAGE
    except KeyboardInterrupt:
        print(f"irgate {arguments.subcommand}: interrupted", file=sys.stderr)
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # `irgate compare ... | head`: the reader has had enough. Python flushes once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return status


def parser_of_all() -> argparse.ArgumentParser:
    """Return the parser with all subcommands."""
    parser = Parser(
        prog="irgate",
        description="Does a 2-D image registration do what SimpleITK does, and if not, what is "
        "wrong with it?",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"irgate {__version__}")
    parser.set_defaults(run=None)
    subcommands = parser.add_subparsers(
        title="subcommands", metavar="SUBCOMMAND", dest="subcommand"
    )
    for module in (check, init, pack, report, compare, merge, badge, site, listing, show):
        module.add_to(subcommands)
    return parser
