"""Each fault of the collection is whole, and fails the item that it names; a good solver does not.

The detection rate over the whole gate takes minutes: `python tests/faults/rate.py`.
"""

from functools import cache

import pytest
from items import evaluate, evaluate_case

from irgate_battery.cases.catalogue import Case, all_cases
from irgate_battery.interface.declaration import OPTIONAL_MODELS
from irgate_battery.interface.protocol import Solver
from pytest_irgate.adapters import bundled

from .attached import Attached
from .collection import COLLECTION, KINDS, LAYERS
from .good import Good


@cache
def images(name):
    return next(case for case in all_cases() if case.id == name).pair()


class Held(Case):
    """A case whose images are made once for all tests: a solver gets copies of them."""

    def pair(self):
        return images(self.id)


CASES = {case.id: Held(**vars(case)) for case in all_cases()}

LEAST = 36
"""Faults that change something."""

DEAR = {
    "answer_not_converged",
    "cholesky_failure_swallowed",
    "cholesky_failure_swallowed_backward",
    "coordinates_in_half_precision",
    "init_inverted",
    "remembers_the_last_answer",
}
"""Faults that no single item shows in a second: gradients of the free form, whose Hessian is
32 x 32, and what takes many calls to go wrong. The command sees them."""

LAYER_OF_SUITE = {
    "conditions": {"conditions"},
    "base": {"each fixture"},
    "battery": {"ratio", "truth"},
    "contract": {"contract"},
    "recovery": {"recovery"},
    "gradient": {"gradient"},
    "consistency": {"consistency"},
}


def row(solver, item):
    """Let a solver take one item, as the gate does."""
    suite, case = item
    if suite in ("base", "battery"):
        return evaluate_case(CASES[case], solver).row
    return evaluate(suite, case, solver).row


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
    if item[1] in OPTIONAL_MODELS:
        good = bundled.register
    assert row(good, item).status == "passed"
