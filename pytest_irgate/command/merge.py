"""`irgate merge`: parts of one run, judged on several machines, as one report."""

import argparse
import sys
from pathlib import Path
from typing import Any

from pytest_irgate.command import colour
from pytest_irgate.command.usage import UsageError, read_text
from pytest_irgate.output_file import OutputFileError, clear_report, write_report


def add_to(subcommands: Any) -> None:
    """Add this subcommand to the parser."""
    parser = subcommands.add_parser(
        "merge",
        help="parts of one run as one report",
        description="Put the JSON reports of parts of one run together: same battery, seed and "
        "solver, no item in two parts. Verdicts are evaluated anew over all rows; an item that no "
        "part has is missing, and fails. Exit status: that of the whole run.",
    )
    parser.add_argument("parts", nargs="+", type=Path, metavar="PART", help="a JSON report")
    parser.add_argument(
        "--output", "-o", type=Path, metavar="FILE", required=True, help="the whole run's report"
    )
    parser.add_argument(
        "--quiet", "-q", action="store_true", help="print the last line of the report only"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Merge. Raises: UsageError."""
    from irgate_battery.cases.own_pairs import PairError
    from irgate_battery.report.last_line import as_it_ended
    from irgate_battery.report.merging import NotMergeableError, merged
    from irgate_battery.report.saved_report import SavedReport, SavedReportError

    try:
        parts = [SavedReport.read(read_text(path), str(path)) for path in arguments.parts]
        report = merged(parts)
        clear_report(arguments.output)
        write_report(arguments.output, report.to_json())
    except (SavedReportError, NotMergeableError, PairError) as error:
        raise UsageError(str(error)) from None
    except OutputFileError as error:
        raise UsageError(f"--output {error}") from None
    paint = colour.paint_for(sys.stdout)
    last = as_it_ended(report.last(), report.exit_status)
    lines = [last] if arguments.quiet else [*report.lines(colour.width())[:-1], last]
    for line in lines:
        print(paint(line.text, line.tone))
    return report.exit_status
