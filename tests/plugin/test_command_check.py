"""`irgate check`: the same report as the plugin's, without pytest; nothing measured is lost."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import moved
import numpy as np
import pytest
from items import SUITES

from irgate_battery.cases.run_spec import RunSpec
from irgate_battery.interface.protocol import DEFAULT_TIMEOUT
from irgate_battery.interface.quiet_simpleitk import simpleitk
from pytest_irgate.command import main
from pytest_irgate.user_cache import UserCache

sitk = simpleitk()

PATIENCE = 60
"""Seconds that a run is given to come as far as the test wants it."""

HANGING = """
from pathlib import Path
import time

calls = 0

def register(fixed, moving):
    global calls
    calls += 1
    # The fourth fixture: that an answer only shifts needs no second call to be seen.
    if calls == 4:
        Path("reached").touch()
        time.sleep(120)
    return [[1, 0, 3.5], [0, 1, -2.23]]
"""

FLAT = """
import sys
print("imported")

def register(fixed, moving):
    print("level 1: converged")
    sys.stderr.write("pytest" * ("pytest" in sys.modules))
    return [[1, 0, 3.5], [0, 1, -2.23]]
"""


def irgate(*arguments, **more):
    """Run the command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "pytest_irgate", *arguments],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
        **more,
    )


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    return tmp_path


@pytest.fixture
def pictures(pytester):
    """Two small pictures that are a known motion apart."""
    for name, values in zip(("fixed", "moving"), moved.images(), strict=True):
        pixels = np.rint(65535 * values).astype(np.uint16)
        sitk.WriteImage(sitk.GetImageFromArray(pixels), f"{name}.png")


@pytest.mark.parametrize(("solver", "suites"), [("knowing", "base,contract"), ("identity", "base")])
def test_its_json_is_the_plugin_s_but_for_times(gate, pytester, solvers, report_of, solver, suites):
    # The same SPEC, so that the reports can be equal to the letter.
    spec = f"{solvers / solver}.py:register"
    named = ("--irgate-solver", spec, "--irgate-json", "plugin.json")
    plugin = gate(*named, solver=None, suites=suites)
    command = irgate("check", spec, "--suite", suites, "--json", "command.json")
    assert report_of("command.json") == report_of("plugin.json")
    assert command.returncode == plugin.ret
    # And so are the report's lines, from the first fixture to the verdict, but for times.
    ours, theirs = (
        [line.split()[:5] for line in text[text.index("base fixture") :].splitlines()[1:6]]
        for text in (command.stdout, plugin.stdout.str())
    )
    assert ours == theirs
    assert command.stdout.splitlines()[-1] == plugin.outlines[-2]


def test_own_pairs_are_judged_as_by_the_plugin(gate, pytester, solvers, report_of, pictures):
    spec, named = f"{solvers}/moved.py:register", "fixed.png,moving.png,same"
    gate("--irgate-pair", named, "--irgate-json", "plugin.json", solver="moved", suites="pair")
    command = irgate("check", spec, "--suite", "pair", "--pair", named, "--json", "command.json")
    assert report_of("command.json") == report_of("plugin.json")
    assert command.stdout.splitlines()[-1].startswith("irgate: OWN PAIRS PASS: 1 of 1")


def test_what_failed_is_told_in_full_and_once(solvers, capsys):
    assert main(["check", f"{solvers}/raising.py:register", "--suite", "base"]) == 1
    out, err = capsys.readouterr()
    assert out.count("ValueError: singular matrix, at") == 2
    assert (
        "diagnosis: solver 'register' raised ValueError: singular matrix, at"
        in out.splitlines()[-1]
    )
    assert out.count("  | ValueError: singular matrix") == 1
    assert "  and 4 more like it: base synth_rotate_2d, base lena_affine_2d" in out
    assert out.splitlines()[-1].startswith("irgate: FAIL: of 5 items 5 failed")
    # No terminal: no progress, no colour.
    assert (err, "\x1b" in out) == ("", False)


def test_standard_output_is_the_report_s_alone_and_pytest_is_not_needed(here):
    (here / "flat.py").write_text(FLAT)
    done = irgate("check", "flat:register", "--suite", "base,contract")
    assert done.returncode == 1
    assert "level 1" not in done.stdout
    assert "level 1: converged" in done.stderr
    assert "pytest" not in done.stderr
    # The contract suite hears it all the same.
    assert "printed 19 characters to standard output" in " ".join(done.stdout.split())


def test_quiet_is_the_last_line(solvers, capsys):
    assert main(["check", f"{solvers}/knowing.py:register", "--suite", "base", "--quiet"]) == 0
    assert capsys.readouterr().out.startswith("irgate: PASS: 5 items passed")


