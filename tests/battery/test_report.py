"""What a report answers: passed only where all ran and all passed; the last line; the JSON."""

import json
from dataclasses import dataclass

import pytest

from irgate_battery.cases.run_spec import RunSpec
from irgate_battery.report import report as module
from irgate_battery.report.conclusion import conclude, evaluate
from irgate_battery.report.last_line import last_line
from irgate_battery.report.report import Report, installed_version
from irgate_battery.results.result_row import ResultRow
from irgate_battery.results.solver_identity import SolverIdentity
from irgate_battery.results.verdict import Verdict, Verdicts

BASE = ("a", "b", "c", "d", "e")
WHO = SolverIdentity("mine.py:f", "f", "1.2")


def row(case, suite="base", **more):
    figures = {"rmse": 0.01, "oracle_rmse": 0.01, "rmse_vs_oracle": 1e-5, "escaped": False}
    return ResultRow(f"{suite} {case}", suite, case, **{"oracle": "stored", **figures, **more})


GOOD = tuple(row(case) for case in BASE)


def report(rows=GOOD, exit_status=0, expected=None, **more):
    verdicts = evaluate(rows, expected or {"base": BASE})
    return Report(tuple(rows), verdicts, WHO, exit_status, **more)


def said(rows, expected=None):
    return report(rows, expected=expected).sentence().text


class TestPassed:
    def test_all_that_ran_is_all_and_passed(self):
        assert report().passed

    @pytest.mark.parametrize("exit_status", [1, 2, 3, 5])
    def test_a_run_that_ended_otherwise_has_not_passed(self, exit_status):
        """Interrupted, say: the rows that are there may all be good."""
        assert not report(exit_status=exit_status).passed

    @pytest.mark.parametrize("status", ["failed", "skipped", "xfailed", "error", "missing"])
    def test_a_row_that_has_not_passed_is_enough(self, status):
        other = ResultRow("r", "recovery", "x", status=status)
        found = report([*GOOD, other])
        assert found.verdicts.hard_gate.status == "pass"
        assert not found.passed

    def test_the_gate_must_hold_and_must_have_been_evaluated(self):
        assert not report(GOOD[:4]).passed
        # Every row says passed, and the maximum is over its limit all the same.
        over = report([row("a", rmse=0.5), *GOOD[1:]])
        assert over.verdicts.hard_gate.status == "fail"
        assert not over.passed

    def test_without_a_gate_nothing_has_passed(self):
        assert not Report(GOOD, Verdicts(()), WHO, 0).passed


class TestLastLine:
    @pytest.mark.parametrize("status", ["failed", "error", "missing"])
    def test_a_bad_row_of_any_suite_is_a_fail(self, status):
        """Beside a gate that holds, and beside one that was not asked."""
        other = ResultRow("r", "recovery", "x", status=status)
        beside = said([*GOOD, other])
        assert beside.startswith(
            f"irgate: FAIL: of 6 items 1 {status} (x); the hard gate holds: max RMSE 0.01"
        )
        assert report([*GOOD, other]).sentence().tone == "bad"
        alone = said([other])
        assert alone.startswith(f"irgate: FAIL: of 1 items 1 {status} (x); the hard gate is not ev")

    def test_three_bad_items_are_named(self):
        bad = [ResultRow(f"r{n}", "recovery", f"x{n}", status="failed") for n in range(4)]
        assert "of 8 items 3 failed (x0, x1, x2); the" in said([*GOOD, *bad[:3]])
        assert "of 9 items 4 failed (x0, x1, x2, ...); the" in said([*GOOD, *bad])

    def test_each_kind_of_bad_item_is_counted(self):
        kinds = ("failed", "error", "missing", "failed", "skipped")
        rows = [ResultRow(f"r{n}", "recovery", f"x{n}", status=s) for n, s in enumerate(kinds)]
        assert "of 10 items 2 failed, 1 error, 1 missing (x0, x1, x2, ...)" in said([*GOOD, *rows])

    def test_a_gate_that_fails_alone_says_why(self):
        line = said([row("a", rmse=0.5), *GOOD[1:]])
        assert line.startswith("irgate: FAIL: the hard gate fails: max RMSE 0.5 > 0.0111")

    def test_a_pass_counts_what_passed_what_was_skipped_and_what_is_waived(self):
        skipped = ResultRow("r", "recovery", "x", status="skipped")
        waived = ResultRow("s", "recovery", "y", status="xfailed")
        assert said(GOOD).startswith("irgate: PASS: 5 items passed; the hard gate holds (0.01 <= ")
        assert said([*GOOD, skipped, waived]).startswith(
            "irgate: PASS: 5 items passed, 1 skipped, waived: 1 that fail as expected; the"
        )

    def test_strict_and_not_strict(self):
        far = row("x", "battery", ratio=1.5)
        found = report([*GOOD, far], expected={"base": BASE, "battery": ("x",)})
        assert found.sentence().text.startswith("irgate: PASS")
        strict = last_line(found.rows, found.verdicts, strict=True)
        assert strict.tone == "bad"
        # The gate holds, so nothing is said of it.
        assert strict.text == (
            "irgate: FAIL: the mean ratio, under --irgate-strict: 1.5000 > 1.10 over the battery "
            "(1 of 1 ran, 0 capped at 2)"
        )


