"""What was measured stays as it was measured: dataclasses of the referee are frozen."""

import dataclasses
import importlib
import inspect
import pkgutil

import pytest

import irgate_battery
from irgate_battery.results.verdict import Verdict

COUNTS = ("CallHistory",)
"""Those that count while a run goes on."""


@pytest.fixture(scope="module")
def kinds():
    modules = [
        importlib.import_module(found.name)
        for found in pkgutil.walk_packages(irgate_battery.__path__, "irgate_battery.")
        if not found.name.endswith("__main__")
    ]
    return [
        kind
        for module in modules
        for _, kind in inspect.getmembers(module, inspect.isclass)
        if kind.__module__ == module.__name__ and dataclasses.is_dataclass(kind)
    ]


def test_every_dataclass_is_frozen(kinds):
    thawed = [kind.__name__ for kind in kinds if not kind.__dataclass_params__.frozen]
    assert thawed == list(COUNTS)


def test_what_holds_arrays_has_no_equality(kinds):
    """Of two arrays, == is an array: as a truth value it raises, where it does not surprise."""
    holders = [
        kind
        for kind in kinds
        if any("ndarray" in str(field.type) for field in dataclasses.fields(kind))
    ]
    assert holders
    assert [kind for kind in holders if kind.__dataclass_params__.eq] == []


def test_verdicts_are_made_by_keywords_alone(kinds):
    """A figure that a suite adds moves no other."""
    verdicts = [kind for kind in kinds if issubclass(kind, Verdict)]
    assert len(verdicts) > 5
    for kind in verdicts:
        assert all(field.kw_only for field in dataclasses.fields(kind)), kind
