"""The standings: for several runs, one figure over each whole suite, the oracle beside them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import median

from irgate_battery.comparison import figures
from irgate_battery.comparison.several import Run, Several
from irgate_battery.comparison.sheet import Cell, Entry, Section
from irgate_battery.plan import PAIR
from irgate_battery.recovery import SEEDS
from irgate_battery.row import Row
from irgate_battery.rules import RATIO_CAP
from irgate_battery.table import Tone

TIMED = ("base", "battery", PAIR)
"""Suites whose items are one call each."""

Figure = Callable[[Row], float | None]


def standings(several: Several) -> Iterable[Section]:
    """Yield a section for each suite, and one of times."""
    for suite in several.suites:
        entries = [_passed(several, suite), *_did_not_run(several, suite)]
        if suite == "base":
            entries.append(_gate(several))
        if suite == "battery":
            entries.append(_mean_ratio(several))
        if suite == "recovery":
            entries.append(_recovered(several))
        if suite == "gradient":
            entries.append(
                _over_cases(several, "largest relative error", lambda row: row.relative_error, max)
            )
        rows = [row for run in several.runs for row in run.of(suite)]
        if any(row.tre_px is not None for row in rows):
            entries += _distances(several, suite)
        elif any(row.oracle_distance_px is not None for row in rows):
            entries.append(_to_oracle(several, suite))
        yield Section(suite, tuple(entries))
    if any(row.seconds is not None for run in several.runs for row in run.of(*TIMED)):
        where = "" if several.same_machine else " (different machines: not comparable)"
        yield Section(f"time of a call that passed{where}", tuple(_times(several)))


def _entry(several: Several, title: str, oracle: Cell, cell: Callable[[Run], Cell]) -> Entry:
    return Entry(title, (oracle, *(cell(run) for run in several.runs)))


def _passed(several: Several, suite: str) -> Entry:
    expected = len(several.names[suite])

    def cell(run: Run) -> Cell:
        ran = run.ran(suite)
        if not ran:
            return Cell("none ran" if run.of(suite) else "not run", tone="open")
        passed = sum(row.status == "passed" for row in ran)
        tone: Tone = "plain" if passed == expected else "open" if passed == len(ran) else "bad"
        return Cell(f"{passed}/{len(ran)}", float(-passed), tone=tone)

    return _entry(several, f"passed / ran, of {expected}", Cell(), cell)


def _did_not_run(several: Several, suite: str) -> Iterable[Entry]:
    """Yield an entry for each way of not having run that occurs."""
    ways: tuple[tuple[str, Callable[[Run], int]], ...] = (
        ("skipped", lambda run: _with_status(run, suite, "skipped")),
        ("error, not the solver's", lambda run: _with_status(run, suite, "error")),
        ("missing", lambda run: _with_status(run, suite, "missing")),
        (
            "not in the report",
            lambda run: (
                # A suite that was left out altogether says so in the line of what passed.
                sum(run.row(suite, case) is None for case in several.names[suite])
                if run.of(suite)
                else 0
            ),
        ),
    )
    for title, count in ways:
        counts = [count(run) for run in several.runs]
        if any(counts):
            cells = (Cell(str(number), tone="open") if number else Cell() for number in counts)
            yield Entry(title, (Cell(), *cells))


def _with_status(run: Run, suite: str, status: str) -> int:
    return sum(row.status == status for row in run.of(suite))


def _gate(several: Several) -> Entry:
    def cell(run: Run) -> Cell:
        gate = run.record.verdicts["hard_gate"]
        if gate["status"] == "not_evaluated":
            return Cell(f"{gate.get('ran') or 0} of {gate.get('expected') or 0} ran", tone="open")
        passed = gate["status"] == "pass"
        return Cell("PASS" if passed else "FAIL", tone="plain" if passed else "bad")

    return _entry(several, "hard gate", Cell(), cell)


def _mean_ratio(several: Several) -> Entry:
    """Take the mean from the verdict: what a case without a ratio counts is the gate's to say."""

    def judged(run: Run) -> frozenset[str]:
        return frozenset(
            row.case for row in run.of("battery") if row.status in ("passed", "failed")
        )

    def cell(run: Run) -> Cell:
        mean = run.record.verdicts["mean_ratio"].get("mean")
        return figures.cell(mean, figures.ratio, partial=judged(run) != whole)

    whole = frozenset[str]().union(*(judged(run) for run in several.runs))
    oracle = Cell(figures.ratio(1.0)) if several.oracle_rows("battery") else Cell()
    return _entry(several, f"mean ratio, capped at {RATIO_CAP:g}", oracle, cell)


