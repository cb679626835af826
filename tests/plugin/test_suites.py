"""The suites' items are the battery's checks and cases, all of them and nothing else."""

import inspect

from irgate_battery import CHECKS, PAIR, SUITES, Plan, base_cases, item_id
from pytest_irgate.plugin import MARKERS
from pytest_irgate.suites import base, contract


def test_every_contract_check_is_an_item():
    items = [name for name, _ in inspect.getmembers(contract, inspect.isfunction)]
    assert sorted(items) == sorted(f"test_{check.name}" for check in CHECKS)
    for check in CHECKS:
        source = inspect.getsource(getattr(contract, f"test_{check.name}"))
        assert f'"{check.name}"' in source


def test_every_base_fixture_is_an_item():
    (mark,) = base.test_case.pytestmark
    assert mark.args[1] == base_cases()


def test_every_suite_has_its_marker():
    names = [marker.partition(":")[0] for marker in MARKERS]
    assert names == ["irgate", *(f"irgate_{suite}" for suite in (*SUITES, PAIR, "fuzz"))]


def test_the_plan_names_every_item_of_a_complete_run(pytester):
    """What a verdict expects, and what `--irgate-xfail` may name, is what pytest collects."""
    result = pytester.runpytest_subprocess("--irgate", "--collect-only", "-q")
    collected = [line for line in result.outlines if line.startswith("irgate/")]
    plan = [item_id(suite, case) for suite, names in Plan().expected().items() for case in names]
    assert collected == plan
    assert len(plan) == 10 + 5 + 50 + 15 + 5
