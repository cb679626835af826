"""Options, each on the command line and in ini; a wrong value is one line and exit status 4."""

import json

import pytest

ONE = "irgate/base.py::test_case[synth_translate_2d]"


def test_ini_switches_the_gate_on(gate, pytester):
    pytester.makeini("[pytest]\nirgate = true\nirgate_suite = contract")
    result = gate(irgate=False)
    result.assert_outcomes(passed=11)


def test_the_command_line_wins_over_ini(gate, pytester):
    pytester.makeini("[pytest]\nirgate_suite = contract\nirgate_timeout = 7\nirgate_oracle = live")
    result = gate("--irgate-timeout", "60", "--irgate-oracle", "auto", suites="base")
    result.assert_outcomes(passed=5)
    result.stdout.fnmatch_lines(
        ["irgate *suites base, oracle auto, 60 s a call, isolation process"]
    )


def test_ini_reaches_every_option(gate, pytester):
    pytester.makeini(
        "[pytest]\nirgate_suite = contract\nirgate_timeout = 0\nirgate_oracle = stored\n"
        "irgate_json = out.json\nirgate_seed = 3\nirgate_cases = 7\nirgate_strict = true"
    )
    result = gate(suites=None)
    result.stdout.fnmatch_lines(
        ["irgate *suites contract, oracle stored, no time limit, isolation process"]
    )
    report = json.loads((pytester.path / "out.json").read_text())
    assert report["seed"] == 3
    assert report["verdicts"]["mean_ratio"]["expected"] == 7


class TestAnIniFileThatPytestDoesNotRead:
    """`--irgate-json ../out.json` twice: the second time the file is there, pytest takes it for a
    path of tests, reads no ini file, and the default solver was judged instead of ini's.
    """

    @pytest.fixture
    def sub(self, pytester, monkeypatch, solvers):
        """A project in a folder of its own, whose ini file names the solver."""
        here = pytester.mkdir("project")
        monkeypatch.chdir(here)
        ini = f"[pytest]\nirgate_solver = {solvers / 'identity'}.py:register\n"
        (here / "pytest.ini").write_text(ini)
        return here

    def test_it_is_refused_and_another_solver_is_never_judged(self, gate, sub):
        asked = ("--irgate-json", "../out.json", ONE)
        for_one = gate(*asked, solver=None)
        for_one.assert_outcomes(failed=1)
        again = gate(*asked, solver=None)
        assert again.ret == 4
        (said,) = [line for line in again.errlines if line.startswith("ERROR: ")]
        assert (
            "project/pytest.ini sets options of the gate, and pytest did not read it, because"
            in said
        )
        assert said.endswith("write --irgate-json=../out.json")
        gate("--irgate-json=../out.json", ONE, solver=None).assert_outcomes(failed=1)

    def test_words_of_the_environment_lead_elsewhere_too(self, gate, sub, monkeypatch):
        (sub.parent / "known.txt").write_text("")
        monkeypatch.setenv("PYTEST_ADDOPTS", "--irgate-xfail ../known.txt")
        result = gate(ONE, solver=None)
        assert result.ret == 4
        result.stderr.fnmatch_lines(["*write --irgate-xfail=../known.txt"])

    def test_one_of_another_folder_names_no_solver_here(self, gate, sub, pytester):
        other = pytester.mkdir("other")
        (sub / "pytest.ini").rename(other / "pytest.ini")
        (other / "out.json").write_text("")
        result = gate("--irgate-json", "../other/out.json", ONE, solver=None)
        assert result.ret == 4
        result.stderr.fnmatch_lines(
            ["ERROR: */other/pytest.ini sets options of the gate, and pytest read it *, because *"]
        )

    @pytest.mark.parametrize("text", ["[pytest]\n", "[pytest]\ntestpaths = irgated\n"])
    def test_one_that_says_nothing_of_the_gate_may_stay_unread(self, gate, sub, text):
        (sub / "pytest.ini").write_text(text)
        (sub.parent / "out.json").write_text("")
        gate("--irgate-json", "../out.json", ONE).assert_outcomes(passed=1)

    def test_one_that_is_named_is_the_user_s_choice(self, gate, sub, pytester):
        (sub.parent / "out.json").write_text("")
        (sub.parent / "other.ini").write_text("[pytest]\n")
        result = gate("-c", "../other.ini", "--irgate-json", "../out.json", ONE)
        result.assert_outcomes(passed=1)

    def test_what_lies_below_leads_nowhere(self, gate, sub):
        (sub / "out.json").write_text("")
        gate("--irgate-json", "out.json", ONE, solver=None).assert_outcomes(failed=1)