def _recovered(several: Several) -> Entry:
    def cell(run: Run) -> Cell:
        ran = run.ran("recovery")
        if not ran:
            return Cell()
        came_back = sum(row.recovered or 0 for row in ran)
        # Where the solver raised, none of the starts came back.
        tried = sum(row.tried or SEEDS for row in ran)
        return Cell(f"{came_back}/{tried}", float(-came_back))

    return _entry(several, "starts that came back", Cell(), cell)


def _distances(several: Several, suite: str) -> Iterable[Entry]:
    oracle = [row.oracle_tre_px for row in several.oracle_rows(suite)]
    there = [distance for distance in oracle if distance is not None]
    statistics: tuple[tuple[str, Callable[[Sequence[float]], float]], ...] = (
        ("median", median),
        ("largest", max),
    )
    for name, statistic in statistics:
        yield _over_cases(
            several,
            f"px to the truth, {name}",
            lambda row: row.tre_px,
            statistic,
            figures.px,
            figures.cell(statistic(there) if there else None, figures.px, ranked=False),
            suites=(suite,),
        )


def _to_oracle(several: Several, suite: str) -> Entry:
    """Return what stands in for the distance to the truth where none is known."""
    return _over_cases(
        several,
        "px to the oracle's, largest",
        lambda row: row.oracle_distance_px,
        max,
        figures.px,
        suites=(suite,),
    )


def _times(several: Several) -> Iterable[Entry]:
    """Yield the median time over the cases that passed: to be wrong quickly is no merit."""
    oracle = [row.oracle_seconds for row in several.oracle_rows(*TIMED)]
    there = [seconds for seconds in oracle if seconds is not None]
    own = figures.cell(median(there) if there else None, figures.seconds, ranked=False)
    entries: tuple[tuple[str, Figure, Cell], ...] = (
        ("median, s", _seconds, own),
        ("median / oracle's", _seconds_by_oracle, Cell("1") if there else Cell()),
    )
    for title, figure, of_oracle in entries:
        yield _over_cases(
            several,
            title,
            figure,
            median,
            figures.seconds,
            of_oracle,
            suites=TIMED,
            ranked=several.same_machine,
        )


def _seconds(row: Row) -> float | None:
    return row.seconds if row.status == "passed" else None


def _seconds_by_oracle(row: Row) -> float | None:
    seconds = _seconds(row)
    return seconds / row.oracle_seconds if seconds is not None and row.oracle_seconds else None


def _over_cases(
    several: Several,
    title: str,
    figure: Figure,
    statistic: Callable[[Sequence[float]], float],
    shown: Callable[[float], str] = figures.error,
    oracle: Cell | None = None,
    *,
    suites: Sequence[str] = ("gradient",),
    ranked: bool = True,
) -> Entry:
    """Return one statistic of a figure over the cases that each run has it for.

    A run that has it for fewer cases than the others, because it skipped some or gave no answer,
    is marked as partial: it may have left out the hard ones.
    """

    def measured(run: Run) -> Mapping[tuple[str, str], float]:
        there = {(row.suite, row.case): figure(row) for row in run.ran(*suites)}
        return {name: value for name, value in there.items() if value is not None}

    def cell(run: Run) -> Cell:
        mine = measured(run)
        return figures.cell(
            statistic(list(mine.values())) if mine else None,
            shown,
            partial=mine.keys() != whole,
            ranked=ranked,
        )

    whole = {name for run in several.runs for name in measured(run)}
    return _entry(several, title, oracle or Cell(), cell)
