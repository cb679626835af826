"""The page that a run writes, and `irgate report`: whole or not at all, never at another's cost."""

import json
from pathlib import Path

import pytest
from page_runs import judged, off_by

from irgate_battery.cases.run_spec import RunSpec
from irgate_battery.report.conclusion import conclude
from irgate_battery.report.page.page import is_page
from irgate_battery.results.solver_identity import SolverIdentity
from pytest_irgate import page_file
from pytest_irgate.command import main

ONE = "irgate/base.py::test_case[lena_affine_2d]"


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def report(*rows):
    return conclude(rows, SolverIdentity("mine", "mine", "1"), RunSpec())


def page_at(path):
    text = Path(path).read_text(encoding="utf-8")
    assert is_page(text)
    assert text.endswith("</html>\n")
    return text


@pytest.mark.parametrize("workers", ["0", "2"])
def test_the_plugin_writes_it(gate, pytester, workers):
    result = gate(ONE, "--irgate-html", "p.html", "--irgate-json", "r.json", "-n", workers)
    assert result.ret == 0
    result.stdout.fnmatch_lines(["report: *r.json", "page: *p.html", "irgate: NOT EVALUATED: *"])
    page = page_at(pytester.path / "p.html")
    assert "NOT EVALUATED" in page
    assert f"--from {pytester.path / 'r.json'}" in page


def test_ini_asks_for_it_too(gate, pytester):
    pytester.makeini("[pytest]\nirgate_html = p.html")
    gate(ONE).assert_outcomes(passed=1)
    assert "irgate show" not in page_at(pytester.path / "p.html")


@pytest.mark.parametrize("old", ["", "<p>mine</p>", "\ufeff<!doctype html>"])
def test_what_is_no_page_is_left_as_it_is(gate, pytester, old):
    (pytester.path / "p.html").write_text(old, encoding="utf-8")
    result = gate(ONE, "--irgate-html", "p.html")
    if not old:
        assert result.ret == 0
        page_at(pytester.path / "p.html")
        return
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --irgate-html *p.html: what stands there is no page*"])
    assert (pytester.path / "p.html").read_text(encoding="utf-8") == old


def test_an_old_page_is_gone_where_a_run_cannot_begin(gate, pytester):
    gate(ONE, "--irgate-html", "p.html")
    gate("irgate/base.py::test_case[nope]", "--irgate-html", "p.html")
    assert not (pytester.path / "p.html").exists()


def test_a_page_that_cannot_be_written_fails_the_run_and_loses_nothing(gate, pytester):
    pytester.makepyfile(
        """
        import pathlib
        def test_in_the_way():
            pathlib.Path("p.html").mkdir()
        """
    )
    result = gate(".", ONE, "--irgate-html", "p.html", "--irgate-json", "r.json")
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        ["irgate: FAIL: the page could not be written: *p.html: that is a folder; name a file*"]
    )
    told = json.loads((pytester.path / "r.json").read_text())
    assert (told["exit_status"], told["cases"][0]["status"]) == (1, "passed")


def test_a_page_that_cannot_be_made_fails_the_run_and_loses_nothing(gate, pytester):
    pytester.makeconftest(
        """
        import irgate_battery.report.page.page as page
        def broken(runs):
            raise RuntimeError("out of ink\\n\\x1b[2J")
        page.page_of = broken
        """
    )
    result = gate(ONE, "--irgate-html", "p.html", "--irgate-json", "r.json")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*could not be made: RuntimeError: out of ink*what was judged:*"])
    assert json.loads((pytester.path / "r.json").read_text())["exit_status"] == 1
    assert not (pytester.path / "p.html").exists()


def test_an_interrupt_while_it_is_made_leaves_the_rest(here, monkeypatch):
    def interrupted(runs):
        raise KeyboardInterrupt

    monkeypatch.setattr("irgate_battery.report.page.page.page_of", interrupted)
    trouble = page_file.page_trouble(report(judged("lena_affine_2d")), here / "p.html", None)
    assert trouble == f"{here / 'p.html'}: interrupted before it was written"


def test_the_command_writes_it(here, capsys, solvers):
    arguments = ["check", f"{solvers}/knowing.py:register", "--suite", "base", "--json", "r.json"]
    assert main([*arguments, "--html", "p.html"]) == 0
    assert "\npage: p.html\n" in capsys.readouterr().out
    assert "--from r.json" in page_at("p.html")
    Path("p.html").write_text("mine")
    assert main([*arguments, "--html", "p.html"]) == 4
    assert "--html p.html: what stands there is no page" in capsys.readouterr().err


def test_the_command_fails_where_it_cannot(here, capsys, solvers, monkeypatch):
    monkeypatch.setattr("irgate_battery.report.page.page.page_of", lambda runs: 1 / 0)
    arguments = ["check", f"{solvers}/knowing.py:register", "--suite", "base", "--json", "r.json"]
    assert main([*arguments, "--html", "p.html", "-q"]) == 1
    last = capsys.readouterr().out.splitlines()[-1]
    assert "FAIL: --html p.html: it could not be made: ZeroDivisionError" in last
    assert json.loads(Path("r.json").read_text())["exit_status"] == 1


def test_report_makes_a_page_of_one_run_and_of_several(here, capsys):
    rows = [judged("lena_affine_2d"), judged("brain_mri_real")]
    Path("a.json").write_text(report(*rows).to_json())
    other = judged("lena_affine_2d", off_by("lena_affine_2d", 2, 0))
    Path("b.json").write_text(report(other).to_json())
    assert main(["report", "a.json", "-o", "a.html"]) == 0
    assert capsys.readouterr().out.startswith("wrote a.html: 0.")
    assert 'id="side-by-side"' not in page_at("a.html")
    assert main(["report", "a.json", "b.json", "-o", "a.html"]) == 0
    assert 'id="side-by-side"' in page_at("a.html")


def test_report_refuses_in_one_line(here, capsys):
    good = report(judged("lena_affine_2d")).to_json()
    Path("a.json").write_text(good)
    Path("b.json").write_text(good.replace('"battery": "1"', '"battery": "2"'))
    Path("not.json").write_text("{")
    Path("mine.html").write_text("mine")
    for arguments, words in (
        (["no.json", "-o", "p.html"], "no.json: No such file"),
        (["not.json", "-o", "p.html"], "not.json: not JSON"),
        (["a.json", "b.json", "-o", "p.html"], "of battery 1, b.json of battery 2"),
        (["a.json", "-o", "mine.html"], "--output mine.html: what stands there is no page"),
        (["a.json", "-o", "no/p.html"], "--output no/p.html: it cannot be written"),
    ):
        assert main(["report", *arguments]) == 4
        err = capsys.readouterr().err
        assert err.startswith("irgate report: ")
        assert words in err
        assert err.count("\n") == 1
    assert Path("mine.html").read_text() == "mine"
    assert not Path("p.html").exists()
