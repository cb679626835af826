"""The programs of docs/other-languages.md: a page of C and one of JavaScript pass what they can."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from items import cases_of, evaluate

from irgate_battery.cases.run_spec import RunSpec
from irgate_battery.interface.declaration import NotASolver
from irgate_battery.interface.launch import launched, process_of
from irgate_battery.interface.process_group import MARK

HERE = Path(__file__).resolve().parent
COMPILER = shutil.which("cc") or shutil.which("gcc")
NODE = shutil.which("node")

needs_compiler = pytest.mark.skipif(COMPILER is None, reason="there is no C compiler here")
needs_node = pytest.mark.skipif(NODE is None, reason="there is no Node here")


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The C program, built with or without a macro."""

    def build(*macros):
        program = tmp_path_factory.mktemp("c") / "reg"
        flags = ["-std=c11", "-O2", "-Wall", "-Wextra", "-Werror", *macros]
        command = [COMPILER, *flags, str(HERE / "reg.c"), "-o", str(program), "-lm"]
        subprocess.run(command, check=True, capture_output=True, text=True)
        return f"cmd:{program} {{fixed}} {{moving}} {{model}} {{intensity}} {{out}}.npy"

    return build


@pytest.fixture
def started():
    """Start the process of a SPEC; it ends with the test."""
    processes = []

    def start(spec, **program):
        processes.append(process_of(spec, HERE, **program))
        return launched(processes[-1])

    yield start
    for process in processes:
        process.close()


def rows(suite, solver, **setup):
    return [evaluate(suite, case, solver, **setup).row for case in cases_of(RunSpec(), suite)]


@needs_compiler
def test_the_c_program_passes_contract_and_base(built, started):
    solver = started(built())
    assert solver.name == "reg"
    assert solver.accepts == {"model", "intensity"}
    contract = {row.case: row for row in rows("contract", solver)}
    skipped = {case for case, row in contract.items() if row.status == "skipped"}
    # It takes float32 alone, and says so; its files, output and state are its own.
    own = {"input_unchanged", "prints_nothing", "global_state_unchanged"}
    assert skipped == {"units"} | own
    assert "float32 only" in contract["units"].message
    assert all("is a program" in contract[case].message for case in own)
    assert {row.status for case, row in contract.items() if case not in skipped} == {"passed"}
    assert [row.status for row in rows("base", solver)] == ["passed"] * 5


@needs_compiler
def test_swapped_components_are_named(built, started):
    row = evaluate("contract", "axis_order", started(built("-DSWAPPED"))).row
    assert row.status == "failed"
    assert row.diagnosis == "x and y swapped"


@needs_node
def test_the_javascript_program_finds_shifts_and_says_that_it_has_one_model(started):
    solver = started(f"serve:{NODE} serve.js")
    assert (solver.name, solver.models) == ("serve.js", ("translation",))
    statuses = {row.case: row.status for row in rows("base", solver)}
    assert statuses.pop("synth_translate_2d") == "passed"
    assert set(statuses.values()) == {"skipped"}
    assert evaluate("contract", "direction", solver).row.status == "passed"


def test_a_program_that_hangs_leaves_its_words_and_nothing_else(
    started, tmp_path, monkeypatch, capfd
):
    monkeypatch.setenv("HUNG", str(tmp_path))
    hanging = tmp_path / "hanging.sh"
    hanging.write_text("#!/bin/sh\necho I wait for a licence >&2\nsleep 1000 &\nsleep 1000\n")
    hanging.chmod(0o755)
    solver = started(f"cmd:{hanging} {{fixed}} {{moving}} {{out}}")
    row = evaluate("base", "synth_translate_2d", solver, timeout=0.5).row
    assert "did not return within 0.5 s" in row.message
    assert programs_with(f"HUNG={tmp_path}", but=MARK) == []
    assert "I wait for a licence" in capfd.readouterr().err
    assert list(solver.caller._folder.iterdir()) == []


