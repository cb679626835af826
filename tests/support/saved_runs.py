"""Runs as their JSON reports tell them, made of rows, and what is seen of them side by side."""

from dataclasses import replace

from items import cases_of, node_id

from irgate_battery.cases.run_spec import RunSpec
from irgate_battery.report.conclusion import conclude
from irgate_battery.report.saved_report import SavedReport
from irgate_battery.results.result_row import ResultRow
from irgate_battery.results.solver_identity import SolverIdentity

RUN_SPEC = RunSpec(seed=0, count=3)
BASE = cases_of(RUN_SPEC, "base")
BATTERY = cases_of(RUN_SPEC, "battery")


def row(suite, case, **figures):
    known = {
        "rmse": 0.01,
        "oracle_rmse": 0.01,
        "truth_rmse": 0.01,
        "ratio": 1.0,
        "tre_px": 0.02,
        "oracle_tre_px": 0.01,
        "seconds": 0.5,
        "oracle_seconds": 2.0,
        "escaped": False,
        "oracle": "stored",
    }
    return ResultRow(node_id(suite, case), suite, case, **{**known, **figures})


def skipped(suite, case):
    return ResultRow(node_id(suite, case), suite, case, status="skipped", message="no such model")


def saved(name, rows, run_spec=RUN_SPEC, **changes):
    report = conclude(rows, SolverIdentity(name, name, "1"), run_spec)
    return replace(SavedReport.read(report.to_json(), f"{name}.json"), **changes)


def cells(section, title):
    (entry,) = [entry for entry in section.table_rows if entry.title.startswith(title)]
    return entry


def texts(table, section, title):
    (found,) = [each for each in table.sections if each.title.startswith(section)]
    return [cell.text for cell in cells(found, title).cells]


def best(table, section, title):
    (found,) = [each for each in table.sections if each.title.startswith(section)]
    return cells(found, title).best()


GOOD = [row("base", case) for case in BASE]
NEAR = [row("base", case, tre_px=0.005, seconds=0.1) for case in BASE]
