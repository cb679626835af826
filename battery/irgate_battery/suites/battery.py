"""Suite `battery`: the base fixtures under perturbations that tend to break a solver."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from irgate_battery.cases.catalogue import Case, battery_cases
from irgate_battery.cases.run_spec import RunSpec
from irgate_battery.judge.limits import MEAN_RATIO, RATIO_CAP
from irgate_battery.results import formatting
from irgate_battery.results.compared import Cell, Compared, SavedVerdicts
from irgate_battery.results.result_row import ResultRow
from irgate_battery.results.suite_results import SuiteResults
from irgate_battery.results.text import Line, counts, number
from irgate_battery.results.verdict import Verdict, VerdictStatus
from irgate_battery.suites.case_suite import CaseSuite


@dataclass(frozen=True, kw_only=True)
class MeanRatio(Verdict):
    """The mean over the battery of min(ratio, 2)."""

    name = "mean_ratio"
    title = "mean ratio"
    effect = "strict"
    needs = "the whole battery"
    since_first = True

    mean: float | None
    limit: float
    ran: int
    expected: int
    capped: int
    oracle_diverged: int


class BatterySuite(CaseSuite):
    """The battery."""

    heading = "irgate/battery.py::test_case[ID]; the fixtures, perturbed"
    verdict_types = (MeanRatio,)
    is_drawn = True

    def cases(self, spec: RunSpec) -> Iterable[Case]:
        """Return as many cases as were asked for."""
        return battery_cases(spec.seed, spec.count)

    def verdicts(self, results: SuiteResults) -> tuple[Verdict, ...]:
        """Return the mean ratio."""
        return (mean_ratio(results),)

    def section(self, rows: Sequence[ResultRow], width: int) -> Iterable[Line]:
        """Return a line for each fixture, and the cases that did not pass."""
        if any(row.ratio is not None or row.tre_px is not None for row in rows):
            yield from _by_fixture(self.name, rows)
        yield from counts(self.name, rows, width)

    def compared(self, rows: Sequence[ResultRow], verdicts: SavedVerdicts) -> tuple[Compared, ...]:
        """Return the mean ratio of the verdict: it says what a case without a ratio counts."""
        mean = verdicts[MeanRatio.name].mean
        judged = frozenset(
            (row.suite, row.case) for row in rows if row.status in ("passed", "failed")
        )
        has_oracle = any(row.oracle_rmse is not None for row in rows)
        return (
            Compared(
                f"mean ratio, capped at {RATIO_CAP:g}",
                Cell() if mean is None else Cell(formatting.ratio(mean), mean),
                judged,
                Cell(formatting.ratio(1.0)) if has_oracle else Cell(),
            ),
        )

    def chosen_count(self, verdicts: SavedVerdicts) -> int | None:
        """Return what the mean ratio stands over."""
        return verdicts[MeanRatio.name].expected or 0

    def family_of(self, row: ResultRow) -> str | None:
        """Return the perturbation: `rot75` of `lena_affine_2d-rot75`."""
        return _perturbation(row).partition("-")[0]


SUITE = BatterySuite
"""What the registry loads."""


def mean_ratio(results: SuiteResults) -> MeanRatio:
    """Return the mean over the battery of min(ratio, 2).

    A case without a ratio, because the solver gave no usable answer, counts as 2: failing must
    not be cheaper than being wrong. Cases on which the oracle diverged are left out and counted.
    """
    judged = [row for row in results.ran if row.oracle != "diverged"]
    ratios = [
        float(RATIO_CAP) if row.ratio is None or row.escaped else min(row.ratio, float(RATIO_CAP))
        for row in judged
    ]
    capped = sum(ratio == RATIO_CAP for ratio in ratios)
    diverged = len(results.ran) - len(judged)
    mean = sum(ratios) / len(ratios) if ratios else None
    undecided = results.lost_or_undecided()
    status: VerdictStatus
    if undecided or mean is None:
        status, reason = "not_evaluated", undecided or "not evaluated (no oracle converged)"
    else:
        within = mean <= MEAN_RATIO
        aside = f", {diverged} left out" if diverged else ""
        status = "pass" if within else "fail"
        reason = (
            f"{mean:.4f} {'<=' if within else '>'} {MEAN_RATIO:.2f} over the battery "
            f"({results.how_many}, {capped} capped at {RATIO_CAP:g}{aside})"
        )
    return MeanRatio(
        status=status,
        reason=reason,
        mean=mean,
        limit=MEAN_RATIO,
        ran=results.count,
        expected=results.expected,
        capped=capped,
        oracle_diverged=diverged,
    )


def _by_fixture(title: str, rows: Sequence[ResultRow]) -> Iterable[Line]:
    """One line for each fixture that the cases come from: the mean ratio and the two extremes."""
    fixtures = dict.fromkeys(row.case.partition("-")[0] for row in rows)
    names = max(map(len, fixtures))
    yield Line(f"{title:<{names}}  passed  mean ratio  largest ratio    farthest, px", "head")
    for fixture in fixtures:
        mine = [row for row in rows if row.case.partition("-")[0] == fixture]
        passed = sum(row.status == "passed" for row in mine)
        ratios = [(row.ratio, _perturbation(row)) for row in mine if row.ratio is not None]
        distances = [(row.tre_px, _perturbation(row)) for row in mine if row.tre_px is not None]
        mean = sum(ratio for ratio, _ in ratios) / len(ratios) if ratios else None
        if all(row.status == "skipped" for row in mine):
            yield Line(f"{fixture:<{names}}    skipped, all {len(mine)}", "open")
            continue
        yield Line(
            f"{fixture:<{names}} {passed:>4}/{len(mine):<3}{number(mean, '.4f'):>11}  "
            f"{_extreme(ratios):<16} {_extreme(distances)}".rstrip(),
            "good" if passed == len(mine) else "plain",
        )


def _perturbation(row: ResultRow) -> str:
    return row.case.partition("-")[2]


def _extreme(values: Sequence[tuple[float, str]]) -> str:
    if not values:
        return "-"
    largest, perturbation = max(values)
    return f"{largest:.3f} {perturbation}"
