"""The rows of one run, gathered from pytest's reports: what is there, and what should be.

Under xdist the workers' rows ride on their test reports, and the controller gathers them here, so
that what a dead worker had measured before is kept.
"""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from irgate_battery.report.conclusion import ENDED_EARLY
from irgate_battery.results.result_row import ResultRow
from irgate_battery.results.solver_identity import SolverIdentity
from pytest_irgate.item_runner import ITEM_RESULT, blank_row


class GatheredRows:
    """What has been reported of the items that should report.

    Attributes:
        expected: their node ids, in the order of collection.
        ended: why an item did not report that nothing else is known of.
    """

    def __init__(self) -> None:
        self.expected: list[str] = []
        self.ended = ENDED_EARLY
        self._rows: dict[str, ResultRow] = {}
        self._lost: dict[str, str] = {}
        self._identities: dict[str, SolverIdentity] = {}

    def expect(self, nodeids: Iterable[str]) -> None:
        """Remember items that should report; under xdist each worker names them."""
        self.expected = list(dict.fromkeys([*self.expected, *nodeids]))

    def take(self, report: pytest.TestReport) -> None:
        """Take the row that rides on an item's report."""
        carried = getattr(report, "irgate", None)
        if carried is not None:
            row = ResultRow.from_dict(carried["row"])
            self._rows[row.id] = row
            if carried["solver"]:
                self._identities[row.id] = SolverIdentity(**carried["solver"])
        elif report.failed:
            # xdist's own report about an item whose worker died.
            self._lost[str(report.nodeid)] = " ".join(str(report.longrepr).split())

    def rescue(self, items: Iterable[pytest.Item]) -> None:
        """Keep what an item had measured that an interrupt kept from reporting."""
        for item in items:
            result = item.stash.get(ITEM_RESULT, None)
            if result is not None:
                self._rows.setdefault(item.nodeid, result.row)

    def complete(self) -> tuple[ResultRow, ...]:
        """Return a row for each expected item; one that did not report is missing."""
        return tuple(self._rows.get(nodeid) or self._missing(nodeid) for nodeid in self.expected)

    def identity(self, spec: str) -> SolverIdentity:
        """Return who was judged, or, where nothing was called, how it was named."""
        told = [self._identities[nodeid] for nodeid in self.expected if nodeid in self._identities]
        return told[0] if told else SolverIdentity(spec, None, None)

    def _missing(self, nodeid: str) -> ResultRow:
        return blank_row(nodeid, status="missing", message=self._lost.get(nodeid) or self.ended)
