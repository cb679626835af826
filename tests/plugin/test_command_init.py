"""`irgate init`: what it writes runs at once, and nothing is written over."""

import subprocess
import sys

import pytest

from pytest_irgate.command import main
from pytest_irgate.command.init import KINDS, PROGRAM, WORKFLOW


@pytest.fixture
def empty(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("kind", KINDS)
def test_what_it_writes_runs_at_once(empty, kind, capsys):
    assert main(["init", "--kind", kind]) == 0
    out = capsys.readouterr().out
    assert f'python -m pytest --irgate --irgate-solver "{KINDS[kind]}"' in out
    # As the settings name it, and the items that every solver is asked.
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    chosen = ["--irgate-suite", "contract,base,battery"]
    done = subprocess.run([*command, *chosen], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "irgate: NOT EVALUATED: the hard gate needs all fixtures: 1 of 5 ran" in done.stdout
    assert "failed" not in done.stdout


def test_nothing_is_written_over(empty, capsys):
    (empty / PROGRAM).write_text("dear")
    (empty / "pytest.ini").write_text("[pytest]\nminversion = 8\n")
    (empty / WORKFLOW).parent.mkdir(parents=True)
    (empty / WORKFLOW).write_text("dear")
    assert main(["init"]) == 0
    out = capsys.readouterr().out
    assert out.count("left as it is") == 3
    assert "pytest.ini: left as it is; add\n    irgate = true\n" in out
    assert (empty / PROGRAM).read_text() == (empty / WORKFLOW).read_text() == "dear"
    assert (empty / "pytest.ini").read_text() == "[pytest]\nminversion = 8\n"


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        ("pyproject.toml", "[tool.pytest.ini_options]\n", '    irgate_solver = "registration.py:'),
        ("tox.ini", "[pytest]\n", "    irgate_solver = registration.py:register\n"),
        ("setup.cfg", "[tool:pytest]\n", "    irgate_solver = registration.py:register\n"),
    ],
)
def test_settings_that_stand_elsewhere_are_added_to_by_hand(empty, capsys, name, text, line):
    (empty / name).write_text(text)
    assert main(["init"]) == 0
    out = capsys.readouterr().out
    assert f"{name}: left as it is; add" in out
    assert line in out
    assert not (empty / "pytest.ini").exists()


def test_a_project_without_settings_of_pytest_gets_a_file_of_its_own(empty, capsys):
    (empty / "pyproject.toml").write_text('[project]\nname = "mine"\n')
    assert main(["init"]) == 0
    assert (empty / "pytest.ini").exists()


def test_what_a_kind_needs_is_said_where_it_is_missing(empty, capsys, monkeypatch):
    install = "    python -m pip install torch\n"
    assert main(["init", "--kind", "torch", "with"]) == 0
    assert install not in capsys.readouterr().out
    monkeypatch.setattr("pytest_irgate.command.init.find_spec", lambda name: None)
    assert main(["init", "--kind", "torch", "without"]) == 0
    assert install in capsys.readouterr().out
    assert "pip install pytest-irgate torch\n" in (empty / "without" / WORKFLOW).read_text()


def test_another_folder(empty, capsys):
    assert main(["init", "a sub/sub"]) == 0
    assert (empty / "a sub" / "sub" / PROGRAM).exists()
    assert "cd 'a sub/sub' && " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("folder", "said"),
    [
        ("torch", "torch is a kind and no folder; write irgate init --kind torch"),
        ("broken/pyproject.toml/sub", "name a folder that can be made"),
        ("broken", "it cannot be read"),
    ],
)
def test_wrong_usage_is_one_line(empty, capsys, folder, said):
    (empty / "broken").mkdir()
    (empty / "broken" / "pyproject.toml").write_text("[tool")
    assert main(["init", folder]) == 4
    err = capsys.readouterr().err
    assert said in err
    assert err.count("\n") == 1
