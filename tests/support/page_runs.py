"""Runs for the report's page: a few cases with answers that are known, measured by the judge."""

from dataclasses import asdict
from functools import cache

import numpy as np

from irgate_battery.cases.catalogue import all_cases
from irgate_battery.cases.run_spec import RunSpec
from irgate_battery.judge.measure import measure
from irgate_battery.report.conclusion import conclude
from irgate_battery.report.page.saved_run import SavedRun
from irgate_battery.results.result_row import ResultRow
from irgate_battery.results.solver_identity import SolverIdentity
from irgate_battery.results.stored_transform import stored
from irgate_battery.suites.registry import expected_items
from irgate_fixtures import Homography, pixel_grid

ITEMS = {
    item.case: item
    for item in reversed(expected_items(RunSpec()))
    if item.pictured and item.pictured.id == item.case
}
"""The first item of each case's name."""

CASES = {case.id: case for case in all_cases()}


@cache
def pair_of(name):
    return CASES[name].pair()


def off_by(name, dx, dy, bend=0.0):
    """The true displacement of a case, and a shift, and waves of `bend` px."""
    pair = pair_of(name)
    x, y = np.moveaxis(pixel_grid(pair.shape), -1, 0)
    waves = bend * np.stack([np.sin(y / 19), np.cos(x / 23)], axis=-1)
    return pair.truth.displacement(pair.shape) + np.array([dx, dy]) + waves


def judged(name, displacement=None, **changes):
    """A case's row; the answer is the truth if none is given, the oracle's is the truth."""
    item, pair = ITEMS[name], pair_of(name)
    truth = pair.truth.displacement(pair.shape)
    matrix = pair.truth.homography if isinstance(pair.truth, Homography) else pair.truth.matrix
    at_truth = stored(truth, matrix)
    answer = truth if displacement is None else displacement
    measured = asdict(measure(pair, answer, truth))
    diverged = measured.pop("oracle_diverged")
    known = {
        "oracle": "diverged" if diverged else "live",
        "seconds": 0.25,
        "oracle_seconds": 2.0,
        "tolerance_px": None if item.suite == "base" else 0.05,
        "transform": at_truth if displacement is None else stored(displacement),
        "oracle_transform": at_truth,
    }
    return ResultRow(item.id, item.suite, name, item.model, **{**measured, **known, **changes})


def run_of(rows, name="mine", source=None, **changes):
    report = conclude(rows, SolverIdentity(name, name, "1"), RunSpec(), **changes)
    return SavedRun.read(report.to_json(), source or f"{name}.json")