def test_another_seed_has_no_stored_oracle(solvers, capsys, here):
    arguments = ["--suite", "battery", "--cases", "2", "--seed", "7", "--oracle", "stored"]
    arguments += ["--timeout", "0", "--json", "r.json"]
    main(["check", f"{solvers}/knowing.py:register", *arguments])
    report = json.loads((here / "r.json").read_text())
    assert report["seed"] == 7
    # Stored are the results of seed 0 alone: a computed one would have been no error.
    assert [row["status"] for row in report["cases"]] == ["error"] * 2
    assert "oracle stored, no time limit" in capsys.readouterr().out


def test_every_option_reaches_the_run(solvers, monkeypatch, capsys):
    asked = {}

    def check_solver(solver, **options):
        asked.update(options)
        raise KeyboardInterrupt

    monkeypatch.setattr("irgate_battery.run.check_solver", check_solver)
    spec = f"{solvers}/knowing.py:register"
    assert main(["check", spec]) == 2
    asked.pop("on_row")
    assert isinstance(asked.pop("cache"), UserCache)
    assert asked == {
        "suites": SUITES, "oracle": "auto", "timeout": DEFAULT_TIMEOUT, "run_spec": RunSpec(),
        "strict": False, "require_verdict": False,
    }  # fmt: skip
    arguments = ["--suite", "recovery,base", "--oracle", "live", "--timeout", "7.5", "--strict"]
    arguments.append("--require-verdict")
    assert main(["check", spec, *arguments, "--seed", "3", "--cases", "60"]) == 2
    del asked["on_row"], asked["cache"]
    assert asked == {
        "suites": ("base", "recovery"), "oracle": "live", "timeout": 7.5,
        "run_spec": RunSpec(seed=3, count=60), "strict": True, "require_verdict": True,
    }  # fmt: skip


