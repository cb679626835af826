"""`irgate report`: one run or several as one HTML page that opens from disk."""

import argparse
from pathlib import Path
from typing import Any

from pytest_irgate.command.usage import UsageError, read_text
from pytest_irgate.output_file import OutputFileError, refuse_page, write_page


def add_to(subcommands: Any) -> None:
    """Add this subcommand to the parser."""
    parser = subcommands.add_parser(
        "report",
        help="a run, or several side by side, as one HTML page",
        description="Write one HTML page from JSON reports that `irgate check --json` or `pytest "
        "--irgate --irgate-json` wrote: verdict, diagnosis, failures, charts, a table of all "
        "cases, and for each case its images, warped in the browser. It needs no network and no "
        "other file. Several reports stand side by side, case by case.",
    )
    parser.add_argument("reports", nargs="+", type=Path, metavar="REPORT", help="a JSON report")
    parser.add_argument("--output", "-o", type=Path, metavar="FILE", required=True, help="the page")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Write the page. Raises: UsageError."""
    from irgate_battery.report.comparison.side_by_side import NotComparableError
    from irgate_battery.report.page.page import page_of
    from irgate_battery.report.page.saved_run import SavedRun
    from irgate_battery.report.saved_report import SavedReportError

    output = arguments.output
    try:
        runs = [SavedRun.read(read_text(path), str(path)) for path in arguments.reports]
        refuse_page(output)
        write_page(output, page_of(runs))
    except (SavedReportError, NotComparableError) as error:
        raise UsageError(str(error)) from None
    except OutputFileError as error:
        raise UsageError(f"--output {error}") from None
    print(f"wrote {output}: {output.stat().st_size / 1e6:.1f} MB")
    return 0
