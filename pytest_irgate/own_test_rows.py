"""Rows of tests of the user's own (`parametrize_with_cases`), taken from pytest's reports.

They ride on the test reports as the gate's own rows do, so that parallel runs lose none.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from irgate_battery.report.own_tests import OwnTest
from pytest_irgate.item_runner import ITEM_RESULT, figures_of, row_of
from pytest_irgate.parametrizing import GateCase

CARRIED = "irgate_own_test"
"""Attribute of a test report."""


class OwnTestRows:
    """What has been reported of the user's own tests, by node id."""

    def __init__(self) -> None:
        self._tests: dict[str, OwnTest] = {}

    @staticmethod
    def carry(item: pytest.Item, report: pytest.TestReport) -> None:
        """Hang on a test's report what it measured, if it called a case of the gate."""
        callspec = getattr(item, "callspec", None)
        case = callspec.params.get("case") if callspec else None
        if not isinstance(case, GateCase):
            return
        if report.when == "setup":
            case.forget()
            return
        if case.result is None or case.solver is None:
            return
        row = replace(case.result.row, id=item.nodeid)
        item.stash[ITEM_RESULT] = replace(case.result, row=row)
        told = row_of(item, report)
        if told is None:
            return
        setattr(report, CARRIED, OwnTest(case.solver, told).to_dict())
        if report.when == "call":
            item.user_properties += figures_of(told)

    def take(self, report: pytest.TestReport) -> None:
        """Take what rides on a report, if anything does."""
        carried = getattr(report, CARRIED, None)
        if carried is not None:
            self._tests[str(report.nodeid)] = OwnTest.from_dict(carried)

    def complete(self) -> tuple[OwnTest, ...]:
        """Return all of them."""
        return tuple(self._tests.values())
