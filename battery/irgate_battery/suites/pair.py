"""Suite `pair`: the user's own images, held against SimpleITK, or against a truth of their own."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from irgate_battery.cases.own_pairs import OwnPair
from irgate_battery.cases.run_spec import RunSpec
from irgate_battery.diagnosis.explanation import explain
from irgate_battery.interface.protocol import Solver
from irgate_battery.judge.acceptance import base_limit, fixture_fault
from irgate_battery.judge.limits import BASE_FACTOR, BASE_SLACK
from irgate_battery.judge.measure import measure_without_truth
from irgate_battery.oracle.plausibility import plausibility
from irgate_battery.results.result_row import ResultRow, mean_distance
from irgate_battery.results.row_table import RATIO, RMSE, TIMES, Column, table
from irgate_battery.results.suite_results import SuiteResults
from irgate_battery.results.text import Line, number, wrapped
from irgate_battery.results.verdict import Verdict
from irgate_battery.suites.evaluation import Draft, require_argument, require_model
from irgate_battery.suites.own_data import OwnData
from irgate_battery.suites.suite import EvaluationSetup, Item, Suite
from irgate_battery.suites.truth_evaluation import evaluate_beside_truth


@dataclass(frozen=True, kw_only=True)
class Pairs(OwnData):
    """How many of the user's own pairs agree with the oracle; they are not in the gate."""

    name = "pairs"
    title = "own pairs"


_MM = Column("to SimpleITK", "mm", 8, lambda row: number(row.oracle_distance_mm, ".4f"), 1)
_TRUTH = Column("to the truth", "px", 9, lambda row: number(mean_distance(row), ".4f"), 0)
_COLUMNS = (
    *RMSE,
    Column("RMSE", "before", 9, lambda row: number(row.identity_rmse, ".6f"), 5),
    RATIO,
    Column("to SimpleITK", "px", 8, lambda row: number(row.oracle_distance_px, ".4f"), 0),
    _MM,
    _TRUTH,
    *TIMES,
)
"""RMSE before: where nothing is moved; to SimpleITK: mean distance to its transform, where there is
no truth."""


class PairSuite(Suite[OwnPair]):
    """The user's own pairs."""

    heading = "irgate/pair.py::test_case[ID]; your own images, beside SimpleITK"
    verdict_types = (Pairs,)
    one_call = True
    own_data = True

    def items(self, spec: RunSpec) -> tuple[Item[OwnPair], ...]:
        """Return the pairs that were given."""
        return tuple(
            self._item(pair.id, pair, model=pair.model, intensity=pair.intensity)
            for pair in spec.pairs
        )

    def is_asked_for(self, spec: RunSpec) -> bool:
        """To give a pair is to ask for it."""
        return bool(spec.pairs)

    def fill(
        self, draft: Draft, item: Item[OwnPair], solver: Solver, setup: EvaluationSetup
    ) -> ResultRow:
        """Hold rmse <= 1.1 x oracle_rmse + 1e-4, finite, not escaped, where that can be decided.

        Where the oracle itself is in doubt, or where doing nothing would pass too, a pass would say
        nothing: the row is skipped, and says why. A pair with a truth is held to that alone.
        """
        pair = item.subject
        require_model(solver, pair.model)
        if pair.mask is not None:
            require_argument(solver, "mask")
        prepared = pair.read()
        if prepared.truth is not None:
            draft.row = replace(draft.row, files=str(pair))
            return evaluate_beside_truth(draft, prepared, solver, setup, pair.tolerance_px)
        draft.row = replace(
            draft.row,
            files=str(pair),
            preparation=prepared.preparation,
            spacing_mm=prepared.spacing_mm,
        )
        oracle, origin = setup.store.get(prepared, prepared)
        oracle_displacement = oracle.transform.displacement(prepared.shape)
        judged = plausibility(prepared, oracle_displacement)
        draft.row = replace(
            draft.row,
            oracle="doubtful" if judged.reason else origin,
            oracle_seconds=oracle.seconds,
            identity_rmse=judged.identity_rmse,
        )
        answer, seconds = solver.solve(
            prepared.fixed,
            prepared.moving,
            model=pair.model,
            mask=prepared.mask,
            intensity=pair.intensity,
            timeout=setup.timeout,
        )
        draft.row = replace(draft.row, seconds=seconds)
        draft.answered(answer, oracle.transform, prepared.shape)
        measured = measure_without_truth(prepared, answer.displacement, oracle_displacement)
        draft.measured(measured)
        if prepared.spacing_mm is not None and measured.oracle_distance_px is not None:
            mm = measured.oracle_distance_px * prepared.spacing_mm
            draft.row = replace(draft.row, oracle_distance_mm=mm)
        if judged.reason:
            return draft.skipped(f"not evaluated: SimpleITK's result is in doubt: {judged.reason}")
        fault = fixture_fault(measured)
        if fault is not None:
            message = f"{fault}; {_apart(draft.row)}."
            reason = explain(prepared.beside(oracle.transform), answer.displacement, answer.matrix)
            if reason:
                draft.explained(reason)
                message += f" Taking SimpleITK's transform for the truth: {reason.sentence}."
            return draft.failed(message)
        limit = base_limit(measured.oracle_rmse or 0.0)
        if judged.identity_rmse is not None and judged.identity_rmse <= limit:
            return draft.skipped(
                "not evaluated: within its limit, but doing nothing would be too (RMSE "
                f"{judged.identity_rmse:.3g} where nothing is moved, limit {limit:.3g})"
            )
        return draft.row

    def verdicts(self, results: SuiteResults) -> tuple[Verdict, ...]:
        """Return how many agree with SimpleITK."""
        return (Pairs.of(results, _rule(results)),)

    def section(self, rows: Sequence[ResultRow], width: int) -> Iterable[Line]:
        """Return a table of them, and what was read for each."""
        in_mm = any(row.spacing_mm is not None for row in rows)
        known = any(mean_distance(row) is not None for row in rows)
        absent = [column for column, there in ((_MM, in_mm), (_TRUTH, known)) if not there]
        columns = [column for column in _COLUMNS if column not in absent]
        yield from table("own pair", rows, columns, width)
        yield from _notes(rows, width)


SUITE = PairSuite
"""What the registry loads."""


def _rule(results: SuiteResults) -> str:
    """Say what a pair must be within: those with a truth of their own are held to that."""
    rule = f"{BASE_FACTOR} x SimpleITK's RMSE + {BASE_SLACK:g}"
    rows = (*results.ran, *results.waived)
    if rows and all(row.tolerance_px is not None for row in rows):
        return "their tolerance of the truth"
    if any(row.tolerance_px is not None for row in rows):
        return f"{rule} or their tolerance of the truth"
    return rule


def _apart(row: ResultRow) -> str:
    """Say how far from the oracle's transform a row's answer stands."""
    if row.oracle_distance_px is None:
        return "nothing lands inside the moving image"
    mm = "" if row.oracle_distance_mm is None else f" ({row.oracle_distance_mm:.3g} mm)"
    return f"{row.oracle_distance_px:.3g} px{mm} from SimpleITK's transform on average"


def _notes(rows: Sequence[ResultRow], width: int) -> Iterable[Line]:
    """Say of each own pair what was read, and where it is not evaluated, why."""
    for row in rows:
        if row.preparation:
            yield from wrapped(f"{row.case}: ", f"{row.model}; {row.preparation}", "plain", width)
        if row.status == "skipped":
            yield from wrapped("  ", row.message.removeprefix(f"{row.case}: "), "open", width)
