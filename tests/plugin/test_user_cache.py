"""`irgate check` computes a case without a stored result once, and never trusts a bad file."""

import json

import pytest

from irgate_battery.oracle import store
from pytest_irgate.command import main
from pytest_irgate.user_cache import UserCache

DRAWN = ["--suite", "battery", "--cases", "1", "--seed", "7", "--json", "r.json"]


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "caches"))
    return tmp_path


@pytest.fixture
def check(here, solvers, capsys):
    def run():
        main(["check", f"{solvers}/identity.py:register", *DRAWN])
        (row,) = json.loads((here / "r.json").read_text())["cases"]
        return row, capsys.readouterr().out

    return run


def test_what_was_computed_is_found_again(here, check, monkeypatch):
    first, _ = check()
    monkeypatch.setattr(store.oracle, "solve", lambda *_: pytest.fail("computed anew"))
    again, _ = check()
    assert (first["oracle"], again["oracle"]) == ("live", "cached")
    for figure in ("oracle_rmse", "oracle_tre_px", "oracle_seconds"):
        assert again[figure] == first[figure] > 0


def test_a_damaged_file_and_a_folder_that_cannot_be_written_are_told(here, check):
    check()
    (file,) = here.rglob("oracle/*.json")
    file.write_text("{")
    row, out = check()
    assert row["oracle"] == "live"
    assert "warning: irgate: " in out
    assert "the cached oracle result is not used" in " ".join(out.split())
    file.unlink()
    file.mkdir()
    row, out = check()
    assert (row["oracle"], row["oracle_rmse"] > 0) == ("live", True)
    assert "could not be cached" in " ".join(out.split())


def test_values_come_back_and_nothing_is_left_beside(tmp_path):
    cache = UserCache(tmp_path)
    assert cache.get("irgate/oracle/a", 7) == 7
    cache.set("irgate/oracle/a", {"x": [1, 1 / 3]})
    assert cache.get("irgate/oracle/a", None) == {"x": [1, 1 / 3]}
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["a.json"]
