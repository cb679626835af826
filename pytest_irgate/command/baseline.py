"""`irgate compare --baseline`: what changed against an earlier run, and whether it is worse."""

import sys
import textwrap
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from pytest_irgate.command import colour
from pytest_irgate.command.usage import UsageError

if TYPE_CHECKING:
    from irgate_battery.report.comparison.against_baseline import AgainstBaseline, Change
    from irgate_battery.report.saved_report import SavedReport

TITLES = {"worse": "worse", "better": "better", "other": "no rule decides"}
"""Headings of the changes, by direction."""

TONES = {"worse": "bad", "better": "good", "other": "open"}


def against(
    old: "SavedReport", reports: Sequence["SavedReport"], fail_on: str
) -> list["AgainstBaseline"]:
    """Hold each run against the baseline. Raises: UsageError."""
    from irgate_battery.report.comparison.against_baseline import against_baseline
    from irgate_battery.report.comparison.rules import RuleError, Rules
    from irgate_battery.report.comparison.side_by_side import NotComparableError

    try:
        rules = Rules.parse(fail_on)
        return [against_baseline(old, new, rules) for new in reports]
    except RuleError as error:
        raise UsageError(f"--fail-on {error}") from None
    except NotComparableError as error:
        raise UsageError(str(error)) from None


def as_text(found: Sequence["AgainstBaseline"], *, to_file: bool) -> Iterable[str]:
    """Yield the lines of a terminal, as wide as it is."""
    width = colour.width()
    paint = (lambda text, tone: text) if to_file else colour.paint_for(sys.stdout)
    for each in found:
        yield paint(_heading(each), "head")
        for direction, title in TITLES.items():
            changes = each.of(direction)  # type: ignore[arg-type]
            if changes:
                yield paint(title, "head")
            longest = max((len(change.what) for change in changes), default=0)
            for change in changes:
                line = f"  {change.what:<{longest}}  {change}"
                yield paint(line, TONES[direction])
                if change.message:
                    yield from textwrap.wrap(
                        change.message, width, initial_indent="    ", subsequent_indent="    "
                    )
        for note in each.notes:
            yield from textwrap.wrap(f"note: {note}", width, subsequent_indent="  ")
        yield paint(f"irgate compare: {each.sentence}", "bad" if each.is_worse else "good")
        yield ""


def as_markdown(found: Sequence["AgainstBaseline"]) -> Iterable[str]:
    """Yield GitHub Markdown."""
    from irgate_battery.report.comparison.table_model import escaped

    for each in found:
        yield f"### {escaped(_heading(each))}"
        yield ""
        yield f"**{escaped(each.sentence)}**"
        yield ""
        if each.changes:
            yield "| | | was | is | by |"
            yield "|---|---|---:|---:|---:|"
        for change in each.changes:
            cells = (TITLES[change.direction], change.what, change.was, change.now, change.by)
            yield f"| {' | '.join(map(escaped, cells))} |"
        yield ""
        for text in _messages(each.changes):
            yield f"- {escaped(text)}"
        for note in each.notes:
            yield f"- Note: {escaped(note)}."
        yield ""


def _messages(changes: Iterable["Change"]) -> Iterable[str]:
    return (f"{change.what}: {change.message}" for change in changes if change.message)


def _heading(each: "AgainstBaseline") -> str:
    return f"{_named(each.new)} against {_named(each.old)}"


def _named(report: "SavedReport") -> str:
    where = report.provenance
    commit = f", commit {where.commit[:10]}" if where.commit else ""
    return f"{report.source} ({report.solver}{commit})"
