"""`irgate badge`: a picture or JSON; a wrong name or no report is one line and status 4."""

import json

import pytest

from irgate_battery.run import check_solver
from pytest_irgate.command import main


@pytest.fixture
def report(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = check_solver(lambda fixed, moving: [[1, 0, 0], [0, 1, 0]], suites=["base"]).to_json()
    (tmp_path / "run.json").write_text(text)
    return tmp_path


def test_both_forms(report, capsys):
    assert main(["badge", "run.json", "-o", "badge.svg"]) == 0
    assert main(["badge", "run.json", "-o", "badge.json"]) == 0
    assert (report / "badge.svg").read_text().startswith("<svg ")
    assert json.loads((report / "badge.json").read_text())["label"] == "irgate"
    assert capsys.readouterr().out.splitlines()[0].startswith("badge.svg: fail, ")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (["run.json", "-o", "badge.png"], "expected a name that ends in .svg or .json"),
        (["no.json", "-o", "badge.svg"], "no.json: No such file"),
        (["run.json", "-o", "no/badge.svg"], "it cannot be written"),
    ],
)
def test_wrong_usage(report, capsys, asked, said):
    assert main(["badge", *asked]) == 4
    err = capsys.readouterr().err
    assert said in err
    assert err.count("\n") == 1
