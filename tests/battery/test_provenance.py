"""When a run began, and on what commit: as git says, and nothing where it says nothing."""

import re
import shutil
import subprocess
from datetime import UTC, datetime

import pytest

from irgate_battery.report import provenance as module
from irgate_battery.report.provenance import BRANCH_OF_CI, Provenance

needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


def git(folder, *arguments):
    who = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    said = subprocess.run(
        ["git", "-C", str(folder), *who, *arguments], check=True, capture_output=True, text=True
    )
    return said.stdout.strip()


@pytest.fixture(autouse=True)
def no_ci(monkeypatch):
    for name in BRANCH_OF_CI:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def checkout(tmp_path):
    git(tmp_path, "init", "--quiet", "--initial-branch", "better-pyramid")
    (tmp_path / "mine.py").write_text("1\n")
    git(tmp_path, "add", "mine.py")
    git(tmp_path, "commit", "--quiet", "--message", "one")
    return tmp_path


def test_it_began_now(tmp_path):
    began = datetime.fromisoformat(Provenance.of(tmp_path).started)
    assert began.utcoffset().total_seconds() == 0
    assert abs((datetime.now(UTC) - began).total_seconds()) < 60


@needs_git
def test_the_commit_and_the_branch(checkout):
    found = Provenance.of(checkout)
    assert found.commit == git(checkout, "rev-parse", "HEAD")
    assert re.fullmatch("[0-9a-f]{40}", found.commit)
    assert (found.branch, found.modified) == ("better-pyramid", False)
    (checkout / "below").mkdir()
    assert Provenance.of(checkout / "below").commit == found.commit


@needs_git
def test_a_change_that_no_commit_holds(checkout):
    (checkout / "new.py").write_text("2\n")
    assert Provenance.of(checkout).modified is False
    (checkout / "mine.py").write_text("2\n")
    assert Provenance.of(checkout).modified is True


@needs_git
def test_a_commit_without_a_branch_has_the_one_that_ci_names(checkout, monkeypatch):
    git(checkout, "checkout", "--quiet", "--detach")
    assert Provenance.of(checkout).branch is None
    monkeypatch.setenv(BRANCH_OF_CI[1], "main")
    assert Provenance.of(checkout).branch == "main"
    monkeypatch.setenv(BRANCH_OF_CI[0], "mine\x1b[2J")
    assert "\x1b" not in Provenance.of(checkout).branch


@needs_git
def test_a_folder_that_git_does_not_know(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    found = Provenance.of(tmp_path)
    assert (found.commit, found.branch, found.modified) == (None, None, None)


@needs_git
def test_a_checkout_without_a_commit(tmp_path):
    git(tmp_path, "init", "--quiet")
    assert Provenance.of(tmp_path).commit is None


@needs_git
def test_no_git_at_all(checkout, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert Provenance.of(checkout).commit is None


def test_a_git_that_does_not_answer(tmp_path, monkeypatch):
    slow = tmp_path / "git"
    slow.write_text("#!/bin/sh\nexec sleep 60\n")
    slow.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setattr(module, "WAITS_S", 0.05)
    assert Provenance.of(tmp_path).commit is None
