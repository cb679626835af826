"""The report as lines of text: each suite's section, the verdicts, the diagnosis."""

from collections.abc import Iterable, Sequence

from irgate_battery.diagnosis.pattern import pattern
from irgate_battery.results.result_row import ResultRow
from irgate_battery.results.text import Line, Tone, wrapped
from irgate_battery.results.verdict import Verdicts
from irgate_battery.suites.registry import suites
from irgate_battery.suites.rows import family_of

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
    for suite in suites():
        mine = [row for row in rows if row.suite == suite.name]
        if mine:
            lines += [*suite.section(mine, width), Line("")]
    return [*lines, *_verdicts(verdicts, width, strict), *_diagnosis(rows, width)]


def _verdicts(verdicts: Verdicts, width: int, strict: bool) -> Iterable[Line]:
    fails_nothing = ("none",) if strict else ("none", "strict")
    for verdict in verdicts:
        word, tone = _WORDS[verdict.status], _TONES[verdict.status]
        if verdict.effect in fails_nothing and verdict.status == "fail":
            # Missing a target that fails nothing must not look like a failure of the run.
            word, tone = "over", "open"
        yield from wrapped(f"{verdict.title:<13}{word:<5}", verdict.reason, tone, width)


def _diagnosis(rows: Sequence[ResultRow], width: int) -> Iterable[Line]:
    """Say what the failures have in common; nothing where none failed."""
    found = pattern(rows, family_of)
    if found:
        yield from wrapped(f"{'diagnosis':<13}", found.sentence, "head", width)
