"""A stored answer, measured anew: does it give the figures of its row?"""

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from irgate_battery.cases.catalogue import Case, all_cases
from irgate_battery.cases.own_pairs import own_pairs
from irgate_battery.judge.limits import DIVERGED_PX
from irgate_battery.judge.measure import ImagePair, Measurement, measure, measure_without_truth
from irgate_battery.oracle.store import OracleStore, OracleUnavailable
from irgate_battery.results.result_row import ResultRow

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


class NotRejudgedError(ValueError):
    """A row cannot be measured anew; the message says what is missing."""


@dataclass(frozen=True)
class Rejudged:
    """One row, measured anew.

    Attributes:
        row: as it is stored.
        found: the judge's figures for its transform.
    """

    row: ResultRow
    found: Measurement

    @property
    def differs(self) -> tuple[str, ...]:
        """The figures that are others than the row says, by name."""
        return tuple(name for name, digit in DIGITS.items() if not self._agrees(name, digit))

    def _agrees(self, name: str, digit: float) -> bool:
        said, found = getattr(self.row, name), getattr(self.found, name)
        if said is None or found is None:
            return said is found
        return bool(abs(said - found) <= digit)


def images_of(row: ResultRow, seed: int, count: int) -> tuple[ImagePair, Case | None]:
    """Make the images of a row anew, and its case; an own pair is read again, and has none.

    Args:
        row: of a case or of an own pair.
        seed, count: of the run's battery.
    Raises: NotRejudgedError; PairError where an own pair's files cannot be read.
    """
    if row.files is not None:
        (pair,) = own_pairs([row.files], Path.cwd())
        return pair.read(), None
    case = _cases(seed, count).get(row.case)
    if case is None:
        raise NotRejudgedError(f"{row.id}: this version has no case {row.case}")
    return case.pair(), case


def oracle_on(row: ResultRow, case: Case | None, images: ImagePair) -> NDArray[np.float64]:
    """Return the displacement of the oracle's transform, `(H, W, 2)`, px.

    One that a report brings is held against the package's, where that has one.

    Raises: NotRejudgedError where nobody has one, or these two are not the same.
    """
    shape = (images.fixed.shape[0], images.fixed.shape[1])
    known = None
    if case is not None:
        with contextlib.suppress(OracleUnavailable):
            result, _ = OracleStore("stored").get(case, images)
            known = result.transform.displacement(shape)
    if row.oracle_transform is None:
        if known is None:
            raise NotRejudgedError(f"{row.id}: neither the package nor the report has its oracle")
        return known
    brought = row.oracle_transform.displacement_on(shape)
    if known is not None:
        apart = float(np.linalg.norm(brought - known, axis=-1).mean())
        if apart > DIVERGED_PX:
            raise NotRejudgedError(
                f"{row.id}: its oracle is {apart:.3g} px from the one that the package holds"
            )
    return brought


def rejudged(row: ResultRow, seed: int, count: int) -> Rejudged:
    """Measure a row's stored answer anew.

    Args:
        row: with a transform.
        seed, count: of the run's battery.
    Raises: NotRejudgedError; PairError; ValueError for a transform of another image size.
    """
    if row.transform is None:
        raise NotRejudgedError(f"{row.id}: it holds no transform")
    images, case = images_of(row, seed, count)
    ours = row.transform.displacement_on((images.fixed.shape[0], images.fixed.shape[1]))
    oracle = oracle_on(row, case, images)
    if case is None:
        return Rejudged(row, measure_without_truth(images, ours, oracle))
    pair: Any = images
    return Rejudged(row, measure(pair, ours, oracle))


@cache
def _cases(seed: int, count: int) -> Mapping[str, Case]:
    return {case.id: case for case in all_cases(seed, count)}
