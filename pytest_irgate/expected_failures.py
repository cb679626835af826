"""Expected failures: a file of `id  # reason` lines, strict, and nothing in it forgotten."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from irgate_battery.cases.run_spec import RunSpec
from irgate_battery.suites.registry import suites


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
    def read(cls, path: Path) -> "ExpectedFailures":
        """Read a file: one `irgate/battery.py::test_case[...]  # reason` a line, `#` comments.

        Raises: pytest.UsageError, in one line, for a file that cannot be read, a line without a
            reason, or an id that stands twice.
        """
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise pytest.UsageError(f"--irgate-xfail {path}: it cannot be read: {error}") from None
        reasons: dict[str, str] = {}
        for number, line in enumerate(lines, start=1):
            nodeid, _, reason = (part.strip() for part in line.partition("#"))
            if not nodeid:
                continue
            if not reason:
                raise pytest.UsageError(
                    f"--irgate-xfail {path}, line {number}: {nodeid} has no reason; expected "
                    "`id  # reason`"
                )
            if nodeid in reasons:
                raise pytest.UsageError(
                    f"--irgate-xfail {path}, line {number}: {nodeid} stands there twice"
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
