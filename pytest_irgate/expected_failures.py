"""Expected failures: a file of `id  # reason` lines, strict, and nothing in it forgotten."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from irgate_battery.cases.run_spec import RunSpec
from irgate_battery.results.result_row import ResultRow
from irgate_battery.suites.registry import FOLDER, suites
from pytest_irgate.options import option
from pytest_irgate.output_file import write_whole


@dataclass(frozen=True)
class ExpectedFailures:
    """What a file says.

    Attributes:
        path: the file.
        reasons: node id to reason.
    """

    path: Path
    reasons: dict[str, str]

    @classmethod
    def read(cls, path: Path, flag: str = "--irgate-xfail") -> "ExpectedFailures":
        """Read a file: one `irgate/battery.py::test_case[...]  # reason` a line, `#` comments.

        Raises: pytest.UsageError, in one line, for a file that cannot be read, a line without a
            reason, or an id that stands twice.
        """
        try:
            # An editor on Windows may put a byte order mark before the first line.
            lines = path.read_text(encoding="utf-8-sig").splitlines()
        except (OSError, ValueError) as error:
            raise pytest.UsageError(f"{flag} {path}: it cannot be read: {error}") from None
        reasons: dict[str, str] = {}
        for number, line in enumerate(lines, start=1):
            nodeid, _, reason = (part.strip() for part in line.partition("#"))
            if not nodeid:
                continue
            if not reason:
                raise pytest.UsageError(
                    f"{flag} {path}, line {number}: {nodeid} has no reason; expected `id  # reason`"
                )
            if nodeid in reasons:
                raise pytest.UsageError(
                    f"{flag} {path}, line {number}: {nodeid} stands there twice"
                )
            reasons[nodeid] = reason
        return cls(path, reasons)

    def mark(self, items: list[pytest.Item]) -> None:
        """Mark the items that the file names; one that passes after all fails."""
        for item in items:
            reason = self.reasons.get(item.nodeid)
            if reason is not None:
                item.add_marker(pytest.mark.xfail(reason=reason, strict=True))

    def stale(self, run_spec: RunSpec) -> list[str]:
        """Return the ids that name no item of a complete run, of any suite."""
        known = {item.id for suite in suites() for item in suite.items(run_spec)}
        return [nodeid for nodeid in self.reasons if nodeid not in known]


HEADER = """\
# What failed with solver {solver} on {day}: `pytest --irgate --irgate-xfail FILE` expects it.
# Strict: an item that passes after all fails, until its line is taken out.
"""


def refuse_what_is_none(path: Path) -> None:
    """Refuse to write over a file that is no file of expected failures. Raises: pytest.UsageError.

    One that is there must read as such.
    """
    flag = option("write-xfail").flag
    if path.exists():
        known = ExpectedFailures.read(path, flag)
        odd = [nodeid for nodeid in known.reasons if not nodeid.startswith(f"{FOLDER}/")]
        if odd:
            raise pytest.UsageError(
                f"{flag} {path}: it holds {odd[0]!r}, which is no item of the gate, so it is no "
                "file of expected failures; name another"
            )


def write(path: Path, rows: Sequence[ResultRow], solver: str, day: str) -> None:
    """Write the failures of a run, whole or not at all.

    Args:
        path: the file.
        rows: of the run; those that failed, expectedly or not, are written.
        solver: who was judged.
        day: when, ISO.
    Raises: OutputFileError.
    """
    lines = [
        f"{row.id}  # {' '.join(row.message.split())}"
        for row in rows
        if row.status in ("failed", "xfailed")
    ]
    text = HEADER.format(solver=solver, day=day) + "".join(f"{line}\n" for line in lines)
    write_whole(path, text)
