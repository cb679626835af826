"""The report as lines of text: each suite's section, then the verdicts."""

from collections.abc import Iterable, Sequence

from irgate_battery.results.result_row import ResultRow
from irgate_battery.results.text import Line, Tone, wrapped
from irgate_battery.results.verdict import Verdicts
from irgate_battery.suites.registry import suites

_WORDS = {"pass": "PASS", "fail": "FAIL", "not_evaluated": "-"}
_TONES: dict[str, Tone] = {"pass": "good", "fail": "bad", "not_evaluated": "open"}


def layout(
    rows: Sequence[ResultRow], verdicts: Verdicts, width: int, *, strict: bool = False
) -> list[Line]:
    """Lay out rows and verdicts for this many characters a line.

    Args:
        rows, verdicts: of the run.
        width: of the terminal.
        strict: whether the verdicts that are strict only fail the run.
    """
    lines: list[Line] = []
    never_begun = []
    for suite in suites():
        mine = [row for row in rows if row.suite == suite.name]
        if mine and all(row.status == "missing" for row in mine):
            never_begun.append(f"{suite.name} ({len(mine)})")
        elif mine:
            lines += [*suite.section(mine, width), Line("")]
    if never_begun:
        lines += [*wrapped("missing, every item: ", ", ".join(never_begun), "bad", width), Line("")]
    return [*lines, *_verdicts(verdicts, width, strict)]


def _verdicts(verdicts: Verdicts, width: int, strict: bool) -> Iterable[Line]:
    for verdict in verdicts:
        word, tone = _WORDS[verdict.status], _TONES[verdict.status]
        if verdict.misses_target(strict=strict):
            word, tone = "over", "open"
        yield from wrapped(f"{verdict.title:<13}{word:<5}", verdict.reason, tone, width)
