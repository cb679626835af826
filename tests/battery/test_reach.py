"""What a solver claims: a case beyond it is not asked, and every verdict over it says so."""

import math

import knowing
import numpy as np
import pytest
from items import evaluate, evaluate_case

from irgate_battery.cases.catalogue import all_cases
from irgate_battery.interface.declaration import NotASolver
from irgate_battery.interface.protocol import Solver
from irgate_battery.interface.reach import Reach
from irgate_battery.judge.motion import Motion
from irgate_battery.run import check_solver
from irgate_fixtures import affine, render, rigid

CASES = {case.id: case for case in all_cases()}


def claiming(**reach):
    """A good solver that claims so much, and the calls that it gets."""
    calls = []

    def register(fixed, moving, model="affine", mask=None, intensity="same"):
        calls.append(model)
        return knowing.register(fixed, moving)

    register.reach = reach
    return register, calls


@pytest.mark.parametrize(
    ("degrees", "dx", "dy"), [(0, 0, 0), (30, 3, -4), (-100, 0, 5), (179, -6, 8)]
)
def test_a_motion_is_measured_as_it_was_made(degrees, dx, dy):
    size = photograph_size()
    motion = Motion.of(render("lena_affine_2d", rigid(math.radians(degrees), dx, dy, size)))
    assert motion.degrees == pytest.approx(degrees, abs=1e-9)
    assert motion.px == pytest.approx(math.hypot(dx, dy))
    assert 0 < motion.overlap <= 1


def test_how_far_the_identity_is_off_on_average():
    size = photograph_size()
    shifted = Motion.of(render("lena_affine_2d", rigid(0.0, 3, -4, size)))
    assert shifted.mean_px == pytest.approx(5)
    turned = Motion.of(render("lena_affine_2d", rigid(math.radians(30), 0, 0, size)))
    y, x = np.mgrid[: size[0], : size[1]]
    away = np.hypot(x - (size[1] - 1) / 2, y - (size[0] - 1) / 2)
    # A turn moves a point by a chord.
    assert turned.mean_px == pytest.approx(2 * math.sin(math.radians(15)) * away.mean())
    assert turned.px == pytest.approx(0, abs=1e-9)


def photograph_size():
    return CASES["lena_affine_2d"].pair().shape


def test_a_stretch_is_no_turn():
    motion = Motion.of(
        render("lena_affine_2d", affine([[1.1, 0.05], [0.05, 0.9]], 0, 0, photograph_size()))
    )
    assert motion.degrees == pytest.approx(0, abs=1e-9)


def test_an_overlap_of_forty_percent_is_one():
    assert Motion.of(CASES["lena_affine_2d-overlap40"].pair()).overlap == pytest.approx(
        0.4, abs=0.02
    )


@pytest.mark.parametrize(
    ("reach", "beyond"),
    [
        ({"degrees": 20}, "turns by 30 degrees"),
        ({"degrees": 30}, None),
        ({"px": 4.9}, "moves the centre by 5 px"),
        ({"px": 5}, None),
        ({"overlap": 0.6}, "leaves an overlap of 0.5"),
        ({"overlap": 0.5}, None),
        ({}, None),
    ],
)
def test_beyond_is_what_is_more_than_claimed(reach, beyond):
    assert Reach.of(reach).beyond(30, 5, 0.5) == beyond
    assert Reach.of(reach).beyond(-30, 5, 0.5) == (beyond and beyond.replace("30", "-30"))


@pytest.mark.parametrize(
    ("declared", "said"),
    [
        ({"degres": 20}, "expected a dict with some of"),
        ([20], "expected a dict with some of"),
        ({"degrees": -1}, "a number from 0 to 180"),
        ({"overlap": 1.5}, "a number from 0 to 1"),
        ({"px": "30"}, "a number from 0 on"),
        ({"px": True}, "a number from 0 on"),
    ],
)
def test_a_wrong_declaration_is_one_line(declared, said):
    register, _ = claiming()
    register.reach = declared
    with pytest.raises(NotASolver, match=said) as refused:
        Solver.of(register)
    assert "\n" not in str(refused.value)


def test_a_case_beyond_is_skipped_and_not_asked():
    register, calls = claiming(degrees=20)
    row = evaluate_case(CASES["lena_affine_2d-rot75"], register).row
    assert (row.status, calls, row.rmse) == ("skipped", [], None)
    assert row.beyond_reach == "turns to 20 degrees"
    assert "claims turns to 20 degrees (its reach), and this case turns by -80.12" in row.message
    within = evaluate_case(CASES["lena_affine_2d-shift07"], register).row
    assert (within.status, within.beyond_reach) == ("passed", None)


@pytest.mark.parametrize(
    ("suite", "case"),
    [("recovery", "synth_rotate_2d-shift1px"), ("gradient", "synth_rotate_2d")],
)
def test_the_other_suites_do_not_ask_either(suite, case):
    def register(fixed, moving, init=None):
        raise AssertionError("not to be called")

    register.reach = {"degrees": 10}
    register.differentiable = True
    row = evaluate(suite, case, register).row
    assert row.status == "skipped"
    assert row.beyond_reach


def test_what_was_claimed_stands_in_the_verdicts_and_nothing_is_green():
    """A fixture beyond the claim leaves the hard gate open; the battery's mean, too."""
    register, _ = claiming(degrees=10)
    report = check_solver(register, suites=["base", "battery"])
    assert not report.passed
    assert report.exit_status == 0
    gate, ratio = report.verdicts.hard_gate, report.verdicts.mean_ratio
    assert gate.status == ratio.status == "not_evaluated"
    assert "1 beyond its reach: it claims turns to 10 degrees" in gate.reason
    assert "beyond its reach: it claims turns to 10 degrees" in ratio.reason
    assert report.sentence().text.startswith("irgate: NOT EVALUATED")
    assert np.isfinite([row.rmse for row in report.rows if row.status == "passed"]).all()
