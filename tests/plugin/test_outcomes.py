"""A row's status follows what pytest says of its item, whoever decides it."""

import pytest

from pytest_irgate.command import main

ONE = "irgate/base.py::test_case[synth_translate_2d]"


@pytest.fixture
def status(gate, pytester, report_of):
    def run(conftest, *args):
        pytester.makeconftest(conftest)
        result = gate(ONE, "--irgate-json", "r.json", *args)
        (row,) = report_of("r.json")["cases"]
        return result, row

    return run


MARKING = """
    import pytest

    def pytest_collection_modifyitems(items):
        for item in items:
            item.add_marker({marker})
"""


def test_a_users_skip(status):
    result, row = status(MARKING.format(marker='pytest.mark.skip(reason="no time")'))
    assert (row["status"], row["rmse"]) == ("skipped", None)
    assert "no time" in row["message"]
    assert result.ret == pytest.ExitCode.NO_TESTS_COLLECTED


def test_an_expected_failure_is_counted_as_waived(status, solvers):
    marker = 'pytest.mark.xfail(reason="known", strict=True)'
    result, row = status(
        MARKING.format(marker=marker), f"--irgate-solver={solvers}/identity.py:register"
    )
    assert row["status"] == "xfailed"
    assert "known" in row["message"]
    assert row["rmse"] > 0
    result.stdout.fnmatch_lines(["hard gate*1 of 5 ran, waived: 1*"])


def test_an_expected_failure_that_passes_fails(status):
    result, row = status(MARKING.format(marker='pytest.mark.xfail(reason="known", strict=True)'))
    assert row["status"] == "failed"
    assert result.ret == 1


def test_a_fixture_that_breaks_before_is_an_error(status):
    result, row = status(
        """
        import pytest

        @pytest.fixture(autouse=True)
        def breaks():
            raise RuntimeError("no licence")
        """
    )
    assert row["status"] == "error"
    assert "no licence" in row["message"]
    assert result.ret == 1
    result.stdout.fnmatch_lines(["hard gate*FAIL*missing: synth_translate_2d (error)*"])


def test_a_fixture_that_breaks_after_is_an_error_and_keeps_the_figures(status):
    result, row = status(
        """
        import pytest

        @pytest.fixture(autouse=True)
        def breaks():
            yield
            raise RuntimeError("still open")
        """
    )
    assert row["status"] == "error"
    assert "still open" in row["message"]
    assert row["rmse"] > 0
    assert result.ret == 1


class TestRequiredVerdict:
    """A run in which nothing was judged must not look like one that passed."""

    PART = ("irgate/contract.py::test_identity", ONE, "--irgate-json", "r.json")

    @pytest.mark.parametrize("workers", ["0", "2"])
    def test_not_evaluated_fails_where_a_verdict_is_required(self, gate, report_of, workers):
        assert gate(*self.PART, "-n", workers).ret == 0
        result = gate(*self.PART, "--irgate-require-verdict", "-n", workers)
        assert result.ret == report_of("r.json")["exit_status"] == 1
        result.stdout.fnmatch_lines(
            ["irgate: FAIL: there is no verdict, and one is required; what was judged: NOT EVAL*"]
        )

    def test_in_ini(self, gate, pytester):
        pytester.makeini("[pytest]\nirgate_require_verdict = true")
        assert gate(*self.PART).ret == 1
        pytester.makepyfile("def test_own(): pass")
        # Who names paths of his own alone asks for no verdict.
        assert gate("test_in_ini.py").ret == 0

    def test_one_that_is_there_passes(self, gate):
        result = gate("irgate/base.py", "--irgate-require-verdict")
        assert result.ret == 0
        result.stdout.fnmatch_lines(["irgate: PASS: *"])

    @pytest.mark.parametrize("workers", ["0", "2"])
    def test_nothing_but_skips_is_no_success(self, gate, report_of, workers):
        suite = ("irgate/gradient.py", "--irgate-json", "r.json", "-n", workers)
        result = gate(*suite, suites="gradient")
        result.assert_outcomes(skipped=5)
        assert result.ret == report_of("r.json")["exit_status"] == 5
        result.stdout.fnmatch_lines(["irgate: NOT EVALUATED: *"])

    def test_beside_tests_that_ran_it_is(self, gate, pytester, report_of):
        pytester.makepyfile("def test_own(): pass")
        result = gate(".", "irgate/gradient.py", "--irgate-json", "r.json", suites="gradient")
        result.assert_outcomes(skipped=5, passed=1)
        assert result.ret == report_of("r.json")["exit_status"] == 0

    def test_the_command(self, solvers, capsys):
        spec = f"{solvers}/knowing.py:register"
        assert main(["check", spec, "--suite", "gradient"]) == 5
        assert main(["check", spec, "--suite", "contract"]) == 0
        assert main(["check", spec, "--suite", "contract", "--require-verdict"]) == 1
        last = capsys.readouterr().out.splitlines()[-1]
        assert last.startswith("irgate: FAIL: there is no verdict, and one is required; what was")


def test_the_header_says_that_a_fixture_supplies_the_solver(gate, pytester, solvers, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(solvers))
    pytester.makeconftest(
        """
        import knowing, pytest

        @pytest.fixture(scope="session")
        def irgate_solver():
            return knowing.register
        """
    )
    result = gate(ONE, solver=None)
    result.stdout.fnmatch_lines(
        ["irgate *: solver from the irgate_solver fixture of *conftest.py, suites *"]
    )
