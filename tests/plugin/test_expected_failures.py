"""`--irgate-xfail`: with reasons, strict, counted aloud, and nothing in it forgotten."""

import pytest

DIRECTION = "irgate/contract.py::test_direction"
AXES = "irgate/contract.py::test_axis_order"


@pytest.fixture
def contract(gate, pytester):
    def run(text, *args, solver="inverse"):
        (pytester.path / "known.txt").write_text(text)
        arguments = ("--irgate-xfail", "known.txt", *args)
        return gate(*arguments, solver=solver, suites="contract")

    return run


@pytest.mark.parametrize("workers", ["0", "2"])
def test_a_known_failure_is_expected(contract, workers):
    result = contract(f"# known\n\n{DIRECTION}  # maps moving to fixed\n", "-n", workers)
    result.assert_outcomes(passed=10, xfailed=1)
    assert result.ret == 0


def test_one_that_passes_after_all_fails(contract):
    result = contract(f"{AXES}  # thought to be swapped\n")
    result.assert_outcomes(passed=9, failed=2)


@pytest.mark.parametrize("workers", ["0", "2"])
def test_and_is_told_to_take_its_line_out(contract, report_of, workers):
    line = f"{AXES}  # thought to be swapped\n"
    result = contract(line, "-n", workers, "--irgate-json", "r.json", solver="knowing")
    said = "passes, and was expected to fail (thought to be swapped): take its line or mark out"
    assert said in " ".join(result.stdout.str().split())
    (row,) = [row for row in report_of("r.json")["cases"] if row["status"] == "failed"]
    assert (row["message"], row["diagnosis"]) == (said, "unexpected pass")


def test_a_line_that_names_nothing_is_reported(contract):
    result = contract("irgate/contract.py::test_gone  # no longer\n", solver="knowing")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["*known.txt: no item irgate/contract.py::test_gone; take *"])


def test_the_hard_gate_is_not_waived_silently(gate, pytester):
    name = "irgate/base.py::test_case[synth_translate_2d]"
    (pytester.path / "known.txt").write_text(f"{name}  # known\n")
    result = gate("--irgate-xfail", "known.txt", "irgate/base.py", solver="identity")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*5 of 5 ran, waived: 1)"])


def test_a_property_may_be_known_to_fail(gate, pytester):
    name = "irgate/fuzz.py::test_property[recovered]"
    (pytester.path / "known.txt").write_text(f"{name}  # nothing moves\n")
    arguments = ("--irgate-fuzz", "3", "--irgate-xfail", "known.txt", name)
    result = gate(*arguments, solver="identity", suites=None)
    result.assert_outcomes(xfailed=1)
    result.stdout.no_fnmatch_line("*take the line out")


WRONG = {
    "no reason": (f"{DIRECTION}\n", "*line 1: *has no reason; expected*"),
    "twice": (f"{DIRECTION} # a\n{DIRECTION} # b\n", "*line 2: *stands there twice"),
}


@pytest.mark.parametrize(("text", "words"), WRONG.values(), ids=WRONG)
def test_a_wrong_file_is_one_usage_error_line(contract, text, words):
    result = contract(text)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: --irgate-xfail {words}"])
    assert len([line for line in result.errlines if line.strip()]) == 1


def test_a_byte_order_mark_is_no_part_of_the_first_name(gate, pytester):
    text = f"{DIRECTION}  # maps moving to fixed\n"
    (pytester.path / "known.txt").write_text(text, encoding="utf-8-sig")
    result = gate("--irgate-xfail", "known.txt", solver="inverse", suites="contract")
    result.assert_outcomes(passed=10, xfailed=1)


class TestWritten:
    """`--irgate-write-xfail`: today's failures, as a file that the next run expects."""

    @pytest.mark.parametrize("workers", ["0", "2"])
    def test_what_failed_today_is_expected_tomorrow(self, gate, pytester, workers):
        arguments = ("--irgate-write-xfail", "known.txt", "-n", workers)
        result = gate(*arguments, solver="inverse", suites="contract")
        result.assert_outcomes(passed=10, failed=1)
        assert result.ret == 1
        result.stdout.fnmatch_lines(["irgate: today's failures: *known.txt"])
        lines = (pytester.path / "known.txt").read_text().splitlines()
        (line,) = [line for line in lines if not line.startswith("#")]
        assert line.startswith(f"{DIRECTION}  # on a known shift of (3.5, -2.23) px the direction")
        again = gate("--irgate-xfail", "known.txt", solver="inverse", suites="contract")
        again.assert_outcomes(passed=10, xfailed=1)
        assert again.ret == 0

    def test_what_is_expected_already_stays_in_it(self, contract, pytester):
        known = f"{DIRECTION}  # maps moving to fixed\n"
        contract(known, "--irgate-write-xfail", "known.txt").assert_outcomes(passed=10, xfailed=1)
        text = (pytester.path / "known.txt").read_text()
        assert f"{DIRECTION}  # expected to fail: maps moving to fixed; on a known shift" in text
        contract(text).assert_outcomes(passed=10, xfailed=1)

    def test_written_again_it_says_the_same(self, contract, pytester):
        texts = [f"{DIRECTION}  # maps moving to fixed\n"]
        for _ in range(3):
            contract(texts[-1], "--irgate-write-xfail", "known.txt")
            texts.append((pytester.path / "known.txt").read_text())
        assert texts[1] == texts[2] == texts[3]
        assert texts[3].count("expected to fail: ") == texts[3].count("on a known shift") == 1

    def test_what_did_not_run_is_in_no_line_and_that_is_said(self, gate, pytester):
        result = gate(
            "--irgate-write-xfail", "known.txt", "-x", solver="inverse", suites="contract"
        )
        result.assert_outcomes(passed=1, failed=1)
        result.stdout.fnmatch_lines(
            ["irgate: today's failures: *known.txt; 9 items did not run: no line is about them"]
        )

    def test_a_run_without_failures_writes_none(self, gate, pytester):
        gate("--irgate-write-xfail", "known.txt", solver="knowing", suites="contract")
        lines = (pytester.path / "known.txt").read_text().splitlines()
        assert lines
        assert all(line.startswith("#") for line in lines)

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("import numpy\n", "*known.txt, line 1: import numpy has no reason*"),
            ("x = 1  # a setting\n", "*it holds 'x = 1', which is no item of the gate*"),
        ],
    )
    def test_a_file_of_another_kind_is_not_written_over(self, contract, pytester, text, words):
        (pytester.path / "other.txt").write_text(text)
        result = contract("", "--irgate-write-xfail", "other.txt")
        assert result.ret == 4
        result.stderr.fnmatch_lines([words.replace("known", "other")])
        assert (pytester.path / "other.txt").read_text() == text

    @pytest.mark.parametrize(
        ("where", "words"),
        [
            (".", "*--irgate-write-xfail *: that is a folder; name a file"),
            ("no/such/known.txt", "*there is no folder *no?such"),
            ("/dev/null", "*that is no plain file; name another"),
        ],
    )
    def test_a_place_that_cannot_be_written_is_one_line(self, contract, where, words):
        result = contract("", "--irgate-write-xfail", where)
        assert result.ret == 4
        result.stderr.fnmatch_lines([words])