def programs_with(mark, but):
    """Command lines of living programs that inherited a mark; the next child is no such program."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            environment = (entry / "environ").read_bytes()
            command = (entry / "cmdline").read_bytes()
        except OSError:
            continue
        if mark.encode() in environment and but.encode() in environment and b"sleep" in command:
            found.append(command)
    return found


PROGRAM = """
import sys
import numpy as np
fixed, moving, out = sys.argv[1:4]
"""


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("sys.exit('no such luck')", "ProgramFailed: exit status 1, having said: no such luck"),
        ("", "NoTransform: it wrote no answer: there is no file {out}"),
        ("open(out, 'w').write('nothing')", "expected two or three rows of three numbers"),
        ("open(out, 'w').write('1 2 3 4')", r"returned an array of shape \(1, 4\)"),
        ("np.save(out + '.npy', np.zeros((2, 2)))", r"returned an array of shape \(2, 2\)"),
        ("import os; os.kill(os.getpid(), 11)", "ProgramFailed: killed by SIGSEGV"),
    ],
)
def test_what_a_program_does_wrong_is_said(started, tmp_path, body, words):
    script = tmp_path / "wrong.py"
    script.write_text(PROGRAM + body)
    solver = started(f"cmd:{sys.executable} {script} {{fixed}} {{moving}} {{out}}")
    row = evaluate("base", "synth_translate_2d", solver).row
    assert row.status == "failed"
    assert re.search(words.replace("{out}", r"\{out\}"), row.message), row.message


READS = {
    "npy": "np.load(path)",
    "png": "sitk.GetArrayFromImage(sitk.ReadImage(path)) / 65535",
    "tif": "sitk.GetArrayFromImage(sitk.ReadImage(path))",
    "mha": "sitk.GetArrayFromImage(sitk.ReadImage(path))",
    "nii": "sitk.GetArrayFromImage(sitk.ReadImage(path))",
}


@pytest.mark.parametrize("file_format", READS)
def test_each_format_holds_the_images(started, tmp_path, file_format):
    """The program sees the shift that the images have: its own search says where they match."""
    script = tmp_path / "shift.py"
    script.write_text(
        PROGRAM
        + f"""
import SimpleITK as sitk
def read(path):
    return {READS[file_format]}
f, m = read(fixed).astype(float), read(moving).astype(float)
shifts = [(y, x) for y in range(-5, 6) for x in range(-5, 6)]
inner = f[5:-5, 5:-5]
def off(shift):
    return np.square(inner - np.roll(m, (-shift[0], -shift[1]), (0, 1))[5:-5, 5:-5]).sum()
y, x = min(shifts, key=off)
np.savetxt(out, [[1, 0, x], [0, 1, y]])
"""
    )
    solver = started(
        f"cmd:{sys.executable} {script} {{fixed}} {{moving}} {{out}}", file_format=file_format
    )
    row = evaluate("base", "synth_translate_2d", solver).row
    # The shift is (3.5, -2.23), and the peak a whole pixel.
    assert row.tre_px < 0.6, row.message


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("cmd:", "no program is named; expected cmd:PROGRAM"),
        ("cmd:x {fixed} {out}", r"\{moving\} is missing"),
        ("cmd:'x {fixed} {moving} {out}", "No closing quotation"),
        ("cmd:./none {fixed} {moving} {out}", "there is no program .*none that may be run"),
        ("serve:", "no program is named; expected serve:PROGRAM"),
        ("serve:./none", "none cannot be started"),
        ("serve:true", r"it ended its process \(exit status 0\) while it was loaded"),
        ("serve:cat", "it answered hello without a name"),
        ("serve:yes", r"it answered hello with b'y\\n', which is no JSON"),
    ],
)
def test_a_spec_of_no_program_is_one_line(started, spec, words):
    with pytest.raises(NotASolver, match=words) as refused:
        started(spec)
    assert "\n" not in str(refused.value)
