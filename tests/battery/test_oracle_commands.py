"""`python -m irgate_battery.oracle`: rewrite, then compare, then compare with what was altered."""

import importlib
import json
import subprocess
import sys

import pytest

from irgate_battery.cases.catalogue import base_cases
from irgate_battery.oracle import solve, store

commands = importlib.import_module("irgate_battery.oracle.__main__")


RESULTS = {}


def solved(fixed, moving, *arguments):
    """Solve each of the two pairs once: that a second time gives the same is tested elsewhere."""
    if fixed.shape not in RESULTS:
        RESULTS[fixed.shape] = solve(fixed, moving, *arguments)
    return RESULTS[fixed.shape]


@pytest.fixture
def written(tmp_path, monkeypatch):
    """Return a file of two quick cases, written by the command itself."""
    monkeypatch.setattr(commands, "all_cases", lambda: (base_cases()[0], base_cases()[4]))
    monkeypatch.setattr(commands, "solve", solved)
    file = tmp_path / "stored" / "oracle.json"
    assert commands.main(["rewrite", "--file", str(file)]) == 0
    return file


def compare(file, capsys):
    capsys.readouterr()
    status = commands.main(["compare", "--file", str(file)])
    return status, capsys.readouterr().out


def altered(file, change):
    data = json.loads(file.read_text())
    change(data["entries"])
    file.write_text(json.dumps(data))
    return file


def test_a_fresh_file_agrees_to_the_bit(written, capsys):
    status, out = compare(written, capsys)
    assert status == 0
    assert out.count("agrees: 0.0e+00 apart, 0.0e+00 px") == 2
    assert "0 of 2 differ" in out


def test_another_result_is_a_difference(written, capsys):
    def change(entries):
        key = store.digest(base_cases()[0])
        entry = entries[key]
        del entry["checksum"]
        entry["result"]["transform"]["matrix"][0][2] += 0.01
        entries[key] = {**entry, "checksum": store._sha256(entry)}

    status, out = compare(altered(written, change), capsys)
    assert status == 1
    assert "synth_translate_2d" in out.splitlines()[0]
    assert "DIFFERS" in out.splitlines()[0]
    assert "1.0e-02 px" in out
    assert "1 of 2 differ" in out


def test_damaged_missing_and_left_over_entries_are_differences(written, capsys):
    def change(entries):
        entries[store.digest(base_cases()[0])]["fingerprint"] = []
        entries["left over"] = entries.pop(store.digest(base_cases()[4]))

    status, out = compare(altered(written, change), capsys)
    assert status == 1
    assert "checksum" in out
    assert "DIFFERS: not stored" in out
    assert "left over: DIFFERS" in out


def test_a_file_that_cannot_be_read_is_a_difference(tmp_path, capsys):
    status, out = compare(tmp_path / "none.json", capsys)
    assert (status, len(out.splitlines())) == (1, 1)


def test_only_what_is_missing_may_be_computed(written, capsys):
    before = json.loads(written.read_text())["entries"]
    gone = store.digest(base_cases()[0])
    altered(written, lambda entries: entries.pop(gone))
    capsys.readouterr()
    assert commands.main(["rewrite", "--missing", "--file", str(written)]) == 0
    out = capsys.readouterr().out
    assert "synth_translate_2d" in out
    assert "brain_mri_real" not in out
    after = json.loads(written.read_text())["entries"]
    kept = store.digest(base_cases()[4])
    assert after[kept] == before[kept]
    assert after[gone]["result"]["transform"] == before[gone]["result"]["transform"]


def test_it_runs_as_a_module():
    run = subprocess.run(
        [sys.executable, "-m", "irgate_battery.oracle", "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "compare" in run.stdout
    assert "rewrite" in run.stdout
