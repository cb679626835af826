"""Several parts of one run, judged on several machines, as the whole run that they are.

Verdicts are evaluated anew over all rows. An item that no part has is missing, and that fails.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from irgate_battery.cases.catalogue import BATTERY_VERSION
from irgate_battery.cases.own_pairs import own_pairs
from irgate_battery.cases.packs import read_packs
from irgate_battery.cases.run_spec import RunSpec
from irgate_battery.report.conclusion import conclude
from irgate_battery.report.last_line import ENDS_WELL
from irgate_battery.report.report import Report, installed_version
from irgate_battery.report.saved_report import Asked, SavedReport
from irgate_battery.results.result_row import BAD, ResultRow
from irgate_battery.results.solver_identity import SolverIdentity
from irgate_battery.suites.registry import expected_items

T = TypeVar("T")

NO_PART_HAS_IT = "did not report: it is in none of the parts"
"""The message of a row that is missing after a merge."""

ENDED_OTHERWISE = (2, 3)
"""Exit statuses of a part that was interrupted, or in which the gate itself failed."""


class NotMergeableError(ValueError):
    """The reports are no parts of one run; the message is one line."""


def merged(parts: Sequence[SavedReport]) -> Report:
    """Return the report of the whole run.

    Parts may differ in their suites: the whole run is that of all of them.

    Args:
        parts: in any order; the result does not depend on it.
    Raises: NotMergeableError; PairError where the pairs that were asked for cannot be parsed, or
        the packs not be read.
    """
    asked = _asked(parts)
    solver = _solver(parts)
    spec = RunSpec(
        seed=parts[0].seed,
        count=asked.count,
        pairs=own_pairs(asked.pairs, Path.cwd()),
        examples=asked.examples,
        packs=read_packs([Path(folder) for folder in asked.packs]),
    )
    rows = _by_id((part, row.id, row) for part in parts for row in part.rows)
    expected = expected_items(spec, asked.suites)
    known = {item.id: (item.suite, item.case) for item in expected}
    for row in rows.values():
        if known.get(row.id) != (row.suite, row.case):
            raise NotMergeableError(
                f"{row.id} ({row.suite} {row.case}) is no item of a run of {asked}"
            )
    began = min(parts, key=lambda part: (part.provenance.started or "", part.source))
    return conclude(
        [
            rows.get(item.id)
            or ResultRow(item.id, item.suite, item.case, None, "missing", NO_PART_HAS_IT)
            for item in expected
        ],
        solver,
        spec,
        suites=asked.suites,
        provenance=began.provenance,
        strict=asked.strict,
        require_verdict=asked.require_verdict,
        exit_status=max(map(_ended_otherwise, parts)),
        own_tests=_by_id(
            (part, test.row.id, test) for part in parts for test in part.own_tests
        ).values(),
    )


def _ended_otherwise(part: SavedReport) -> int:
    """Return the exit status of a part that failed for what stands in none of its items, or 0.

    A part alone fails for verdicts that it cannot have; the whole run's are evaluated anew.
    """
    if part.exit_status is None or part.exit_status in ENDS_WELL:
        return 0
    told = any(row.status in BAD for row in part.rows)
    told |= any(verdict.status == "fail" for verdict in part.verdicts.values())
    told |= part.asked is not None and part.asked.require_verdict
    return 0 if told and part.exit_status not in ENDED_OTHERWISE else part.exit_status


def _asked(parts: Sequence[SavedReport]) -> Asked:
    """Return what all parts together were asked for. Raises: NotMergeableError."""
    first = parts[0]
    suites: set[str] = set()
    whole = None
    for part in parts:
        if part.asked is None:
            raise NotMergeableError(
                f"{part.source}: it does not say what was asked for; run the gate again with this "
                "version"
            )
        suites |= set(part.asked.suites)
        whole = whole or part.asked
        for what, ours, other in (
            ("battery", first.battery, part.battery),
            ("irgate", first.irgate, part.irgate),
            ("seed", first.seed, part.seed),
            ("commit", first.provenance.commit, part.provenance.commit),
            ("what was asked for", replace(whole, suites=()), replace(part.asked, suites=())),
        ):
            if ours != other:
                raise _of_different_runs(first, part, what, ours, other)
    here = installed_version("pytest-irgate")
    if (first.battery, first.irgate) != (BATTERY_VERSION, here):
        raise NotMergeableError(
            f"{first.source} was written by irgate {first.irgate} with battery {first.battery}; "
            f"this is {here} with {BATTERY_VERSION}, and would evaluate other verdicts"
        )
    assert whole is not None
    return replace(whole, suites=tuple(sorted(suites)))


def _solver(parts: Sequence[SavedReport]) -> SolverIdentity:
    """Return who was judged; a part in which nothing was called knows the SPEC alone.

    Raises: NotMergeableError.
    """
    called = sorted((part for part in parts if part.solver.name), key=lambda part: part.source)
    first = (called or list(parts))[0]
    for part in parts:
        known = part.solver if part.solver.name else replace(first.solver, spec=part.solver.spec)
        if known != first.solver:
            raise _of_different_runs(first, part, "solver", first.solver, part.solver)
    return first.solver


def _of_different_runs(
    first: SavedReport, part: SavedReport, what: str, ours: object, other: object
) -> NotMergeableError:
    return NotMergeableError(
        f"{first.source} and {part.source} are no parts of one run: {what} is {ours} in one and "
        f"{other} in the other"
    )


def _by_id(found: Iterable[tuple[SavedReport, str, T]]) -> dict[str, T]:
    """Return what is found in parts, by its id. Raises: NotMergeableError."""
    things: dict[str, T] = {}
    where: dict[str, str] = {}
    for part, name, thing in found:
        if name in things:
            raise NotMergeableError(
                f"{name} is in {where[name]} and in {part.source}: parts share no item"
            )
        things[name], where[name] = thing, part.source
    return things
