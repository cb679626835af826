"""The suite of own pairs: what is decided, what is left undecided, and how it is told."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from irgate_battery.cases.own_pairs import PreparedPair
from irgate_battery.interface.protocol import Solver
from irgate_battery.judge.acceptance import base_limit
from irgate_battery.oracle import OracleResult
from irgate_battery.oracle.plausibility import Plausibility
from irgate_battery.results.result_row import ResultRow
from irgate_battery.results.suite_results import SuiteResults
from irgate_battery.suites import pair as module
from irgate_battery.suites.registry import entry_of
from irgate_battery.suites.suite import EvaluationSetup
from irgate_fixtures import translation

SUITE = entry_of("pair").suite
SHAPE = (20, 30)


@dataclass(frozen=True)
class Given:
    """A pair as the user names it; its images are a plane, moved by (1, 0)."""

    prepared: PreparedPair
    model: str = "rigid"
    intensity: str = "same"
    id: str = "p"

    @property
    def mask(self):
        return self.prepared.mask

    def read(self):
        return self.prepared


def plane(spacing=None, mask=None, brighter=0.0):
    x = np.tile(np.arange(30.0), (20, 1))
    moving = x / 100
    fixed = (x + 1) / 100 + brighter
    return PreparedPair("p", fixed, moving, mask, spacing, "as it was", "rigid", "same")


@dataclass
class Oracle:
    """Hands out one transform."""

    transform: object

    def get(self, case, pair):
        return OracleResult(self.transform, 0.0, 0.0, 1, 2.5, "2.5"), "live"


def evaluated(monkeypatch, solver, given=None, oracle=None, still=0.5, reason=None):
    monkeypatch.setattr(module, "plausibility", lambda *_: Plausibility(still, reason))
    given = given or Given(plane())
    item = SUITE._item(given.id, given, model=given.model)
    setup = EvaluationSetup(Oracle(oracle or translation(1, 0)), 60.0)
    return SUITE.evaluate(item, Solver.of(solver), setup).row


def moves(px):
    return lambda fixed, moving: translation(px, 0).matrix


def test_the_limit_stands_between(monkeypatch):
    """One grey too bright by 0.01, the oracle leaves that; each pixel adds another 0.01."""
    given = Given(plane(brighter=-0.01))
    for px, status in ((1.1099, "passed"), (1.1101, "failed")):
        row = evaluated(monkeypatch, moves(px), given)
        assert row.oracle_rmse == pytest.approx(0.01)
        assert row.rmse == pytest.approx(0.01 * px)
        assert (row.status, row.oracle) == (status, "live")


def test_where_doing_nothing_passes_too_nothing_is_decided(monkeypatch):
    given = Given(plane(brighter=-0.01))
    limit = 1.1 * 0.01 + 1e-4
    row = evaluated(monkeypatch, moves(1.0), given, still=limit * (1 - 1e-9))
    assert row.status == "skipped"
    assert row.message == (
        "not evaluated: within its limit, but doing nothing would be too (RMSE 0.0111 where "
        "nothing is moved, limit 0.0111)"
    )
    exactly = float(base_limit(row.oracle_rmse))
    assert evaluated(monkeypatch, moves(1.0), given, still=exactly).status == "skipped"
    assert evaluated(monkeypatch, moves(1.0), given, still=limit * (1 + 1e-9)).status == "passed"
    assert evaluated(monkeypatch, moves(1.0), given, still=None).status == "passed"
    # What is wrong is wrong all the same.
    assert evaluated(monkeypatch, moves(9.0), given, still=0.0).status == "failed"


def test_where_the_oracle_is_in_doubt_nothing_is_decided_and_all_is_measured(monkeypatch):
    row = evaluated(monkeypatch, moves(9.0), reason="it has two heads")
    assert (row.status, row.oracle) == ("skipped", "doubtful")
    assert row.message == ("not evaluated: SimpleITK's result is in doubt: it has two heads")
    assert row.oracle_distance_px == pytest.approx(8)
    assert (row.identity_rmse, row.oracle_seconds, row.preparation) == (0.5, 2.5, "as it was")
    assert row.seconds > 0


def test_a_distance_in_mm_where_a_pixel_has_a_size(monkeypatch):
    row = evaluated(monkeypatch, moves(9.0), Given(plane(spacing=0.25)))
    assert (row.spacing_mm, row.oracle_distance_mm) == (0.25, pytest.approx(2.0))
    assert "; 8 px (2 mm) from SimpleITK's transform on average." in row.message
    row = evaluated(monkeypatch, moves(9.0))
    assert (row.spacing_mm, row.oracle_distance_mm) == (None, None)
    assert "; 8 px from SimpleITK's transform on average." in row.message
    row = evaluated(monkeypatch, moves(900.0), Given(plane(spacing=0.25)))
    assert row.oracle_distance_mm is None
    assert "there is no RMSE; nothing lands inside the moving image." in row.message


def test_a_fault_is_named_beside_simpleitk(monkeypatch):
    row = evaluated(monkeypatch, lambda fixed, moving: translation(-5, 2).matrix,
                    oracle=translation(5, -2))  # fmt: skip
    assert row.status == "failed"
    assert " Taking SimpleITK's transform for the truth: " in row.message
    assert row.diagnosis
    monkeypatch.setattr(module, "explain", lambda *_: None)
    row = evaluated(monkeypatch, moves(9.0))
    assert row.message.endswith("on average.")
    assert row.diagnosis is None


def test_what_a_solver_cannot_take_is_not_asked(monkeypatch):
    def register(fixed, moving):
        return np.eye(3)

    masked = Given(plane(mask=np.ones(SHAPE, dtype=bool)))
    assert "takes no mask" in evaluated(monkeypatch, register, masked).message
    register.models = ("affine",)
    row = evaluated(monkeypatch, register)
    assert (row.status, "has no rigid model" in row.message) == ("skipped", True)


def test_a_solver_is_told_what_the_pair_says(monkeypatch):
    told = []

    def register(fixed, moving, model, mask, intensity):
        told.append((model, int(mask.sum()), intensity))
        return translation(1, 0).matrix

    mask = np.zeros(SHAPE, dtype=bool)
    mask[5:10, 5:10] = True
    evaluated(monkeypatch, register, Given(plane(mask=mask)))
    assert told == [("rigid", 25, "same")]


def row(case="p", status="passed", **figures):
    return ResultRow(f"pair {case}", "pair", case, "rigid", status=status, **figures)


def verdict(*rows, expected=("p", "q")):
    (found,) = SUITE.verdicts(SuiteResults.of(rows, "pair", expected))
    return found


def test_the_verdict_in_words():
    rule = "within 1.1 x SimpleITK's RMSE + 0.0001"
    assert verdict(row(), row("q")).reason == f"2 of 2 {rule}"
    assert verdict(row(), row("q", "xfailed")).reason == f"1 of 2 {rule}, waived: 1"
    bad = verdict(row(), row("q", "failed"), row("r", "error"))
    assert (bad.status, bad.reason) == ("fail", f"1 of 2 {rule}; not: q, r (error)")
    assert (bad.passed, bad.ran, bad.expected, bad.missing, bad.waived) == (1, 2, 2, 1, 0)
    assert verdict(row(), row("q", "missing")).reason == f"1 of 2 {rule}; not: q"
    assert verdict(row()).status == "not_evaluated"


def texts(rows, width=200):
    return [line.text for line in SUITE.section(rows, width)]


FIGURES = {
    "rmse": 0.0012,
    "oracle_rmse": 0.0011,
    "identity_rmse": 0.25,
    "ratio": 1.0909,
    "oracle_distance_px": 0.5,
    "seconds": 0.5,
    "oracle_seconds": 2.0,
    "oracle": "live",
}


def test_the_section_in_full():
    rows = [
        row("head", **FIGURES, spacing_mm=0.5, oracle_distance_mm=0.25, preparation="as it was")
    ]
    rows.append(row("cat", "skipped", message="cat: not evaluated: a cat", preparation="cropped"))
    cells = "0.001200  0.001100  0.250000   1.0909   0.5000   0.2500    0.500   0.250x"
    none = "       -         -         -        -        -        -        -        -"
    assert texts(rows) == [
        "                          RMSE                    to SimpleITK         time, s",
        "own pair      ours    oracle    before    ratio       px       mm     ours  /oracle",
        f"head      {cells} passed",
        f"cat       {none} skipped",
        "oracle: live",
        "head: rigid; as it was",
        "cat: rigid; cropped",
        "  not evaluated: a cat",
    ]
    plain = [row("head", **FIGURES)]
    assert texts(plain)[1].split()[-3:] == ["px", "ours", "/oracle"]
    assert texts(plain)[-1] == "oracle: live"


def test_what_goes_first_where_it_is_narrow():
    order = ["before", "ours", "/oracle", "oracle", "mm"]
    rows = [row("head", **FIGURES, spacing_mm=0.5, oracle_distance_mm=0.25)]
    left = texts(rows, 200)[1].split()[2:]
    for width in range(100, 10, -1):
        now = texts(rows, width)[1].split()[2:]
        while len(left) > len(now):
            gone = order.pop(0)
            # The second `ours` is the time's: of equal names the last one goes.
            at = len(left) - 1 - left[::-1].index(gone)
            left = [*left[:at], *left[at + 1 :]]
        assert now == left
    assert left == ["ours", "ratio", "px"]


def test_without_a_pixel_of_the_oracle_s_nothing_is_within_a_limit(monkeypatch):
    """It is in doubt then, and nothing is decided; were it believed, doing nothing is no excuse."""
    row = evaluated(monkeypatch, moves(1.0), oracle=translation(900, 0), reason="it is gone")
    assert (row.status, row.oracle_rmse, row.ratio) == ("skipped", None, None)


def test_items_are_what_was_given():
    from irgate_battery.cases.run_spec import RunSpec

    given = Given(plane())
    spec = replace(RunSpec(), pairs=(given,))
    (item,) = SUITE.items(spec)
    assert (item.case, item.subject, item.model, item.intensity) == ("p", given, "rigid", "same")
    assert SUITE.is_asked_for(spec)
    assert not SUITE.is_asked_for(RunSpec())
    assert (SUITE.own_data, SUITE.one_call, SUITE.has_truth) == (True, True, False)
