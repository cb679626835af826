"""The suites as pytest sees them: their modules, markers and items."""

import inspect

import pytest
from items import SUITES

from irgate_battery.cases.run_spec import RunSpec
from irgate_battery.suites.registry import REGISTRY, expected_items
from pytest_irgate.modules import module_of

LENGTHS = {
    "contract": 11,
    "base": 5,
    "battery": 50,
    "conditions": 39,
    "recovery": 15,
    "gradient": 5,
    "consistency": 11,
    "fuzz": 9,
}


@pytest.mark.parametrize("entry", REGISTRY, ids=lambda entry: entry.name)
def test_a_module_has_all_items_of_its_suite_and_its_markers(entry):
    items = entry.suite.items(RunSpec())
    assert len(items) == LENGTHS.get(entry.name, 0)
    module = module_of(entry.suite, items)
    assert [mark.name for mark in module.pytestmark] == ["irgate", f"irgate_{entry.name}"]
    tests = {
        name: test
        for name, test in inspect.getmembers(module, inspect.isfunction)
        if name.startswith("test_")
    }
    if entry.suite.function is None:
        assert sorted(tests) == sorted(f"test_{item.case}" for item in items)
        assert all(tests[f"test_{item.case}"].__doc__ == item.purpose for item in items)
        return
    ((name, test),) = tests.items()
    (mark,) = test.pytestmark
    assert [parameter.values for parameter in mark.args[1]] == [(item,) for item in items]
    assert all(item.id == f"irgate/{entry.name}.py::{name}[{item.case}]" for item in items)


def test_every_suite_has_its_marker(pytester):
    result = pytester.runpytest_subprocess("--markers")
    told = [
        line.split(":")[0] for line in result.outlines if line.startswith("@pytest.mark.irgate")
    ]
    names = ["irgate", *(f"irgate_{entry.name}" for entry in REGISTRY)]
    assert told == [f"@pytest.mark.{name}" for name in names]


def test_a_complete_run_is_what_pytest_collects(pytester):
    """What a verdict expects, and what `--irgate-xfail` may name."""
    result = pytester.runpytest_subprocess("--irgate", "--collect-only", "-q")
    collected = [line for line in result.outlines if line.startswith("irgate/")]
    assert collected == [item.id for item in expected_items(RunSpec())]
    assert len(collected) == sum(LENGTHS[suite] for suite in SUITES)
