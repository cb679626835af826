"""What a hostile solver does is a failed row with its reason, and nothing of it stays behind."""

import os
import re
import sys
import tempfile
from pathlib import Path

import pytest
from items import evaluate

from irgate_battery.interface.launch import launched, process_of
from irgate_battery.interface.process import PREFIX, SHARED

from . import derivatives, hostile
from .judged import ARRANGEMENTS, MARK, judged, left_of

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="the attacks are Linux's"
)

HANGS_S = 0.5
"""Seconds for what never comes back."""

WHOLE = (
    "os_exit_0", "sleep_holding_the_gil", "daemon_in_another_session", "garbage_in_the_protocol",
)  # fmt: skip
"""What is run before the whole gate here; `judged.py` does it with each."""


def folders_of_this_process():
    parents = (Path(tempfile.gettempdir()), SHARED)
    return {path for parent in parents for path in parent.glob(f"{PREFIX}{os.getpid()}-*")}


def test_there_are_enough_of_them():
    assert len(hostile.EXPECTED) >= 60


@pytest.mark.parametrize("name", hostile.EXPECTED)
def test_a_hostile_solver_fails_its_row(name, monkeypatch):
    monkeypatch.setenv(MARK, name)
    folders = folders_of_this_process()
    limit = HANGS_S if name in hostile.HANGS else 60.0
    process = process_of(f"{Path(hostile.__file__)}:{name}", Path())
    try:
        solver = launched(process)
        rows = [
            evaluate("base", case, solver, timeout=limit).row
            for case in ("synth_translate_2d", "synth_rotate_2d")
        ]
    finally:
        process.close()
    assert [row.status for row in rows] == ["failed", "failed"]
    words = hostile.EXPECTED[name]
    if words is None:
        assert rows[0].tre_px == pytest.approx(4.15, abs=0.01), rows[0].message
    else:
        assert re.search(words, rows[0].message), rows[0].message
    assert left_of(name) == []
    assert folders_of_this_process() <= folders


@pytest.mark.parametrize("name", derivatives.EXPECTED)
def test_what_is_done_where_a_derivative_is_asked_for_fails_its_row(name):
    process = process_of(f"{Path(derivatives.__file__)}:{name}", Path())
    try:
        row = evaluate("gradient", "synth_translate_2d", launched(process), timeout=2.0).row
    finally:
        process.close()
    assert row.status == "failed"
    assert re.search(derivatives.EXPECTED[name], row.message), row.message


@pytest.mark.parametrize("arrangement", ARRANGEMENTS)
@pytest.mark.parametrize("name", WHOLE)
def test_a_whole_run_ends_red_with_every_row(name, arrangement, tmp_path):
    assert judged(name, ARRANGEMENTS[arrangement], tmp_path) == []
