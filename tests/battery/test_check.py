"""The three front ends run one list of checks; the one without pytest is tested here."""

import importlib
import json
import subprocess
import sys
from dataclasses import replace

import knowing
import numpy as np
import pytest
from items import evaluate_case

from irgate_battery.cases.catalogue import base_cases
from irgate_battery.cases.run_spec import RunSpec
from irgate_battery.interface.declaration import NotASolver
from irgate_battery.interface.protocol import Solver
from irgate_battery.oracle.store import OracleStore
from irgate_battery.report.conclusion import completed, conclude
from irgate_battery.run import check_solver
from irgate_battery.suites.contract import CHECKS

FAST = ("contract", "base")
"""Suites that a solver without a start value and without gradients can pass in seconds."""


@pytest.fixture(scope="module")
def good_report():
    return check_solver(knowing.register, suites=FAST)


def test_a_good_solver_passes_everything(good_report):
    assert good_report.passed
    assert good_report.exit_status == 0
    assert [row.status for row in good_report.rows] == ["passed"] * (len(CHECKS) + 5)
    assert str(good_report).splitlines()[-1].startswith("irgate: PASS: 16 items passed")


def test_its_json_is_schema_1_without_nan(good_report):
    read = json.loads(good_report.to_json())
    assert (read["schema"], read["solver"]["name"]) == (1, "register")
    assert len(read["cases"]) == 16


@pytest.mark.parametrize("fault", ["identity", "inverse", "image", "raising", "nothing"])
def test_a_broken_solver_fails_and_every_row_is_there(fault):
    report = check_solver(importlib.import_module(fault).register, suites=FAST)
    assert not report.passed
    assert report.exit_status == 1
    assert report.verdicts.hard_gate.status == "fail"
    assert len(report.rows) == 16


def test_part_of_the_suites_is_no_pass():
    report = check_solver(knowing.register, suites=["contract"])
    assert (report.passed, report.exit_status) == (False, 0)
    assert "NOT EVALUATED" in str(report)


def test_a_model_that_it_does_not_have_is_skipped_and_no_pass():
    report = check_solver(importlib.import_module("translation_only").register, suites=["base"])
    assert [row.status for row in report.rows] == ["passed"] + ["skipped"] * 4
    assert not report.passed


def test_wrong_calls_are_refused():
    with pytest.raises(NotASolver, match="takes 1 positional"):
        check_solver(lambda fixed: fixed)
    with pytest.raises(ValueError, match="expected some of"):
        check_solver(knowing.register, suites=["nope"])
    with pytest.raises(ValueError, match="guess"):
        check_solver(knowing.register, oracle="guess")


@pytest.mark.parametrize("case", base_cases(), ids=lambda case: case.id)
def test_a_users_own_tests_may_parametrise_over_cases(case):
    row = evaluate_case(case, Solver.of(knowing.register), OracleStore("stored")).row
    assert row.status == "passed", row.message


def test_what_breaks_in_the_gate_itself_is_an_error_row_and_loses_nothing(monkeypatch):
    def broken(pair, *_):
        raise ZeroDivisionError("in the judge")

    monkeypatch.setattr("irgate_battery.suites.case_evaluation.measure", broken)
    report = check_solver(knowing.register, suites=FAST)
    base = [row for row in report.rows if row.suite == "base"]
    assert [row.status for row in base] == ["error"] * 5
    assert "ZeroDivisionError: in the judge" in base[0].message
    assert report.exit_status == 1
    assert all(row.status == "passed" for row in report.rows if row.suite == "contract")


def test_an_oracle_that_cannot_be_had_is_an_error_row():
    case = replace(base_cases()[0], recipe={"kind": "another"})
    row = evaluate_case(case, Solver.of(knowing.register), OracleStore("stored")).row
    assert row.status == "error"
    assert "synth_translate_2d" in row.message
    assert "\n" not in row.message


def test_each_row_is_told_as_soon_as_it_is_there():
    told = []
    report = check_solver(knowing.register, suites=["base"], on_row=told.append)
    assert tuple(result.row for result in told) == report.rows


def test_a_run_that_ended_early_keeps_its_rows_and_names_the_missing(good_report):
    measured = good_report.rows[:9]
    rows = completed(measured, RunSpec(), FAST)
    assert [row.id for row in rows] == [row.id for row in good_report.rows]
    assert rows[:9] == measured
    assert {row.status for row in rows[9:]} == {"missing"}
    report = conclude(rows, good_report.solver, RunSpec())
    assert report.exit_status == 1
    assert report.verdicts.hard_gate.status == "fail"


def test_neither_pytest_nor_torch_is_imported():
    code = (
        "import sys, irgate_battery, numpy; "
        "irgate_battery.check_solver("
        "lambda fixed, moving: numpy.eye(3), suites=['contract', 'base']); "
        "print([name for name in ('pytest', 'torch') if name in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_the_images_that_a_solver_gets_are_nobody_elses():
    """A solver that spoils its input must not spoil what the judge measures."""

    def register(fixed, moving):
        answer = knowing.register(fixed, moving)
        fixed[:] = moving[:] = np.nan
        return answer

    report = check_solver(register, suites=["base"])
    assert all(row.status == "passed" for row in report.rows)
