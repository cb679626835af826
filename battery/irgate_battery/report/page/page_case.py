"""A case as the page shows it: its row in each run, and what the catalogue knows of it."""

import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from irgate_battery.cases.battery_table import PERTURBATIONS
from irgate_battery.cases.catalogue import BATTERY_VERSION, Case
from irgate_battery.cases.packs import FILE as PACK_FILE
from irgate_battery.cases.run_spec import RunSpec
from irgate_battery.report.comparison.run_set import RunSet, case_count
from irgate_battery.report.page.saved_run import SavedRun
from irgate_battery.results.result_row import BAD, ResultRow
from irgate_battery.suites.registry import entry_of, expected_items
from irgate_battery.suites.suite import Item
from irgate_fixtures import NAMES

BASE_KIND = "as it is"
CONDITION_KIND = "condition"
"""Kinds of perturbation of what has none."""

KINDS = (BASE_KIND, *dict.fromkeys(each.kind for each in PERTURBATIONS), CONDITION_KIND)
"""In the order in which they are shown."""


@dataclass(frozen=True)
class PageCase:
    """One case.

    Attributes:
        key: its name in the page's address: that of the case, and of the suite where two suites
            have a case of that name.
        suite, case: what it is called.
        rows: its row in each run, `None` where a run has none.
        purpose: the faults that it is there to show.
        pictured: the case of the catalogue whose images it uses, or `None`.
        own: whether it is about the user's own images.
        one_call: whether it is one call of the solver, whose answer can be drawn.

    """

    key: str
    suite: str
    case: str
    rows: tuple[ResultRow | None, ...]
    purpose: str
    pictured: Case | None
    own: bool
    one_call: bool

    @property
    def there(self) -> list[ResultRow]:
        """Its rows."""
        return [row for row in self.rows if row is not None]

    @property
    def model(self) -> str | None:
        """The model that was asked for."""
        return next((row.model for row in self.there if row.model), None)

    @property
    def fails(self) -> bool:
        """Whether it fails a run."""
        return any(row.status in BAD for row in self.there)

    @property
    def fixture(self) -> str | None:
        """The base fixture that it comes from, or `None`."""
        fixture = self.pictured.fixture if self.pictured else None
        return fixture if fixture in NAMES else None

    @property
    def kind(self) -> str | None:
        """The kind of its perturbation."""
        if self.pictured is None:
            return None
        if self.pictured.condition is not None:
            return CONDITION_KIND
        return self.pictured.kind or BASE_KIND


def cases_of(runs: Sequence[SavedRun]) -> list[PageCase]:
    """Return the cases of one run or several, those first that fail one, else as they ran."""
    run_set = RunSet([run.saved for run in runs])
    known = _items(runs, run_set.suites)
    cases, taken = [], set()
    for suite in run_set.suites:
        entry = entry_of(suite)
        for case in dict.fromkeys(row.case for run in run_set.runs for row in run.of(suite)):
            item = known.get((suite, case))
            key = f"{suite}/{case}" if case in taken else case
            taken.add(key)
            cases.append(
                PageCase(
                    key=key,
                    suite=suite,
                    case=case,
                    rows=tuple(run.row(suite, case) for run in run_set.runs),
                    purpose=item.purpose if item else "",
                    pictured=item.pictured if item else None,
                    own=entry is not None and entry.suite.own_data,
                    one_call=entry is not None and entry.suite.one_call,
                )
            )
    return sorted(cases, key=lambda each: not each.fails)


def _items(runs: Sequence[SavedRun], suites: Iterable[str]) -> dict[tuple[str, str], Item[object]]:
    first = runs[0].saved
    if first.battery != BATTERY_VERSION:
        return {}
    spec = RunSpec(first.seed, max(_count(run) for run in runs))
    return {(item.suite, item.case): item for item in expected_items(spec, tuple(suites))}


def _count(run: SavedRun) -> int:
    """Return how many drawn cases were asked for."""
    return run.saved.asked.count if run.saved.asked else case_count(run.saved)


def again(row: ResultRow, run: SavedRun) -> str:
    """Return the command that runs an item again."""
    spec, seed, count = run.saved.solver.spec, run.saved.seed, _count(run)
    default = RunSpec()
    parts = ["pytest --irgate", shlex.quote(row.id)]
    if spec is not None:
        parts += ["--irgate-solver", shlex.quote(spec)]
    if row.files:
        place = Path(row.files.rpartition("#")[0])
        of_pack = place.name == PACK_FILE
        given = str(place.parent) if of_pack else row.files
        parts += ["--irgate-pack" if of_pack else "--irgate-pair", shlex.quote(given)]
    if seed != default.seed:
        parts += ["--irgate-seed", str(seed)]
    if count > default.count:
        parts += ["--irgate-cases", str(count)]
    return " ".join(parts)


def drawn_again(case: PageCase, run: SavedRun) -> str | None:
    """Return the command that draws the answer as a picture file; `None` where there is no way."""
    if not (case.one_call and run.saved.source):
        return None
    return f"irgate show {shlex.quote(case.case)} --from {shlex.quote(run.saved.source)}"
