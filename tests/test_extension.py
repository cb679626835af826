"""Adding a suite touches its file and the registry; adding a case touches the battery's table.

Each test edits a copy of the packages as a contributor would, and asks every front end.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import irgate_battery
import irgate_fixtures
import irgate_solver
import pytest_irgate

TOY = '''
"""Suite `toy`: does the solver answer at all?"""

from dataclasses import dataclass

from irgate_battery.cases.catalogue import base_cases
from irgate_battery.results.compared import Cell, Compared
from irgate_battery.results.verdict import Verdict
from irgate_battery.suites.evaluation import ItemFailed
from irgate_battery.suites.suite import Suite


@dataclass(frozen=True, kw_only=True)
class Toy(Verdict):
    """How many items answered."""

    name = "toy_verdict"
    title = "toy"

    answered: int


class ToySuite(Suite):
    """The toy suite."""

    heading = "one item, to see that it shows"
    function = "test_toy"
    verdict_types = (Toy,)

    def items(self, spec):
        """Return one."""
        return (self._item("answers", base_cases()[0], purpose="a solver that does not answer"),)

    def fill(self, draft, item, solver, setup):
        """The solver answers."""
        pair = item.subject.pair()
        answer, _ = solver.solve(pair.fixed, pair.moving, model=item.subject.model)
        if not answer.displacement.any():
            raise ItemFailed("answers: nothing was moved; expected a shift.", "identity")
        return draft.row

    def verdicts(self, results):
        """Return how many answered."""
        status = "fail" if results.failed else "pass" if results.count else "not_evaluated"
        answered = results.count - len(results.failed)
        return (Toy(status=status, reason=f"{answered} of 1 answered", answered=answered),)

    def compared(self, rows, verdicts):
        """Return whether it answered."""
        return (Compared("toy figure", Cell(verdicts[Toy.name].status)),)


SUITE = ToySuite
'''

LINE = '    SuiteEntry("toy", "a suite of one item"),\n'
LAST = '    SuiteEntry("gradient", "the gate\'s gradient suite"),\n'

ROT30 = """    Perturbation("rot30", "rotation", 30, "30 degrees more: too coarse a search"),
"""
ROT45 = '    Perturbation(\n        "rot45",'


@pytest.fixture
def copy(tmp_path):
    """A copy of the four packages, and a way to run Python in it."""
    sources = tmp_path / "sources"
    for package in (irgate_battery, irgate_fixtures, irgate_solver, pytest_irgate):
        shutil.copytree(
            Path(package.__file__).parent,
            sources / package.__name__,
            ignore=shutil.ignore_patterns("__pycache__"),
        )
    return Copy(sources, tmp_path)


class Copy:
    def __init__(self, sources, folder):
        self.sources, self.folder = sources, folder
        (folder / "pytest.ini").write_text("[pytest]\n")

    def insert(self, path, before, text):
        file = self.sources / path
        source = file.read_text("utf-8")
        assert source.count(before) == 1
        file.write_text(source.replace(before, text + before), "utf-8")

    def run(self, *arguments, status=0):
        environment = {**os.environ, "PYTHONPATH": str(self.sources), "COLUMNS": "120"}
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout

    def pytest(self, *arguments, **more):
        return self.run("-m", "pytest", "-p", "no:cacheprovider", *arguments, **more)

    def irgate(self, *arguments):
        return self.run("-m", "pytest_irgate", *arguments)


@pytest.fixture
def with_toy(copy):
    (copy.sources / "irgate_battery/suites/toy.py").write_text(TOY.lstrip(), "utf-8")
    copy.insert("irgate_battery/suites/registry.py", LAST, LINE)
    return copy


def test_a_new_suite_shows_everywhere(with_toy, solvers):
    solver = f"{solvers}/knowing.py:register"
    out = with_toy.pytest(
        "--irgate",
        "--irgate-solver",
        solver,
        "--irgate-suite",
        "toy,base",
        "--irgate-json",
        "a.json",
    )
    assert "toy: 1 passed" in out
    assert "toy          PASS 1 of 1 answered" in out
    assert "irgate: PASS: 6 items passed" in out
    report = json.loads((with_toy.folder / "a.json").read_text())
    assert [row["id"] for row in report["cases"]][-1] == "irgate/toy.py::test_toy[answers]"
    assert report["verdicts"]["toy_verdict"] == {
        "status": "pass", "answered": 1, "reason": "1 of 1 answered",
    }  # fmt: skip
    assert list(report["verdicts"]).index("toy_verdict") < list(report["verdicts"]).index(
        "gradient"
    )

    said = with_toy.irgate("compare", "a.json", "--cases")
    assert "toy figure" in said
    assert [line.split() for line in said.splitlines() if "answers" in line] == [
        ["answers", "-", "ok"]
    ]
    assert "toy (1): one item, to see that it shows" in with_toy.irgate("list", "--suite", "toy")
    assert "recovery, toy, gradient" in with_toy.pytest("--help")
    assert "@pytest.mark.irgate_toy: a suite of one item" in with_toy.pytest("--markers")
    ids = with_toy.pytest("--irgate", "--collect-only", "-q").splitlines()
    assert sum(line.startswith("irgate/") for line in ids) == 137


def test_a_new_suite_fails_a_solver_everywhere(with_toy, solvers):
    solver = f"{solvers}/identity.py:register"
    out = with_toy.pytest("--irgate", "--irgate-solver", solver, "irgate/toy.py", status=1)
    assert "toy          FAIL 0 of 1 answered" in out
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import identity; "
        "from irgate_battery import check_solver; "
        "report = check_solver(identity.register, suites=['toy']); "
        "print(report.rows[0].diagnosis, report.verdicts.toy_verdict.status, report.exit_status)"
    )
    assert with_toy.run("-c", code, str(solvers)) == "identity fail 1\n"


def test_a_new_perturbation_drops_no_case_and_is_counted(copy):
    code = (
        "from irgate_battery.cases.catalogue import battery_cases; "
        "print(*(f'{case.id} {case.digest()}' for case in battery_cases()), sep='\\n')"
    )
    before = copy.run("-c", code).splitlines()
    copy.insert("irgate_battery/cases/battery_table.py", ROT45, ROT30)
    after = copy.run("-c", code).splitlines()
    assert (len(before), len(after)) == (50, 55)
    assert set(before) < set(after)
    assert {line.split()[0].partition("-")[2] for line in set(after) - set(before)} == {"rot30"}
    told = "how many battery cases; over 55 more are drawn (default: 55)"
    assert told in " ".join(copy.pytest("--help").split())
    assert told in " ".join(copy.irgate("list", "--help").split())
    assert "the gate's 55 perturbed fixtures" in copy.pytest("--markers")
    assert "battery (55)" in copy.irgate("list", "--suite", "battery")
    # The pages are made by these commands.
    assert told in copy.run("-m", "pytest_irgate.options")
