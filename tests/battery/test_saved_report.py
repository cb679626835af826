"""A JSON report read back: as it was written, or refused in one line."""

import json

import knowing
import pytest

from irgate_battery.report.saved_report import SavedReport, SavedReportError
from irgate_battery.run import check_solver


@pytest.fixture(scope="module")
def report():
    return check_solver(knowing.register, suites=["contract"])


@pytest.fixture
def data(report):
    return json.loads(report.to_json())


def test_what_was_written_is_read(report):
    record = SavedReport.read(report.to_json(), "a.json")
    assert record.rows == report.rows
    assert record.solver == report.solver
    assert {name: verdict.status for name, verdict in record.verdicts.items()} == {
        verdict.name: verdict.status for verdict in report.verdicts
    }
    assert record.verdicts["hard_gate"].ran == report.verdicts.hard_gate.ran
    assert (record.seed, record.unknown) == (report.spec.seed, ())


def test_keys_of_a_later_version_are_left_out_and_named(data, report):
    for row in data["cases"]:
        row["novelty"] = {"deep": [1]}
    data["verdicts"]["novelty"] = {"status": "pass"}
    record = SavedReport.read(json.dumps(data), "a.json")
    assert record.unknown == ("novelty",)
    assert record.rows == report.rows


def test_keys_of_an_earlier_version_may_be_lacking(data):
    for row in data["cases"]:
        del row["relative_error"]
    assert SavedReport.read(json.dumps(data), "a.json").rows[0].relative_error is None


def _without_status(data):
    del data["cases"][0]["status"]


def _nan(data):
    data["cases"][0]["rmse"] = float("nan")


def _text_for_number(data):
    data["cases"][0]["rmse"] = "0.1"


def _twice(data):
    data["cases"].append(data["cases"][0])


def _other_status(data):
    data["cases"][0]["status"] = "fine"


def _no_verdict(data):
    del data["verdicts"]["hard_gate"]


def _odd_verdict(data):
    data["verdicts"]["hard_gate"]["status"] = "green"


def _odd_count(data):
    data["verdicts"]["mean_ratio"]["expected"] = "many"


def _endless_count(data):
    data["verdicts"]["mean_ratio"]["expected"] = 1_000_000


def _negative_count(data):
    data["verdicts"]["mean_ratio"]["ran"] = -1


def _number_without_end(data):
    data["cases"][0]["rmse"] = int("1" + "0" * 400)


def _count_without_end(data):
    data["cases"][0]["recovered"] = -int("1" + "0" * 400)


def _odd_mean(data):
    data["verdicts"]["mean_ratio"]["mean"] = [1]


def _list_of_cases(data):
    data["cases"] = [1]


def _no_solver(data):
    data["solver"] = None


def _odd_seed(data):
    data["seed"] = "0"


def _odd_machine(data):
    data["machine"]["platform"] = ["Linux"]


DAMAGED = {
    _endless_count: "mean_ratio counts 1000000; a run has 0 to 100000 cases",
    _negative_count: "mean_ratio counts -1",
    _number_without_end: "a whole number of 401 digits",
    _count_without_end: "a whole number of 401 digits",
    _odd_machine: "platform or cpu_count is no plain value",
    _without_status: "has no status",
    _nan: "NaN is no JSON number",
    _text_for_number: "rmse of .* is str",
    _twice: "stands there twice",
    _other_status: "'fine'",
    _no_verdict: "no 'hard_gate'",
    _odd_verdict: "hard_gate has no status of",
    _odd_count: "mean_ratio holds a count",
    _odd_mean: "mean_ratio holds a mean",
    _list_of_cases: "a case is int, not dict",
    _no_solver: "solver is NoneType, not dict",
    _odd_seed: "seed is str, not int",
}


@pytest.mark.parametrize(
    ("damage", "words"), DAMAGED.items(), ids=lambda x: getattr(x, "__name__", "")
)
def test_a_damaged_report_is_refused_in_one_line(data, damage, words):
    damage(data)
    with pytest.raises(SavedReportError, match=words) as error:
        SavedReport.read(json.dumps(data), "a.json")
    assert str(error.value).startswith("a.json: ")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[]", "without a schema"),
        ("{}", "without a schema"),
        ('{"schema": 1, "seed": ' + "9" * 5000 + "}", "a whole number of 5000 digits"),
        ('{"schema": 1, "seed": 1e999}', "1e999 is too large a number"),
        ('{"schema": 2}', "schema 2; this version reads schema 1"),
        ('{"schema": true}', "schema True; this version"),
        ('{"schema": 1}', "a damaged report: no 'cases'"),
    ],
)
def test_what_is_no_report_is_refused_in_one_line(text, words):
    with pytest.raises(SavedReportError, match=words) as error:
        SavedReport.read(text, "a.json")
    assert "\n" not in str(error.value)
