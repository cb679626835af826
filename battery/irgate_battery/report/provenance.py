"""When a run began, and on what it was run: the commit and the branch of a folder."""

import os
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from irgate_battery.interface.outside_text import one_line

WAITS_S = 5.0
"""For git, which may be slow in a large folder; what it has not said by then is not known."""

BRANCH_OF_CI = ("GITHUB_HEAD_REF", "GITHUB_REF_NAME", "CI_COMMIT_REF_NAME")
"""Where a CI's checkout stands on a commit and on no branch, its environment may name one."""


@dataclass(frozen=True)
class Provenance:
    """Where a run comes from.

    Attributes:
        started: ISO 8601, UTC, to the second.
        commit: that git says of the folder where it ran, 40 or 64 hexadecimal digits; `None`
            where there is none.
        branch: its name, or `None`.
        modified: whether a file that git knows differs from that commit; `None` if not known.

    Texts are made printable.
    """

    started: str | None = None
    commit: str | None = None
    branch: str | None = None
    modified: bool | None = None

    def __post_init__(self) -> None:
        for name in ("started", "commit", "branch"):
            said = getattr(self, name)
            if said is not None:
                object.__setattr__(self, name, one_line(said))

    @classmethod
    def of(cls, folder: Path) -> "Provenance":
        """Ask git about a folder, now."""
        started = datetime.now(UTC).replace(microsecond=0).isoformat()
        commit = _git(folder, "rev-parse", "--verify", "HEAD")
        if not commit:
            return cls(started)
        branch = _git(folder, "symbolic-ref", "--short", "--quiet", "HEAD")
        named = next(filter(None, map(os.environ.get, BRANCH_OF_CI)), None)
        changed = _git(folder, "status", "--porcelain", "--untracked-files=no")
        modified = None if changed is None else bool(changed)
        return cls(started, commit, branch or named, modified)


def _git(folder: Path, *arguments: str) -> str | None:
    """Return what git says, or `None` where it does not."""
    try:
        said = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=WAITS_S,
            check=True,
            # It looks, and changes nothing.
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"},
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return said.stdout.decode("utf-8", "replace").strip()
