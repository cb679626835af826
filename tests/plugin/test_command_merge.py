"""`irgate merge`: parts that share nothing are the whole run; all else is one line, status 4."""

import pytest

from pytest_irgate.command import main


@pytest.fixture
def parts(gate, report_of, pytester, monkeypatch):
    """Run the base fixtures whole, and in two parts."""
    monkeypatch.chdir(pytester.path)
    names = {"whole": (), "first": ("-k", "synth"), "rest": ("-k", "not synth")}
    for name, chosen in names.items():
        gate("--irgate-json", f"{name}.json", *chosen, suites="base")
    return report_of


def test_two_parts_are_the_whole_run(parts, capsys):
    assert main(["merge", "rest.json", "first.json", "-o", "all.json"]) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("irgate: PASS: 5 items passed")
    assert parts("all.json") == parts("whole.json")


def test_a_lost_part_fails(parts, capsys):
    assert main(["merge", "first.json", "-o", "all.json", "-q"]) == 1
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("irgate: FAIL: of 5 items 3 missing")
    assert parts("all.json")["exit_status"] == 1


def test_wrong_usage_is_one_line(parts, capsys, tmp_path):
    (tmp_path / "dear.txt").write_text("dear")
    for asked, said in (
        (["first.json", "first.json", "-o", "all.json"], "parts share no item"),
        (["nothing.json", "-o", "all.json"], "nothing.json: No such file"),
        (["first.json", "-o", str(tmp_path / "dear.txt")], "no report of this gate"),
    ):
        assert main(["merge", *asked]) == 4
        err = capsys.readouterr().err
        assert err.startswith("irgate merge: ")
        assert said in err
        assert err.count("\n") == 1
    assert (tmp_path / "dear.txt").read_text() == "dear"
