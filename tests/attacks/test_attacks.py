"""What a hostile solver does is a failed row with its reason, and nothing of it stays behind."""

import json
import os
import sys
import tempfile
from pathlib import Path

import pytest
from items import evaluate

from irgate_battery import check_solver
from irgate_battery.interface.launch import launched, process_of
from irgate_battery.interface.process import PREFIX, SHARED
from pytest_irgate.exit_guard import ExitGuard

from . import answers, derivatives, leaving, left_behind, reaching, streams
from .collection import OF_ARRAYS, OF_DERIVATIVES
from .judged import ARRANGEMENTS, MARK, judged, left_of, not_green

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="the attacks are Linux's"
)

HANGS_S = 0.5
"""Seconds for what never comes back."""

CASES = ("synth_translate_2d", "synth_rotate_2d")

IDENTITY_PX = 4.15
"""The length of the first case's shift, which the identity is off."""

LONGEST = 8000
"""Characters of a message: what is kept of the solver's words, twice, and ours."""

HERE = [each for each in OF_ARRAYS.values() if each.here]

WHOLE = (
    "os_exit_0", "sleep_holding_the_gil", "daemon_in_another_session", "garbage_in_the_protocol",
)  # fmt: skip
"""What is run before the whole gate here; `judged.py` does it with each."""


def folders_of_this_process():
    parents = (Path(tempfile.gettempdir()), SHARED)
    return {path for parent in parents for path in parent.glob(f"{PREFIX}{os.getpid()}-*")}


def require_fit_to_be_shown(row):
    assert row.message.isprintable()
    assert len(row.message) < LONGEST
    json.dumps(row.to_dict(), allow_nan=False)
    row.message.encode("utf-8")


def test_there_are_enough_of_them_and_none_hides_another():
    modules = (answers, derivatives, leaving, left_behind, reaching, streams)
    declared = sum(len(module.ATTACKS) for module in modules)
    assert declared == len(OF_ARRAYS) + len(OF_DERIVATIVES)
    assert declared >= 90


@pytest.mark.parametrize("name", OF_ARRAYS)
def test_a_hostile_solver_fails_its_row(name, monkeypatch):
    attack = OF_ARRAYS[name]
    monkeypatch.setenv(MARK, name)
    folders = folders_of_this_process()
    process = process_of(attack.spec, Path())
    try:
        solver = launched(process)
        limit = HANGS_S if attack.hangs else 60.0
        rows = [evaluate("base", case, solver, timeout=limit).row for case in CASES]
    finally:
        process.close()
    assert [row.status for row in rows] == ["failed", "failed"]
    require_fit_to_be_shown(rows[0])
    if attack.words:
        assert attack.is_told(rows[0].message, attack.words), rows[0].message
    else:
        assert rows[0].tre_px == pytest.approx(IDENTITY_PX, abs=0.01), rows[0].message
    assert left_of(name) == []
    assert folders_of_this_process() <= folders


@pytest.mark.parametrize("name", OF_DERIVATIVES)
def test_what_is_done_where_a_derivative_is_asked_for_fails_its_row(name):
    attack = OF_DERIVATIVES[name]
    process = process_of(attack.spec, Path())
    try:
        row = evaluate("gradient", CASES[0], launched(process), timeout=2.0).row
    finally:
        process.close()
    assert row.status == "failed"
    assert attack.is_told(row.message, attack.words), row.message


@pytest.fixture
def guard():
    guard = ExitGuard()
    yield
    guard.release()


@pytest.mark.parametrize("timeout", [0, 60])
@pytest.mark.parametrize("attack", HERE, ids=lambda each: each.name)
@pytest.mark.usefixtures("guard")
def test_in_the_judges_process_it_is_one_failure_too(attack, timeout):
    if (attack.name, timeout) == ("interrupts", 0):
        pytest.skip("in the main thread it cannot be told from the user's own Ctrl-C")
    result = evaluate("base", CASES[0], attack.function, timeout=timeout)
    assert result.row.status == "failed"
    assert attack.is_told(result.row.message, attack.here), result.row.message
    require_fit_to_be_shown(result.row)
    assert all(line.isprintable() for line in result.detail.splitlines())


def test_a_run_over_one_is_whole():
    """The other items are judged, and the report can be written."""
    report = check_solver(answers.raises_a_forged_verdict, suites=["base"])
    assert [row.status for row in report.rows] == ["failed"] * 5
    assert report.exit_status == 1
    assert not any(line.text.startswith("irgate: PASS") for line in report.lines())
    assert json.loads(report.to_json())["exit_status"] == 1


@pytest.mark.parametrize("arrangement", ARRANGEMENTS)
@pytest.mark.parametrize("name", WHOLE)
def test_a_whole_run_ends_red_with_every_row(name, arrangement, tmp_path):
    assert judged(OF_ARRAYS[name], ARRANGEMENTS[arrangement], tmp_path) == []


def test_a_green_line_is_seen():
    assert not_green("1 failed\nirgate: FAIL: of 5 items 5 failed\n5 failed in 3 s\n")
    assert not not_green("irgate: PASS: 5 items passed; the hard gate holds\n5 passed in 3 s\n")
    assert not not_green("irgate: NOT EVALUATED: 0 of 5 ran\n")
    assert not not_green("")
