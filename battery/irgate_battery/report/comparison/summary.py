"""The summary: for several runs, one figure over each whole suite, the oracle beside them."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from statistics import median

from irgate_battery.report.comparison.run_set import Run, RunSet
from irgate_battery.report.comparison.table_model import Section, TableRow
from irgate_battery.results import formatting
from irgate_battery.results.compared import Cell, Compared, over_cases
from irgate_battery.results.result_row import ResultRow
from irgate_battery.results.text import Tone
from irgate_battery.suites.registry import entry_of, suites

Statistic = Callable[[Sequence[float]], float]


def summary(run_set: RunSet) -> Iterable[Section]:
    """Yield a section for each suite, and one of times."""
    for name in run_set.suites:
        table_rows = [_passed(run_set, name), *_did_not_run(run_set, name)]
        entry = entry_of(name)
        if entry is not None:
            suite = entry.suite
            table_rows += _side_by_side(
                [suite.compared(run.of(name), run.saved.verdicts) for run in run_set.runs]
            )
        rows = [row for run in run_set.runs for row in run.of(name)]
        if any(row.tre_px is not None for row in rows):
            table_rows += _distances(run_set, name)
            table_rows += _over_the_common(run_set, name)
        elif any(row.oracle_distance_px is not None for row in rows):
            table_rows.append(_to_oracle(run_set, name))
        yield Section(name, tuple(table_rows))
    timed = [suite.name for suite in suites() if suite.one_call]
    if any(row.seconds is not None for run in run_set.runs for row in run.of(*timed)):
        where = "" if run_set.same_machine else " (different machines: not comparable)"
        yield Section(f"time of a call that passed{where}", tuple(_times(run_set, timed)))


def _side_by_side(by_run: Sequence[Sequence[Compared]]) -> Iterable[TableRow]:
    """Set the figures of the runs side by side, one row a title.

    A figure that stands on fewer cases than another run's, because some were skipped or got no
    answer, is marked as partial: it may have left out the hard ones.
    """
    for figures in zip(*by_run, strict=True):
        whole = frozenset().union(*(figure.over for figure in figures))
        cells = (
            figure.cell
            if figure.over == whole or figure.cell.text == Cell().text
            else replace(figure.cell, partial=True)
            for figure in figures
        )
        oracle = next((figure.oracle for figure in figures if figure.oracle != Cell()), Cell())
        yield TableRow(figures[0].title, (oracle, *cells))


def _row_of(run_set: RunSet, title: str, oracle: Cell, cell: Callable[[Run], Cell]) -> TableRow:
    return TableRow(title, (oracle, *(cell(run) for run in run_set.runs)))


def _passed(run_set: RunSet, suite: str) -> TableRow:
    expected = len(run_set.names[suite])

    def cell(run: Run) -> Cell:
        ran = run.ran(suite)
        if not ran:
            return Cell("none ran" if run.of(suite) else "not run", tone="open")
        passed = sum(row.status == "passed" for row in ran)
        tone: Tone = "plain" if passed == expected else "open" if passed == len(ran) else "bad"
        # Who was asked for less has not passed more: 33 of 41 is not beside 5 of 5.
        partial = len(ran) < expected
        return Cell(f"{passed}/{len(ran)}", float(-passed), partial=partial, tone=tone)

    return _row_of(run_set, f"passed / ran, of {expected}", Cell(), cell)


def _did_not_run(run_set: RunSet, suite: str) -> Iterable[TableRow]:
    """Yield a row for each way of not having run that occurs."""
    ways: tuple[tuple[str, Callable[[Run], int]], ...] = (
        ("skipped", lambda run: _with_status(run, suite, "skipped")),
        ("error, not the solver's", lambda run: _with_status(run, suite, "error")),
        ("missing", lambda run: _with_status(run, suite, "missing")),
        (
            "not in the report",
            lambda run: (
                # A suite that was left out altogether says so in the line of what passed.
                sum(run.row(suite, case) is None for case in run_set.names[suite])
                if run.of(suite)
                else 0
            ),
        ),
    )
    for title, count in ways:
        counts = [count(run) for run in run_set.runs]
        if any(counts):
            cells = (Cell(str(number), tone="open") if number else Cell() for number in counts)
            yield TableRow(title, (Cell(), *cells))


def _with_status(run: Run, suite: str, status: str) -> int:
    return sum(row.status == status for row in run.of(suite))


def _distances(run_set: RunSet, suite: str) -> Iterable[TableRow]:
    oracle = [row.oracle_tre_px for row in run_set.oracle_rows(suite)]
    there = [distance for distance in oracle if distance is not None]
    statistics: tuple[tuple[str, Callable[[Sequence[float]], float]], ...] = (
        ("median", median),
        ("largest", max),
    )
    for name, statistic in statistics:
        of_oracle = Cell(formatting.px(statistic(there))) if there else Cell()
        yield from _side_by_side(
            [
                [
                    over_cases(
                        f"px to the truth, {name}",
                        run.of(suite),
                        lambda row: row.tre_px,
                        statistic,
                        formatting.px,
                        oracle=of_oracle,
                    )
                ]
                for run in run_set.runs
            ]
        )


def _over_the_common(run_set: RunSet, suite: str) -> Iterable[TableRow]:
    """Yield the distances over the cases that all solved, where these are fewer than any ran."""
    passed = [
        {row.case for row in run.of(suite) if row.status == "passed" and row.tre_px is not None}
        for run in run_set.runs
    ]
    common = set.intersection(*passed)
    measured = [
        {row.case for row in run.ran(suite) if row.tre_px is not None} for run in run_set.runs
    ]
    if not common or all(cases == common for cases in measured):
        return
    for title, statistic in (("median", median), ("largest", max)):

        def cell(rows: Iterable[ResultRow], figure: str, statistic: Statistic = statistic) -> Cell:
            values = [getattr(row, figure) for row in rows if row.case in common]
            there = [value for value in values if value is not None]
            value = statistic(there) if there else None
            return Cell() if value is None else Cell(formatting.px(value), value)

        oracle = cell(run_set.oracle_rows(suite), "oracle_tre_px")
        yield TableRow(
            f"px, {title} of {len(common)} that all solved",
            (
                replace(oracle, value=None),
                *(cell(run.of(suite), "tre_px") for run in run_set.runs),
            ),
        )


def _to_oracle(run_set: RunSet, suite: str) -> TableRow:
    """Return what stands in for the distance to the truth where none is known."""
    (row,) = _side_by_side(
        [
            [
                over_cases(
                    "px to the oracle's, largest",
                    run.of(suite),
                    lambda row: row.oracle_distance_px,
                    max,
                    formatting.px,
                )
            ]
            for run in run_set.runs
        ]
    )
    return row


def _times(run_set: RunSet, timed: Sequence[str]) -> Iterable[TableRow]:
    """Yield the median time over the cases that passed: to be wrong quickly is no merit."""
    oracle = [row.oracle_seconds for row in run_set.oracle_rows(*timed)]
    there = [seconds for seconds in oracle if seconds is not None]
    own = Cell(formatting.seconds(median(there))) if there else Cell()
    for title, figure, of_oracle in (
        ("median, s", _seconds, own),
        ("median / oracle's", _seconds_by_oracle, Cell("1") if there else Cell()),
    ):
        yield from _side_by_side(
            [
                [
                    over_cases(
                        title,
                        run.of(*timed),
                        figure,
                        median,
                        formatting.seconds,
                        oracle=of_oracle,
                        ranked=run_set.same_machine,
                    )
                ]
                for run in run_set.runs
            ]
        )


def _seconds(row: ResultRow) -> float | None:
    return row.seconds if row.status == "passed" else None


def _seconds_by_oracle(row: ResultRow) -> float | None:
    seconds = _seconds(row)
    return seconds / row.oracle_seconds if seconds is not None and row.oracle_seconds else None
