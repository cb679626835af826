"""Rows of a user's own tests, which ask other solvers too: shown and kept, in no verdict.

`pytest_irgate.parametrize_with_cases` makes such tests. Where they run beside the gate, what they
measured stands in the report in a list of its own.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from irgate_battery.results.result_row import BAD, ResultRow
from irgate_battery.results.solver_identity import SolverIdentity
from irgate_battery.results.text import Line, Tone, wrapped

TITLE = "own tests"


@dataclass(frozen=True)
class OwnTest:
    """What one test of a user's measured.

    Attributes:
        solver: who was judged; its `spec` is what the test's id calls it.
        row: of the test, whose node id it has; suite and case are those of the gate's item.
    """

    solver: SolverIdentity
    row: ResultRow

    def to_dict(self) -> dict[str, Any]:
        """Return the row as builtin types, with who was judged."""
        return {"solver": asdict(self.solver), **self.row.to_dict()}

    @classmethod
    def from_dict(cls, told: Mapping[str, Any]) -> "OwnTest":
        """Read what `to_dict` gave."""
        values = dict(told)
        solver = SolverIdentity(**values.pop("solver"))
        return cls(solver, ResultRow.from_dict(values))


def in_order(tests: Iterable[OwnTest]) -> tuple[OwnTest, ...]:
    """Return them by their ids: parallel runs and parts of runs have no order of their own."""
    return tuple(sorted(tests, key=lambda test: test.row.id))


def by_solver(tests: Iterable[OwnTest]) -> dict[str, list[OwnTest]]:
    """Return them by what their ids call their solver."""
    found: dict[str, list[OwnTest]] = {}
    for test in tests:
        found.setdefault(test.solver.spec or "unknown", []).append(test)
    return found


def section(tests: Sequence[OwnTest], width: int) -> Iterable[Line]:
    """Return the lines of the text report: how many passed of those that ran, for each solver."""
    if not tests:
        return
    counts = []
    for solver, mine in by_solver(tests).items():
        by_status = Counter(test.row.status for test in mine)
        ran = len(mine) - by_status["skipped"]
        skipped = f" ({by_status['skipped']} skipped)" if by_status["skipped"] else ""
        counts.append(f"{solver} {by_status['passed']} of {ran}{skipped}")
    statuses = {test.row.status for test in tests}
    tone: Tone = "bad" if statuses & set(BAD) else "good" if statuses == {"passed"} else "open"
    text = f"passed, of those that ran: {', '.join(counts)}; no verdict counts them"
    yield from wrapped(f"{TITLE:<13}", text, tone, width)
