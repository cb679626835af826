"""A run as GitHub shows it: what comes from outside is neither Markdown nor a command."""

from dataclasses import replace

from saved_runs import BASE, BATTERY, GOOD, RUN_SPEC, row

from irgate_battery.report.conclusion import conclude
from irgate_battery.report.github import (
    LONGEST_SAID,
    MOST_ANNOTATIONS,
    MOST_FAILURES,
    annotations,
    summary,
)
from irgate_battery.results.solver_identity import SolverIdentity

HOSTILE = "50% off\n::error::x <img src=x> | [link](x) `code` ::add-mask::y, z"


def failing(message="over its limit", count=1, name="mine"):
    bad = [replace(each, status="failed", message=message, rmse=0.9) for each in GOOD[:count]]
    return conclude([*bad, *GOOD[count:]], SolverIdentity(name, name, "1"), RUN_SPEC)


def test_a_pass():
    report = conclude(GOOD, SolverIdentity("mine", "mine", "1"), RUN_SPEC)
    assert summary(report).startswith(f"### {report.sentence().text}".replace("<", "\\<"))
    assert list(annotations(report)) == []


def test_a_failure_has_its_figures_and_its_message():
    text = summary(failing())
    assert f"| base {BASE[0]}".replace("_", "\\_") in text
    assert "| failed | 0.0200 | 1.0000 | over its limit |" in text


def test_a_missed_target_is_no_failure_of_the_run():
    far = [replace(each, rmse_vs_oracle=0.5) for each in GOOD]
    for strict in (False, True):
        report = conclude(far, SolverIdentity("mine", "mine", "1"), RUN_SPEC, strict=strict)
        assert report.verdicts.agreement.status == "fail"
        assert report.exit_status == 0
        assert "| agreement | over its target |" in summary(report)
    many = [*GOOD, *(row("battery", case, ratio=1.9) for case in BATTERY)]
    spec = replace(RUN_SPEC, count=len(BATTERY))
    for strict, sign in ((False, "over its target"), (True, "**FAIL**")):
        report = conclude(many, SolverIdentity("mine", "mine", "1"), spec, strict=strict)
        assert report.verdicts.mean_ratio.status == "fail"
        assert f"| mean ratio | {sign} |" in summary(report)


def test_what_comes_from_outside_is_shown_as_it_is():
    report = failing(HOSTILE, name=HOSTILE)
    text = summary(report)
    assert "<img" not in text.replace("\\<img", "")
    assert "[link]" not in text
    assert all(line.count("|") - line.count("\\|") in (0, 4, 6) for line in text.splitlines())
    for line in annotations(report):
        assert "\n" not in line
        assert line.count("::error") <= 2
        assert line.startswith("::error title=irgate")
        assert "50%25 off" in line or "FAIL" in line


def test_a_title_cannot_end_early():
    strange = row("base", BASE[0], status="failed", message="m")
    strange = replace(strange, case="a::b,c%")
    report = conclude([strange, *GOOD[1:]], SolverIdentity("s", "s", "1"), RUN_SPEC)
    (line,) = [line for line in annotations(report) if "base a" in line]
    assert line == "::error title=irgate base a%3A%3Ab%2Cc%25::m"


def test_both_are_capped():
    many = [
        replace(
            GOOD[0],
            id=f"irgate/base.py::test_case[c{n}]",
            case=f"c{n}",
            status="failed",
            message="x" * 5000,
        )
        for n in range(MOST_FAILURES + 7)
    ]
    report = conclude(many, SolverIdentity("s", "s", "1"), RUN_SPEC)
    assert "... and 7 more." in summary(report)
    assert "x" * (LONGEST_SAID + 1) not in summary(report)
    assert len(list(annotations(report))) == MOST_ANNOTATIONS
