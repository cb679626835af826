"""The one line that says pass, fail or not evaluated, and why.

The first condition of `_CONDITIONS` that holds decides the line.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from irgate_battery.diagnosis.pattern import Pattern
from irgate_battery.results.result_row import BAD, ResultRow
from irgate_battery.results.text import Line
from irgate_battery.results.verdict import Verdict, Verdicts
from irgate_battery.suites.registry import suites
from irgate_battery.suites.rows import is_own_data

_MOST_NAMED = 3
"""Failed items that the line names."""

_OPENING = "irgate: "

NOT_RUN = "not run: "
"""Begins the message of a row that is missing because its user stopped the run; why follows."""

_HOW = {"pass": "holds:", "fail": "fails:", "not_evaluated": "is"}


@dataclass(frozen=True)
class _Facts:
    """What the conditions ask.

    Attributes:
        rows, verdicts: of the run.
        strict: whether the verdicts that are strict only fail it too.
        deselected: how many items were left out.
    """

    rows: Sequence[ResultRow]
    verdicts: Verdicts
    strict: bool
    deselected: int = 0

    @cached_property
    def counts(self) -> Counter[str]:
        """How many rows have each status."""
        return Counter(row.status for row in self.rows)

    @cached_property
    def bad(self) -> list[ResultRow]:
        """The rows that fail the run."""
        return [row for row in self.rows if row.status in BAD]

    @cached_property
    def own(self) -> list[ResultRow]:
        """The rows of the user's own images."""
        return [row for row in self.rows if is_own_data(row)]

    @property
    def only_own(self) -> bool:
        """Whether nothing else ran."""
        return bool(self.own) and len(self.own) == len(self.rows)

    @cached_property
    def own_verdicts(self) -> list[Verdict]:
        """The verdicts over them."""
        kinds = [kind for suite in suites() if suite.own_data for kind in suite.verdict_types]
        return [verdict for verdict in self.verdicts if type(verdict) in kinds] if self.own else []

    @property
    def gate(self) -> tuple[Verdict, ...]:
        """The verdicts that fail the run."""
        return self.verdicts.with_effect("run")

    @property
    def strict_ones(self) -> tuple[Verdict, ...]:
        """Those that fail it because the user asked for it."""
        return self.verdicts.with_effect("strict") if self.strict else ()

    @property
    def items(self) -> str:
        """How many items passed, were skipped and waived."""
        items = f"{self.counts['passed']} items passed"
        if self.counts["skipped"]:
            items += f", {self.counts['skipped']} skipped"
        if self.counts["xfailed"]:
            items += f", waived: {self.counts['xfailed']} that fail as expected"
        return items + self.left_out

    @property
    def left_out(self) -> str:
        """How many items were deselected, of how many."""
        if not self.deselected:
            return ""
        return f", {self.deselected} of {self.deselected + len(self.rows)} deselected"


def last_line(
    rows: Sequence[ResultRow], verdicts: Verdicts, *, strict: bool, deselected: int = 0
) -> Line:
    """Return the line.

    Args:
        rows, verdicts: of the run.
        strict: whether the verdicts that are strict only fail it too.
        deselected: how many items were left out of what was named.
    """
    facts = _Facts(rows, verdicts, strict, deselected)
    return next(line(facts) for holds, line in _CONDITIONS if holds(facts))


def is_undecided(rows: Sequence[ResultRow], verdicts: Verdicts, *, strict: bool) -> bool:
    """Whether the line says NOT EVALUATED."""
    facts = _Facts(rows, verdicts, strict)
    return next(line for holds, line in _CONDITIONS if holds(facts)) in _UNDECIDED


def failed_for(line: Line, trouble: str) -> Line:
    """Return the last line of a run that fails for another reason than what was judged.

    Args:
        line: what follows from the rows.
        trouble: the reason, in one line.
    """
    judged = line.text.removeprefix(_OPENING)
    return Line(f"{_OPENING}FAIL: {trouble}; what was judged: {judged}", "bad")


def with_diagnosis(line: Line, found: Pattern | None) -> Line:
    """Return the last line of a run with what its failures have in common; where none failed, as
    it is.
    """
    if found is None:
        return line
    return Line(f"{line.text}; diagnosis: {found.sentence}", line.tone)


NOTHING_JUDGED = 5
"""The exit status of a run of nothing but skips: pytest's, where no test ran."""

ENDS_WELL = (None, 0, NOTHING_JUDGED)
"""Exit statuses of a run in which nothing failed; `None` where it is not known."""


