"""A comparison of solvers over the same cases: records in, two sheets of figures out.

Nothing is compared silently that is not the same: another battery or seed is refused, and cases
that one solver did not run, times of different machines and different oracles are said.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from irgate_battery.catalogue import BATTERY_VERSION
from irgate_battery.comparison.case_by_case import case_by_case, letters_in
from irgate_battery.comparison.record import Record
from irgate_battery.comparison.several import Several, battery_count, machine_of
from irgate_battery.comparison.sheet import Sheet
from irgate_battery.comparison.standings import standings
from irgate_battery.diagnosis.pattern import pattern
from irgate_battery.plan import SUITES

SAME_IMAGES = 1e-6
"""Relative. The RMSE at the true transform, or of a user's own pair where nothing is moved, is a
property of the images alone; rounding moves it by 1e-12, a changed pixel by more than this."""

SAME_ORACLE = 1e-6
"""Relative, for the RMSE that two runs give the oracle: a stored one is the same to the bit, and
one computed anew stops at the same minimum."""

DRAWN = ("battery", "fuzz")
"""Suites whose images depend on the seed."""

ORACLE = "oracle"
"""The title of its column, the first."""


class NotComparableError(Exception):
    """The records are not about the same cases; the message is one line."""


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
    summary: Sheet
    cases: Sheet
    faults: tuple[tuple[str, str], ...]
    letters: frozenset[str]
    notes: tuple[str, ...]


def compare(
    records: Sequence[Record], suites: Sequence[str] | None = None, *, ratios: bool = False
) -> Comparison:
    """Compare runs of different solvers, or one with the oracle.

    Args:
        records: one a solver, at least one.
        suites: those to compare; all that any of them has, if not given.
        ratios: show for a case the ratio to the oracle's RMSE, not the distance to the truth.
    Raises: NotComparableError.

    """
    there = Several(records).suites
    unknown = [suite for suite in suites or there if suite not in there]
    if unknown or not there:
        what = f"no item of suite {unknown[0]!r}" if unknown else "no item"
        raise NotComparableError(
            f"nothing to compare: {what} in {', '.join(record.source for record in records)}; "
            f"there is {', '.join(there) or 'nothing'}"
        )
    several = Several(records, suites)
    _refuse_other_cases(records, several.suites)
    labels = labels_of(records)
    columns = (ORACLE, *labels)
    return Comparison(
        heading=_heading(records, several.suites),
        who=tuple(
            (label, str(record.solver), record.source)
            for label, record in zip(labels, records, strict=True)
        ),
        summary=Sheet(columns, tuple(standings(several)), fixed=1),
        cases=Sheet(columns, tuple(case_by_case(several, ratios=ratios)), fixed=1),
        faults=tuple(_faults(labels, several)),
        letters=letters_in(several),
        notes=tuple(_notes(records, several)),
    )


def labels_of(records: Sequence[Record]) -> list[str]:
    """Name each solver for its column, no two alike.

    By its SPEC where that is a name, by the file of the report where it is a path or a fixture:
    half of all solvers are called register.
    """
    named = []
    for record in records:
        spec = record.solver.spec
        if spec is None:
            named.append(record.solver.name or _stem(record.source))
        else:
            named.append(_stem(record.source) if ":" in spec or " " in spec else spec)
    counts = Counter(named)
    named = [
        name if counts[name] == 1 else _stem(record.source)
        for name, record in zip(named, records, strict=True)
    ]
    taken: Counter[str] = Counter()
    labels = []
    for name in named:
        taken[name] += 1
        labels.append(name if taken[name] == 1 else f"{name} ({taken[name]})")
    return labels


def _stem(source: str) -> str:
    return source.replace("\\", "/").rpartition("/")[2].removesuffix(".json")


def _heading(records: Sequence[Record], suites: Sequence[str]) -> str:
    solvers = "1 solver" if len(records) == 1 else f"{len(records)} solvers"
    seeds = sorted({record.seed for record in records})
    seed = f"seed{'s' * (len(seeds) > 1)} {', '.join(map(str, seeds))}"
    return f"{solvers} on {', '.join(suites)} (battery {records[0].battery}, {seed})"


def _faults(labels: Sequence[str], several: Several) -> Iterable[tuple[str, str]]:
    for label, run in zip(labels, several.runs, strict=True):
        found = pattern(run.rows)
        # A version that did not diagnose has written no explanation: nothing can be said then.
        if found and found.explains:
            yield label, found.sentence


def _refuse_other_cases(records: Sequence[Record], suites: Sequence[str]) -> None:
    first = records[0]
    drawn = [suite for suite in suites if suite in DRAWN]
    floors: dict[tuple[str, str], tuple[float, str]] = {}
    for record in records:
        if record.battery != first.battery:
            raise NotComparableError(
                f"{first.source} is of battery {first.battery}, {record.source} of battery "
                f"{record.battery}: their cases have other images; run the gate again with one "
                "version"
            )
        if record.seed != first.seed and drawn:
            rest = ",".join(suite for suite in SUITES if suite not in DRAWN)
            raise NotComparableError(
                f"{first.source} was drawn with seed {first.seed}, {record.source} with seed "
                f"{record.seed}: their {' and '.join(drawn)} has other images; give both one seed, "
                f"or compare the rest with --suite {rest}"
            )
        for row in record.rows:
            # A user's own pair has no truth; there it is the RMSE where nothing is moved.
            rmse = row.identity_rmse if row.truth_rmse is None else row.truth_rmse
            if rmse is None or row.suite not in suites:
                continue
            floor, source = floors.setdefault((row.suite, row.case), (rmse, record.source))
            if abs(rmse - floor) > SAME_IMAGES * floor:
                where = "unmoved" if row.truth_rmse is None else "at its true transform"
                raise NotComparableError(
                    f"{row.case} has RMSE {floor:.6g} {where} in {source} and {rmse:.6g} in "
                    f"{record.source}: these are not the same images"
                )


def _notes(records: Sequence[Record], several: Several) -> Iterable[str]:
    """Say what differs between the runs besides their solvers."""
    sources = [record.source for record in records]
    yield from _differing("versions of irgate", sources, [record.irgate for record in records])
    if "battery" in several.suites:
        counts = [battery_count(record) for record in records]
        yield from _differing("numbers of battery cases", sources, counts)
    yield from _differing(
        "seeds (of the battery, which is not compared)", sources, [r.seed for r in records]
    )
    machines = ["{}, {} cores".format(*machine_of(record)) for record in records]
    yield from _differing("machines", sources, machines)
    yield from _oracles(records, several)
    for record in records:
        if record.unknown:
            left_out = ", ".join(record.unknown)
            yield f"{record.source} was written by a later version; left out: {left_out}"
    if records[0].battery != BATTERY_VERSION:
        yield (
            f"battery {records[0].battery} is not this version's ({BATTERY_VERSION}): a case that "
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


def _oracles(records: Sequence[Record], several: Several) -> Iterable[str]:
    """Say on how many cases two runs were held against another result of the oracle."""
    first: dict[tuple[str, str], float] = {}
    apart: dict[tuple[str, str], float] = {}
    origins = set()
    for record in records:
        for row in record.rows:
            if row.oracle_rmse is None or row.suite not in several.suites:
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
