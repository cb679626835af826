"""Files that a run writes: whole or not at all, and never over what is somebody's own."""

import json
import os
from pathlib import Path

import pytest

from pytest_irgate.command import main
from pytest_irgate.output_file import (
    OutputFileError,
    clear_report,
    refuse_output,
    write_report,
    write_whole,
)

REPORT = '{"schema": 1, "cases": []}'

LONG = "x" * 300 + ".json"
"""Longer than file systems take."""


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def pipe(here):
    os.mkfifo("pipe")
    return Path("pipe")


OWN = {
    "text": "def register(fixed, moving): ...\n",
    "JSON": '{"name": "mine", "version": 1}',
    "list": "[1]",
    "digits": "1" * 5000,
    "deep": "[" * 100_000,
}


@pytest.mark.parametrize("text", OWN.values(), ids=OWN)
def test_what_is_no_report_is_left_as_it_is(here, text):
    Path("own").write_text(text)
    Path("link").symlink_to("own")
    for name in (Path("own"), Path("link")):
        for act in (clear_report, lambda name: write_report(name, REPORT)):
            with pytest.raises(OutputFileError, match=rf"^{name}: .* no report of this gate"):
                act(name)
    assert Path("own").read_text() == text
    assert sorted(each.name for each in here.iterdir()) == ["link", "own"]


@pytest.mark.parametrize("text", ["", "\n", REPORT])
def test_a_report_and_an_empty_file_are_replaced(here, text):
    Path("r.json").write_text(text)
    os.chmod("r.json", 0o640)
    write_report(Path("r.json"), '{"schema": 1, "cases": [1]}')
    assert json.loads(Path("r.json").read_text())["cases"] == [1]
    assert os.stat("r.json").st_mode & 0o777 == 0o640
    clear_report(Path("r.json"))
    assert list(here.iterdir()) == []


def test_through_a_link_it_is_the_target_that_is_replaced(here):
    Path("there").mkdir()
    Path("there/r.json").write_text(REPORT)
    Path("r.json").symlink_to("there/r.json")
    clear_report(Path("r.json"))
    assert not Path("there/r.json").exists()
    write_report(Path("r.json"), REPORT + "\n")
    assert Path("r.json").is_symlink()
    assert Path("there/r.json").read_text() == REPORT + "\n"


@pytest.mark.skipif(os.name == "nt", reason="no devices and pipes with file names")
@pytest.mark.parametrize("name", ["/dev/null", "pipe", "to_null", "loop"])
def test_devices_pipes_and_loops_are_no_files(here, pipe, name):
    Path("to_null").symlink_to("/dev/null")
    Path("loop").symlink_to("loop")
    for act in (refuse_output, clear_report, lambda name: write_whole(name, "x")):
        with pytest.raises(OutputFileError, match=f"^{name}: that is no plain file"):
            act(Path(name))
    assert Path("/dev/null").is_char_device()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (".", "that is a folder"),
        ("no/r.json", "there is no folder no"),
        (LONG, "File name too long"),
        ("\ud800.json", "no file system takes that name"),
        ("a\0b", "no file system takes that name"),
    ],
)
def test_a_name_that_cannot_be_one_is_one_line(here, name, words):
    for act in (refuse_output, clear_report, lambda name: write_whole(name, "x")):
        with pytest.raises(OutputFileError, match=words) as error:
            act(Path(name))
        assert "\n" not in str(error.value)


def test_a_name_as_long_as_may_be(here):
    write_whole(Path("x" * 255), "whole")
    assert Path("x" * 255).read_text() == "whole"


def test_what_cannot_be_finished_leaves_what_stood_there(here, monkeypatch):
    Path("r.json").write_text(REPORT)

    def full(self, content):
        self.touch()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OutputFileError, match=r"^mine: .* No space left"):
        write_report(Path("r.json"), "{}", Path("mine"))
    assert Path("r.json").read_text() == REPORT
    assert [each.name for each in here.iterdir()] == ["r.json"]


@pytest.mark.parametrize("name", [LONG, "\ud800.x", "no/x"])
def test_the_command_s_files(here, capsys, solvers, name):
    Path("a.json").write_text(REPORT)
    spec = f"{solvers}/knowing.py:register"
    for option, arguments in (
        ("--json", ["check", spec, "--json", name]),
        ("--output", ["show", "brain_mri_real", "--output", f"{name}.png"]),
    ):
        assert main(arguments) == 4
        err = capsys.readouterr().err
        assert err.startswith(f"irgate {arguments[0]}: {option} ")
        assert err.count("\n") == 1
    assert main(["compare", name]) == 4
    assert capsys.readouterr().err.count("\n") == 1


def test_the_plugin_leaves_a_solver_s_own_file(gate, pytester, solvers):
    pytester.makepyfile(mine=(solvers / "identity.py").read_text())
    before = (pytester.path / "mine.py").read_text()
    result = gate("--irgate-json", "mine.py", "--irgate-solver", "mine.py:register", solver=None)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --irgate-json *mine.py: what stands there is no report*"])
    assert (pytester.path / "mine.py").read_text() == before
