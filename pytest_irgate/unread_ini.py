"""An ini file that pytest did not read, because a value of the gate's options led it to another.

pytest looks for its ini file before it knows the options of plugins, and takes each word of the
command line that exists on disk for a path of tests: of `--irgate-json ../out.json` the second,
once that file is there, and nothing of `--irgate-json=../out.json`. What ini names, the solver
above all, would silently be the default then.
"""

from __future__ import annotations

import os
import re
import shlex
from itertools import pairwise
from pathlib import Path

import pytest

SECTIONS = {
    "pytest.toml": "",
    ".pytest.toml": "",
    "pytest.ini": "",
    ".pytest.ini": "",
    "pyproject.toml": "[tool.pytest",
    "tox.ini": "[pytest]",
    "setup.cfg": "[tool:pytest]",
}
"""Files that pytest reads, in its order, and what each must hold to be one of pytest's."""

_OURS = re.compile(r"^\s*irgate\w*\s*[=:]", re.MULTILINE)


def refuse_unread_ini(config: pytest.Config) -> None:
    """Refuse a run that lost the gate's options of its ini file, or took those of another one.

    Raises: pytest.UsageError.
    """
    if hasattr(config, "workerinput") or config.getoption("inifilename"):
        # A worker is told by its controller; an ini file that is named is the user's choice.
        return
    words = _words(config)
    here = config.invocation_params.dir
    found = next(
        (
            (flag, value)
            for flag, value in pairwise(words)
            if re.fullmatch(r"--irgate-[\w-]+", flag)
            and not value.startswith("-")
            and os.path.exists(here / value)
        ),
        None,
    )
    due, read = _nearest_ini(here), config.inipath
    if found is None or (due is not None and read is not None and due.samefile(read)):
        return
    for file, said in ((due, "did not read it"), (read, f"read it in place of {due or 'none'}")):
        if file is not None and _OURS.search(_text_of(file)):
            flag, value = found
            raise pytest.UsageError(
                f"{file} sets options of the gate, and pytest {said}, because it took {value} for "
                f"a path of tests and looked for its ini file there; write {flag}={value}"
            )


def _words(config: pytest.Config) -> list[str]:
    """Return the words that pytest sees before it reads its ini file."""
    try:
        added = shlex.split(os.environ.get("PYTEST_ADDOPTS", ""))
    except ValueError:
        added = []
    return [*added, *map(str, config.invocation_params.args)]


def _nearest_ini(folder: Path) -> Path | None:
    """Return the ini file that pytest reads where it is told no path."""
    for place in (folder, *folder.parents):
        for name, section in SECTIONS.items():
            file = place / name
            if file.is_file() and section in _text_of(file):
                return file
    return None


def _text_of(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
