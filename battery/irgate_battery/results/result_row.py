"""A row of the report: what one item measured, in builtin types only.

Rows travel between processes on pytest's test reports, and into JSON: a numpy scalar in one
would break both. Schema 1 of the JSON report is the list of these fields. Texts are made printable
here, whether they come from a solver or from another's report.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

from irgate_battery.interface.outside_text import one_line
from irgate_battery.results.stored_transform import (
    StoredGrid,
    StoredMatrix,
    StoredTransform,
    read_stored,
)

Status = Literal["passed", "failed", "skipped", "xfailed", "error", "missing"]

BAD = ("failed", "error", "missing")
"""Statuses that fail a run."""

RAN = ("passed", "failed", "xfailed")
"""Statuses of an item on which the solver was really called."""

NEEDED = ("id", "suite", "case", "status")
"""Keys without which a row says nothing: one that lost its status must not count as passed."""

TRANSFORMS = ("transform", "oracle_transform")
"""Fields that hold a transform."""

_KINDS = (str, float, bool, int, StoredMatrix, StoredGrid)


@dataclass(frozen=True)
class ResultRow:
    """One item's line. Figures that do not exist are `None`, never 0 and never NaN.

    Attributes:
        id: the node id, `irgate/base.py::test_case[synth_translate_2d]`.
        suite: `contract`, `base`, ...
        case: the case's or check's name.
        model: the model that was asked for, or `None`.
        status: passed, failed, skipped, xfailed, error (something other than the solver broke)
            or missing (it should be here and is not).
        message: why it is not passed; empty where it is.
        oracle: where the oracle's result came from: stored, live, cached; or diverged;
            or on an own pair doubtful.
        seconds: the solver's call, wall time.
        oracle_seconds: the oracle's, on the machine that computed it.
        tolerance_px: largest `tre_px` that passes on a battery case or beside a truth of the
            user's own, `landmark_mean_px` where that is landmarks; largest `inconsistency_px` that
            passes on a consistency item.
        recovered, tried: seeds of a recovery item that came back, and all of them.
        relative_error: of a gradient item, against central differences.
        inconsistency_px: of a consistency item, the distance between two answers that must be the
            same, of those that are farthest apart for their tolerance.
        identity_rmse: of an own pair, the RMSE where nothing is moved.
        spacing_mm: of an own pair, the side of a pixel where it is known, mm.
        oracle_distance_mm: `oracle_distance_px` times that.
        preparation: of an own pair, what was read and what was done to it, in words.
        diagnosis: the name of the fault that explains a failure, or `None`.
        explanations: every fault that fits it, its own first, between semicolons.
        undone_px: mean distance to the truth once the fault is undone; where a wrong objective
            explains it, to that one's minimum.
        beyond_reach: what the solver claims, where the case lies beyond it and was not asked.
        transform: the answer, with which every figure can be measured anew; where there was one.
        oracle_transform: the oracle's, unless it is a stored one.
        files: of an own pair, as it was given: `"fixed.png,moving.png,rigid"`; of a pack's case
            the pack's file and the case's id, `"teeth/pack.toml#molar"`.
        landmarks: how many points say the truth, where it is points.
        landmark_mean_px, landmark_median_px, landmark_p95_px: their distances to where they are
            seen in the moving image: mean, median, 95th percentile, px.
        landmark_mean_mm: the mean in mm, where the side of a pixel is known.
        licence, source: of the images of a pack's case, as the pack states them.
        error_dx_px, error_dy_px, error_degrees, error_scale, error_shear: the signed error over the
            true transform, `irgate_battery.judge.signed_error`; on clean cases only.
        error_place: where most of the distance to the truth lies, if that is one place.
        motion_px, motion_degrees: of a case, how far the true transform moves the centre of the
            fixed image, and how far it turns.
        motion_mean_px: how far it moves a pixel of the fixed image on average.

    The other figures are those of `irgate_battery.judge.measure.Measurement`.

    """

    id: str
    suite: str
    case: str
    model: str | None = None
    status: Status = "passed"
    message: str = ""
    rmse: float | None = None
    oracle_rmse: float | None = None
    truth_rmse: float | None = None
    ratio: float | None = None
    rmse_vs_oracle: float | None = None
    tre_px: float | None = None
    tre_max_px: float | None = None
    oracle_tre_px: float | None = None
    oracle_distance_px: float | None = None
    coverage: float | None = None
    truth_coverage: float | None = None
    oracle_coverage: float | None = None
    folded: float | None = None
    escaped: bool | None = None
    oracle: str | None = None
    seconds: float | None = None
    oracle_seconds: float | None = None
    tolerance_px: float | None = None
    recovered: int | None = None
    tried: int | None = None
    relative_error: float | None = None
    inconsistency_px: float | None = None
    identity_rmse: float | None = None
    spacing_mm: float | None = None
    oracle_distance_mm: float | None = None
    preparation: str | None = None
    diagnosis: str | None = None
    explanations: str | None = None
    undone_px: float | None = None
    beyond_reach: str | None = None
    error_dx_px: float | None = None
    error_dy_px: float | None = None
    error_degrees: float | None = None
    error_scale: float | None = None
    error_shear: float | None = None
    error_place: str | None = None
    motion_px: float | None = None
    motion_degrees: float | None = None
    motion_mean_px: float | None = None
    files: str | None = None
    landmarks: int | None = None
    landmark_mean_px: float | None = None
    landmark_median_px: float | None = None
    landmark_p95_px: float | None = None
    landmark_mean_mm: float | None = None
    licence: str | None = None
    source: str | None = None
    transform: StoredTransform | None = None
    oracle_transform: StoredTransform | None = None

    def __post_init__(self) -> None:
        if self.status not in get_args(Status):
            raise ValueError(f"ResultRow: status {self.status!r} is none of {get_args(Status)}")
        for field in fields(self):
            name, value = field.name, getattr(self, field.name)
            if value is not None and type(value) not in _KINDS:
                raise TypeError(f"ResultRow: {name} is {type(value).__name__}; builtin types only")
            if isinstance(value, str):
                object.__setattr__(self, name, one_line(value))
            if isinstance(value, float) and not math.isfinite(value):
                raise ValueError(
                    f"ResultRow: {name} is {value}; a figure that does not exist is None"
                )

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as a dict of builtin types, in schema order."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        for name in TRANSFORMS:
            if values[name] is not None:
                values[name] = values[name].to_dict()
        return values

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "ResultRow":
        """Read a row back; fields that this version does not know are an error."""
        known = {field.name for field in fields(cls)}
        unknown = sorted(set(values) - known)
        if unknown:
            raise ValueError(f"ResultRow: unknown fields {unknown}; another version wrote this row")
        held = {
            name: read_stored(values[name]) for name in TRANSFORMS if values.get(name) is not None
        }
        return cls(**{**values, **held})


def mean_distance(row: ResultRow) -> float | None:
    """Return a row's mean distance to its truth, px: over the valid region, or over landmarks."""
    return row.tre_px if row.landmark_mean_px is None else row.landmark_mean_px
