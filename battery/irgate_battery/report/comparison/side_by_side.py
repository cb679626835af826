"""A comparison of solvers over the same cases: reports in, two tables of figures out. It refuses
reports of another battery or seed. It says where a solver did not run a case, and where machines or
oracles differ.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from irgate_battery.cases.catalogue import BATTERY_VERSION
from irgate_battery.diagnosis.pattern import pattern
from irgate_battery.report.comparison.case_by_case import case_by_case, letters_in
from irgate_battery.report.comparison.run_set import RunSet, machine_of
from irgate_battery.report.comparison.summary import summary
from irgate_battery.report.comparison.table_model import Table
from irgate_battery.report.saved_report import SavedReport
from irgate_battery.suites.registry import default_names
from irgate_battery.suites.registry import suites as all_suites
from irgate_battery.suites.rows import family_of

SAME_IMAGES = 1e-6
"""Relative. The RMSE at the true transform, or of a user's own pair where nothing is moved, is a
property of the images alone; rounding moves it by 1e-12, a changed pixel by more than this."""

SAME_ORACLE = 1e-6
"""Relative, for the RMSE that two runs give the oracle: a stored one is the same to the bit, and
one computed anew stops at the same minimum."""

ORACLE = "oracle"
"""The title of its column, the first."""


class NotComparableError(Exception):
    """The reports are not about the same cases; the message is one line."""


@dataclass(frozen=True)
class Comparison:
    """What a comparison says.

    Attributes:
        heading: what was compared, one line.
        who: for each solver its column's title, what it says of itself, and where that was read.
        summary: figures over whole suites.
        cases: one figure a case.
        faults: for each solver with failures its column's title, and what explains most of them.
        letters: those of `case_by_case.LETTERS` that `cases` uses.
        notes: what a reader must know before believing a difference.

    """

    heading: str
    who: tuple[tuple[str, str, str], ...]
    summary: Table
    cases: Table
    faults: tuple[tuple[str, str], ...]
    letters: frozenset[str]
    notes: tuple[str, ...]


def compare(
    reports: Sequence[SavedReport], suites: Sequence[str] | None = None, *, ratios: bool = False
) -> Comparison:
    """Compare runs of different solvers, or one with the oracle.

    Args:
        reports: one a solver, at least one.
        suites: those to compare; all that any of them has, if not given.
        ratios: show for a case the ratio to the oracle's RMSE, not the distance to the truth.
    Raises: NotComparableError.

    """
    there = RunSet(reports).suites
    unknown = [suite for suite in suites or there if suite not in there]
    if unknown or not there:
        what = f"no item of suite {unknown[0]!r}" if unknown else "no item"
        raise NotComparableError(
            f"nothing to compare: {what} in {', '.join(saved.source for saved in reports)}; "
            f"there is {', '.join(there) or 'nothing'}"
        )
    run_set = RunSet(reports, suites)
    refuse_other_cases(reports, run_set.suites)
    labels = labels_of(reports)
    columns = (ORACLE, *labels)
    return Comparison(
        heading=_heading(reports, run_set.suites),
        who=tuple(
            (label, str(saved.solver), saved.source)
            for label, saved in zip(labels, reports, strict=True)
        ),
        summary=Table(columns, tuple(summary(run_set)), fixed=1),
        cases=Table(columns, tuple(case_by_case(run_set, ratios=ratios)), fixed=1),
        faults=tuple(_faults(labels, run_set)),
        letters=letters_in(run_set),
        notes=tuple(_notes(reports, run_set)),
    )


def labels_of(reports: Sequence[SavedReport]) -> list[str]:
    """Name each solver for its column, no two alike.

    By its SPEC where that is a name, by the file of the report where it is a path or a fixture:
    half of all solvers are called register.
    """
    named = []
    for saved in reports:
        spec = saved.solver.spec
        if spec is None:
            named.append(saved.solver.name or _stem(saved.source))
        else:
            named.append(_stem(saved.source) if ":" in spec or " " in spec else spec)
    counts = Counter(named)
    named = [
        name if counts[name] == 1 else _stem(saved.source)
        for name, saved in zip(named, reports, strict=True)
    ]
    taken: Counter[str] = Counter()
    labels = []
    for name in named:
        taken[name] += 1
        labels.append(name if taken[name] == 1 else f"{name} ({taken[name]})")
    return labels


def _stem(source: str) -> str:
    return source.replace("\\", "/").rpartition("/")[2].removesuffix(".json")


def _heading(reports: Sequence[SavedReport], suites: Sequence[str]) -> str:
    solvers = "1 solver" if len(reports) == 1 else f"{len(reports)} solvers"
    seeds = sorted({saved.seed for saved in reports})
    seed = f"seed{'s' * (len(seeds) > 1)} {', '.join(map(str, seeds))}"
    return f"{solvers} on {', '.join(suites)} (battery {reports[0].battery}, {seed})"


def _faults(labels: Sequence[str], run_set: RunSet) -> Iterable[tuple[str, str]]:
    for label, run in zip(labels, run_set.runs, strict=True):
        found = pattern(run.rows, family_of)
        # A version that did not diagnose has written no explanation: nothing can be said then.
        if found and found.explains:
            yield label, found.sentence


def refuse_other_cases(reports: Sequence[SavedReport], suites: Sequence[str]) -> None:
    """Refuse reports whose cases have other images. Raises: NotComparableError."""
    first = reports[0]
    depends = {suite.name for suite in all_suites() if suite.is_drawn}
    drawn = [suite for suite in suites if suite in depends]
    floors: dict[tuple[str, str], tuple[float, str]] = {}
    for saved in reports:
        if saved.battery != first.battery:
            raise NotComparableError(
                f"{first.source} is of battery {first.battery}, {saved.source} of battery "
                f"{saved.battery}: their cases have other images; run the gate again with one "
                "version"
            )
        if saved.seed != first.seed and drawn:
            rest = ",".join(name for name in default_names() if name not in depends)
            raise NotComparableError(
                f"{first.source} was drawn with seed {first.seed}, {saved.source} with seed "
                f"{saved.seed}: their {' and '.join(drawn)} has other images; give both one seed, "
                f"or compare the rest with --suite {rest}"
            )
        for row in saved.rows:
            # A user's own pair has no truth; there it is the RMSE where nothing is moved.
            rmse = row.identity_rmse if row.truth_rmse is None else row.truth_rmse
            if rmse is None or row.suite not in suites:
                continue
            floor, source = floors.setdefault((row.suite, row.case), (rmse, saved.source))
            if abs(rmse - floor) > SAME_IMAGES * floor:
                where = "unmoved" if row.truth_rmse is None else "at its true transform"
                raise NotComparableError(
                    f"{row.case} has RMSE {floor:.6g} {where} in {source} and {rmse:.6g} in "
                    f"{saved.source}: these are not the same images"
                )


def _notes(reports: Sequence[SavedReport], run_set: RunSet) -> Iterable[str]:
    """Say what differs between the runs besides their solvers."""
    sources = [saved.source for saved in reports]
    yield from _differing("versions of irgate", sources, [saved.irgate for saved in reports])
    for suite in all_suites():
        counts = [suite.chosen_count(saved.verdicts) for saved in reports]
        if suite.name in run_set.suites and any(count is not None for count in counts):
            what = f"numbers of {suite.name} cases"
            yield from _differing(what, sources, [count or 0 for count in counts])
    yield from _differing(
        "seeds (of the battery, which is not compared)", sources, [r.seed for r in reports]
    )
    machines = ["{}, {} cores".format(*machine_of(saved)) for saved in reports]
    yield from _differing("machines", sources, machines)
    yield from _oracles(reports, run_set)
    for saved in reports:
        if saved.unknown:
            left_out = ", ".join(saved.unknown)
            yield f"{saved.source} was written by a later version; left out: {left_out}"
    if reports[0].battery != BATTERY_VERSION:
        yield (
            f"battery {reports[0].battery} is not this version's ({BATTERY_VERSION}): a case that "
            "is in none of the reports is not counted"
        )


def _differing(what: str, sources: Sequence[str], values: Sequence[object]) -> Iterable[str]:
    """Say who has which value, where not all have the same."""
    groups: dict[object, list[str]] = {}
    for source, value in zip(sources, values, strict=True):
        groups.setdefault(value, []).append(source)
    if len(groups) > 1:
        told = "; ".join(f"{value}: {', '.join(names)}" for value, names in groups.items())
        yield f"different {what}: {told}"


def _oracles(reports: Sequence[SavedReport], run_set: RunSet) -> Iterable[str]:
    """Say on how many cases two runs were held against another result of the oracle."""
    first: dict[tuple[str, str], float] = {}
    apart: dict[tuple[str, str], float] = {}
    origins = set()
    for saved in reports:
        for row in saved.rows:
            if row.oracle_rmse is None or row.suite not in run_set.suites:
                continue
            origins.add(row.oracle)
            name = (row.suite, row.case)
            reference = first.setdefault(name, row.oracle_rmse)
            if abs(row.oracle_rmse - reference) > SAME_ORACLE * reference:
                off = abs(row.oracle_rmse / reference - 1) if reference else float("inf")
                apart[name] = max(off, apart.get(name, 0.0))
    if apart:
        yield (
            f"the oracle's RMSE differs between the runs on {len(apart)} cases, by up to "
            f"{max(apart.values()):.1e} relative; its column is that of the first run"
        )
    if "stored" in origins:
        yield "the oracle's seconds are those of the machine that stored its results"
