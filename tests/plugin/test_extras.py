"""What is not installed is one line, at the start of a run, that says how to get it."""

import sys
import tomllib

import pytest

from irgate_battery.cases.own_pairs import own_pairs
from irgate_battery.cases.run_spec import RunSpec
from irgate_battery.suites.registry import default_names
from pytest_irgate.command import main
from pytest_irgate.extras import EXTRAS, is_installed, lack_of, lack_of_run

HOW = 'is not installed; python -m pip install "pytest-irgate[{}]"'


@pytest.fixture
def hidden(monkeypatch):
    """Return what hides a library."""

    def hide(library):
        monkeypatch.setitem(sys.modules, library, None)

    return hide


def test_each_extra_is_declared_and_all_holds_them_all(request):
    text = (request.config.rootpath / "pyproject.toml").read_text(encoding="utf-8")
    project = tomllib.loads(text)["project"]
    optional = project["optional-dependencies"]
    for library, extra in EXTRAS.items():
        assert [word.partition(">")[0] for word in optional[extra]] == [library]
        assert not any(word.startswith(library) for word in project["dependencies"])
    assert optional["all"] == [f"pytest-irgate[{','.join(EXTRAS.values())}]"]


@pytest.mark.parametrize("library", EXTRAS)
def test_what_is_missing_has_a_line(hidden, library):
    assert lack_of(library, "this") is None
    hidden(library)
    assert not is_installed(library)
    assert lack_of(library, "this") == f"this needs {library}, which {HOW.format(EXTRAS[library])}"


def test_stored_results_need_no_simpleitk(hidden):
    hidden("SimpleITK")
    hidden("torch")
    hidden("matplotlib")
    hidden("hypothesis")
    assert lack_of_run(RunSpec(), default_names(), "auto") is None


@pytest.mark.parametrize(
    ("spec", "oracle", "said"),
    [
        (RunSpec(), "live", "a live oracle needs SimpleITK"),
        (RunSpec(count=51), "auto", "-draw51, which has no stored result, needs SimpleITK"),
        (RunSpec(seed=1), "auto", "which has no stored result, needs SimpleITK"),
    ],
)
def test_a_result_that_must_be_computed_needs_simpleitk(hidden, spec, oracle, said):
    assert lack_of_run(spec, default_names(), oracle) is None
    hidden("SimpleITK")
    assert said in lack_of_run(spec, default_names(), oracle)


def test_drawn_cases_that_do_not_run_need_nothing(hidden):
    hidden("SimpleITK")
    assert lack_of_run(RunSpec(seed=1), ["contract", "base", "conditions"], "auto") is None
    assert lack_of_run(RunSpec(seed=1), default_names(), "stored") is None


def test_own_pairs_and_the_fuzz_suite(hidden, tmp_path):
    hidden("SimpleITK")
    hidden("hypothesis")
    pairs = own_pairs(["a.png,b.png"], tmp_path)
    assert lack_of_run(RunSpec(pairs=pairs), ["pair"], "auto").startswith("a pair of your own")
    assert lack_of_run(RunSpec(examples=3), ["fuzz"], "auto").startswith("the fuzz suite needs")
    known = own_pairs(["a.png,b.png,,,,truth.txt"], tmp_path)
    assert lack_of_run(RunSpec(pairs=known), ["pair"], "stored").startswith("a case with a truth")


def test_a_pack_without_simpleitk_is_one_line(hidden, solvers, tmp_path, capsys):
    folder = tmp_path / "mine"
    assert main(["pack", "new", str(folder)]) == 0
    hidden("SimpleITK")
    solver = f"{solvers}/identity.py:register"
    for command in (["check", solver, "--pack", str(folder)], ["pack", "check", "x"]):
        assert main(command) == 4
        assert HOW.format("oracle") in capsys.readouterr().err


def without(pytester, library):
    pytester.makepyfile(hides=f"import sys\nsys.modules[{library!r}] = None")
    return "-p", "hides"


@pytest.mark.parametrize(
    ("library", "args", "said"),
    [
        ("hypothesis", ["--irgate-fuzz", "2"], "the fuzz suite needs hypothesis, which"),
        ("SimpleITK", ["--irgate-oracle", "live"], "a live oracle needs SimpleITK, which"),
    ],
)
def test_a_run_that_lacks_something_does_not_begin(gate, pytester, library, args, said):
    result = gate(*without(pytester, library), *args, suites=None)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    (line,) = [line for line in result.errlines if line.strip()]
    assert line == f"ERROR: {said} {HOW.format(EXTRAS[library])}"


def test_without_torch_a_run_that_names_no_solver_says_what_to_do(gate, pytester):
    result = gate(*without(pytester, "torch"), solver=None)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    (line,) = [line for line in result.errlines if line.strip()]
    assert line.startswith("ERROR: no solver is named, and the bundled one needs torch, which is")
    assert line.endswith('python -m pip install "pytest-irgate[bundled]"')
    assert gate(*without(pytester, "torch"), solver="knowing").ret == 0


def test_the_command_says_it_too(hidden, solvers, capsys):
    hidden("matplotlib")
    hidden("SimpleITK")
    assert main(["show", "lena_affine_2d"]) == 4
    asked = ["check", f"{solvers}/knowing.py:register", "--suite", "base", "--oracle", "live"]
    assert main(asked) == 4
    first, second = capsys.readouterr().err.splitlines()
    assert first == f"irgate show: a picture needs matplotlib, which {HOW.format('show')}"
    assert second == f"irgate check: a live oracle needs SimpleITK, which {HOW.format('oracle')}"
