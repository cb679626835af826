"""`irgate compare`: solvers side by side, from their JSON reports."""

import argparse
import re
import sys
import textwrap
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from irgate_battery.report.comparison.rules import DEFAULT_RULES
from pytest_irgate.command import baseline, colour
from pytest_irgate.command.usage import UsageError, names, read_text
from pytest_irgate.output_file import OutputFileError, write_whole

if TYPE_CHECKING:
    from irgate_battery.report.comparison.side_by_side import Comparison
    from irgate_battery.report.saved_report import SavedReport


SIGNS = {
    r"\*": "* best of its row",
    r" \(\d": "(x) over fewer cases than others, not ranked",
    r" -( |$)": "- not there",
}
"""What a cell may carry besides its figure, as a pattern, and what that means."""


def add_to(subcommands: Any) -> None:
    """Add this subcommand to the parser."""
    parser = subcommands.add_parser(
        "compare",
        help="solvers side by side, from their JSON reports",
        description="Show solvers side by side, and beside the oracle, from JSON reports that "
        "`irgate check --json` or `pytest --irgate --irgate-json` wrote. The best of a row is "
        "marked with *; a figure in parentheses stands over fewer cases than its neighbours. With "
        "--baseline: what changed against an earlier run. Exit status: 0, 1 where something is "
        "worse than the baseline, 4 wrong usage.",
    )
    parser.add_argument("reports", nargs="+", type=Path, metavar="REPORT", help="a JSON report")
    parser.add_argument("--cases", action="store_true", help="add a table with a row for each case")
    parser.add_argument(
        "--ratio",
        action="store_true",
        help="show for a case the ratio to the oracle's RMSE, not the distance to the truth",
    )
    parser.add_argument(
        "--suite", type=names, metavar="LIST", help="only these suites, comma-separated"
    )
    parser.add_argument("--markdown", action="store_true", help="write GitHub Markdown")
    parser.add_argument(
        "--baseline",
        type=Path,
        metavar="OLD",
        help="a JSON report of an earlier run: show only what changed, and exit with 1 where "
        "something is worse by the rules of --fail-on",
    )
    parser.add_argument(
        "--fail-on",
        metavar="RULES",
        help=f"what is worse than the baseline (default: {DEFAULT_RULES.replace('%', '%%')}): "
        "status (what passed passes), FIGURE:20%%, FIGURE:0.005, or FIGURE:20%%+0.005 for both "
        "at once",
    )
    parser.add_argument("--output", type=Path, metavar="FILE", help="write there, not to stdout")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Compare. Raises: UsageError."""
    from irgate_battery.report.comparison.side_by_side import NotComparableError, compare
    from irgate_battery.report.saved_report import SavedReport, SavedReportError

    if arguments.fail_on is not None and arguments.baseline is None:
        raise UsageError("--fail-on: no baseline is named; add --baseline OLD.json")
    try:
        reports = [SavedReport.read(read_text(path), str(path)) for path in arguments.reports]
        if arguments.baseline is not None:
            path = arguments.baseline
            old = SavedReport.read(read_text(path), str(path))
            return _against(old, reports, arguments)
        compared = compare(reports, arguments.suite, ratios=arguments.ratio)
    except (SavedReportError, NotComparableError) as error:
        raise UsageError(str(error)) from None
    cases = arguments.cases or arguments.ratio
    to_file = arguments.output is not None
    lines = _markdown(compared, cases) if arguments.markdown else _text(compared, cases, to_file)
    _show(lines, arguments.output)
    return 0


def _against(
    old: "SavedReport", reports: Sequence["SavedReport"], arguments: argparse.Namespace
) -> int:
    """Show what changed against a baseline. Raises: UsageError."""
    if arguments.cases or arguments.ratio or arguments.suite:
        raise UsageError(
            "--baseline: --cases, --ratio and --suite are of the table; expected none of them"
        )
    found = baseline.against(old, reports, arguments.fail_on or DEFAULT_RULES)
    if arguments.markdown:
        lines = baseline.as_markdown(found)
    else:
        lines = baseline.as_text(found, to_file=arguments.output is not None)
    _show(lines, arguments.output)
    return int(any(each.is_worse for each in found))


def _show(lines: Iterable[str], output: Path | None) -> None:
    """Print, or write a file. Raises: UsageError."""
    text = "\n".join(lines) + "\n"
    if output is None:
        print(text, end="")
        return
    try:
        write_whole(output, text)
    except OutputFileError as error:
        raise UsageError(f"--output {error}") from None


def _text(compared: "Comparison", cases: bool, to_file: bool) -> Iterable[str]:
    from irgate_battery.report.comparison.case_by_case import LETTERS
    from irgate_battery.report.comparison.table_model import as_text

    width = colour.width()
    paint = (lambda text, tone: text) if to_file else colour.paint_for(sys.stdout)
    yield paint(compared.heading, "head")
    longest = max(len(label) for label, _, _ in compared.who)
    for label, said, source in compared.who:
        yield f"  {label:<{longest}}  {said}, {source}"
    table = ["", *as_text(compared.summary, width, paint)]
    if cases:
        table += ["", *as_text(compared.cases, width, paint)]
    yield from [*table, ""]
    for label, sentence in compared.faults:
        yield from textwrap.wrap(f"{label}: {sentence}", width, subsequent_indent="  ")
    # Only what is used is explained.
    legend = [words for sign, words in SIGNS.items() if any(map(re.compile(sign).search, table))]
    if cases:
        legend += [
            f"{letter} {LETTERS[letter]}" for letter in LETTERS if letter in compared.letters
        ]
    yield from textwrap.wrap("; ".join(legend), width, subsequent_indent="  ")
    for note in compared.notes:
        yield from textwrap.wrap(f"note: {note}", width, subsequent_indent="  ")


def _markdown(compared: "Comparison", cases: bool) -> Iterable[str]:
    from irgate_battery.report.comparison.case_by_case import LETTERS
    from irgate_battery.report.comparison.table_model import as_markdown, escaped

    yield f"{escaped(compared.heading)}:"
    yield ""
    for label, said, source in compared.who:
        yield f"- **{escaped(label)}**: {escaped(said)}, `{source}`"
    yield from as_markdown(compared.summary)
    if cases:
        yield from as_markdown(compared.cases)
    yield ""
    yield "**Bold**: best of its row; (x): over fewer cases than others, not ranked; -: not there."
    if cases:
        used = [letter for letter in LETTERS if letter in compared.letters]
        if used:
            yield f"Letters: {'; '.join(f'{escaped(x)}, {LETTERS[x]}' for x in used)}."
    yield ""
    for label, sentence in compared.faults:
        yield f"- **{escaped(label)}**: {escaped(sentence)}."
    for note in compared.notes:
        yield f"- Note: {escaped(note)}."
