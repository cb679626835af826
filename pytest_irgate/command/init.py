"""`irgate init`: a solver to begin with, settings and a workflow; nothing is written over."""

import argparse
import shlex
import tomllib
from configparser import ConfigParser
from importlib import resources
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pytest_irgate.command.usage import UsageError
from pytest_irgate.output_file import OutputFileError, write_whole

PROGRAM = "registration.py"
"""What the solver is called."""

KINDS = {
    "python": f"{PROGRAM}:register",
    "torch": f"{PROGRAM}:register",
    "command": f"serve:python {PROGRAM}",
}
"""The SPEC of each kind of solver."""

NEEDS = {"python": (), "torch": ("torch",), "command": ()}
"""What it imports besides what the gate does."""

INI = "pytest.ini"
WORKFLOW = Path(".github", "workflows", "registration.yml")


def add_to(subcommands: Any) -> None:
    """Add this subcommand to the parser."""
    parser = subcommands.add_parser(
        "init",
        help="a solver to begin with, settings and a workflow",
        description="Write a small registration that the gate judges at once, the settings that "
        "name it, and a GitHub workflow. Nothing is written over: what stands there already is "
        "said, with the lines to add.",
    )
    parser.add_argument(
        "folder",
        nargs="?",
        type=Path,
        default=Path(),
        metavar="FOLDER",
        help="made if it is not there (default: this one)",
    )
    parser.add_argument(
        "--kind",
        choices=tuple(KINDS),
        default="python",
        help="python: a function of two arrays; torch: a differentiable one; command: a program "
        "that speaks the protocol, as one in any language may (default: python)",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Write what is not there. Raises: UsageError."""
    folder, kind = arguments.folder, arguments.kind
    if str(folder) in KINDS and not folder.exists():
        raise UsageError(f"{folder} is a kind and no folder; write irgate init --kind {folder}")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{folder}: {error.strerror}; name a folder that can be made") from None
    lines = ["irgate = true", f"irgate_solver = {KINDS[kind]}"]
    _write(folder / PROGRAM, _template(kind))
    settings = _settings(folder)
    if settings is None:
        _write(folder / INI, "\n".join(["[pytest]", *lines, ""]))
    else:
        print(f"{settings}: left as it is; add")
        print("\n".join(f"    {line}" for line in _as_in(settings, lines)))
    _write(
        folder / WORKFLOW,
        _template("workflow").replace("{install}", " ".join(("pytest-irgate", *NEEDS[kind]))),
    )
    where = "" if folder == Path() else f"cd {shlex.quote(str(folder))} && "
    print("now:")
    missing = [name for name in NEEDS[kind] if find_spec(name) is None]
    if missing:
        print(f"    python -m pip install {' '.join(missing)}")
    print(f'    {where}python -m pytest --irgate --irgate-solver "{KINDS[kind]}"')
    if kind != "command":
        print(f"    {where}irgate check {KINDS[kind]} --html report.html")
    return 0


def _write(path: Path, text: str) -> None:
    """Write a file that is not there. Raises: UsageError."""
    if path.exists() or path.is_symlink():
        print(f"{path}: there already, left as it is")
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, text)
    except OutputFileError as error:
        raise UsageError(str(error)) from None
    except OSError as error:
        raise UsageError(f"{path}: it cannot be written: {error.strerror}") from None
    print(f"{path}: written")


def _settings(folder: Path) -> Path | None:
    """Return the file from which pytest would read its settings here, or `None`."""
    for name in ("pytest.ini", ".pytest.ini", "pyproject.toml", "tox.ini", "setup.cfg"):
        path = folder / name
        if path.is_file() and (name.endswith("pytest.ini") or _has_section(path)):
            return path
    return None


def _has_section(path: Path) -> bool:
    try:
        if path.suffix == ".toml":
            tools = tomllib.loads(path.read_text(encoding="utf-8")).get("tool", {})
            return "pytest" in tools
        sections = ConfigParser(interpolation=None, strict=False)
        sections.read_string(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{path}: it cannot be read: {error}") from None
    return any(name in sections for name in ("pytest", "tool:pytest"))


def _as_in(settings: Path, lines: list[str]) -> list[str]:
    """Return settings as they are written in this file."""
    if settings.suffix != ".toml":
        return lines
    told = (line.partition(" = ") for line in lines)
    return [
        f"{name} = {value if value == 'true' else chr(34) + value + chr(34)}"
        for name, _, value in told
    ]


def _template(name: str) -> str:
    found = resources.files("pytest_irgate").joinpath("templates", f"{name}.txt")
    return found.read_text(encoding="utf-8")
