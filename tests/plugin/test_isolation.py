"""Where the solver lives is an option, is said, and changes no figure."""

import sys

import pytest

ONE = "irgate/base.py::test_case[synth_translate_2d]"
TIMES = ("seconds", "oracle_seconds")


def rows_without_times(report):
    return [
        {name: value for name, value in row.items() if name not in TIMES} for row in report["cases"]
    ]


def test_the_figures_are_the_same_wherever_it_lives(gate, report_of):
    reports = []
    for isolation in ("process", "none"):
        gate(
            "--irgate-isolation", isolation, "--irgate-suite", "base,gradient",
            "--irgate-solver", "bundled", "--irgate-json", f"{isolation}.json",
            solver=None, suites=None,
        ).assert_outcomes(passed=10)  # fmt: skip
        reports.append(report_of(f"{isolation}.json"))
        assert reports[-1]["isolation"] == isolation
    assert rows_without_times(reports[0]) == rows_without_times(reports[1])


def test_by_default_it_is_a_process_of_its_own(gate, report_of):
    result = gate(ONE, "--irgate-json", "r.json")
    result.stdout.fnmatch_lines(["irgate *isolation process"])
    assert report_of("r.json")["isolation"] == "process"


def test_a_debugger_takes_it_in(gate, report_of):
    gate(ONE, "--pdb", "--irgate-json", "r.json").assert_outcomes(passed=1)
    assert report_of("r.json")["isolation"] == "none"
    gate(ONE, "--pdb", "--irgate-isolation", "process", "--irgate-json", "s.json")
    assert report_of("s.json")["isolation"] == "process"


def test_a_fixture_s_callable_lives_here(gate, pytester, report_of, solvers):
    pytester.makeconftest(
        f"""
        import sys
        import pytest
        sys.path.insert(0, {str(solvers)!r})
        import knowing

        @pytest.fixture(scope="session")
        def irgate_solver():
            return knowing.register
        """
    )
    result = gate(ONE, "--irgate-json", "r.json", solver=None)
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["irgate *fixture of *isolation none"])
    assert report_of("r.json")["isolation"] == "none"


def test_a_fixture_may_wrap_the_solver_of_the_spec(gate, pytester, report_of):
    pytester.makeconftest(
        """
        import pytest

        @pytest.fixture(scope="session")
        def irgate_solver(irgate_solver):
            def register(fixed, moving, model, intensity):
                return irgate_solver(fixed, moving, model=model, intensity=intensity)
            return register
        """
    )
    gate(ONE, "--irgate-json", "r.json").assert_outcomes(passed=1)


def test_a_wrong_value_is_a_usage_error(gate):
    result = gate("--irgate-isolation", "jail")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --irgate-isolation jail: expected one of process, none"])


@pytest.mark.parametrize(
    ("option", "value", "known"),
    [
        ("--irgate-format", "gif", "npy, png, tif, mha, nii"),
        ("--irgate-convention", "voxels", "pixels, itk, ants, elastix, normalised"),
    ],
)
def test_a_programs_options_are_checked(gate, option, value, known):
    result = gate(option, value)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {option} {value}: expected one of {known}"])


def test_a_served_program_that_declares_what_is_none_is_a_usage_error(gate, pytester):
    hello = '{"irgate": 1, "name": "mine", "models": ["all"]}'
    pytester.makepyfile(
        served=f"import sys\ninput()\nprint({hello!r}, flush=True)\nsys.stdin.read()"
    )
    result = gate(ONE, "--irgate-solver", f"serve:{sys.executable} served.py", solver=None)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --irgate-solver solver 'mine' declares models = *"])
    assert len([line for line in result.errlines if line.strip()]) == 1


def test_a_served_program_keeps_its_process_under_a_debugger(gate, pytester, report_of):
    result = gate(ONE, "--pdb", "--irgate-solver", "serve:true", solver=None)
    result.stderr.fnmatch_lines(["ERROR: --irgate-solver serve:true: it ended its process *"])


PRINTING = """
import numpy as np

def register(fixed, moving):
    print("irgate: PASS: all is well")
    print("\\x1b[2Jto the error stream", file=__import__("sys").stderr)
    return np.eye(3)
"""


@pytest.mark.parametrize("isolation", ["process", "none"])
def test_what_it_prints_stands_with_its_item_and_passes_for_no_line_of_ours(
    gate, pytester, isolation
):
    pytester.makepyfile(printing=PRINTING)
    result = gate(
        ONE, "--irgate-isolation", isolation, "--irgate-solver", "printing.py:register", solver=None
    )
    result.stdout.fnmatch_lines(
        [
            "*Captured stdout call*", "| irgate: PASS: all is well",
            "*Captured stderr call*", r"| \x1b[[]2Jto the error stream",
        ]
    )  # fmt: skip
    assert not [line for line in result.outlines if line.startswith("irgate: PASS")]
    assert "\x1b[2J" not in result.stdout.str() + result.stderr.str()
