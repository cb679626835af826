"""A row's status follows what pytest says of its item, whoever decides it."""

import pytest

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
    assert result.ret == 0


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