WRONG = {
    "suite": (
        "--irgate-suite=base,nope",
        "*no suite 'nope'*it has contract, base, battery, *",
    ),
    "oracle": ("--irgate-oracle=guess", "*expected one of auto, stored, live"),
    "timeout": ("--irgate-timeout=soon", "*expected seconds*"),
    "negative timeout": ("--irgate-timeout=-1", "*expected seconds*"),
    "endless timeout": ("--irgate-timeout=inf", "*expected seconds*"),
    "seed": ("--irgate-seed=-1", "*expected a whole number of 0 or more"),
    "cases": ("--irgate-cases=many", "*expected a whole number of 1 or more"),
    "no cases": ("--irgate-cases=0", "*expected a whole number of 1 or more"),
    "no examples": ("--irgate-suite=fuzz --irgate-fuzz=0", "*expected 1 or more"),
    "empty solver": ("--irgate-solver=", "*it is empty; expected SPEC, or leave the option out"),
    "empty json": ("--irgate-json=", "*it is empty; expected FILE*"),
    "empty suite": ("--irgate-suite=", "*it is empty; expected LIST*"),
    "endless seed": ("--irgate-seed=" + "9" * 5000, "*whole number of at most 9223372036854775807"),
    "endless cases": ("--irgate-cases=" + "9" * 5000, "*expected a whole number of at most 100000"),
    "too many cases": ("--irgate-cases=100001", "*expected a whole number of at most 100000"),
    "long json": ("--irgate-json=" + "x" * 300, "*it cannot be written: File name too long"),
    "long xfail": ("--irgate-xfail=" + "x" * 300, "*it cannot be read: *"),
    "long pair": ("--irgate-pair=" + "x" * 300 + ",a.png", "*"),
    "long solver": ("--irgate-solver=" + "x" * 300 + ".py:f", "*.py cannot be read: *"),
    "xfail": ("--irgate-xfail=nowhere.txt", "*it cannot be read: *"),
    "json folder": ("--irgate-json=.", "*that is a folder; name a file"),
    "json nowhere": ("--irgate-json=no/such/r.json", "*there is no folder *"),
}


@pytest.mark.parametrize(("option", "words"), WRONG.values(), ids=WRONG)
def test_a_wrong_value_is_one_usage_error_line(gate, option, words):
    result = gate(*option.split(), suites=None)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    name = option.split()[-1].partition("=")[0]
    result.stderr.fnmatch_lines([f"ERROR: {name} {words}"])
    assert len([line for line in result.errlines if line.strip()]) == 1


@pytest.mark.parametrize("text", ["", "   "])
def test_a_solver_that_ini_leaves_empty_is_not_the_default(gate, pytester, text):
    pytester.makeini(f"[pytest]\nirgate_solver = {text}\nirgate_json =\nirgate_seed =")
    result = gate(solver=None)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: ini irgate_solver: it is empty; expected SPEC, or *"])
    gate("irgate/contract.py").assert_outcomes(passed=11)


def test_a_blank_solver_is_not_the_default(gate):
    result = gate("--irgate-solver", "  ", solver=None)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --irgate-solver '  ': it is empty; expected SPEC, or *"])


def test_live_and_stored_oracles_say_so_and_agree(gate, report_of):
    rows = {}
    for mode in ("stored", "live"):
        gate(ONE, "--irgate-oracle", mode, "--irgate-json", f"{mode}.json").assert_outcomes(
            passed=1
        )
        (rows[mode],) = report_of(f"{mode}.json")["cases"]
        assert rows[mode]["oracle"] == mode
    assert rows["live"]["oracle_rmse"] == pytest.approx(rows["stored"]["oracle_rmse"], rel=1e-6)


