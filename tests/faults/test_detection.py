"""How the command counts: layers from rows, changes from answers, rates from outcomes."""

import contextlib
from types import SimpleNamespace

import numpy as np
import pytest

from irgate_battery.cases.catalogue import base_cases
from irgate_battery.interface.protocol import Solver, SolverFault
from irgate_battery.results.result_row import ResultRow

from . import detection, page
from .collection import COLLECTION
from .good import Good
from .outcome import Outcome, caught_by
from .recording import digest_of, displacements, distances_px, recorded


def report(*rows, gate="pass"):
    return SimpleNamespace(
        rows=rows, verdicts=SimpleNamespace(hard_gate=SimpleNamespace(status=gate))
    )


def battery(status="failed", **figures):
    measured = {"rmse": 0.1, "ratio": 1.0, "escaped": False, "tre_px": 0.1, "tolerance_px": 1.0}
    return ResultRow("i", "battery", "c", "rigid", status, **{**measured, **figures})


LAYERS = {
    "ratio over two": (battery(ratio=2.1), ("ratio",)),
    "left the overlap": (battery(escaped=True), ("ratio",)),
    "no result": (battery(rmse=None, ratio=None, tre_px=None), ("ratio",)),
    "far from the truth": (battery(tre_px=1.1), ("truth",)),
    "both": (battery(ratio=3.0, tre_px=9.0), ("ratio", "truth")),
    "fixture": (ResultRow("i", "base", "c", status="failed"), ("each fixture",)),
    "recovery": (ResultRow("i", "recovery", "c", status="failed"), ("recovery",)),
    "gradient": (ResultRow("i", "gradient", "c", status="failed"), ("gradient",)),
    "contract": (ResultRow("i", "contract", "c", status="failed"), ("contract",)),
    "consistency": (ResultRow("i", "consistency", "c", status="failed"), ("consistency",)),
    "missing": (ResultRow("i", "contract", "c", status="missing"), ("contract",)),
}


@pytest.mark.parametrize(("row", "layers"), LAYERS.values(), ids=LAYERS)
def test_a_layer_is_read_from_rows_that_fail(row, layers):
    assert caught_by(report(row)) == layers


def test_a_row_that_passes_catches_nothing():
    assert caught_by(report(battery(status="passed", ratio=3.0, tre_px=9.0))) == ()


def test_the_maximum_is_the_verdict():
    assert caught_by(report(gate="fail")) == ("maximum gate",)


CASE = base_cases()[0]


class TestRecording:
    """Answers are kept on their way to the gate, and nothing else is changed."""

    def answers(self, solver):
        kept, answers = recorded(solver)
        pair = CASE.pair()
        with contextlib.suppress(SolverFault):
            Solver.of(kept).solve(pair.fixed, pair.moving, model=CASE.model)
        return displacements(answers, [digest_of(CASE)])

    def test_the_gate_sees_the_same_solver(self):
        kept, _ = recorded(Good())
        assert Solver.of(kept).accepts == Solver.of(Good()).accepts
        assert Solver.of(kept).name == "good"

    def test_half_a_pixel_each_way_is_its_diagonal(self):
        good = self.answers(Good())
        fault = COLLECTION["half_pixel_shift"].build()
        off = distances_px(self.answers(fault), good)
        # Both good solvers, under and beside the fault, stand at one minimum.
        assert list(off.values()) == pytest.approx([np.hypot(0.5, 0.5)], abs=1e-3)

    def test_what_did_not_come_is_infinitely_far(self):
        good = self.answers(Good())
        picture = self.answers(COLLECTION["returns_the_picture"].build())
        assert list(distances_px(picture, good).values()) == [np.inf]


class TestTheTable:
    """What the command prints, from outcomes made by hand."""

    def measured(self, *outcomes):
        return detection.Measured(outcomes, (), ("base",), 1.0)

    def test_layers_add_up(self):
        outcomes = [
            Outcome("inverted", ("maximum gate", "truth"), 1, beyond_noise=9.0),
            Outcome("negated", ("truth",), 1, beyond_noise=9.0),
            Outcome("angle_sign", (), 0, beyond_noise=9.0),
        ]
        table = detection.cumulative(outcomes)
        assert [first for _, first, _ in table] == [1, 0, 0, 1, 0, 0, 0, 0, 0]
        assert [so_far for _, _, so_far in table] == [1, 1, 1, 2, 2, 2, 2, 2, 2]

    def test_what_changes_nothing_is_not_counted(self):
        idle = Outcome("inverted", beyond_noise=0.9)
        lost = Outcome("negated", beyond_noise="inf")
        manners = Outcome("prints", beyond_noise=0.0)
        assert detection.counted(self.measured(idle, lost, manners)) == [lost, manners]

    def test_a_fault_that_gets_by_is_said(self):
        measured = self.measured(Outcome("inverted", beyond_noise=9.0))
        (said,) = detection.broken_promises(measured)
        assert said == "inverted moves answers beyond their tolerance and is not caught"
        assert "NOT AS IT SHOULD BE: inverted" in detection.text(measured)

    def test_what_stays_within_the_tolerance_breaks_no_promise_but_counts_as_missed(self):
        outcome = Outcome("inverted", beyond_noise=9.0, beyond_tolerance=0.9)
        measured = self.measured(outcome)
        assert detection.broken_promises(measured) == []
        assert detection.cumulative(detection.counted(measured))[-1][2] == 0
        assert "missed, within the tolerance" in detection.text(measured)

    def test_a_good_solver_that_fails_is_said_unless_it_cannot_be_asked(self):
        beyond = Outcome(
            "simpleitk", exit_status=1, messages={"test_recovers[bspline_random_2d-shift1px]": ""}
        )
        alarm = Outcome("good", exit_status=1, messages={"x[a-shift03]": ""})
        measured = detection.Measured((), (beyond, alarm), (), 1.0)
        (said,) = detection.broken_promises(measured)
        assert said.startswith("good ")

    def test_only_a_name_given_beforehand_is_right(self):
        assert detection.rightly_named(Outcome("inverted", diagnosis="inverse"))
        assert not detection.rightly_named(Outcome("inverted", diagnosis="identity"))
        assert not detection.rightly_named(Outcome("inverted"))

    def test_a_fault_of_manners_is_not_within_any_tolerance(self):
        assert not detection.tolerated(Outcome("prints", beyond_tolerance=0.0))

    def test_a_kept_run_is_read_back(self):
        measured = detection.Measured(
            (Outcome("inverted", ("truth",), 1, beyond_noise="inf"),), (Outcome("good"),), (), 60.0
        )
        again = detection.Measured.from_dict(measured.to_dict())
        assert again == measured
        assert page.markdown(again) == page.markdown(measured)
