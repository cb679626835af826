"""`irgate badge`: what a report says, as a picture for a README."""

import argparse
from pathlib import Path
from typing import Any

from pytest_irgate.command.usage import UsageError, read_text
from pytest_irgate.output_file import OutputFileError, write_whole

FORMATS = (".svg", ".json")


def add_to(subcommands: Any) -> None:
    """Add this subcommand to the parser."""
    parser = subcommands.add_parser(
        "badge",
        help="what a report says, as a picture for a README",
        description="Draw a badge from a JSON report: green where every item passed and the hard "
        "gate holds, red where not, grey where that was not evaluated.",
    )
    parser.add_argument("report", type=Path, metavar="REPORT", help="a JSON report")
    parser.add_argument(
        "--output",
        "-o",
        type=Path,
        metavar="FILE",
        required=True,
        help="the badge: .svg, or .json for the endpoint of a badge service",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Draw. Raises: UsageError."""
    from irgate_battery.report.badge import Badge
    from irgate_battery.report.saved_report import SavedReport, SavedReportError

    kind = arguments.output.suffix.lower()
    if kind not in FORMATS:
        raise UsageError(f"--output {arguments.output}: expected a name that ends in .svg or .json")
    try:
        badge = Badge.of(SavedReport.read(read_text(arguments.report), str(arguments.report)))
        write_whole(arguments.output, badge.svg() if kind == ".svg" else badge.endpoint())
    except SavedReportError as error:
        raise UsageError(str(error)) from None
    except OutputFileError as error:
        raise UsageError(f"--output {error}") from None
    print(f"{arguments.output}: {badge.message}")
    return 0
