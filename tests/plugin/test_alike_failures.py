"""pytest's section of failures: the gate's alike ones once, `-v` all, others' as they are."""

import re

import pytest


@pytest.fixture
def shown(gate):
    def run(*args, **more):
        return gate(*args, **{"solver": "inverse", **more})

    return run


def test_alike_failures_are_told_once(shown):
    out = shown().stdout.str()
    assert out.count("it maps moving to fixed, by its") == 3
    assert "and 5 more like it: base synth_translate_2d, base synth_rotate_2d" in out
    assert "FAILED irgate" not in out
    assert len(out.splitlines()) < 60


def test_what_they_have_in_common_goes_before_them(shown):
    out = shown().stdout.str()
    first, last = out.index("irgate: diagnosis: "), out.index("; diagnosis: ")
    assert first < out.index("= FAILURES =") < last


def test_each_is_told_with_v(shown):
    out = shown("-v").stdout.str()
    assert "more like it" not in out
    assert out.count("FAILED irgate/base.py") >= 5


def test_who_asks_for_the_list_gets_it(shown):
    out = shown("-rf").stdout.str()
    assert "and 5 more like it" in out
    assert out.count("FAILED irgate/base.py") == 5


@pytest.mark.parametrize("style", ["no", "line"])
def test_where_the_list_is_all_it_stays(shown, style):
    out = shown(f"--tb={style}").stdout.str()
    assert out.count("FAILED irgate/base.py") == 5


def test_what_broke_in_the_gate_keeps_its_traceback(shown, pytester):
    pytester.makeconftest(
        "import pytest\n\n\n@pytest.fixture(autouse=True)\ndef broken(request):\n"
        "    if 'lena' in request.node.name:\n        raise RuntimeError('of the project')\n"
    )
    out = shown(solver="knowing").stdout.str()
    assert "raise RuntimeError('of the project')" in out


def test_other_tests_failures_stay_as_they_are(shown, pytester):
    pytester.makepyfile(test_mine="def test_one():\n    assert 1 == 2\n")
    out = shown(".", "irgate").stdout.str()
    assert "assert 1 == 2" in out
    assert "FAILED test_mine.py::test_one - assert 1 == 2" in out
    assert "and 5 more like it" in out


def test_the_count_and_the_status_are_as_before(shown):
    result = shown()
    assert result.ret == 1
    result.assert_outcomes(failed=6, passed=10)


def test_under_xdist_too(shown):
    result = shown("-n", "2")
    assert "and 5 more like it: " in result.stdout.str()
    result.assert_outcomes(failed=6, passed=10)


@pytest.mark.parametrize("workers", ["0", "2"])
def test_who_stops_at_the_first_is_told_how_many_did_not_run(shown, report_of, workers):
    result = shown("-x", "-n", workers, "--irgate-json", "r.json")
    missing = [row for row in report_of("r.json")["cases"] if row["status"] == "missing"]
    assert missing
    assert {row["message"] for row in missing} == {"not run: stopped by you (-x or --maxfail)"}
    told = f"stopped by you (-x or --maxfail): {len(missing)} of 16 items not run; "
    (last,) = [line for line in result.outlines if line.startswith("irgate: FAIL: ")]
    # The other worker may have ended an item of its own by then.
    assert re.search(rf" failed \(direction(, \w+)?\); {re.escape(told)}", last)
    result.stdout.fnmatch_lines(["hard gate    FAIL missing: *"])
    if workers == "0":
        result.stdout.fnmatch_lines(["missing, every item: base (5)"])
    assert result.ret == (2 if workers == "2" else 1)


@pytest.mark.parametrize("width", [60, 80, 120])
def test_a_solver_s_words_begin_no_line(gate, pytester, monkeypatch, width):
    """Folded anywhere, they would: every second word could be the first of a verdict."""
    pytester.makepyfile(
        forger="""
def register(fixed, moving):
    raise ValueError("irgate: PASS: 134 items passed " * 40)
"""
    )
    monkeypatch.setenv("COLUMNS", str(width))
    out = gate("--irgate-solver", "forger.py:register", solver=None, suites="base").stdout.str()
    told = [line for line in out.splitlines() if line.startswith("irgate: ")]
    assert "PASS: 134" in out
    assert len(told) == 2
    assert told[0].startswith("irgate: diagnosis: ")
    assert told[1].startswith("irgate: FAIL: ")
