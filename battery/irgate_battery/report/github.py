"""A run as GitHub shows it: a summary in Markdown, and annotations on the run's page.

Everything from outside is escaped: it can neither form Markdown nor a command to the runner.
"""

from collections.abc import Iterator

from irgate_battery.report.comparison.table_model import escaped
from irgate_battery.report.report import Report
from irgate_battery.results.result_row import BAD, ResultRow
from irgate_battery.results.text import number
from irgate_battery.results.verdict import VerdictStatus

MOST_FAILURES = 50
"""Failures that the summary names."""

MOST_ANNOTATIONS = 10
"""GitHub shows no more of a step."""

LONGEST_SAID = 600
"""Characters of a message."""

SIGNS: dict[VerdictStatus, str] = {"pass": "pass", "fail": "**FAIL**", "not_evaluated": "-"}


def summary(report: Report) -> str:
    """Return the verdict, what the failures have in common, and the failures, as Markdown."""
    lines = [f"### {escaped(report.sentence().text)}", ""]
    found = report.diagnosis()
    if found is not None:
        lines += [f"> {escaped(found.text)}", ""]
    lines += [f"Solver: {escaped(str(report.solver))}", "", "| verdict | | |", "|---|---|---|"]
    for verdict in report.verdicts:
        over = verdict.misses_target(strict=report.strict)
        sign = "over its target" if over else SIGNS[verdict.status]
        cells = (escaped(verdict.title), sign, escaped(verdict.reason))
        lines.append(f"| {' | '.join(cells)} |")
    bad = [row for row in report.rows if row.status in BAD]
    if bad:
        lines += ["", "| item | | px to the truth | ratio | why |", "|---|---|---:|---:|---|"]
        lines += [_row(row) for row in bad[:MOST_FAILURES]]
    if len(bad) > MOST_FAILURES:
        lines += ["", f"... and {len(bad) - MOST_FAILURES} more."]
    return "\n".join([*lines, ""])


def annotations(report: Report) -> Iterator[str]:
    """Yield a command to GitHub's runner for each failure, the verdict first."""
    if not report.exit_status:
        return
    bad = [row for row in report.rows if row.status in BAD]
    yield _error("irgate", report.sentence().text)
    for row in bad[: MOST_ANNOTATIONS - 1]:
        yield _error(f"irgate {row.suite} {row.case}", row.message)


def _row(row: ResultRow) -> str:
    cells = (
        escaped(f"{row.suite} {row.case}"),
        row.status,
        number(row.tre_px, ".4f"),
        number(row.ratio, ".4f"),
        escaped(row.message[:LONGEST_SAID]),
    )
    return f"| {' | '.join(cells)} |"


def _error(title: str, message: str) -> str:
    """Return the command that makes an error annotation; its own signs are written as numbers."""
    told = _numbered(message[:LONGEST_SAID], "%\r\n")
    return f"::error title={_numbered(title, '%,:' + chr(13) + chr(10))}::{told}"


def _numbered(text: str, signs: str) -> str:
    # The percent sign comes first, which the others are written with.
    for sign in signs:
        text = text.replace(sign, f"%{ord(sign):02X}")
    return text
