"""The report as text: what a person reads, at any width."""

import pytest

from irgate_battery.gate import evaluate
from irgate_battery.report import Report, SolverIdentity
from irgate_battery.row import Row

NAMES = (
    "synth_translate_2d",
    "synth_rotate_2d",
    "lena_affine_2d",
    "bspline_random_2d",
    "brain_mri_real",
)


def base_row(name, **more):
    figures = {
        "model": "rigid",
        "rmse": 0.0012,
        "oracle_rmse": 0.00121,
        "ratio": 0.9917,
        "rmse_vs_oracle": 2e-6,
        "tre_px": 0.0123,
        "oracle_tre_px": 0.0456,
        "oracle": "stored",
        "seconds": 0.05,
        "oracle_seconds": 1.0,
        "escaped": False,
    }
    values = {**figures, **more}
    return Row(id=f"irgate/base.py::test_case[{name}]", suite="base", case=name, **values)


def report(rows, exit_status=0):
    identity = SolverIdentity("mine.py:register", "register", None)
    return Report(tuple(rows), evaluate(rows, {"base": NAMES}), identity, exit_status)


GOOD = [base_row(name) for name in NAMES]


@pytest.mark.parametrize("width", [40, 60, 79, 119, 200])
def test_the_table_fits_and_is_plain_ascii(width):
    for line in report(GOOD).lines(width)[:-1]:
        assert line.text.isascii()
        assert len(line.text) <= max(width, 64)


def test_every_column_is_there_where_there_is_room():
    groups, head, first = (line.text for line in report(GOOD).lines(119)[:3])
    assert groups.split("  ")[-1].strip() == "time, s"
    assert head.split() == [
        "base", "fixture", "ours", "oracle", "ratio", "ours", "oracle", "apart", "ours", "/oracle"
    ]  # fmt: skip
    assert first.split() == [
        "synth_translate_2d", "0.001200", "0.001210", "0.9917", "0.0123", "0.0456", "2.0e-06",
        "0.050", "0.050x", "passed",
    ]  # fmt: skip


def test_a_figure_that_does_not_exist_is_a_dash():
    rows = [Row(id="i", suite="base", case=NAMES[0], status="missing"), *GOOD[1:]]
    line = report(rows).lines(119)[2].text
    assert line.split()[1:] == ["-"] * 8 + ["missing"]


def test_the_last_line_says_pass_fail_or_not_evaluated_and_why():
    assert report(GOOD).sentence().text.startswith("irgate: PASS: 5 items passed; the hard gate")
    bad = [base_row(NAMES[0], status="failed", rmse=0.5), *GOOD[1:]]
    said = report(bad, 1).sentence()
    assert said.tone == "bad"
    assert said.text.startswith(
        "irgate: FAIL: of 5 items 1 failed (synth_translate_2d); the hard gate fails: max"
    )
    part = report(GOOD[:2]).sentence()
    assert part.text == (
        "irgate: NOT EVALUATED: the hard gate needs all fixtures: 2 of 5 ran (2 items passed)"
    )
    assert part.tone == "open"
    assert "NOT EVALUATED" in report([]).sentence().text


def test_good_lines_are_good_only():
    tones = {line.tone for line in report(GOOD).lines(119)}
    assert "bad" not in tones
    bad = [base_row(NAMES[0], status="failed", rmse=0.5), *GOOD[1:]]
    lines = report(bad, 1).lines(119)
    assert [line.tone for line in lines if line.text.startswith("hard gate")] == ["bad"]
    assert not report(bad, 1).passed


def test_a_diagnostic_off_its_target_does_not_look_like_a_failure():
    rows = [base_row(name, rmse_vs_oracle=0.01) for name in NAMES]
    (line,) = [line for line in report(rows).lines(119) if line.text.startswith("agreement")]
    assert line.text.startswith("agreement    over the warped images differ by at most 0.01")
    assert line.tone == "open"
    assert report(rows).passed


def strict_report(rows, battery, **more):
    expected = {"base": NAMES, "battery": battery}
    identity = SolverIdentity("mine.py:register", "register", None)
    return Report(tuple(rows), evaluate(rows, expected), identity, strict=True, **more)


def test_strict_lets_the_mean_ratio_decide_the_last_line():
    far = Row(
        id="i", suite="battery", case="x", rmse=0.1, ratio=1.5, oracle="stored", escaped=False
    )
    failed = strict_report([*GOOD, far], ["x"], exit_status=1)
    assert failed.sentence().text.startswith("irgate: FAIL: the mean ratio, under --irgate-strict")
    (line,) = [line for line in failed.lines(119) if line.text.startswith("mean ratio")]
    assert line.tone == "bad"
    absent = strict_report(GOOD, ["x"], exit_status=0)
    assert absent.sentence().text.startswith("irgate: NOT EVALUATED: --irgate-strict needs")


def test_what_is_waived_is_said_in_the_last_line():
    rows = [base_row(NAMES[0], status="xfailed", rmse=0.5), *GOOD[1:]]
    assert "waived: 1 that fail as expected" in report(rows).sentence().text


def test_who_was_judged():
    assert str(SolverIdentity("mine.py:f", "f", "1.2")) == "mine.py:f (f 1.2)"
    assert str(SolverIdentity(None, "f", None)) == "f"
    assert str(SolverIdentity("bundled", None, None)) == "bundled"
