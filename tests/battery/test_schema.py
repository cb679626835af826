"""The schema of the report: the file is what the classes give, and reports fit it."""

import json

import jsonschema
import pytest

from irgate_battery import check_solver
from irgate_battery.report import schema as module
from irgate_fixtures import rigid


def shifted(fixed, moving, model="affine"):
    return rigid(0.01, 1, 2, fixed.shape).displacement(fixed.shape) ** 2


@pytest.fixture(scope="module")
def told():
    report = check_solver(shifted, suites=["base", "contract"])
    return json.loads(report.to_json())


@pytest.fixture(scope="module")
def validator():
    jsonschema.Draft202012Validator.check_schema(module.schema())
    return jsonschema.Draft202012Validator(module.schema())


def test_the_file_is_what_the_classes_give():
    assert module.stored_text() == module.text()


def test_a_report_fits_and_has_no_key_beyond(told, validator):
    validator.validate(told)
    known = module.schema()["properties"]
    assert set(told) == set(known)
    assert set(told["cases"][0]) == set(known["cases"]["items"]["properties"])
    assert set(told["asked"]) == set(known["asked"]["properties"])
    assert set(told["machine"]) == set(known["machine"]["properties"])
    assert set(told["diagnosis"]) == set(known["diagnosis"]["oneOf"][0]["properties"])
    for name, verdict in told["verdicts"].items():
        assert set(verdict) == set(known["verdicts"]["properties"][name]["properties"]), name


def test_a_transform_fits_one_form(told):
    forms = {frozenset(row["transform"]) for row in told["cases"] if row["transform"]}
    assert forms == {frozenset({"size", "grid", "displacement", "error_px"})}


@pytest.mark.parametrize(
    "change",
    [
        lambda report: report.pop("verdicts"),
        lambda report: report.update(schema=2),
        lambda report: report["cases"][0].update(rmse="0.1"),
        lambda report: report["cases"][0].update(status="fine"),
        lambda report: report["cases"][11].update(transform={"matrix": [[1]]}),
        lambda report: report["verdicts"]["hard_gate"].update(status="green"),
    ],
)
def test_what_is_no_report_does_not_fit(told, validator, change):
    broken = json.loads(json.dumps(told))
    change(broken)
    assert not validator.is_valid(broken)


def test_each_figure_of_a_row_is_described():
    row = module.schema()["properties"]["cases"]["items"]["properties"]
    assert [name for name, said in row.items() if not said.get("description")] == []
