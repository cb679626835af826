"""A file that a run writes: refused at once where it must not be written, whole or not there.

Through a symbolic link it is the link's target that is judged and replaced. What is no plain file
(a folder, a device, a pipe) is never written to.
"""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

PAGE_MARK = '<meta name="generator" content="irgate report">'
"""By this a page is known as one of ours; a test holds that pages bear it."""

PAGE_HEAD = 4096
"""Characters of a page within which it stands."""


class OutputFileError(Exception):
    """A file cannot be written; the message is one line that begins with its name."""


def refuse_output(name: Path) -> None:
    """Refuse a file that could not be written. Raises: OutputFileError."""
    path = _target(name, name)
    beside = _beside(path)
    try:
        beside.touch(exist_ok=False)
        beside.unlink()
    except OSError as error:
        raise OutputFileError(f"{name}: it cannot be written: {_why(error)}") from None


def clear_report(name: Path) -> None:
    """Take an earlier run's JSON report away, so that it cannot be read as this run's.

    Raises: OutputFileError where a report could not be written there; also where something else
        stands, which may be dear to somebody.
    """
    _clear(name, _refuse_no_report)


def refuse_page(name: Path) -> None:
    """Refuse a file over which no page could be written. Raises: OutputFileError."""
    refuse_output(name)
    _refuse_no_page(_target(name, name), name)


def clear_page(name: Path) -> None:
    """Take an earlier run's page away; errors are those of `clear_report`."""
    _clear(name, _refuse_no_page)


def _clear(name: Path, refuse: Callable[[Path, Path], None]) -> None:
    refuse_output(name)
    path = _target(name, name)
    refuse(path, name)
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise OutputFileError(f"{name}: it cannot be written: {_why(error)}") from None


def write_report(where: Path, text: str, name: Path | None = None) -> None:
    """Write a JSON report; arguments and errors are those of `write_whole`."""
    name = name or where
    _refuse_no_report(_target(where, name), name)
    write_whole(where, text, name)


def write_page(where: Path, text: str, name: Path | None = None) -> None:
    """Write a page; arguments and errors are those of `write_whole`."""
    name = name or where
    _refuse_no_page(_target(where, name), name)
    write_whole(where, text, name)


def write_whole(where: Path, content: str | bytes, name: Path | None = None) -> None:
    """Write a file beside its place and move it there: it is whole, or what stood there stands.

    Args:
        where: its path.
        content: of the file; text becomes UTF-8.
        name: what messages call it, its path if not given.
    Raises: OutputFileError.
    """
    name = name or where
    path = _target(where, name)
    beside = _beside(path)
    try:
        beside.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
        if path.exists():
            shutil.copymode(path, beside)
        os.replace(beside, path)
    except OSError as error:
        raise OutputFileError(f"{name}: it cannot be written: {_why(error)}") from None
    finally:
        beside.unlink(missing_ok=True)


def _target(where: Path, name: Path) -> Path:
    """Return what a path leads to, if that is a plain file or nothing. Raises: OutputFileError."""
    try:
        path = Path(os.path.realpath(where))
        if path.is_dir():
            raise OutputFileError(f"{name}: that is a folder; name a file")
        # A link that leads to itself is none, either.
        if not path.is_file() and (path.exists() or path.is_symlink()):
            raise OutputFileError(f"{name}: that is no plain file; name another")
        if not path.parent.is_dir():
            raise OutputFileError(f"{name}: it cannot be written: there is no folder {name.parent}")
    except (OSError, ValueError) as error:
        raise OutputFileError(f"{name}: it cannot be written: {_why(error)}") from None
    return path


def _refuse_no_report(path: Path, name: Path) -> None:
    """Let a report stand there, an empty file, or nothing. Raises: OutputFileError."""
    try:
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        known = json.loads(text) if text.strip() else {"schema": None, "cases": None}
    except (OSError, ValueError, RecursionError):
        known = None
    if not isinstance(known, dict) or not {"schema", "cases"} <= set(known):
        raise OutputFileError(
            f"{name}: what stands there is no report of this gate, and is left as it is; name "
            "another file, or take it away"
        )


def _refuse_no_page(path: Path, name: Path) -> None:
    """Let a page of ours stand there, an empty file, or nothing. Raises: OutputFileError."""
    try:
        with path.open(encoding="utf-8") as file:
            head = file.read(PAGE_HEAD)
    except FileNotFoundError:
        return
    except (OSError, ValueError):
        head = "what cannot be read is no page"
    if head.strip() and PAGE_MARK not in head:
        raise OutputFileError(
            f"{name}: what stands there is no page of this gate, and is left as it is; name "
            "another file, or take it away"
        )


def _beside(path: Path) -> Path:
    # Short: the file's own name may be as long as the file system allows.
    return path.with_name(f".irgate-{os.getpid()}.tmp")


def _why(error: Exception) -> str:
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    return "no file system takes that name"
