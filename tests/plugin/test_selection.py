"""What runs: the suite, the user's tests, both, or one item; and what the last line says of it."""

import pytest

FIVE = 5
CONTRACT = 11
ALL = FIVE + CONTRACT


@pytest.fixture
def project(pytester):
    """A project with tests of its own, and a virtual environment under its root."""
    pytester.makepyfile(test_own="def test_own(): pass")
    venv = pytester.mkdir(".venv")
    (venv / "pyvenv.cfg").write_text("home = /nowhere\n")
    return pytester


def test_in_an_empty_folder_the_suite_runs(gate):
    result = gate()
    result.assert_outcomes(passed=ALL)
    assert result.ret == 0
    result.stdout.fnmatch_lines(["hard gate*PASS*", "irgate: PASS: 16 items passed;*, 5 of 5 ran)"])


def test_alone_it_runs_nothing_of_the_users(gate, project):
    gate().assert_outcomes(passed=ALL)


class TestInIni:
    """`irgate = true` means the gate beside what a bare `pytest` collects."""

    @pytest.fixture
    def run(self, gate, pytester):
        tests = pytester.mkdir("tests")
        (tests / "test_bad.py").write_text("def test_bad(): assert False")

        def run(ini, *arguments, irgate=False):
            pytester.makeini(f"[pytest]\nirgate = true\nirgate_suite = base\n{ini}")
            return gate(*arguments, irgate=irgate, suites=None)

        return run

    @pytest.mark.parametrize("paths", ["", "testpaths = tests", "testpaths = tests irgate"])
    def test_a_failing_test_of_the_user_s_fails(self, run, paths):
        result = run(paths)
        result.assert_outcomes(passed=FIVE, failed=1)
        assert result.ret == 1

    def test_under_xdist_too(self, run):
        run("testpaths = tests", "-n", "2").assert_outcomes(passed=FIVE, failed=1)

    def test_a_folder_of_the_user_s_that_is_called_irgate(self, run, pytester):
        folder = pytester.mkdir("irgate")
        (folder / "test_mine.py").write_text("def test_mine(): pass")
        run("testpaths = irgate").assert_outcomes(passed=FIVE + 1)

    def test_the_flag_on_the_command_line_is_the_gate_alone_and_says_so(self, run):
        result = run("testpaths = tests", irgate=True)
        result.assert_outcomes(passed=FIVE)
        result.stdout.fnmatch_lines(
            ["irgate: your own tests are left out; `pytest --irgate tests irgate` runs both"]
        )

    def test_paths_on_the_command_line_are_all_of_it_and_it_says_so(self, run):
        result = run("", "tests")
        result.assert_outcomes(failed=1)
        result.stdout.fnmatch_lines(["irgate: the gate's items are left out; name `irgate` *"])


def test_testpaths_do_not_bring_the_users_tests_in(gate, project):
    project.makeini("[pytest]\ntestpaths = .")
    result = gate()
    result.assert_outcomes(passed=ALL)
    result.stdout.no_fnmatch_line("testpaths:*")


def test_both_where_both_are_named(gate, project):
    result = gate(".", "irgate")
    result.assert_outcomes(passed=ALL + 1)


def test_a_users_path_alone_runs_no_suite_and_is_never_green(gate, project):
    result = gate("test_own.py")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["irgate: NOT EVALUATED: *0 of 5 ran*"])


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("irgate", ALL),
        ("irgate/", ALL),
        ("irgate/base.py", FIVE),
        ("irgate/base.py::test_case", FIVE),
        ("irgate/base.py::test_case[brain_mri_real]", 1),
        ("irgate/contract.py::test_direction", 1),
    ],
)
def test_suites_and_items_by_node_id(gate, project, name, count):
    gate(name).assert_outcomes(passed=count)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (
            "irgate/nope.py",
            "*irgate/nope.py: no such suite in this run; it has irgate/contract.py*",
        ),
        ("irgate/base.py::test_case[nope]", "*not found: irgate/base.py::test_case?nope?*"),
    ],
)
def test_a_name_of_nothing_is_a_usage_error(gate, name, words):
    result = gate(name)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([words])
    result.stderr.no_fnmatch_line("*Traceback*")


