"""A stored answer, measured anew: does it give the figures of its row?"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from irgate_battery.cases.catalogue import Case
from irgate_battery.judge.limits import DIVERGED_PX
from irgate_battery.judge.measure import Measurement, measure, measure_without_truth
from irgate_battery.oracle.store import OracleStore, OracleUnavailable
from irgate_battery.report.remade import MadeCases, NotRemadeError, RemadePair, remade
from irgate_battery.results.result_row import ResultRow
from irgate_fixtures import Pair

RMSE_DIGIT, RATIO_DIGIT, PX_DIGIT, PART_DIGIT = 1e-6, 1e-4, 1e-4, 1e-4
"""The last digits that a report prints, of an RMSE, a ratio, a distance and a part of an image."""

DIGITS: Mapping[str, float] = {
    "rmse": RMSE_DIGIT,
    "oracle_rmse": RMSE_DIGIT,
    "truth_rmse": RMSE_DIGIT,
    "rmse_vs_oracle": RMSE_DIGIT,
    "ratio": RATIO_DIGIT,
    "tre_px": PX_DIGIT,
    "tre_max_px": PX_DIGIT,
    "oracle_tre_px": PX_DIGIT,
    "oracle_distance_px": PX_DIGIT,
    "coverage": PART_DIGIT,
    "truth_coverage": PART_DIGIT,
    "oracle_coverage": PART_DIGIT,
    "folded": PART_DIGIT,
}
"""What is compared."""


@dataclass(frozen=True)
class Rejudged:
    """One row, measured anew.

    Attributes:
        row: as it is stored.
        found: the judge's figures for its transform.
        pair: the images, the truth and the oracle that it was measured with.
    """

    row: ResultRow
    found: Measurement
    pair: RemadePair

    @property
    def differs(self) -> tuple[str, ...]:
        """The figures that are others than the row says, by name."""
        return tuple(name for name, digit in DIGITS.items() if not self._agrees(name, digit))

    def _agrees(self, name: str, digit: float) -> bool:
        said, found = getattr(self.row, name), getattr(self.found, name)
        if said is None or found is None:
            return said is found
        return bool(abs(said - found) <= digit)


def rejudged(
    row: ResultRow, case: Case | None, battery: str, made: MadeCases | None = None
) -> Rejudged:
    """Measure a row's stored answer anew.

    Args:
        row: with a transform.
        case: of the catalogue; `None` for an own pair.
        battery: the version that drew it.
        made: cases that were made again already; they grow.
    Raises: NotRemadeError, where the row has no transform, its images cannot be made again, or the
        oracle that it brings is not the one that the package holds; ValueError for a transform of
        another image size.
    """
    if row.transform is None:
        raise NotRemadeError("it holds no transform")
    pair = remade([row], case, battery, made)
    images = pair.images
    shape = (images.fixed.shape[0], images.fixed.shape[1])
    if pair.oracle is None:
        raise NotRemadeError("neither the package nor the report has its oracle")
    oracle = pair.oracle.displacement_on(shape)
    ours = row.transform.displacement_on(shape)
    if isinstance(images, Pair):
        if case is not None and row.oracle_transform is not None:
            _refuse_another_oracle(case, images, oracle)
        return Rejudged(row, measure(images, ours, oracle), pair)
    return Rejudged(row, measure_without_truth(images, ours, oracle), pair)


def _refuse_another_oracle(case: Case, pair: Pair, brought: NDArray[np.float64]) -> None:
    """Hold the oracle that a report brings against the package's, where that has one."""
    try:
        result, _ = OracleStore("stored").get(case, pair)
    except OracleUnavailable:
        return
    known = result.transform.displacement(pair.shape)
    apart = float(np.linalg.norm(brought - known, axis=-1).mean())
    if apart > DIVERGED_PX:
        raise NotRemadeError(f"its oracle is {apart:.3g} px from the one that the package holds")
