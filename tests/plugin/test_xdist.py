"""Under xdist the report is the same, and a worker that dies loses its own row only."""

import os

import pytest

DISTRIBUTIONS = {
    "one process": ("-n", "0"),
    "load": ("-n", "2"),
    "loadfile": ("-n", "2", "--dist", "loadfile"),
    "worksteal": ("-n", "2", "--dist", "worksteal"),
}


@pytest.fixture
def serial_report(gate, report_of):
    gate("--irgate-json", "serial.json", "-p", "no:xdist")
    return report_of("serial.json")


def test_the_same_json_but_for_times(gate, report_of, serial_report):
    assert serial_report["exit_status"] == 0
    assert len(serial_report["cases"]) == 16
    for name, arguments in DISTRIBUTIONS.items():
        gate(*arguments, "--irgate-json", "parallel.json")
        assert report_of("parallel.json") == serial_report, name


def test_workers_in_another_folder(gate, pytester, report_of, solvers):
    """A relative path to a solver counts from where the user stands, not from where workers do."""
    pytester.makepyfile(mine=(solvers / "knowing.py").read_text())
    result = gate(
        "--irgate-solver", "mine.py:register", "-d", "--tx", "2*popen//chdir=elsewhere",
        "irgate/base.py", "--irgate-json", "r.json", solver=None,
    )  # fmt: skip
    result.assert_outcomes(passed=5)
    assert report_of("r.json")["solver"]["spec"] == "mine.py:register"


@pytest.mark.parametrize("workers", ["0", "2"])
def test_a_solver_that_ends_its_process_loses_its_own_row_only(gate, report_of, workers):
    result = gate("-n", workers, "--irgate-json", "r.json", solver="dying")
    assert result.ret == 1
    statuses = {row["case"]: row["status"] for row in report_of("r.json")["cases"]}
    assert statuses.pop("lena_affine_2d") == "failed"
    assert set(statuses.values()) == {"passed"}
    (lost,) = [row for row in report_of("r.json")["cases"] if row["case"] == "lena_affine_2d"]
    assert "ended its process (exit status 1) instead of answering" in lost["message"]


def test_a_dead_worker_loses_its_own_row_only(gate, report_of):
    result = gate("-n", "2", "--irgate-json", "r.json", solver="killing")
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        [
            "hard gate*FAIL*missing: lena_affine_2d (4 of 5 ran)",
            "irgate: FAIL: of 16 items 1 missing (lena_affine_2d); *missing: lena_affine_2d*",
        ]
    )
    report = report_of("r.json")
    assert report["exit_status"] == 1
    assert report["verdicts"]["hard_gate"]["status"] == "fail"
    statuses = {row["case"]: row["status"] for row in report["cases"]}
    assert statuses.pop("lena_affine_2d") == "missing"
    assert set(statuses.values()) == {"passed"}
    (lost,) = [row for row in report["cases"] if row["case"] == "lena_affine_2d"]
    assert "crashed" in lost["message"]
    assert lost["rmse"] is None


def test_workers_elsewhere_leave_the_json_to_the_controller(gate, pytester, report_of):
    pytester.mkdir("sub")
    result = gate(
        "-d", "--tx", "2*popen//chdir=elsewhere", "irgate/contract.py",
        "--irgate-json", "sub/r.json",
    )  # fmt: skip
    result.assert_outcomes(passed=11)
    assert len(report_of("sub/r.json")["cases"]) == 11


def test_a_name_of_nothing_is_a_usage_error_under_xdist_too(gate):
    result = gate("-n", "2", "irgate/base.py::test_case[nope]", "irgate/contract.py::test_identity")
    assert result.ret != 0
    output = result.stdout.str() + result.stderr.str()
    assert "not found: irgate/base.py::test_case[nope]" in output


def test_workers_share_the_cores(gate, pytester, monkeypatch):
    """A solver sees its share, and what a user has set stays."""
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setenv("ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS", "7")
    pytester.makepyfile(
        asking="""
        import os

        def register(fixed, moving):
            names = ("OMP_NUM_THREADS", "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS")
            raise RuntimeError([os.environ.get(name) for name in names])
        """
    )
    one = "irgate/contract.py::test_output_form"
    result = gate("-n", "2", "--irgate-solver", "asking.py:register", one, solver=None)
    share = max(1, (os.cpu_count() or 1) // 2)
    result.stdout.fnmatch_lines([f"*RuntimeError: ?'{share}', '7'?*"])


def test_keyword_under_xdist(gate):
    result = gate("-n", "2", "-k", "synth")
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        [
            "hard gate*not evaluated (2 of 5 ran)",
            "irgate: NOT EVALUATED: *2 of 5 ran (2 items passed, 14 of 16 deselected)",
        ]
    )


def test_one_verdict_is_over_one_run(gate):
    result = gate("--tx", "2*popen", "--dist", "each", solver="identity")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --dist each runs every item in each worker, *"])
    assert len([line for line in result.errlines if line.strip()]) == 1