def test_a_folder_of_the_users_that_is_called_irgate(gate, pytester, report_of):
    folder = pytester.mkdir("irgate")
    (folder / "test_mine.py").write_text("def test_mine(): pass")
    (folder / "test_bad.py").write_text("def test_bad(): assert False")
    result = gate("./irgate", "irgate/contract.py::test_identity", "--irgate-json", "r.json")
    result.assert_outcomes(passed=2, failed=1)
    assert [row["case"] for row in report_of("r.json")["cases"]] == ["identity"]


def test_keyword(gate):
    result = gate("-k", "synth")
    result.assert_outcomes(passed=2, deselected=ALL - 2)
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        ["hard gate*not evaluated (2 of 5 ran)", "irgate: NOT EVALUATED: *2 of 5 ran*"]
    )
    result.stdout.no_fnmatch_line("irgate: PASS*")


@pytest.mark.parametrize(
    ("expression", "count"), [("irgate_base", FIVE), ("irgate", ALL), ("irgate_contract", CONTRACT)]
)
def test_markers_select_suites_beside_the_users_tests(gate, project, expression, count):
    result = gate("-m", expression, ".", "irgate")
    result.assert_outcomes(passed=count, deselected=ALL + 1 - count)


def test_a_pass_says_what_was_deselected(gate, report_of):
    """Seven of fifteen is half a truth, also where the hard gate has all that it needs."""
    result = gate("-m", "irgate_base or irgate_contract", "-k", "base or identity or repeatable",
                  "--irgate-json", "r.json")  # fmt: skip
    result.assert_outcomes(passed=7, deselected=ALL - 7)
    result.stdout.fnmatch_lines(["irgate: PASS: 7 items passed, 9 of 16 deselected; the hard *"])
    assert report_of("r.json")["deselected"] == 9
    # What was not named is not deselected.
    result = gate("irgate/base.py")
    result.stdout.fnmatch_lines(["irgate: PASS: 5 items passed; *"])


def test_deselect(gate):
    result = gate("--deselect", "irgate/base.py::test_case[brain_mri_real]")
    result.assert_outcomes(passed=ALL - 1, deselected=1)
    result.stdout.fnmatch_lines(["hard gate*not evaluated (4 of 5 ran)"])


def test_collect_only_lists_the_items_and_gives_no_verdict(gate):
    result = gate("--collect-only", "-q", "--irgate-json", "never.json")
    result.stdout.fnmatch_lines(
        ["irgate/contract.py::test_output_form", "irgate/base.py::test_case?brain_mri_real?"]
    )
    result.stdout.no_fnmatch_line("irgate: *")


@pytest.mark.parametrize("option", ["--setup-only", "--setup-plan"])
def test_what_only_sets_up_gives_no_verdict(gate, option):
    result = gate(option, "irgate/contract.py")
    assert result.ret == 0
    result.stdout.no_fnmatch_line("irgate: *")


def test_suite_option(gate):
    gate(suites="contract").assert_outcomes(passed=CONTRACT)


class TestLastFailed:
    """`--lf` knows items by node id and skips files by path; a suite's path is not its node id."""

    OWN = "def test_good(): pass\ndef test_bad(): assert False"

    def test_only_what_failed_runs_again(self, gate):
        gate("irgate/contract.py", solver="printing").assert_outcomes(passed=10, failed=1)
        again = gate("--lf", "irgate/contract.py", solver="printing")
        again.assert_outcomes(failed=1, deselected=10)

    def test_beside_failures_of_the_users_own(self, gate, pytester):
        pytester.makepyfile(test_own=self.OWN, test_other="def test_fine(): pass")
        gate(".", "irgate/contract.py", solver="printing").assert_outcomes(passed=12, failed=2)
        again = gate("--lf", ".", "irgate/contract.py", solver="printing")
        assert again.parseoutcomes()["failed"] == 2
        assert "passed" not in again.parseoutcomes()

    def test_failed_first(self, gate):
        gate("irgate/contract.py", solver="printing")
        result = gate("--ff", "-v", "irgate/contract.py", solver="printing")
        ran = [line for line in result.outlines if line.startswith("irgate/contract.py::test")]
        assert "test_prints_nothing" in ran[0]
        assert len(ran) == CONTRACT
