"""Each hostile solver is one failing item: its row is whole, printable, and says what came."""

import json
import os

import pytest
from items import evaluate

from attacks.answers import ATTACKS
from irgate_battery import check_solver
from pytest_irgate.exit_guard import ExitGuard

CASE = "synth_translate_2d"

LONGEST = 8000
"""Characters of a message: what is kept of the solver's words, twice, and ours."""


@pytest.fixture(autouse=True)
def guard():
    guard = ExitGuard()
    yield
    guard.release()


@pytest.mark.parametrize("timeout", [0, 60])
@pytest.mark.parametrize("name", ATTACKS)
def test_it_is_one_failure_that_says_what_came(name, timeout):
    if (name, timeout) == ("interrupts", 0):
        pytest.skip("in the main thread it cannot be told from the user's own Ctrl-C")
    function, words = ATTACKS[name]
    result = evaluate("base", CASE, function, timeout=timeout)
    assert result.row.status == "failed"
    assert words in result.row.message
    assert result.row.message.isprintable()
    assert len(result.row.message) < LONGEST
    assert all(line.isprintable() for line in result.detail.splitlines())
    json.dumps(result.row.to_dict(), allow_nan=False)
    (result.row.message + result.detail).encode("utf-8")


def test_a_run_over_one_is_whole():
    """The other items are judged, and the report can be written."""
    function, _ = ATTACKS["raises_a_forged_verdict"]
    report = check_solver(function, suites=["base"])
    assert [row.status for row in report.rows] == ["failed"] * 5
    assert report.exit_status == 1
    assert not any(line.text.startswith("irgate: PASS") for line in report.lines())
    assert json.loads(report.to_json())["exit_status"] == 1


def test_there_is_something_to_hold():
    assert len(ATTACKS) >= 30
    assert os._exit.__name__ == "_exit"
