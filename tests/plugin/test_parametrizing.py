"""`parametrize_with_cases`: the gate's items in somebody's own tests, as plain tests."""

import pytest

from pytest_irgate import parametrize_with_cases

TESTS = """
import sys
sys.path.insert(0, {solvers!r})
from identity import register as identity
from knowing import register as knowing
from pytest_irgate import parametrize_with_cases


@parametrize_with_cases([knowing, identity], suites=("base",){more})
def test_registration(solver, case):
    row = case(solver)
    assert row.status == "passed"
    assert row.suite == case.suite == "base"
"""


@pytest.fixture
def project(pytester, solvers, gate):
    """A project of somebody's, with a conftest of its own, and what runs its tests."""
    (pytester.path / "tests").mkdir()
    (pytester.path / "tests" / "conftest.py").write_text("collect_ignore = ['old']\n")

    def run(*args, more="", irgate=False):
        text = TESTS.format(solvers=str(solvers), more=more)
        (pytester.path / "tests" / "test_mine.py").write_text(text)
        return gate("tests", *args, solver=None, irgate=irgate, suites=None)

    return run


def test_each_solver_meets_each_item(project):
    result = project("-v")
    passed, failed = [
        {line.split()[0] for line in result.outlines if f" {word} " in line}
        for word in ("PASSED", "FAILED")
    ]
    assert "tests/test_mine.py::test_registration[register-base-lena_affine_2d]" in passed
    assert "tests/test_mine.py::test_registration[register#2-base-lena_affine_2d]" in failed
    result.assert_outcomes(passed=5, failed=5)
    out = " ".join(result.stdout.str().split())
    assert "nothing was moved, where the truth is" in out


def test_beside_the_gate_they_stay_tests_of_one_s_own(project, report_of):
    waived = ', expected_failures={"register#2-base-lena_affine_2d": "it does nothing"}'
    found = []
    for parallel in ((), ("-n", "2")):
        result = project(
            *("--irgate-suite", "base", "irgate", "--irgate-json", "r.json", *parallel),
            more=waived,
            irgate=True,
        )
        assert "irgate: PASS: 5 items passed" in result.stdout.str()
        assert "register#2 0 of 5, register 5 of 5; no" in " ".join(result.stdout.str().split())
        result.assert_outcomes(passed=10, failed=4, xfailed=1)
        report = report_of("r.json")
        assert len(report["cases"]) == 5
        assert report["exit_status"] == 1
        found.append({test["id"]: test for test in report["own_tests"]})
    serial, parallel = (
        {name: {**test, "seconds": None} for name, test in tests.items()} for tests in found
    )
    assert serial == parallel
    assert list(found[0]) == sorted(found[0])
    theirs = found[0]["tests/test_mine.py::test_registration[register#2-base-lena_affine_2d]"]
    assert (theirs["status"], theirs["suite"], theirs["model"]) == ("xfailed", "base", "affine")
    assert theirs["solver"]["spec"] == "register#2"
    assert theirs["tre_px"] > 1
    ours = found[0]["tests/test_mine.py::test_registration[register-base-lena_affine_2d]"]
    assert (ours["status"], ours["tre_px"]) == ("passed", 0)


def test_what_a_test_asks_besides_is_its_row_s_status(pytester, gate, solvers, report_of):
    pytester.makepyfile(
        f"import sys\nsys.path.insert(0, {str(solvers)!r})\n"
        "from knowing import register\n"
        "from pytest_irgate import parametrize_with_cases\n\n\n"
        "@parametrize_with_cases([register], suites=['base'], models=['affine'])\n"
        "def test_it(solver, case):\n    assert case(solver).seconds < 0, 'too slow'\n\n\n"
        "@parametrize_with_cases([register], suites=['base'], models=['affine'])\n"
        "def test_of_nothing(solver, case):\n    assert case.model == 'affine'\n"
    )
    name = "test_what_a_test_asks_besides_is_its_row_s_status.py"
    gate(name, "--irgate-json", "r.json", solver=None, suites=None)
    (test,) = report_of("r.json")["own_tests"]
    assert test["status"] == "failed"
    assert "too slow" in test["message"]


def test_in_parallel_by_keyword_and_again(project):
    project("-n", "2").assert_outcomes(passed=5, failed=5)
    project("-k", "lena").assert_outcomes(passed=1, failed=1)
    project("--lf").assert_outcomes(failed=5)


def test_expected_failures_are_strict(project):
    waived = ', expected_failures={"register#2-base-lena_affine_2d": "it does nothing"}'
    project(more=waived).assert_outcomes(passed=5, failed=4, xfailed=1)
    passes = ', expected_failures={"register-base-lena_affine_2d": "it would not"}'
    result = project(more=passes)
    result.assert_outcomes(passed=4, failed=6)
    assert "[XPASS(strict)] it would not" in result.stdout.str()


def test_models_choose_items(project):
    project(more=', models=("ffd",)').assert_outcomes(passed=1, failed=1)


def test_a_spec_lives_in_a_process_of_its_own(pytester, gate, solvers):
    spec = f"{solvers / 'dying'}.py:register"
    pytester.makepyfile(
        "from pytest_irgate import parametrize_with_cases\n\n\n"
        f"@parametrize_with_cases([{spec!r}], suites=['base'], models=['affine'])\n"
        "def test_it(solver, case):\n    case(solver)\n"
    )
    result = gate("test_a_spec_lives_in_a_process_of_its_own.py", solver=None, irgate=False)
    result.assert_outcomes(failed=1)
    assert "ended its process" in " ".join(result.stdout.str().split())


def test_what_is_no_solver_is_told_in_a_line(pytester, gate):
    pytester.makepyfile(
        "from pytest_irgate import parametrize_with_cases\n\n\n"
        "@parametrize_with_cases(['no_such_file.py:register', 3], suites=['base'],\n"
        "                        models=['ffd'])\ndef test_it(solver, case):\n    case(solver)\n"
    )
    result = gate("test_what_is_no_solver_is_told_in_a_line.py", solver=None, irgate=False)
    result.assert_outcomes(failed=2)
    out = result.stdout.str()
    assert "no_such_file.py" in out
    assert "Traceback" not in out
    assert "parametrizing.py" not in out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"suites": ["bases"]}, r"suites \['bases'\]; expected some of \['contract'"),
        ({"suites": []}, r"suites \[\]; expected some of"),
        ({"suites": ["pair"]}, r"suites \['pair'\]; expected some of"),
        ({"models": ["bspline"]}, r"no item of .* asks for \['bspline'\]"),
        ({"models": ["rigid", "afine"], "suites": ["base"]}, r"\['base'\] asks for \['afine'\]"),
        ({"models": "rigid"}, "models 'rigid'; expected a list"),
        ({"suites": "base"}, "suites 'base'; expected a list"),
        ({"expected_failures": {"nobody": "x"}}, r"expected_failures \['nobody'\]: no such items"),
    ],
)
def test_what_is_wrong_is_told_when_the_test_is_written(arguments, said):
    with pytest.raises(ValueError, match=said):
        parametrize_with_cases([print], **arguments)


@pytest.mark.parametrize("solvers", [[], "mine.py:register"])
def test_no_solver_would_be_no_test(solvers):
    # pytest skips a test without parameters, and one text is a list of letters.
    with pytest.raises(ValueError, match="expected a list of callables or SPECs"):
        parametrize_with_cases(solvers)


def test_the_package_has_no_other_name():
    import pytest_irgate

    with pytest.raises(AttributeError, match="no_such_name"):
        _ = pytest_irgate.no_such_name
