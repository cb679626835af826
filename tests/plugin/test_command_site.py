"""`irgate site`: one command, a folder that is ours or new; all else is one line and status 4."""

import pytest

from irgate_battery.run import check_solver
from pytest_irgate.command import main


@pytest.fixture
def entries(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "entries" / "mine").mkdir(parents=True)
    text = check_solver(lambda fixed, moving: [[1, 0, 0], [0, 1, 0]], suites=["base"]).to_json()
    (tmp_path / "entries" / "mine" / "1.json").write_text(text)
    return tmp_path


def test_it_is_made_and_made_again(entries, capsys):
    for _ in range(2):
        assert main(["site", "entries", "-o", "out", "--title", "Ours"]) == 0
        assert capsys.readouterr().out.startswith("out/index.html: ")
    assert "<h1>Ours</h1>" in (entries / "out" / "index.html").read_text(encoding="utf-8")


def test_what_is_no_site_is_left_as_it_is(entries, capsys):
    (entries / "dear").mkdir()
    (entries / "dear" / "index.html").write_text("dear")
    assert main(["site", "entries", "-o", "dear"]) == 4
    assert "no site of ours" in capsys.readouterr().err
    assert (entries / "dear" / "index.html").read_text() == "dear"


@pytest.mark.parametrize(
    ("folder", "said"), [("nowhere", "no folder"), ("entries/mine", "no entries")]
)
def test_no_entries(entries, capsys, folder, said):
    assert main(["site", folder, "-o", "out"]) == 4
    err = capsys.readouterr().err
    assert err.startswith(f"irgate site: {folder}: {said}")
    assert err.count("\n") == 1
