"""A run against an earlier one of the same cases: only what changed, and whether it is worse."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from irgate_battery.report.comparison.rules import FIGURES, Rules
from irgate_battery.report.comparison.side_by_side import refuse_other_cases
from irgate_battery.report.saved_report import SavedReport
from irgate_battery.results.result_row import ResultRow
from irgate_battery.suites.registry import entry_of
from irgate_battery.suites.registry import suites as all_suites
from irgate_battery.suites.rows import is_own_data

Direction = Literal["worse", "better", "other"]

GONE = "not in the report"
"""What a row is that a run does not have."""

_MOST_NAMED = 2
"""Cases that a note names."""


@dataclass(frozen=True)
class Change:
    """One thing that is another than it was.

    Attributes:
        what: the case, or the verdict's title.
        was, now: in words, `"passed"`, `"0.0123 px"`.
        by: how much, `"+104 %, +0.0128 px"`; empty for a status.
        direction: worse or better by a rule; other where no rule decides, such as a new case.
        message: why it fails now, or empty.
    """

    what: str
    was: str
    now: str
    by: str = ""
    direction: Direction = "other"
    message: str = ""

    def __str__(self) -> str:
        return f"{self.was} -> {self.now}{f' ({self.by})' if self.by else ''}"


@dataclass(frozen=True)
class AgainstBaseline:
    """What changed.

    Attributes:
        old, new: the two runs.
        rules: what makes it worse.
        changes: worse ones first, then better ones and others, each in the order of the run.
        same: on how many items nothing changed by a rule.
        notes: what a reader must know before believing a difference.
    """

    old: SavedReport
    new: SavedReport
    rules: Rules
    changes: tuple[Change, ...]
    same: int
    notes: tuple[str, ...]

    def of(self, direction: Direction) -> tuple[Change, ...]:
        """Return the changes of one direction."""
        return tuple(change for change in self.changes if change.direction == direction)

    @property
    def is_worse(self) -> bool:
        """Whether a rule is broken."""
        return bool(self.of("worse"))

    @property
    def sentence(self) -> str:
        """Say it in one line."""
        worse, better = len(self.of("worse")), len(self.of("better"))
        told = f"{worse} worse, {better} better, {self.same} items as before ({self.rules})"
        return f"{'FAIL' if worse else 'PASS'}: {told}"


def against_baseline(old: SavedReport, new: SavedReport, rules: Rules) -> AgainstBaseline:
    """Hold a run against an earlier one, over the suites that the new one has.

    Args:
        old: the baseline.
        new: the run.
        rules: what makes it worse.
    Raises: NotComparableError where they are not about the same cases.
    """
    suites = tuple(dict.fromkeys(row.suite for row in new.rows))
    if new.asked is not None:
        suites = tuple(dict.fromkeys([*new.asked.suites, *suites]))
    refuse_other_cases([old, new], suites)
    before = {row.id: row for row in old.rows if row.suite in suites}
    after = {row.id: row for row in new.rows}
    changes: list[Change] = []
    same = 0
    for name in dict.fromkeys([*before, *after]):
        found = list(_changes(before.get(name), after.get(name), rules))
        changes += found
        same += not found
    if rules.status:
        changes += _of_verdicts(old, new, suites)
    order: dict[Direction, int] = {"worse": 0, "better": 1, "other": 2}
    return AgainstBaseline(
        old=old,
        new=new,
        rules=rules,
        changes=tuple(sorted(changes, key=lambda change: order[change.direction])),
        same=same,
        notes=tuple(_notes(old, new)),
    )


def _changes(old: ResultRow | None, new: ResultRow | None, rules: Rules) -> Iterator[Change]:
    """Yield what changed of one item: its status, or else figures by a rule."""
    row = new or old
    assert row is not None
    was, now = (each.status if each else GONE for each in (old, new))
    if was != now:
        direction: Direction = "other"
        if rules.status and was == "passed":
            direction = "worse"
        elif rules.status and now == "passed" and old is not None:
            direction = "better"
        yield Change(
            f"{row.suite} {row.case}",
            was,
            now,
            direction=direction,
            message=new.message if new else "",
        )
        return
    assert old is not None
    assert new is not None
    for rule in rules.figures:
        values = rule.values(old, new)
        if values is None:
            continue
        before, after = values
        if rule.grew(before, after) or rule.grew(after, before):
            unit = f" {FIGURES[rule.figure]}".rstrip()
            yield Change(
                f"{row.suite} {row.case}, {rule.figure}",
                f"{before:.4g}{unit}",
                f"{after:.4g}{unit}",
                _by(before, after, unit),
                "worse" if after > before else "better",
            )


def _by(before: float, after: float, unit: str) -> str:
    share = f"{100 * (after / before - 1):+,.0f} %, " if before else ""
    return f"{share}{after - before:+.3g}{unit}"


def _of_verdicts(old: SavedReport, new: SavedReport, suites: Iterable[str]) -> Iterator[Change]:
    """Yield the verdicts over these suites that changed."""
    kinds: dict[str, str] = {}
    for name in suites:
        entry = entry_of(name)
        if entry is not None:
            kinds |= {kind.name: kind.title for kind in entry.suite.verdict_types}
    # Verdicts over several suites have no suite of their own.
    everywhere = {name: name for name in new.verdicts if name not in _of_all_suites()}
    for name, title in {**kinds, **everywhere}.items():
        was, now = (report.verdicts.get(name) for report in (old, new))
        if was is None or now is None or was.status == now.status:
            continue
        if name in everywhere and now.status == "not_evaluated":
            # Over the suites of one run there may be enough, and not over another's.
            continue
        direction: Direction = "other"
        if was.status == "pass":
            direction = "worse"
        elif now.status == "pass":
            direction = "better"
        yield Change(
            f"verdict: {title}",
            was.status.replace("_", " "),
            now.status.replace("_", " "),
            direction=direction,
        )


def _of_all_suites() -> frozenset[str]:
    return frozenset(kind.name for suite in all_suites() for kind in suite.verdict_types)


def _notes(old: SavedReport, new: SavedReport) -> Iterator[str]:
    if str(old.solver) != str(new.solver):
        yield f"the baseline is of another solver: {old.solver}, and not {new.solver}"
    if old.irgate != new.irgate:
        yield f"the baseline is of irgate {old.irgate}, the run of {new.irgate}"
    for report in (old, new):
        if report.provenance.modified:
            yield f"{report.source}: its folder had changes that its commit does not hold"
    yield from _other_tolerances(old, new)


def _other_tolerances(old: SavedReport, new: SavedReport) -> Iterator[str]:
    """Say which of the user's own cases are held to another tolerance: it may be why they pass."""
    before = {(row.suite, row.case): row.tolerance_px for row in old.rows}
    told = [
        f"{row.suite} {row.case} {was:g} -> {row.tolerance_px:g}"
        for row in filter(is_own_data, new.rows)
        if (was := before.get((row.suite, row.case))) is not None
        and row.tolerance_px is not None
        and row.tolerance_px != was
    ]
    if told:
        first = ", ".join([*told[:_MOST_NAMED], *(["..."] if told[_MOST_NAMED:] else [])])
        yield f"{len(told)} cases are held to other tolerances, px: {first}"
