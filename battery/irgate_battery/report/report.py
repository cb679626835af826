"""The report of a run: rows, verdicts and who was judged where, as text and as JSON schema 1."""

import json
import os
import platform
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from irgate_battery.cases.catalogue import BATTERY_VERSION
from irgate_battery.cases.run_spec import RunSpec
from irgate_battery.diagnosis.pattern import Pattern, pattern
from irgate_battery.report import own_tests
from irgate_battery.report.last_line import failed_for, is_undecided, last_line, with_diagnosis
from irgate_battery.report.own_tests import OwnTest
from irgate_battery.report.provenance import Provenance
from irgate_battery.report.text import layout
from irgate_battery.results.result_row import ResultRow
from irgate_battery.results.solver_identity import SolverIdentity
from irgate_battery.results.systematic import Systematic
from irgate_battery.results.text import Line
from irgate_battery.results.verdict import Verdicts
from irgate_battery.suites.rows import family_of

SCHEMA = 1

NO_VERDICT = "there is no verdict, and one is required"
"""Why a run fails whose verdict is not evaluated, where that was asked for."""


@dataclass(frozen=True)
class Report:
    """What a run measured, and what follows from it.

    Attributes:
        rows: one an item, in the order of collection.
        verdicts: what the rows say together.
        solver: who was judged.
        exit_status: 0, or 1 where an item or the hard gate failed, or 5 where nothing was judged.
        spec: what was asked for.
        suites: the names of the suites that were.
        provenance: when it began, and on what commit.
        strict: whether the verdicts that are strict only decide too.
        require_verdict: whether it is a failure that a verdict is not evaluated.
        deselected: how many items were left out of what was named.
        own_tests: what tests of the user's own measured beside the gate; no verdict counts them.

    """

    rows: tuple[ResultRow, ...]
    verdicts: Verdicts
    solver: SolverIdentity
    exit_status: int
    spec: RunSpec = field(default_factory=RunSpec)
    suites: tuple[str, ...] = ()
    provenance: Provenance = field(default_factory=Provenance)
    strict: bool = False
    require_verdict: bool = False
    deselected: int = 0
    own_tests: tuple[OwnTest, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether every row passed and the hard gate was evaluated and holds.

        Own pairs alone are never enough for that: `verdicts.pairs.status` says how they fared.
        """
        return (
            self.exit_status == 0
            and bool(gate := self.verdicts.with_effect("run"))
            and all(verdict.status == "pass" for verdict in gate)
            and all(row.status == "passed" for row in self.rows)
        )

    def lines(self, width: int = 100) -> list[Line]:
        """Return the report as lines of text with a tone each, for a terminal of this width."""
        return [
            *layout(self.rows, self.verdicts, width, strict=self.strict),
            *own_tests.section(self.own_tests, width),
            self.last(),
        ]

    def last(self) -> Line:
        """Return the last line of the text: the sentence, and what the failures have in common."""
        return with_diagnosis(self.sentence(), self._pattern())

    def sentence(self) -> Line:
        """Return the one line that says pass, fail or not evaluated, and why."""
        line = last_line(self.rows, self.verdicts, strict=self.strict, deselected=self.deselected)
        if self.require_verdict and is_undecided(self.rows, self.verdicts, strict=self.strict):
            return failed_for(line, NO_VERDICT)
        return line

    def diagnosis(self) -> Line | None:
        """Return the one line that says what the failures have in common; `None` without any."""
        found = self._pattern()
        return Line(f"irgate: diagnosis: {found.sentence}", "head") if found else None

    def _pattern(self) -> Pattern | None:
        return pattern(self.rows, family_of)

    def to_dict(self) -> dict[str, Any]:
        """Return JSON schema 1 as builtin types."""
        found = self._pattern()
        return {
            "schema": SCHEMA,
            "irgate": installed_version("pytest-irgate"),
            "battery": BATTERY_VERSION,
            "seed": self.spec.seed,
            "solver": {name: getattr(self.solver, name) for name in ("spec", "name", "version")},
            "machine": machine(),
            **asdict(self.provenance),
            "isolation": self.solver.isolation,
            "asked": self._asked(),
            **self._headlines(),
            "systematic": self._systematic(),
            "verdicts": self.verdicts.to_dict(),
            "diagnosis": found.to_dict() if found else None,
            "exit_status": self.exit_status,
            "deselected": self.deselected,
            "own_tests": [test.to_dict() for test in self.own_tests],
            "cases": [row.to_dict() for row in self.rows],
        }

    def _asked(self) -> dict[str, Any]:
        """Return what decides which items a complete run has, and what it must show."""
        return {
            "suites": list(self.suites),
            "count": self.spec.count,
            "examples": self.spec.examples,
            "pairs": [str(pair) for pair in self.spec.pairs],
            "packs": [str(pack.folder) for pack in self.spec.packs],
            "strict": self.strict,
            "require_verdict": self.require_verdict,
        }

    def _headlines(self) -> dict[str, Any]:
        """Return the verdicts' figures that go by a name of their own."""
        return {
            verdict.headline: getattr(verdict, verdict.headline)
            for verdict in self.verdicts
            if verdict.headline
        }

    def _systematic(self) -> dict[str, Any] | None:
        """Return the signed errors that the clean cases share."""
        for verdict in self.verdicts:
            if isinstance(verdict, Systematic):
                return verdict.figures()
        return None

    def to_json(self) -> str:
        """Return JSON schema 1 as text; a figure that does not exist is null."""
        told = self.to_dict()
        # A line for each row: a grid's numbers would take a line each.
        rows = ",\n  ".join(json.dumps(row, allow_nan=False) for row in told.pop("cases"))
        head = json.dumps(told, indent=1, allow_nan=False).removesuffix("\n}")
        return f'{head},\n "cases": [\n  {rows}\n ]\n}}\n'

    def __str__(self) -> str:
        return "\n".join(line.text for line in self.lines())


def machine() -> dict[str, Any]:
    """Return what the figures were measured on; versions are read without importing anything."""
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpu_count": os.cpu_count(),
        "torch": installed_version("torch"),
        "simpleitk": installed_version("SimpleITK"),
        "numpy": installed_version("numpy"),
    }


def installed_version(distribution: str) -> str | None:
    """Return the version of an installed distribution, or `None`."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None
