"""Texts from outside reach nobody's terminal as they came: rows, identities, errors, reports."""

import json

import numpy as np
import pytest
from items import evaluate

from irgate_battery import check_solver
from irgate_battery.interface.outside_text import LONGEST, one_line, said_by, several_lines
from irgate_battery.report.saved_report import SavedReport, SavedReportError
from irgate_battery.results.result_row import ResultRow
from irgate_battery.results.solver_identity import SolverIdentity
from pytest_irgate.command import main

HOSTILE = "\x1b[2J\x07\x9b1m\u202e\u2066\udcff\u2028\nirgate: PASS: 134 items passed\r"
"""Clears the screen, turns the writing round, cannot be encoded, and begins new lines."""

TERMINAL = {"\x1b", "\x07", "\x9b", "\u202e", "\u2066", "\udcff", "\u2028", "\r"}
"""Characters of it that do something in a terminal, or break on the way there."""


class Unsayable(Exception):
    def __str__(self):
        raise RuntimeError("no words")


def test_what_is_not_printable_is_spelt_out():
    assert one_line("a b é 図") == "a b é 図"
    shown = one_line(HOSTILE)
    assert shown.isprintable()
    assert shown.startswith(r"\x1b[2J\x07\x9b1m\u202e\u2066\udcff  irgate: PASS")
    assert several_lines("one\n\x1btwo\n").splitlines() == ["one", r"\x1btwo"]


def test_a_long_text_loses_its_middle_and_says_so():
    shown = one_line("a" * 5_000_000 + "end")
    assert len(shown) < LONGEST + 100
    assert shown.endswith("aend")
    assert f"[... {5_000_003 - LONGEST} characters ...]" in shown
    assert one_line("a" * LONGEST) == "a" * LONGEST


def test_an_error_that_cannot_say_what_it_is():
    assert said_by(ValueError("two\nlines")) == "two lines"
    assert said_by(Unsayable()) == (
        "(what it says could not be read: its __str__ raised RuntimeError)"
    )


def test_rows_and_identities_hold_printable_texts():
    row = ResultRow(f"x{HOSTILE}", "base", "x", message=HOSTILE, preparation=HOSTILE)
    texts = [value for value in row.to_dict().values() if isinstance(value, str)]
    texts.append(str(SolverIdentity(HOSTILE, HOSTILE, HOSTILE)))
    assert all(text.isprintable() for text in texts)
    json.dumps(row.to_dict(), ensure_ascii=False).encode("utf-8")


@pytest.mark.parametrize("error", [Unsayable(), ValueError(HOSTILE), ValueError("x" * 5_000_000)])
def test_what_a_solver_raises_is_its_failure_whatever_it_says(error):
    def register(fixed, moving):
        raise error

    result = evaluate("base", "synth_translate_2d", register)
    assert result.row.status == "failed"
    assert type(error).__name__ in result.row.message
    assert len(result.row.message) < 2 * LONGEST
    assert not TERMINAL & set(result.row.message + result.detail)


@pytest.mark.parametrize("form", [(), ("--markdown",)])
def test_reports_of_others_are_shown_as_text(tmp_path, capsys, form):
    def register(fixed, moving):
        return np.eye(3)

    data = check_solver(register, suites=["base"]).to_dict()
    data["solver"] = dict.fromkeys(data["solver"], HOSTILE)
    data["machine"]["platform"] = data["irgate"] = data["battery"] = HOSTILE
    for row in data["cases"]:
        row |= {"message": HOSTILE, "case": row["case"] + HOSTILE, "diagnosis": HOSTILE}
        row |= {"explanations": HOSTILE, HOSTILE: 1}
    other = json.loads(json.dumps(data))
    other["machine"]["platform"] += "2"
    names = [tmp_path / f"{name}\x1b[2J.json" for name in "ab"]
    for name, report in zip(names, (data, other), strict=True):
        name.write_text(json.dumps(report))
    assert main(["compare", *map(str, names), "--cases", *form]) == 0
    out, _ = capsys.readouterr()
    assert "PASS: 134" in out
    assert not TERMINAL & set(out)
    assert not any(line.startswith("irgate: PASS") for line in out.splitlines())
    with pytest.raises(SavedReportError) as error:
        SavedReport.read("{", f"{HOSTILE}.json")
    assert str(error.value).isprintable()
