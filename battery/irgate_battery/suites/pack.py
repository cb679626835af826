"""Suite `pack`: cases that the user or a package brings, each with a truth of its own."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from statistics import median

from irgate_battery.cases.packs import PackCase
from irgate_battery.cases.run_spec import RunSpec
from irgate_battery.interface.protocol import Solver
from irgate_battery.results.compared import Compared, SavedVerdicts, over_cases
from irgate_battery.results.result_row import ResultRow, mean_distance
from irgate_battery.results.row_table import Column, table
from irgate_battery.results.suite_results import SuiteResults
from irgate_battery.results.text import Line, number, wrapped
from irgate_battery.results.verdict import Verdict
from irgate_battery.suites.evaluation import Draft
from irgate_battery.suites.own_data import OwnData
from irgate_battery.suites.suite import EvaluationSetup, Item, Suite
from irgate_battery.suites.truth_evaluation import evaluate_beside_truth


@dataclass(frozen=True, kw_only=True)
class Packs(OwnData):
    """How many of the packs' cases are within their tolerance; they are not in the gate."""

    name = "packs"
    title = "packs"


_COLUMNS = (
    Column("to the truth, px", "mean", 9, lambda row: number(mean_distance(row), ".4f"), 0),
    Column("to the truth, px", "allowed", 8, lambda row: number(row.tolerance_px, ".4g"), 0),
    Column("to the truth, px", "largest", 9, lambda row: number(row.tre_max_px, ".4f"), 3),
    Column("landmarks, px", "median", 8, lambda row: number(row.landmark_median_px, ".4f"), 1),
    Column("landmarks, px", "95 %", 8, lambda row: number(row.landmark_p95_px, ".4f"), 1),
    Column("RMSE", "ours", 9, lambda row: number(row.rmse, ".6f"), 4),
    Column("RMSE", "truth", 9, lambda row: number(row.truth_rmse, ".6f"), 5),
    Column("time, s", "ours", 8, lambda row: number(row.seconds, ".3f"), 6),
)
"""Mean: over the valid region, or over the landmarks."""


class PackSuite(Suite[PackCase]):
    """The packs' cases."""

    heading = "irgate/pack.py::test_case[PACK-ID]; cases with a truth, yours or a package's"
    verdict_types = (Packs,)
    one_call = True
    has_truth = True
    own_data = True

    def items(self, spec: RunSpec) -> tuple[Item[PackCase], ...]:
        """Return the cases of the packs that were given."""
        return tuple(
            self._item(
                case.id,
                case,
                model=case.pair.model,
                intensity=case.pair.intensity,
                purpose=case.purpose or case.source,
            )
            for pack in spec.packs
            for case in pack.cases
        )

    def is_asked_for(self, spec: RunSpec) -> bool:
        """To give a pack is to ask for it."""
        return bool(spec.packs)

    def fill(
        self, draft: Draft, item: Item[PackCase], solver: Solver, setup: EvaluationSetup
    ) -> ResultRow:
        """Hold the mean distance to the truth to the case's tolerance; finite, not escaped."""
        case = item.subject
        draft.row = replace(
            draft.row,
            files=case.files,
            licence=case.licence or None,
            source=case.source or None,
        )
        return evaluate_beside_truth(draft, case.read(), solver, setup, case.pair.tolerance_px)

    def verdicts(self, results: SuiteResults) -> tuple[Verdict, ...]:
        """Return how many are within their tolerance."""
        return (Packs.of(results, "their tolerance"),)

    def section(self, rows: Sequence[ResultRow], width: int) -> Iterable[Line]:
        """Return a table of them, and where one did not run, why."""
        yield from table("pack case", rows, _present(rows), width)
        for row in rows:
            if row.status in ("skipped", "error", "missing"):
                yield from wrapped(f"{row.case}: ", row.message, "open", width)
        for licence in dict.fromkeys(row.licence for row in rows if row.licence):
            count = sum(row.licence == licence for row in rows)
            yield from wrapped("licence: ", f"{licence} ({count} of {len(rows)})", "plain", width)

    def compared(self, rows: Sequence[ResultRow], verdicts: SavedVerdicts) -> tuple[Compared, ...]:
        """Return the median distance to the truth over the cases."""
        title = "px to truth or landmarks, median"
        return (over_cases(title, rows, mean_distance, median, lambda value: f"{value:.4f}"),)


SUITE = PackSuite
"""What the registry loads."""


def _present(rows: Sequence[ResultRow]) -> list[Column]:
    """Return the columns that decide, and those that hold a figure in some row."""
    return [
        column
        for column in _COLUMNS
        if column.keep == 0 or any(column.cell(row) != "-" for row in rows)
    ]
