"""`irgate site`: a static leaderboard from folders of reports, each judged anew."""

import argparse
from pathlib import Path
from typing import Any

from pytest_irgate.command.usage import UsageError
from pytest_irgate.output_file import OutputFileError, write_whole

MARK = "site.css"
"""A folder that holds this is a site, and may be written over."""


def add_to(subcommands: Any) -> None:
    """Add this subcommand to the parser."""
    parser = subcommands.add_parser(
        "site",
        help="a static leaderboard from folders of reports",
        description="Make a static site from JSON reports, NAME/VERSION.json below a folder: a "
        "table of all solvers, a page for each with its history, a page for each case with all "
        "solvers' pictures. Stored transforms are judged anew, so that an entry is checked and "
        "not believed.",
    )
    parser.add_argument("folder", type=Path, metavar="DIR", help="with NAME/VERSION.json in it")
    parser.add_argument(
        "--output", "-o", type=Path, metavar="OUT", required=True, help="the site's folder"
    )
    parser.add_argument("--title", metavar="TEXT", help="what its pages are called")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Make it. Raises: UsageError."""
    from irgate_battery.report.comparison.side_by_side import NotComparableError
    from irgate_battery.report.saved_report import SavedReportError
    from irgate_battery.report.site.entries import EntryError
    from irgate_battery.report.site.site import DEFAULT_TITLE, site

    output = arguments.output
    if output.exists() and not (output.is_dir() and _is_ours(output)):
        raise UsageError(
            f"--output {output}: what stands there is no site of ours, and is left as it is; name "
            "an empty or a new folder"
        )
    files = size = 0
    try:
        for each in site(arguments.folder, arguments.title or DEFAULT_TITLE):
            path = output / each.path
            path.parent.mkdir(parents=True, exist_ok=True)
            content = each.content.encode() if isinstance(each.content, str) else each.content
            write_whole(path, content)
            files, size = files + 1, size + len(content)
    except (EntryError, SavedReportError, NotComparableError) as error:
        raise UsageError(str(error)) from None
    except OutputFileError as error:
        raise UsageError(f"--output {error}") from None
    except OSError as error:
        raise UsageError(f"--output {output}: {error.strerror or error}") from None
    print(f"{output / 'index.html'}: {files} files, {size / 1e6:.1f} MB")
    return 0


def _is_ours(folder: Path) -> bool:
    return (folder / MARK).is_file() or not any(folder.iterdir())
