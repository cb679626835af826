"""What a run's rows say together: the verdicts, and the one place that builds its report.

All of it is a pure function of the rows. A verdict over cases of which some did not run is *not
evaluated*, never a pass. A row that should be there and is not makes the hard gate fail.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence

from irgate_battery.cases.run_spec import RunSpec
from irgate_battery.report.last_line import NOTHING_JUDGED, is_undecided
from irgate_battery.report.own_tests import OwnTest, in_order
from irgate_battery.report.provenance import Provenance
from irgate_battery.report.report import Report
from irgate_battery.results.result_row import BAD, ResultRow
from irgate_battery.results.solver_identity import SolverIdentity
from irgate_battery.results.suite_results import SuiteResults
from irgate_battery.results.systematic import systematic
from irgate_battery.results.verdict import Verdicts
from irgate_battery.suites.registry import REGISTRY, expected_cases, expected_items, suites_of

ENDED_EARLY = "did not report: the session ended before it ran"
"""The message of a row that is missing because its run was interrupted."""


def evaluate(rows: Sequence[ResultRow], expected: Mapping[str, Sequence[str]]) -> Verdicts:
    """Return the verdicts over these rows.

    Args:
        rows: those of the whole run, `missing` ones included, in any order.
        expected: for each suite the cases that a complete run of it has. A suite that runs only
            where something is given for it has a verdict only where it has cases here.
    """
    return Verdicts(
        (
            *(
                verdict
                for entry in REGISTRY
                if entry.given_by is None or expected.get(entry.name)
                for verdict in entry.suite.verdicts(
                    SuiteResults.of(rows, entry.name, expected.get(entry.name, ()))
                )
            ),
            systematic(rows),
        )
    )


def has_failed(rows: Sequence[ResultRow], verdicts: Verdicts, *, strict: bool = False) -> bool:
    """Whether the run fails: an item, the hard gate, or under `strict` one of its own verdicts."""
    deciding = [*verdicts.with_effect("run"), *(verdicts.with_effect("strict") if strict else ())]
    return any(row.status in BAD for row in rows) or any(
        verdict.status == "fail" for verdict in deciding
    )


def conclude(
    rows: Sequence[ResultRow],
    solver: SolverIdentity,
    spec: RunSpec,
    *,
    suites: Collection[str] | None = None,
    provenance: Provenance | None = None,
    strict: bool = False,
    require_verdict: bool = False,
    deselected: int = 0,
    exit_status: int = 0,
    own_tests: Iterable[OwnTest] = (),
) -> Report:
    """Return the report of a run.

    Args:
        rows: of the whole run, `missing` ones included.
        solver: who was judged.
        spec: what was asked for.
        suites: the names of those that were asked for; all that a complete run has, if not given.
        provenance: when it began, and on what commit.
        strict: whether the verdicts that are strict only decide the exit status too.
        require_verdict: whether it is a failure that a verdict is not evaluated.
        deselected: how many items were left out.
        exit_status: that of a run which ended for another reason; 0 lets the rows decide.
        own_tests: what tests of the user's own measured beside them.
    """
    verdicts = evaluate(rows, expected_cases(spec))
    return Report(
        rows=tuple(rows),
        verdicts=verdicts,
        solver=solver,
        exit_status=exit_status
        or _exit_status(rows, verdicts, strict=strict, require_verdict=require_verdict),
        spec=spec,
        suites=tuple(
            suite.name for suite in suites_of(spec) if suites is None or suite.name in suites
        ),
        provenance=provenance or Provenance(),
        strict=strict,
        require_verdict=require_verdict,
        deselected=deselected,
        own_tests=in_order(own_tests),
    )


def _exit_status(
    rows: Sequence[ResultRow], verdicts: Verdicts, *, strict: bool, require_verdict: bool
) -> int:
    if has_failed(rows, verdicts, strict=strict):
        return 1
    if require_verdict and is_undecided(rows, verdicts, strict=strict):
        return 1
    skips = bool(rows) and all(row.status == "skipped" for row in rows)
    return NOTHING_JUDGED if skips else 0


def completed(
    rows: Sequence[ResultRow], spec: RunSpec, names: Collection[str], why: str = ENDED_EARLY
) -> tuple[ResultRow, ...]:
    """Return the rows of a run that ended early, with a `missing` one for each item it lacks.

    Args:
        rows: those that are there.
        spec: what was asked for.
        names: the suites that were.
        why: the message of those that are missing.
    """
    there = {row.id: row for row in rows}
    return tuple(
        there.get(item.id) or ResultRow(item.id, item.suite, item.case, None, "missing", why)
        for item in expected_items(spec, names)
    )
