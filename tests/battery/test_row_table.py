"""A table of rows: what stands where, what goes first where it is narrow, and in which tone."""

from irgate_battery.results.result_row import ResultRow
from irgate_battery.results.row_table import RATIO, RMSE, TIMES, table

COLUMNS = (*RMSE, RATIO, *TIMES)


def row(case="short", **more):
    figures = {
        "rmse": 0.0012,
        "oracle_rmse": 0.0011,
        "ratio": 1.0909,
        "seconds": 0.5,
        "oracle_seconds": 2.0,
        "oracle": "stored",
    }
    return ResultRow(case, "base", case, **{**figures, **more})


def texts(rows, width, kinds=COLUMNS):
    return [line.text for line in table("fixture", rows, kinds, width)]


def test_at_full_width_every_column_stands_under_its_group():
    assert texts([row(), row("a_longer_name", rmse=None, ratio=None)], 200) == [
        "                          RMSE                  time, s",
        "fixture            ours    oracle    ratio     ours  /oracle",
        "short          0.001200  0.001100   1.0909    0.500   0.250x passed",
        "a_longer_name         -  0.001100        -    0.500   0.250x passed",
        "oracle: stored; its seconds are those of the machine that stored it",
    ]


def heads(width):
    return texts([row()], width)[1].split()[1:]


def test_what_matters_least_goes_first_and_three_columns_stay():
    """7 characters of names, 9 of the status, and the columns with a space before each."""
    full = 7 + 9 + (10 + 10 + 9 + 9 + 9)
    assert heads(full) == ["ours", "oracle", "ratio", "ours", "/oracle"]
    # Of the two columns of times, which matter as little, the first one goes.
    assert heads(full - 1) == ["ours", "oracle", "ratio", "/oracle"]
    assert heads(full - 9) == ["ours", "oracle", "ratio", "/oracle"]
    assert heads(full - 10) == ["ours", "oracle", "ratio"]
    for narrow in (full - 19, 20, 1):
        assert heads(narrow) == ["ours", "oracle", "ratio"]
    kinds = (RATIO, *RMSE, *TIMES, RATIO)
    assert texts([row()], 1, kinds)[1].split()[1:] == ["ratio", "ours", "ratio"]


def test_what_a_column_is_worth():
    """The oracle's RMSE goes before the solver's own and before the ratio."""
    assert [column.keep for column in COLUMNS] == [0, 1, 0, 2, 2]


def test_the_time_beside_the_oracle_s_needs_both():
    cells = {
        name: texts([row(**figures)], 200)[2].split()[5]
        for name, figures in {
            "both": {},
            "none": {"seconds": None, "oracle_seconds": None},
            "ours": {"oracle_seconds": None},
            "oracle's": {"seconds": None},
            "zero": {"oracle_seconds": 0.0},
        }.items()
    }
    assert cells == {"both": "0.250x", "none": "-", "ours": "-", "oracle's": "-", "zero": "-"}


def test_a_row_s_tone_is_that_of_its_status():
    tones = {
        status: list(table("fixture", [row(status=status)], COLUMNS, 200))[2].tone
        for status in ("passed", "failed", "error", "missing", "skipped", "xfailed")
    }
    assert tones == {
        "passed": "good",
        "failed": "bad",
        "error": "bad",
        "missing": "bad",
        "skipped": "open",
        "xfailed": "open",
    }


def test_where_the_oracle_s_results_come_from():
    rows = [row(oracle="live"), row(oracle="cached"), row(oracle="live"), row(oracle=None)]
    assert texts(rows, 200)[-1] == "oracle: cached, live"
    assert len(texts([row(oracle=None)], 200)) == 3
