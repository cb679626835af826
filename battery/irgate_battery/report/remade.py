"""The images of a row that a report holds, made again and checked against its figures.

A report holds transforms and no images. Those of a case are a function of its recipe; a user's own
are read from their files again. They are believed where the RMSE that belongs to the images alone
(at the truth; of an own pair, where nothing is moved) is what the row says.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from irgate_battery.cases.catalogue import BATTERY_VERSION, Case
from irgate_battery.cases.own_pairs import OwnPair, PairError, PreparedPair
from irgate_battery.cases.packs import case_of
from irgate_battery.judge.measure import warp
from irgate_battery.oracle.result import OracleUnavailable
from irgate_battery.oracle.store import OracleStore
from irgate_battery.report.comparison.side_by_side import SAME_IMAGES
from irgate_battery.results.result_row import ResultRow
from irgate_battery.results.stored_transform import StoredTransform, stored
from irgate_fixtures import Homography, MissingDataError, Pair, Transform


class NotRemadeError(Exception):
    """The images are not there as they were judged; the message says why."""


@dataclass(frozen=True, eq=False)
class RemadePair:
    """What was registered.

    Attributes:
        images: the two, with their masks.
        truth: the true transform; `None` where there is none, or landmarks.
        oracle: SimpleITK's, where it is known.

    """

    images: Pair | PreparedPair
    truth: StoredTransform | None
    oracle: StoredTransform | None


class MadeCase:
    """A case of the catalogue, made again: what depends on its recipe alone.

    Attributes:
        pair: its images, and its truth.
        truth: that as a report stores it.
        floor: the RMSE at the truth; `None` where nothing lands inside.

    """

    def __init__(self, case: Case) -> None:
        self.pair = case.pair()
        self.truth = _stored(self.pair.truth, self.pair.shape)
        self.floor = warp(self.pair, self.pair.truth.displacement(self.pair.shape)).rmse
        self._case = case

    @cached_property
    def oracle(self) -> StoredTransform | None:
        """SimpleITK's transform, where the package holds it."""
        try:
            result, _ = OracleStore("stored").get(self._case, self.pair)
        except OracleUnavailable:
            return None
        return _stored(result.transform, self.pair.shape)


class MadeCases:
    """Cases that were made again, each once, for who looks at them in several reports."""

    def __init__(self) -> None:
        self._made: dict[str, MadeCase] = {}

    def of(self, case: Case) -> MadeCase:
        """Return a case made again. Raises: NotRemadeError."""
        key = case.digest()
        if key not in self._made:
            try:
                self._made[key] = MadeCase(case)
            except MissingDataError as error:
                raise NotRemadeError(str(error)) from None
        return self._made[key]


def remade(
    rows: Sequence[ResultRow],
    case: Case | None,
    battery: str,
    made: MadeCases | None = None,
) -> RemadePair:
    """Make the images of a case again.

    Args:
        rows: the case's in one run or several.
        case: of the catalogue; `None` for an own pair, whose rows name its files.
        battery: the version that drew it.
        made: those that were made already; they grow.
    Raises: NotRemadeError.
    """
    files = next((row.files for row in rows if row.files), None)
    if files is not None:
        return _own(rows, files)
    if battery != BATTERY_VERSION:
        raise NotRemadeError(
            f"it was drawn by battery {battery}; this version has {BATTERY_VERSION}"
        )
    if case is None:
        raise NotRemadeError("there is no such case here, and the report does not name its files")
    again = (made or MadeCases()).of(case)
    _refuse_others(again.floor, [row.truth_rmse for row in rows], "at the truth")
    given = next((row.oracle_transform for row in rows if row.oracle_transform), None)
    return RemadePair(again.pair, again.truth, given or again.oracle)


def _own(rows: Sequence[ResultRow], files: str) -> RemadePair:
    try:
        pair = (case_of(files) or OwnPair.parse(files, Path.cwd())).read()
    except PairError as error:
        raise NotRemadeError(f"its files cannot be read: {error}") from None
    still = warp(pair, np.zeros((*pair.shape, 2))).rmse
    _refuse_others(still, [row.identity_rmse for row in rows], "where nothing is moved")
    given = next((row.oracle_transform for row in rows if row.oracle_transform), None)
    known = pair.with_its_truth()
    truth = _stored(known.truth, pair.shape) if isinstance(known, Pair) else None
    return RemadePair(known, truth, given)


def _refuse_others(now: float | None, then: Sequence[float | None], where: str) -> None:
    for was in then:
        if was is not None and (now is None or abs(now - was) > SAME_IMAGES * abs(was)):
            raise NotRemadeError(
                f"its images are not those that were judged: RMSE {now or 0:.6g} {where}, and the "
                f"report says {was:.6g}"
            )
    if all(was is None for was in then):
        raise NotRemadeError("the report holds no figure by which its images could be checked")


def _stored(transform: Transform, shape: tuple[int, int]) -> StoredTransform:
    homography = transform.homography if isinstance(transform, Homography) else None
    matrix = homography if homography is not None else transform.matrix
    return stored(transform.displacement(shape), matrix)