@pytest.mark.skipif(os.name == "nt", reason="Windows sends Ctrl-C to the whole console")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_an_interrupt_keeps_what_was_measured(here, name):
    (here / "hanging.py").write_text(HANGING)
    arguments = ["check", "hanging.py:register", "--suite", "base", "--json", "r.json"]
    run = subprocess.Popen(
        [sys.executable, "-m", "pytest_irgate", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + PATIENCE
    while not (here / "reached").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    run.send_signal(getattr(signal, name))
    output, errors = run.communicate(timeout=PATIENCE)
    report = json.loads((here / "r.json").read_text())
    assert run.returncode == report["exit_status"] == 2
    assert [row["status"] for row in report["cases"]] == [
        "passed", "failed", "failed", "missing", "missing",
    ]  # fmt: skip
    assert report["cases"][0]["rmse"] > 0
    assert report["verdicts"]["hard_gate"]["status"] == "fail"
    # In the plugin's words.
    who = {"SIGINT": "you (Ctrl-C)"}.get(name, name)
    assert report["cases"][-1]["message"] == f"not run: stopped by {who}"
    assert f"; stopped by {who}: 2 of 5 items not run; the hard gate fails" in output
    assert "irgate: interrupted: 3 of 5 items were done" in output
    assert errors == ""


@pytest.mark.skipif(os.name == "nt", reason="there is no pseudo-terminal")
def test_progress_and_colour_on_a_terminal(solvers, tmp_path):
    import pty

    leader, follower = pty.openpty()
    environment = {**os.environ, "COLUMNS": "60", "TERM": "xterm"}
    environment.pop("NO_COLOR", None)
    spec = f"{solvers}/identity.py:register"
    run = subprocess.Popen(
        [sys.executable, "-m", "pytest_irgate", "check", spec, "--suite", "base"],
        stdout=follower, stderr=follower, stdin=follower, env=environment, cwd=tmp_path,
    )  # fmt: skip
    os.close(follower)
    chunks = []
    try:
        while chunk := os.read(leader, 65536):
            chunks.append(chunk)
    except OSError:
        # The terminal's other end was closed: all is said.
        pass
    os.close(leader)
    run.wait(PATIENCE)
    text = b"".join(chunks).decode()
    assert "\r\x1b[K0 of 5 done; now base synth_translate_2d" in text
    assert "\r\x1b[K4 of 5 done, 4 failed; now base brain_mri_real" in text
    # The line is gone before the report begins.
    assert "\r\x1b[K\x1b[1m" in text.replace("\r\n", "\n")
    assert "\x1b[31m" in text


OLD = '{"schema": 1, "irgate": "0.1.0", "cases": []}'
"""As much of a report as makes a file one."""

WRONG = {
    "unknown name": (["nobody"], "nobody: no solver of that name; expected one of bundled"),
    "no spec": ([""], "the solver's SPEC is empty; expected a name"),
    "blank spec": (["  "], "the solver's SPEC is empty; expected a name"),
    "long spec": (["x" * 300 + ".py:f"], ".py cannot be read: "),
    "endless seed": (["bundled", "--seed", "9" * 5000], "a whole number of at most 922337203685"),
    "endless cases": (["bundled", "--cases", "9" * 5000], "a whole number of at most 100000"),
    "long pair": (["bundled", "--pair", "x" * 300 + ",a.png"], "--pair x"),
    "no file": (["nowhere.py:register"], "nowhere.py:register: there is no file"),
    "suite": (["bundled", "--suite", "fuzzy"], "--suite: fuzzy: no suite 'fuzzy'"),
    "fuzz": (["bundled", "--suite", "fuzz"], "the fuzz suite needs pytest: pytest --irgate"),
    "seed": (["bundled", "--seed", "-1"], "--seed: -1: expected a whole number of 0 or more"),
    "cases": (["bundled", "--cases", "0"], "--cases: 0: expected a whole number of 1 or more"),
    "oracle": (["bundled", "--oracle", "x"], "--oracle: invalid choice: 'x'"),
    "timeout": (["bundled", "--timeout", "soon"], "--timeout: soon: expected seconds"),
    "infinite": (["bundled", "--timeout", "nan"], "--timeout: nan: expected seconds"),
    "folder": (["bundled", "--json", "."], "--json .: that is a folder"),
    "no folder": (["bundled", "--json", "no/where"], "--json no/where: it cannot be written"),
    "device": (["bundled", "--json", "/dev/null"], "--json /dev/null: that is no plain file"),
    "no pair": (["bundled", "--suite", "pair"], "--suite pair: no pair is named; add --pair"),
    "bad pair": (["bundled", "--pair", "a.png"], "--pair a.png: expected fixed,moving"),
    "no image": (["bundled", "--pair", "a.png,b.png"], "a.png does not exist"),
    "stored pair": (
        ["bundled", "--pair", "a.png,b.png", "--oracle", "stored"],
        "--oracle stored: nothing is stored for your own pairs",
    ),
    "no solver": ([], "required: SPEC"),
}


@pytest.mark.parametrize(("arguments", "words"), WRONG.values(), ids=WRONG)
def test_wrong_usage_is_one_line_and_status_4(here, capsys, arguments, words):
    try:
        status = main(["check", *arguments])
    except SystemExit as error:
        status = error.code
    out, err = capsys.readouterr()
    assert (status, out) == (4, "")
    assert err.startswith("irgate check: ")
    assert words in err
    assert err.count("\n") == 1


def test_an_old_report_is_gone_before_the_run(here, capsys, solvers):
    Path("r.json").write_text(OLD)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("irgate_battery.run.check_solver", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            main(["check", f"{solvers}/knowing.py:register", "--json", "r.json"])
    assert not Path("r.json").exists()


def test_a_report_that_cannot_be_written_in_the_end_is_no_success(here, capsys, solvers):
    (here / "away").mkdir()
    spoiling = Path(solvers / "knowing.py").read_text() + (
        "\nimport shutil\nimport atexit\n"
        "_register = register\n"
        "def register(fixed, moving):\n"
        "    shutil.rmtree('away', ignore_errors=True)\n"
        "    return _register(fixed, moving)\n"
    )
    (here / "spoiling.py").write_text(spoiling)
    status = main(["check", "spoiling.py:register", "--suite", "base", "--json", "away/r.json"])
    out = capsys.readouterr().out
    assert status == 1
    assert "irgate: --json away/r.json: it cannot be written: there is no folder away" in out
    last = out.splitlines()[-1]
    assert last.startswith("irgate: FAIL: --json away/r.json: it cannot be written: ")
    assert "what was judged: PASS: 5 items passed" in last
    assert "report: away" not in out


def test_a_solver_may_change_the_folder(here, capsys):
    (here / "inner").mkdir()
    text = FLAT.replace(
        "    return", "    os.path.exists('inner') and os.chdir('inner')\n    return"
    )
    (here / "moving.py").write_text("import os\n" + text)
    main(["check", "moving.py:register", "--suite", "base", "--json", "r.json"])
    assert (here / "r.json").is_file()


def test_help_and_version(capsys):
    for arguments in (["--help"], ["check", "--help"], ["compare", "--help"], ["--version"]):
        with pytest.raises(SystemExit) as end:
            main(arguments)
        assert end.value.code == 0
    out, _ = capsys.readouterr()
    assert "irgate check mine.py:register" in out
    # Without a subcommand nothing ran, and that is no success.
    assert main([]) == 4
