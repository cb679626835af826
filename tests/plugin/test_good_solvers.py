"""Good solvers pass: the bundled one, and SimpleITK as a user wraps it."""

import numpy as np
import pytest
import torch

import irgate_fixtures
from pytest_irgate.adapters import bundled

TRE_ROOM_PX = 0.02
"""How much farther from the truth than the oracle the bundled solver may stand: both stand at the
minimum of one objective, so what is between them is where each stopped."""

MEAN_RATIO = 1.01
"""Both minimise one objective; an FFD's oracle stops short of it by a few percent of RMSE."""

GRADIENT_ERROR = 1e-4
"""Relative; what differences with a step of 1e-4 intensities can see, with room."""


def test_the_bundled_solver_passes_every_item(gate, report_of):
    result = gate("--irgate-json", "r.json", solver=None, suites=None)
    assert result.ret == 0
    result.assert_outcomes(passed=136)
    report = report_of("r.json")
    assert report["solver"]["name"] == "irgate_solver"
    verdicts = report["verdicts"]
    assert {verdict["status"] for verdict in verdicts.values()} == {"pass"}
    assert verdicts["mean_ratio"]["mean"] <= MEAN_RATIO
    assert verdicts["mean_ratio"]["oracle_diverged"] == 0
    assert verdicts["gradient"]["max_relative_error"] <= GRADIENT_ERROR
    for row in report["cases"]:
        if row["suite"] == "base":
            assert row["rmse"] <= 1.1 * row["oracle_rmse"] + 1e-4
            assert row["tre_px"] <= row["oracle_tre_px"] + TRE_ROOM_PX


def test_simpleitk_wrapped_by_a_user_passes(gate):
    result = gate(solver="simpleitk")
    assert result.ret == 0
    # SimpleITK refuses integers aloud, and so do its users' few lines.
    result.assert_outcomes(passed=15, skipped=1)
    result.stdout.fnmatch_lines(["irgate: PASS: 15 items passed, 1 skipped;*"])


@pytest.fixture
def pair():
    return irgate_fixtures.pair("lena_affine_2d")


def register(pair):
    images = pair.fixed.astype(np.float32), pair.moving.astype(np.float32)
    return bundled.register(*images, model="affine").matrix


def test_the_bundled_solver_does_not_depend_on_the_number_of_threads(pair):
    before = torch.get_num_threads()
    try:
        answers = []
        for threads in (1, 2):
            torch.set_num_threads(threads)
            answers.append(register(pair))
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    assert torch.equal(*answers)


def test_the_bundled_solver_takes_masks_and_starts(pair):
    mask = np.ones(pair.fixed.shape, dtype=bool)
    mask[40:90, 50:120] = False
    spoilt = pair.fixed.astype(np.float32)
    spoilt[~mask] = 1
    answer = bundled.register(
        spoilt, pair.moving.astype(np.float32), model="affine", mask=mask, init=pair.truth
    )
    shape = pair.fixed.shape
    off = answer.displacement(shape).detach().numpy() - pair.truth.displacement(shape)
    assert np.linalg.norm(off, axis=-1).mean() < TRE_ROOM_PX
