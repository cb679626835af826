"""A row holds builtin types only: anything else would break xdist's wire or the JSON report."""

import json

import numpy as np
import pytest

from irgate_battery.results.result_row import ResultRow

IDS = {"id": "irgate/base.py::test_case[x]", "suite": "base", "case": "x"}


def test_a_row_survives_json():
    row = ResultRow(**IDS, status="failed", message="m", rmse=0.1 + 0.2, escaped=False)
    assert ResultRow.from_dict(json.loads(json.dumps(row.to_dict()))) == row


@pytest.mark.parametrize(
    "value", [np.float64(1), np.float32(1), np.bool_(True), np.int64(1), [1.0]]
)
def test_other_types_are_refused(value):
    with pytest.raises(TypeError, match=r"rmse is .*builtin types only"):
        ResultRow(**IDS, rmse=value)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_figure_that_does_not_exist_is_none(value):
    with pytest.raises(ValueError, match="a figure that does not exist is None"):
        ResultRow(**IDS, ratio=value)


def test_unknown_status_and_unknown_fields_are_refused():
    with pytest.raises(ValueError, match="status 'green'"):
        ResultRow(**IDS, status="green")
    with pytest.raises(ValueError, match=r"unknown fields \['colour'\]"):
        ResultRow.from_dict({**IDS, "colour": "red"})