def as_it_ended(line: Line, status: int | None) -> Line:
    """Return the last line of a run that ended with this exit status, whatever its rows say."""
    if status in ENDS_WELL or line.tone == "bad":
        return line
    return failed_for(
        line,
        f"the run ended with status {status} for a reason that stands in no item: another test "
        "that failed, or a file that could not be written",
    )


def _any(verdicts: Sequence[Verdict], status: str) -> bool:
    return any(verdict.status == status for verdict in verdicts)


def _first(verdicts: Sequence[Verdict], status: str) -> Verdict:
    return next(verdict for verdict in verdicts if verdict.status == status)


def _fail(facts: _Facts) -> Line:
    reasons = []
    stopped = [row for row in facts.bad if row.message.startswith(NOT_RUN)]
    bad = [row for row in facts.bad if row not in stopped]
    if bad:
        counts = Counter(row.status for row in bad)
        told = ", ".join(f"{n} {status}" for status, n in counts.items())
        names = [row.case for row in bad]
        first = ", ".join(names[:_MOST_NAMED]) + (", ..." if names[_MOST_NAMED:] else "")
        reasons.append(f"of {len(facts.rows)} items {told} ({first}){facts.left_out}")
    if stopped:
        why = stopped[0].message.removeprefix(NOT_RUN)
        reasons.append(f"{why}: {len(stopped)} of {len(facts.rows)} items not run")
    if any(row.status in BAD for row in facts.own):
        reasons += [f"{verdict.title}: {verdict.reason}" for verdict in facts.own_verdicts]
    if facts.only_own:
        reasons.append("the gate itself did not run")
    elif facts.bad or _any(facts.gate, "fail"):
        reasons += [
            f"the {verdict.title} {_HOW[verdict.status]} {verdict.reason}" for verdict in facts.gate
        ]
    reasons += [
        f"the {verdict.title}, under --irgate-strict: {verdict.reason}"
        for verdict in facts.strict_ones
        if verdict.status == "fail"
    ]
    return Line(f"irgate: FAIL: {'; '.join(reasons)}", "bad")


def _not_evaluated(said: str, facts: _Facts) -> Line:
    return Line(f"irgate: NOT EVALUATED: {said} ({facts.items})", "open")


def _own_undecided(facts: _Facts) -> Line:
    own = _first(facts.own_verdicts, "not_evaluated")
    gate = "the gate itself did not run"
    if not facts.only_own:
        gate = "; ".join(f"the {verdict.title}: {verdict.reason}" for verdict in facts.gate)
    return _not_evaluated(f"{own.title}: {own.undecided}; {gate}", facts)


def _own_pass(facts: _Facts) -> Line:
    titles = " AND ".join(verdict.title.upper() for verdict in facts.own_verdicts)
    said = "; ".join(verdict.reason for verdict in facts.own_verdicts)
    said += facts.left_out
    return Line(f"irgate: {titles} PASS: {said}; the gate itself did not run", "good")


def _gate_undecided(facts: _Facts) -> Line:
    gate = _first(facts.gate, "not_evaluated")
    return _not_evaluated(f"the {gate.title} needs {gate.needs}: {gate.undecided}", facts)


def _strict_undecided(facts: _Facts) -> Line:
    verdict = _first(facts.strict_ones, "not_evaluated")
    return _not_evaluated(f"--irgate-strict needs {verdict.needs}: {verdict.undecided}", facts)


def _pass(facts: _Facts) -> Line:
    held = "; ".join(verdict.held for verdict in facts.gate)
    beside = "".join(f"; {verdict.title}: {verdict.reason}" for verdict in facts.own_verdicts)
    return Line(f"irgate: PASS: {facts.items}; {held}{beside}", "good")


_CONDITIONS: tuple[tuple[Callable[[_Facts], bool], Callable[[_Facts], Line]], ...] = (
    (
        lambda facts: bool(facts.bad) or _any((*facts.gate, *facts.strict_ones), "fail"),
        _fail,
    ),
    (lambda facts: _any(facts.own_verdicts, "not_evaluated"), _own_undecided),
    (lambda facts: facts.only_own, _own_pass),
    (lambda facts: _any(facts.gate, "not_evaluated"), _gate_undecided),
    (lambda facts: _any(facts.strict_ones, "not_evaluated"), _strict_undecided),
    (lambda facts: True, _pass),
)

_UNDECIDED = (_own_undecided, _gate_undecided, _strict_undecided)
