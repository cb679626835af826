"""In a GitHub workflow: a summary, annotations, and JUnit's properties; elsewhere nothing."""

from xml.etree import ElementTree

import pytest

from pytest_irgate.command import main
from pytest_irgate.github_summary import SUMMARY
from pytest_irgate.item_runner import JUNIT_FIGURES


@pytest.fixture
def page(pytester, gate, monkeypatch):
    """Run in a workflow, and return what its page shows."""

    def run(*args, **more):
        path = pytester.path / "summary.md"
        path.write_text("of an earlier step\n")
        monkeypatch.setenv(SUMMARY, str(path))
        return gate(*args, in_workflow=True, **more), path.read_text(encoding="utf-8")

    return run


def test_a_failing_run_says_what_and_why(page):
    result, text = page(solver="inverse")
    assert text.startswith("of an earlier step\n### irgate: FAIL: ")
    assert "> irgate: diagnosis: your transform is inverted" in text
    assert "| hard gate | **FAIL** |" in text
    assert "| base synth\\_rotate\\_2d | failed | " in text
    errors = [line for line in result.outlines if line.startswith("::error ")]
    assert errors[0].startswith("::error title=irgate::irgate: FAIL: ")
    assert any(line.startswith("::error title=irgate base synth_rotate_2d::") for line in errors)
    assert len(errors) <= 10


def test_a_passing_run_has_a_summary_and_no_annotation(page):
    result, text = page(solver="knowing")
    assert "### irgate: PASS: " in text
    assert "::error" not in result.stdout.str()


def test_off_is_off(page):
    result, text = page("--irgate-github", "off", solver="inverse")
    assert text == "of an earlier step\n"
    assert "::error" not in result.stdout.str()


def test_another_mode_is_a_usage_error(gate):
    result = gate("--irgate-github", "on")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --irgate-github on: expected one of auto, off"])


def test_elsewhere_nothing_is_annotated(gate):
    assert "::error" not in gate(solver="inverse").stdout.str()


def test_the_command_writes_one_too(pytester, solvers, monkeypatch, capsys):
    path = pytester.path / "summary.md"
    monkeypatch.setenv(SUMMARY, str(path))
    assert main(["check", f"{solvers}/identity.py:register", "--suite", "base", "-q"]) == 1
    assert "### irgate: FAIL: " in path.read_text(encoding="utf-8")
    assert "::error title=irgate::" in capsys.readouterr().out
    monkeypatch.setenv(SUMMARY, str(pytester.path / "no" / "folder.md"))
    assert main(["check", f"{solvers}/identity.py:register", "--suite", "base", "-q"]) == 1
    assert f"irgate: {SUMMARY}: it cannot be written" in capsys.readouterr().out


def test_junit_has_six_figures(gate, pytester):
    gate("--junitxml", "junit.xml", suites="base")
    cases = ElementTree.parse(pytester.path / "junit.xml").iter("testcase")
    for case in cases:
        told = {each.get("name"): float(each.get("value")) for each in case.iter("property")}
        assert set(told) == {f"irgate_{name}" for name in JUNIT_FIGURES}
        assert told["irgate_ratio"] > 0
