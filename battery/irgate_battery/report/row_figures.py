"""The figures of a row, in words and with the limit of each: what a person reads of a case."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from irgate_battery.judge.acceptance import base_limit
from irgate_battery.judge.limits import (
    AGREEMENT_TARGET,
    ESCAPE_FRACTION,
    GRADIENT_ERROR,
    RATIO_CAP,
    RECOVERY_SHARE,
)
from irgate_battery.results.result_row import ResultRow


@dataclass(frozen=True)
class Figure:
    """One figure.

    Attributes:
        label: what it is.
        text: its value and unit.
        limit: what it is held to, in words; empty where nothing holds it.
        holds: whether it is within; `None` where nothing holds it.

    """

    label: str
    text: str
    limit: str = ""
    holds: bool | None = None


def figures(row: ResultRow) -> list[Figure]:
    """Return the figures that a row has, the deciding ones first."""
    return [*_distances(row), *_intensities(row), *_region(row), *_checks(row), *_times(row)]


def _at_most(label: str, value: float, limit: float | None, form: str, unit: str = "") -> Figure:
    text = f"{value:{form}}{unit}"
    if limit is None:
        return Figure(label, text)
    return Figure(label, text, f"at most {limit:{form}}{unit}", value <= limit)


def _distances(row: ResultRow) -> Iterable[Figure]:
    if row.tre_px is not None:
        yield _at_most("Distance to the truth, mean", row.tre_px, row.tolerance_px, ".4g", " px")
    if row.landmark_mean_px is not None:
        mm = "" if row.landmark_mean_mm is None else f" ({row.landmark_mean_mm:.4g} mm)"
        label = f"Distance to {row.landmarks} landmarks, mean"
        held = _at_most(label, row.landmark_mean_px, row.tolerance_px, ".4g", " px")
        yield replace(held, text=f"{held.text}{mm}")
    for label, value in (
        ("Distance to the landmarks, median", row.landmark_median_px),
        ("Distance to the landmarks, 95th percentile", row.landmark_p95_px),
    ):
        if value is not None:
            yield Figure(label, f"{value:.4g} px")
    if row.tre_max_px is not None:
        yield Figure("Distance to the truth, largest", f"{row.tre_max_px:.4g} px")
    if row.oracle_tre_px is not None:
        yield Figure("SimpleITK's distance to the truth", f"{row.oracle_tre_px:.4g} px")
    if row.oracle_distance_px is not None:
        mm = "" if row.oracle_distance_mm is None else f" ({row.oracle_distance_mm:.4g} mm)"
        text = f"{row.oracle_distance_px:.4g} px{mm}"
        yield Figure("Distance to SimpleITK's transform", text)


def _intensities(row: ResultRow) -> Iterable[Figure]:
    if row.rmse is not None:
        yield _at_most("RMSE", row.rmse, rmse_limit(row), ".4g")
    for label, value in (
        ("SimpleITK's RMSE", row.oracle_rmse),
        ("RMSE at the truth", row.truth_rmse),
        ("RMSE where nothing is moved", row.identity_rmse),
    ):
        if value is not None:
            yield Figure(label, f"{value:.4g}")
    if row.ratio is not None:
        yield Figure("RMSE / SimpleITK's", f"{row.ratio:.4f}")
    if row.rmse_vs_oracle is not None:
        target = f"target {AGREEMENT_TARGET:g}, decides nothing"
        yield Figure("RMSE between the two warped images", f"{row.rmse_vs_oracle:.2g}", target)


def rmse_limit(row: ResultRow) -> float | None:
    """Return the largest RMSE that passes beside a row's reference, or `None`.

    A row with a tolerance in px is held by the battery's rule, another by a fixture's.
    """
    reference = row.truth_rmse if row.oracle == "diverged" else row.oracle_rmse
    if reference is None:
        return None
    return base_limit(reference) if row.tolerance_px is None else RATIO_CAP * reference


def _region(row: ResultRow) -> Iterable[Figure]:
    if row.coverage is not None:
        whose = row.oracle_coverage if row.truth_coverage is None else row.truth_coverage
        least = None if whose is None else ESCAPE_FRACTION * whose
        limit = "" if least is None else f"at least {least:.1%}"
        holds = None if least is None else row.coverage >= least
        yield Figure("Valid region", f"{row.coverage:.1%}", limit, holds)
    if row.folded is not None:
        yield Figure("Folded pixels", f"{row.folded:.2%}")


def _checks(row: ResultRow) -> Iterable[Figure]:
    if row.recovered is not None and row.tried:
        holds = row.recovered >= RECOVERY_SHARE * row.tried
        limit = f"at least {RECOVERY_SHARE:.0%}"
        yield Figure("Starts that came back", f"{row.recovered} of {row.tried}", limit, holds)
    if row.relative_error is not None:
        label = "Relative error of the gradient"
        yield _at_most(label, row.relative_error, float(GRADIENT_ERROR), ".2g")
    if row.inconsistency_px is not None:
        label = "Distance between answers that must agree"
        yield _at_most(label, row.inconsistency_px, row.tolerance_px, ".3g", " px")
    if row.undone_px is not None:
        label = "Distance once the fault is undone"
        yield Figure(label, f"{row.undone_px:.3g} px")


def _times(row: ResultRow) -> Iterable[Figure]:
    if row.seconds is not None:
        yield Figure("Time", f"{row.seconds:.3g} s")
    if row.oracle_seconds is not None:
        yield Figure("SimpleITK's time", f"{row.oracle_seconds:.3g} s")
    if row.seconds is not None and row.oracle_seconds:
        yield Figure("Time / SimpleITK's", f"{row.seconds / row.oracle_seconds:.3g}")
