"""Several runs case by case: one figure each, and a letter that says why a case did not pass."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from irgate_battery.judge.acceptance import exceeds_ratio
from irgate_battery.judge.limits import RECOVERY_SEEDS
from irgate_battery.report.comparison.run_set import RunSet
from irgate_battery.report.comparison.table_model import Section, TableRow
from irgate_battery.results import formatting
from irgate_battery.results.compared import Cell, Figure
from irgate_battery.results.result_row import ResultRow, mean_distance
from irgate_battery.results.text import Tone
from irgate_battery.suites.rows import has_truth

LETTERS = {
    "R": "RMSE over its limit",
    "T": "too far from the truth",
    "E": "escaped from the overlap",
    "N": "no usable answer (it raised, hung or returned no transform)",
    "F": "failed",
    "w": "failed as expected (waived)",
    "s": "skipped",
    "m": "missing (it should be there and is not)",
    "!": "error that is not the solver's",
    "D": "the oracle diverged",
}
"""What stands behind a figure, or in its place, where a case did not pass."""

_TONES: dict[str, Tone] = {"": "plain", "w": "open", "s": "open"}


@dataclass(frozen=True)
class _Comparable:
    """What cases are compared by.

    Attributes:
        title: what it is.
        read: takes it from a row; smaller is better.
        shown: writes it.
        oracle: takes the oracle's from a row.
    """

    title: str
    read: Figure
    shown: Callable[[float], str]
    oracle: Figure = lambda row: None


_DISTANCE = _Comparable(
    "px to the truth, mean over the image",
    mean_distance,
    formatting.px,
    lambda row: row.oracle_tre_px,
)
_RATIO = _Comparable(
    "RMSE / oracle's RMSE", lambda row: row.ratio, formatting.ratio, lambda row: 1.0
)
_RECOVERED = _Comparable(
    f"starts that came back, of {RECOVERY_SEEDS:g}",
    lambda row: None if row.recovered is None else float(-row.recovered),
    lambda value: f"{abs(value):.0f}",
)
_GRADIENT = _Comparable("relative error", lambda row: row.relative_error, formatting.error)


def case_by_case(run_set: RunSet, *, ratios: bool = False) -> Iterable[Section]:
    """Yield a section for each suite.

    Args:
        run_set: the runs.
        ratios: take the ratio to the oracle's RMSE before the distance to the truth.

    """
    for suite in run_set.suites:
        figure = _figure_of([row for run in run_set.runs for row in run.of(suite)], ratios)
        table_rows = []
        for case in run_set.names[suite]:
            cells = (_cell(run.row(suite, case), figure) for run in run_set.runs)
            oracle = _oracle_cell(run_set.oracle_row(suite, case), figure)
            table_rows.append(TableRow(case, (oracle, *cells)))
        yield Section(f"{suite}: {figure.title}" if figure else suite, tuple(table_rows))


def _figure_of(rows: Sequence[ResultRow], ratios: bool) -> _Comparable | None:
    """Return the first figure that these rows have: pairs of a user's own have no truth."""
    first = (_RATIO, _DISTANCE) if ratios else (_DISTANCE, _RATIO)
    for figure in (*first, _RECOVERED, _GRADIENT):
        if any(figure.read(row) is not None for row in rows):
            return figure
    return None


def _oracle_cell(row: ResultRow | None, figure: _Comparable | None) -> Cell:
    value = figure.oracle(row) if row and figure else None
    if row is None or figure is None or value is None:
        return Cell()
    return Cell(f"{figure.shown(value)}{' D' if row.oracle == 'diverged' else ''}")


def _cell(row: ResultRow | None, figure: _Comparable | None) -> Cell:
    if row is None:
        return Cell()
    letter = letter_of(row)
    tone = _TONES.get(letter, "bad")
    value = figure.read(row) if figure else None
    # A case that failed ranks behind all that passed, whatever its figure. One that did not run has
    # no rank.
    ranked = value if not letter else math.inf if row.status == "failed" else None
    if value is None or figure is None:
        return Cell(letter or "ok", ranked if figure else None, tone=tone)
    return Cell(f"{figure.shown(value)} {letter}".rstrip(), ranked, tone=tone)


def letter_of(row: ResultRow) -> str:
    """Return which of `LETTERS` a row gets; none where it passed."""
    letters = {"passed": "", "xfailed": "w", "skipped": "s", "missing": "m", "error": "!"}
    if row.status != "failed":
        return letters[row.status]
    if row.rmse is None and not has_truth(row):
        return "F"
    if row.escaped:
        return "E"
    if row.rmse is None:
        return "N"
    reference = row.truth_rmse if row.oracle == "diverged" else row.oracle_rmse
    far = row.tolerance_px is not None and (mean_distance(row) or 0) > row.tolerance_px
    # A case that brings its truth is held to that alone.
    within = reference is None or not exceeds_ratio(row.rmse, reference)
    return "T" if far and within else "R"


def letters_in(run_set: RunSet) -> frozenset[str]:
    """Return the letters that a table of these runs uses."""
    rows = [row for run in run_set.runs for row in run.rows]
    diverged = {"D"} if any(row.oracle == "diverged" for row in rows) else set()
    return frozenset({letter_of(row) for row in rows} - {""} | diverged)
