"""How a solver is named; a wrong name is one line and exit status 4."""

import os
import textwrap

import pytest

ONE = "irgate/base.py::test_case[synth_translate_2d]"


def test_module_and_attribute(gate, solvers, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(solvers), prepend=os.pathsep)
    gate(ONE, "--irgate-solver", "knowing:register", solver=None).assert_outcomes(passed=1)


def test_a_path_counts_from_here_and_in_ini_from_the_ini_file(gate, pytester, solvers, monkeypatch):
    pytester.makepyfile(mine=(solvers / "knowing.py").read_text())
    gate(ONE, "--irgate-solver", "mine.py:register", solver=None).assert_outcomes(passed=1)
    pytester.makeini("[pytest]\nirgate_solver = mine.py:register")
    monkeypatch.chdir(pytester.mkdir("sub"))
    gate(ONE, solver=None).assert_outcomes(passed=1)


def test_an_entry_point(gate, pytester, solvers, monkeypatch):
    folder = pytester.mkdir("site")
    (folder / "their_solver.py").write_text((solvers / "knowing.py").read_text())
    info = folder / "their_solver-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: their-solver\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[irgate.solvers]\ntheirs = their_solver:register\n")
    monkeypatch.setenv("PYTHONPATH", str(folder), prepend=os.pathsep)
    gate(ONE, "--irgate-solver", "theirs", solver=None).assert_outcomes(passed=1)


def test_the_fixture_of_a_conftest(gate, pytester, solvers, report_of):
    pytester.makeconftest(
        f"""
        import sys, pytest
        sys.path.insert(0, {str(solvers)!r})

        @pytest.fixture(scope="session")
        def irgate_solver():
            import knowing
            def mine(fixed, moving):
                return knowing.register(fixed, moving)
            return mine
        """
    )
    gate(ONE, "--irgate-json", "r.json", solver=None).assert_outcomes(passed=1)
    told = report_of("r.json")["solver"]
    assert (told["spec"], told["name"]) == ("irgate_solver fixture", "mine")


def test_a_fixture_that_the_suite_would_not_see_is_refused(gate, pytester):
    tests = pytester.mkdir("tests")
    (tests / "conftest.py").write_text(
        "import pytest\n@pytest.fixture\ndef irgate_solver(): return None\n"
    )
    pytester.makeini("[pytest]\ntestpaths = tests")
    result = gate(solver=None)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*overrides irgate_solver, but*move the fixture to *conftest.py"])


HIDDEN = """
    import pytest

    @pytest.fixture(name="irgate_solver")
    def mine():
        return lambda fixed, moving: None
"""


def test_a_fixture_under_another_name_does_not_hide_behind_the_bundled_solver(gate, pytester):
    tests = pytester.mkdir("tests")
    (tests / "conftest.py").write_text(textwrap.dedent(HIDDEN))
    (tests / "test_own.py").write_text("def test_own(): pass")
    result = gate(".", ONE, solver=None)
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*irgate_solver is also defined in *, where the gate's items do*"])


def test_one_solver_a_run(gate, pytester):
    pytester.makeconftest(
        """
        import pytest

        @pytest.fixture(params=["a", "b"])
        def irgate_solver(request):
            return lambda fixed, moving: None
        """
    )
    result = gate(solver=None)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*judge one solver a run"])


def test_a_fixture_that_gives_no_solver_is_an_error_in_words(gate, pytester):
    pytester.makeconftest("import pytest\n@pytest.fixture\ndef irgate_solver(): return 7\n")
    result = gate(ONE, solver=None)
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        [
            "*a solver is a callable that takes fixed and moving; got a int*",
            "irgate: FAIL: *missing*",
        ]
    )


WRONG = {
    "unknown name": ("nobody", "*no solver of that name; expected one of bundled*"),
    "no file": ("nowhere.py:register", "*there is no file *nowhere.py"),
    "no module": ("no_such_module:register", "*importing it raised ModuleNotFoundError*"),
    "no attribute": ("mine.py:registre", "*mine.py has no 'registre'; it has *register*"),
    "empty attribute": ("mine.py:", "*expected module:attribute*"),
    "no callable": ("mine.py:NUMBER", "*a solver is a callable*got a int"),
    "too many arguments": ("mine.py:greedy", "*requires ?'levels'?*"),
    "broken file": ("broken.py:register", "*importing it raised SyntaxError*"),
    "skipping file": ("skipping.py:register", "*importing it raised Skipped*"),
    "lying module": ("lying.py:register", "*looking up 'register' raised ImportError*"),
    "lying solver": ("mine.py:liar", "*reading its signature and attributes raised KeyError*"),
    "exiting file": ("exiting.py:register", "*importing it raised SystemExit*"),
}


@pytest.mark.parametrize(("spec", "words"), WRONG.values(), ids=WRONG)
def test_a_wrong_spec_is_one_usage_error_line(gate, pytester, spec, words):
    pytester.makepyfile(
        mine=(
            "NUMBER = 7\n"
            "def register(fixed, moving): pass\n"
            "def greedy(fixed, moving, levels): pass\n"
            "class Liar:\n"
            "    def __call__(self, fixed, moving): pass\n"
            "    @property\n"
            "    def version(self): raise KeyError('version')\n"
            "liar = Liar()"
        ),
        broken="def register(",
        exiting="raise SystemExit(0)",
        skipping="import pytest\npytest.importorskip('no_such_thing')",
        lying="def __getattr__(name): raise ImportError('half installed')",
    )
    result = gate("--irgate-solver", spec, solver=None)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: --irgate-solver {spec}: {words}"])
    assert len([line for line in result.errlines if line.strip()]) == 1


def test_a_library_that_is_not_installed_is_named_with_the_way_to_get_it(gate, pytester):
    missing = "raise ModuleNotFoundError(\"No module named 'cv2'\", name='cv2')"
    pytester.makepyfile(cv2=missing)
    pytester.syspathinsert()
    result = gate("--irgate-solver", "opencv-ecc", solver=None)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        [
            (
                "ERROR: --irgate-solver opencv-ecc: needs the library cv2, which is not installed; "
                'python -m pip install "pytest-irgate[[]opencv]"'
            )
        ]
    )
    assert len([line for line in result.errlines if line.strip()]) == 1