def test_the_json_is_schema_1_with_every_key(gate, pytester):
    gate("--irgate-json", "r.json")
    report = json.loads((pytester.path / "r.json").read_text())
    assert list(report) == [
        "schema", "irgate", "battery", "seed", "solver", "machine", "started", "commit", "branch",
        "modified", "isolation", "asked", "rmse_vs_simpleitk_max", "systematic", "verdicts",
        "diagnosis", "exit_status", "deselected", "own_tests", "cases",
    ]  # fmt: skip
    assert (report["schema"], report["seed"], report["exit_status"]) == (1, 0, 0)
    assert set(report["solver"]) == {"spec", "name", "version"}
    assert set(report["machine"]) == {
        "python",
        "platform",
        "cpu_count",
        "torch",
        "simpleitk",
        "numpy",
    }
    assert report["diagnosis"] is None
    verdicts = report["verdicts"]
    assert {"status", "max_rmse", "max_oracle_rmse", "limit", "ran", "expected"} <= set(
        verdicts["hard_gate"]
    )
    assert {"status", "max_rmse_vs_oracle", "target"} <= set(verdicts["agreement"])
    assert {"status", "mean", "limit", "ran", "expected", "capped", "oracle_diverged"} <= set(
        verdicts["mean_ratio"]
    )
    assert {"status", "recovered", "tried", "limit"} <= set(verdicts["recovery"])
    assert {"status", "passed", "tried", "max_relative_error"} <= set(verdicts["gradient"])
    base = [row for row in report["cases"] if row["suite"] == "base"]
    assert [row["case"] for row in base] == [
        "synth_translate_2d", "synth_rotate_2d", "lena_affine_2d", "bspline_random_2d",
        "brain_mri_real",
    ]  # fmt: skip
    for row in base:
        numbers = ("rmse", "oracle_rmse", "truth_rmse", "ratio", "rmse_vs_oracle", "tre_px",
                   "tre_max_px", "oracle_tre_px", "coverage", "truth_coverage", "folded",
                   "seconds", "oracle_seconds")  # fmt: skip
        assert all(isinstance(row[name], float) for name in numbers)
        assert row["escaped"] is False
        assert (row["model"] is not None, row["status"], row["message"]) == (True, "passed", "")
    contract = [row for row in report["cases"] if row["suite"] == "contract"]
    assert all(row["rmse"] is None for row in contract)


def test_an_older_report_is_not_left_standing(gate, pytester):
    old = '{"schema": 1, "cases": [], "exit_status": 0}'
    (pytester.path / "r.json").write_text(old)
    gate("--irgate-json", "r.json", "--irgate-timeout", "60", "-k", "nothing_of_that_name")
    assert '"exit_status": 5' in (pytester.path / "r.json").read_text()
    (pytester.path / "r.json").write_text(old)
    gate("--irgate-json", "r.json", "irgate/base.py::test_case[nope]")
    assert not (pytester.path / "r.json").exists()


@pytest.mark.parametrize(("strict", "status"), [((), 0), (("--irgate-strict",), 1)])
def test_strict_lets_the_mean_ratio_fail_a_run_without_a_failed_item(
    gate, pytester, report_of, strict, status
):
    """A limit that nobody can hold stands in for a solver that is a little worse everywhere."""
    pytester.makeconftest("import irgate_battery.suites.battery as b; b.MEAN_RATIO = 0.5")
    arguments = ("--irgate-cases", "3", "--irgate-json", "r.json", *strict)
    result = gate(*arguments, suites="base,battery")
    result.assert_outcomes(passed=8)
    assert result.ret == report_of("r.json")["exit_status"] == status
    last = "irgate: FAIL: the mean ratio, under --irgate-strict: *" if strict else "irgate: PASS: *"
    result.stdout.fnmatch_lines([last])


def test_a_report_that_cannot_be_written_loses_nothing_else(gate, pytester):
    pytester.makeconftest(
        """
        def pytest_runtest_teardown(item):
            import pathlib
            pathlib.Path("r.json").mkdir(exist_ok=True)
        """
    )
    pytester.makepyfile("def test_own(): pass")
    result = gate(".", ONE, "--irgate-json", "r.json")
    words = "the JSON report could not be written: *r.json: that is a folder; name a file"
    result.stdout.fnmatch_lines(
        [f"irgate: {words}", f"irgate: FAIL: {words}; what was judged: NOT EVALUATED: *"]
    )
    result.assert_outcomes(passed=2)
    assert result.ret == 1
