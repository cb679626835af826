"""`irgate compare`: reports in, tables out; what cannot be compared is one line and status 4."""

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from irgate_battery.run import check_solver
from pytest_irgate.command import main


@pytest.fixture(scope="module")
def reports(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reports")
    for name in ("knowing", "identity"):
        solver = importlib.import_module(name).register
        (folder / f"{name}.json").write_text(check_solver(solver, suites=["base"]).to_json())
    return folder


@pytest.fixture
def files(reports, monkeypatch):
    monkeypatch.chdir(reports)
    monkeypatch.setenv("COLUMNS", "80")
    return ["knowing.json", "identity.json"]


def test_it_prints_a_table_for_80_characters(files, capsys):
    assert main(["compare", *files]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    # The first lines say where each report was read, whatever the width of a path.
    table = out[out.index("\n\n") :].splitlines()
    assert max(map(len, table)) < 80
    assert out.isascii()
    (gate,) = [line for line in table if "hard gate" in line]
    assert gate.split() == ["hard", "gate", "-", "PASS", "FAIL"]
    assert "\x1b" not in out


def test_case_by_case(files, capsys):
    main(["compare", *files, "--cases"])
    out = capsys.readouterr().out
    (line,) = [line for line in out.splitlines() if line.strip().startswith("synth_rotate_2d")]
    assert line.split()[-1] == "R"
    assert "R RMSE over its limit" in " ".join(out.split())
    main(["compare", *files, "--ratio"])
    assert "base: RMSE / oracle's RMSE" in capsys.readouterr().out


def test_a_name_that_the_terminal_cannot_show_is_no_traceback(files):
    report = json.loads(Path("knowing.json").read_text(encoding="utf-8"))
    report["solver"]["spec"] = "l\u00f6ser"
    Path("named.json").write_text(json.dumps(report), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pytest_irgate", "compare", "named.json"],
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert r"l\xf6ser" in done.stdout


def test_markdown_to_a_file(files, capsys, tmp_path):
    target = tmp_path / "table.md"
    assert main(["compare", *files, "--markdown", "--cases", "--output", str(target)]) == 0
    assert capsys.readouterr().out == ""
    text = target.read_text()
    assert "| | oracle | knowing | identity |" in text
    assert "| hard gate | - | PASS | FAIL |" in text
    assert "**5/5**" in text


def test_colours_only_on_a_terminal_and_not_under_no_color(files, capsys, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    main(["compare", *files])
    assert "\x1b[32m" in capsys.readouterr().out
    monkeypatch.setenv("NO_COLOR", "1")
    main(["compare", *files])
    assert "\x1b" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere.json"], "nowhere.json: No such file or directory"),
        (["."], ".: Is a directory"),
        (["broken.json"], "broken.json: not JSON"),
        (["binary.json"], "binary.json: not a text file"),
        (["knowing.json", "--suite", "battery"], "no item of suite 'battery' in knowing.json"),
        (
            ["knowing.json", "--output", "no/where"],
            "no/where: it cannot be written: there is no folder",
        ),
        (["knowing.json", "--suite", ","], "expected names"),
        ([], "required: REPORT"),
    ],
)
def test_wrong_usage_is_one_line(files, capsys, arguments, words):
    with open("broken.json", "w") as file:
        file.write("{")
    with open("binary.json", "wb") as file:
        file.write(b"\xff\xfe")
    try:
        status = main(["compare", *arguments])
    except SystemExit as error:
        status = error.code
    out, err = capsys.readouterr()
    assert (status, out) == (4, "")
    assert err.startswith("irgate compare: ")
    assert words in err
    assert err.count("\n") == 1


def test_against_a_baseline_it_shows_what_changed_and_exits_with_1(files, capsys):
    knowing, identity = files
    assert main(["compare", "--baseline", knowing, knowing]) == 0
    assert capsys.readouterr().out.splitlines()[-2].startswith("irgate compare: PASS: 0 worse")
    assert main(["compare", "--baseline", knowing, identity]) == 1
    out = capsys.readouterr().out
    assert "base synth_rotate_2d" in out
    assert "passed -> failed" in out
    assert "verdict: hard gate" in out
    assert main(["compare", "--baseline", identity, knowing]) == 0
    assert main(["compare", "--baseline", knowing, identity, "--fail-on", "seconds:1e6%"]) == 0


def test_against_a_baseline_in_markdown_and_in_a_file(files, capsys, tmp_path):
    knowing, identity = files
    page = tmp_path / "page.md"
    asked = ["compare", "--baseline", knowing, identity, "--markdown", "--output", str(page)]
    assert main(asked) == 1
    text = page.read_text(encoding="utf-8")
    assert "| worse | base synth\\_rotate\\_2d | passed | failed |  |" in text
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--fail-on", "ratio:2%"], "--fail-on: no baseline is named"),
        (["--baseline", "knowing.json", "--fail-on", "tre"], "--fail-on tre: no rule"),
        (["--baseline", "knowing.json", "--cases"], "--baseline: --cases, --ratio and --suite"),
        (["--baseline", "nothing.json"], "nothing.json: No such file"),
    ],
)
def test_a_wrong_baseline_or_rule_is_one_line(files, capsys, more, said):
    assert main(["compare", files[0], *more]) == 4
    err = capsys.readouterr().err
    assert err.startswith(f"irgate compare: {said}")
    assert err.count("\n") == 1
