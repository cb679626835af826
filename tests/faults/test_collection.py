"""Each fault of the collection is whole, and fails the item that it names; a good solver does not.

The detection rate over the whole gate takes minutes: `python tests/faults/rate.py`.
"""

from functools import cache

import pytest

from irgate_battery import (
    CHECKS,
    PUSHES,
    Case,
    OracleStore,
    Solver,
    cases,
    examine_case,
    examine_check,
    examine_gradient,
    examine_recovery,
    recovery_name,
)

from . import detection
from .attached import Attached
from .collection import COLLECTION, KINDS, LAYERS
from .good import Good
from .outcome import Outcome


@cache
def images(name):
    return next(case for case in cases() if case.id == name).pair()


class Held(Case):
    """A case whose images are made once for all tests: a solver gets copies of them."""

    def pair(self):
        return images(self.id)


CASES = {case.id: Held(**vars(case)) for case in cases()}
CHECKS_BY_NAME = {check.name: check for check in CHECKS}
RECOVERIES = {
    recovery_name(case, push): (case, push)
    for case in CASES.values()
    if case.suite == "base"
    for push in PUSHES
}
STORE = OracleStore("stored")

LEAST = 36
"""Faults that change something."""

DEAR = {
    "answer_not_converged",
    "cholesky_failure_swallowed_backward",
    "remembers_the_last_answer",
}
"""Faults that no single item shows in a second: gradients of the free form, whose Hessian is
32 x 32, and a state that takes several calls to go wrong. The command sees them."""

LAYER_OF_SUITE = {
    "base": {"each fixture"},
    "battery": {"ratio", "truth"},
    "contract": {"contract"},
    "recovery": {"recovery"},
    "gradient": {"gradient"},
}


def row(solver, item):
    """Examine a solver on one item, as the gate does."""
    suite, case = item
    solver = Solver.of(solver)
    match suite:
        case "contract":
            examined = examine_check(CHECKS_BY_NAME[case], solver)
        case "recovery":
            examined = examine_recovery(*RECOVERIES[case], solver)
        case "gradient":
            examined = examine_gradient(CASES[case], solver)
        case _:
            examined = examine_case(CASES[case], solver, STORE)
    return examined.row


@pytest.mark.parametrize("fault", COLLECTION.values(), ids=COLLECTION)
def test_a_fault_says_what_it_is(fault):
    assert fault.about.endswith(".")
    assert fault.origin
    assert fault.layers <= set(LAYERS)
    if fault.layers:
        assert fault.names
    if fault.item is not None:
        assert fault.layers & LAYER_OF_SUITE[fault.item[0]]
    assert Solver.of(fault.build()).accepts == {"model", "mask", "init", "intensity"}


def test_there_are_enough_of_every_kind():
    assert sum(bool(fault.layers) for fault in COLLECTION.values()) >= LEAST
    without_item = {fault.name for fault in COLLECTION.values() if fault.layers and not fault.item}
    assert without_item == DEAR
    kinds = {fault.kind for fault in COLLECTION.values()}
    assert kinds == {module.__name__.rpartition(".")[2] for module in KINDS}


CHEAP = {name: fault for name, fault in COLLECTION.items() if fault.item}


@pytest.mark.parametrize("fault", CHEAP.values(), ids=CHEAP)
def test_a_fault_fails_the_item_that_it_names(fault):
    assert row(fault.build(), fault.item).status == "failed"


ITEMS = sorted({fault.item for fault in CHEAP.values()})


@pytest.mark.parametrize("item", ITEMS, ids=" ".join)
def test_the_good_solver_passes_the_same_items(item):
    good = Attached() if item[0] == "gradient" else Good()
    assert row(good, item).status == "passed"


class TestTheTable:
    """What the command prints, from outcomes made by hand."""

    def measured(self, *outcomes):
        return detection.Measured(outcomes, (), ("base",), 1.0)

    def test_layers_add_up(self):
        outcomes = [
            Outcome("inverted", ("maximum gate", "truth"), 1, beyond_noise=9.0),
            Outcome("negated", ("truth",), 1, beyond_noise=9.0),
            Outcome("angle_sign", (), 0, beyond_noise=9.0),
        ]
        table = detection.cumulative(outcomes)
        assert [alone for _, alone, _ in table] == [1, 0, 0, 2, 0, 0, 0]
        assert [so_far for _, _, so_far in table] == [1, 1, 1, 2, 2, 2, 2]

    def test_what_changes_nothing_is_not_counted(self):
        idle = Outcome("inverted", beyond_noise=0.9)
        lost = Outcome("negated", beyond_noise="inf")
        manners = Outcome("prints", beyond_noise=0.0)
        assert detection.counted(self.measured(idle, lost, manners)) == [lost, manners]

    def test_a_fault_that_gets_by_is_said(self):
        measured = self.measured(Outcome("inverted", beyond_noise=9.0))
        (said,) = detection.broken_promises(measured)
        assert said == "inverted moves answers beyond their tolerance and is not caught"
        assert "NOT AS IT SHOULD BE: inverted" in detection.text(measured)

    def test_what_stays_within_the_tolerance_breaks_no_promise_but_counts_as_missed(self):
        outcome = Outcome("inverted", beyond_noise=9.0, beyond_tolerance=0.9)
        measured = self.measured(outcome)
        assert detection.broken_promises(measured) == []
        assert detection.cumulative(detection.counted(measured))[-1][2] == 0
        assert "missed, within the tolerance" in detection.text(measured)

    def test_a_good_solver_that_fails_is_said_unless_it_cannot_be_asked(self):
        beyond = Outcome("simpleitk", exit_status=1, messages={"x[a-overlap40]": ""})
        alarm = Outcome("good", exit_status=1, messages={"x[a-shift03]": ""})
        measured = detection.Measured((), (beyond, alarm), (), 1.0)
        (said,) = detection.broken_promises(measured)
        assert said.startswith("good ")

    def test_only_a_name_given_beforehand_is_right(self):
        assert detection.rightly_named(Outcome("inverted", diagnosis="inverse"))
        assert not detection.rightly_named(Outcome("inverted", diagnosis="identity"))
        assert not detection.rightly_named(Outcome("inverted"))