class TestVerdict:
    @dataclass(frozen=True, kw_only=True)
    class Dummy(Verdict):
        name = "dummy"
        title = "a dummy"

        ran: int

    def test_it_is_a_flat_dict_between_its_status_and_its_reason(self):
        dummy = self.Dummy(status="pass", reason="all well", ran=3)
        assert list(dummy.to_dict().items()) == [
            ("status", "pass"), ("ran", 3), ("reason", "all well"),
        ]  # fmt: skip
        assert dummy.held == "all well"

    def test_what_it_says_of_itself_if_nothing_else_is_said(self):
        assert (self.Dummy.effect, self.Dummy.needs) == ("items", "all its items")
        assert self.Dummy.since_first is False
        with pytest.raises(TypeError, match="positional"):
            self.Dummy("pass", "all well", 3)
        with pytest.raises(TypeError, match="positional"):
            Verdict("pass", "all well")

    def test_why_it_is_undecided(self):
        dummy = self.Dummy(status="not_evaluated", reason="not evaluated (1 of 2 ran)", ran=1)
        assert dummy.undecided == "1 of 2 ran"

    def test_verdicts_by_name_and_by_effect(self):
        dummy = self.Dummy(status="pass", reason="", ran=3)
        verdicts = Verdicts((dummy, *report().verdicts))
        assert verdicts.dummy is dummy
        assert verdicts.hard_gate.name == "hard_gate"
        assert verdicts.with_effect("run") == (verdicts.hard_gate,)
        strict = [verdict.name for verdict in verdicts.with_effect("strict")]
        assert strict == ["mean_ratio", "systematic"]
        assert next(iter(verdicts)) is dummy
        assert verdicts.to_dict()["dummy"]["ran"] == 3
        with pytest.raises(AttributeError, match=r"no verdict 'nothing'; there are \['dummy'"):
            _ = verdicts.nothing


class TestText:
    def test_str_is_all_lines_of_a_hundred_characters(self, monkeypatch):
        widths = []
        layout = module.layout

        def recorded(rows, verdicts, width, *, strict):
            widths.append(width)
            return layout(rows, verdicts, width, strict=strict)

        monkeypatch.setattr(module, "layout", recorded)
        found = report()
        assert str(found) == "\n".join(line.text for line in found.lines(100))
        assert found.lines() == found.lines(100)
        assert widths == [100] * 4

    def test_who(self):
        assert str(SolverIdentity(None, None, None)) == "unknown"
        assert str(SolverIdentity("f", "f", "2")) == "f 2"
        assert str(SolverIdentity("a.py:f", None, None)) == "a.py:f"


class TestJson:
    def test_it_is_plain_and_ends_in_a_line_break(self):
        text = report().to_json()
        assert text.endswith("}\n")
        # One space a level: a diff of two reports is a diff of lines.
        assert text.splitlines()[1] == ' "schema": 1,'

    def test_what_is_not_finite_is_refused_rather_than_written(self, monkeypatch):
        monkeypatch.setattr(module, "machine", lambda: {"cpu_count": float("nan")})
        with pytest.raises(ValueError, match="JSON"):
            report().to_json()

    def test_it_holds_who_what_where_and_with_which_seed(self):
        read = json.loads(report(spec=RunSpec(seed=7), exit_status=1).to_json())
        assert (read["schema"], read["seed"], read["exit_status"]) == (1, 7, 1)
        assert read["solver"] == {"spec": "mine.py:f", "name": "f", "version": "1.2"}
        assert read["machine"]["numpy"]
        assert read["irgate"]
        assert read["diagnosis"] is None
        assert [each["case"] for each in read["cases"]] == list(BASE)
        assert json.loads(report().to_json())["seed"] == 0

    def test_what_is_not_installed_has_no_version(self):
        assert installed_version("no-such-distribution") is None
        assert installed_version("numpy").count(".") == 2


class TestConclusion:
    def test_the_rows_decide_the_exit_status_unless_the_run_ended_otherwise(self):
        spec = RunSpec(seed=5)
        assert conclude([], WHO, spec).exit_status == 0
        bad = [ResultRow("r", "recovery", "x", status="failed")]
        assert conclude(bad, WHO, spec).exit_status == 1
        assert conclude(bad, WHO, spec, exit_status=2).exit_status == 2
        assert conclude([], WHO, spec, exit_status=2).exit_status == 2
        found = conclude(bad, WHO, spec)
        assert (found.rows, found.solver, found.spec.seed) == (tuple(bad), WHO, 5)
        assert found.strict is False

    def test_strict_reaches_the_exit_status(self):
        from irgate_battery.suites.registry import expected_items

        spec = RunSpec(count=2)
        rows = [
            ResultRow(item.id, "battery", item.case, ratio=1.9, rmse=0.1, escaped=False)
            for item in expected_items(spec, ["battery"])
        ]
        assert conclude(rows, WHO, spec).exit_status == 0
        strict = conclude(rows, WHO, spec, strict=True)
        assert (strict.exit_status, strict.strict) == (1, True)

    def test_what_was_expected_is_what_was_asked_for(self):
        assert conclude([], WHO, RunSpec(count=7)).verdicts.mean_ratio.expected == 7
        assert conclude([], WHO, RunSpec(seed=1)).to_dict()["seed"] == 1
