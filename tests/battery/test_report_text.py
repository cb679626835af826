"""The report as text: what a person reads, at any width."""

import pytest

from irgate_battery.report.conclusion import evaluate
from irgate_battery.report.report import Report
from irgate_battery.results.result_row import ResultRow
from irgate_battery.results.solver_identity import SolverIdentity

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
    return ResultRow(id=f"irgate/base.py::test_case[{name}]", suite="base", case=name, **values)


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
    rows = [ResultRow(id="i", suite="base", case=NAMES[0], status="missing"), *GOOD[1:]]
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
    assert line.text.startswith("agreement    over rmse_vs_simpleitk_max 0.01, between the warped")
    assert line.tone == "open"
    assert report(rows).passed


def strict_report(rows, battery, **more):
    expected = {"base": NAMES, "battery": battery}
    identity = SolverIdentity("mine.py:register", "register", None)
    return Report(tuple(rows), evaluate(rows, expected), identity, strict=True, **more)


def test_strict_lets_the_mean_ratio_decide_the_last_line():
    far = ResultRow(
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


def pair_row(name, **more):
    figures = {
        "model": "rigid",
        "rmse": 0.0043,
        "oracle_rmse": 0.0042,
        "ratio": 1.0238,
        "identity_rmse": 0.2,
        "oracle_distance_px": 0.0123,
        "oracle": "live",
        "seconds": 0.05,
        "oracle_seconds": 1.0,
        "escaped": False,
        "preparation": "both 200x180 px (uint8); each scaled to 0..1",
    }
    values = {**figures, **more}
    return ResultRow(id=f"irgate/pair.py::test_case[{name}]", suite="pair", case=name, **values)


def pairs_report(rows, names, exit_status=0):
    verdicts = evaluate(rows, {"base": NAMES, "pair": names})
    return Report(
        tuple(rows), verdicts, SolverIdentity("mine.py:register", None, None), exit_status
    )


def texts(report, width):
    return [line.text for line in report.lines(width)]


class TestOwnPairs:
    MM = pair_row("brain-slice14", spacing_mm=0.5, oracle_distance_mm=0.0062)
    SKIPPED = pair_row("cat", status="skipped", oracle="doubtful", message="cat: not evaluated: x")

    @pytest.mark.parametrize("width", [40, 79, 119, 159])
    def test_the_section_fits(self, width):
        rows = [self.MM, pair_row("a" * 12), self.SKIPPED]
        for text in texts(pairs_report(rows, ["brain-slice14", "a" * 12, "cat"]), width)[:-1]:
            assert text.isascii()
            assert len(text) <= max(width, 72)

    def test_every_column_is_there_where_there_is_room(self):
        groups, head, first = texts(pairs_report([self.MM], ["brain-slice14"]), 159)[:3]
        assert groups.split("  ")[-1].strip() == "time, s"
        assert head.split() == [
            "own", "pair", "ours", "oracle", "before", "ratio", "px", "mm", "ours", "/oracle"
        ]  # fmt: skip
        assert first.split() == [
            "brain-slice14", "0.004300", "0.004200", "0.200000", "1.0238", "0.0123", "0.0062",
            "0.050", "0.050x", "passed",
        ]  # fmt: skip

    def test_distances_stay_on_a_narrow_terminal_and_mm_only_where_there_are_any(self):
        assert {"px", "mm"} <= set(texts(pairs_report([self.MM], ["brain-slice14"]), 79)[1].split())
        assert "mm" not in texts(pairs_report([pair_row("a")], ["a"]), 159)[1].split()

    def test_what_was_read_and_why_nothing_is_decided(self):
        lines = pairs_report([self.SKIPPED], ["cat"]).lines(119)
        assert "cat: rigid; both 200x180 px (uint8); each scaled to 0..1" in [
            line.text for line in lines
        ]
        (why,) = [line for line in lines if line.text == "  not evaluated: x"]
        assert why.tone == "open"

    def test_without_own_pairs_nothing_is_said_of_them(self):
        assert not [text for text in texts(report(GOOD), 119) if "own pair" in text]

    def test_the_last_line_of_pairs_alone(self):
        good = pairs_report([pair_row("a")], ["a"])
        assert good.sentence().tone == "good"
        assert good.sentence().text == (
            "irgate: OWN PAIRS PASS: 1 of 1 within 1.1 x SimpleITK's RMSE + 0.0001; the gate "
            "itself did not run"
        )
        assert not good.passed
        bad = pairs_report([pair_row("a", status="failed"), pair_row("b")], ["a", "b"], 1)
        assert bad.sentence().text == (
            "irgate: FAIL: of 2 items 1 failed (a); own pairs: 1 of 2 within 1.1 x SimpleITK's "
            "RMSE + 0.0001; not: a; the gate itself did not run"
        )
        part = pairs_report([pair_row("a")], ["a", "b"])
        assert part.sentence().tone == "open"
        assert part.sentence().text.startswith("irgate: NOT EVALUATED: own pairs: 1 of 2 ran; the")

    def test_the_last_line_beside_the_gate(self):
        assert (
            pairs_report([*GOOD, pair_row("a")], ["a"])
            .sentence()
            .text.endswith("; own pairs: 1 of 1 within 1.1 x SimpleITK's RMSE + 0.0001")
        )
        doubtful = pairs_report([*GOOD, self.SKIPPED], ["cat"]).sentence()
        assert doubtful.tone == "open"
        assert doubtful.text.startswith(
            "irgate: NOT EVALUATED: own pairs: 0 of 1 ran; the hard gate: max RMSE"
        )
        # Pairs that were named and deselected do not take the gate's verdict away.
        assert pairs_report(GOOD, ["a"]).sentence().text.startswith("irgate: PASS: 5 items")

    def test_a_failed_gate_beside_good_pairs(self):
        rows = [base_row(NAMES[0], status="failed", rmse=0.5), *GOOD[1:], pair_row("a")]
        said = pairs_report(rows, ["a"], 1).sentence().text
        assert said.startswith(f"irgate: FAIL: of 6 items 1 failed ({NAMES[0]}); the hard gate f")
