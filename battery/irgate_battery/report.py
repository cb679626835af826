"""The report of a run: rows, verdicts and who was examined where, as text and as JSON schema 1."""

import json
import os
import platform
from collections import Counter
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from irgate_battery.catalogue import BATTERY_VERSION
from irgate_battery.diagnosis.pattern import pattern
from irgate_battery.plan import PAIR
from irgate_battery.row import Row
from irgate_battery.table import BAD, Line, layout
from irgate_battery.verdict import Verdicts

SCHEMA = 1


@dataclass(frozen=True)
class SolverIdentity:
    """Who was examined.

    Attributes:
        spec: how it was named, `"bundled"`, `"path.py:name"`; `None` for an object.
        name, version: what it says of itself; `None` where nothing was called.

    """

    spec: str | None
    name: str | None
    version: str | None

    def __str__(self) -> str:
        said = " ".join(part for part in (self.name, self.version) if part)
        if self.spec in (None, self.name):
            return said or "unknown"
        return f"{self.spec} ({said})" if said else str(self.spec)


@dataclass(frozen=True)
class Report:
    """What a run measured, and what follows from it.

    Attributes:
        rows: one an item, in the order of collection.
        verdicts: what the rows say together.
        solver: who was examined.
        exit_status: 0, or 1 where an item or the hard gate failed.
        seed: what the battery was drawn with.
        strict: whether the mean ratio decides too.

    """

    rows: tuple[Row, ...]
    verdicts: Verdicts
    solver: SolverIdentity
    exit_status: int
    seed: int = 0
    strict: bool = False

    @property
    def passed(self) -> bool:
        """Whether every row passed and the hard gate was evaluated and holds.

        Own pairs alone are never enough for that: `verdicts.pairs.status` says how they fared.
        """
        return (
            self.exit_status == 0
            and self.verdicts.hard_gate.status == "pass"
            and all(row.status == "passed" for row in self.rows)
        )

    def lines(self, width: int = 100) -> list[Line]:
        """Return the report as lines of text with a tone each, for a terminal of this width."""
        return [*layout(self.rows, self.verdicts, width, strict=self.strict), self.sentence()]

    def sentence(self) -> Line:
        """Return the one line that says pass, fail or not evaluated, and why."""
        counts = Counter(row.status for row in self.rows)
        gate, mean = self.verdicts.hard_gate, self.verdicts.mean_ratio
        own, pairs = [row for row in self.rows if row.suite == PAIR], self.verdicts.pairs
        alone = bool(own) and len(own) == len(self.rows)
        reasons = []
        bad = [row.case for row in self.rows if row.status in BAD]
        if bad:
            told = ", ".join(f"{n} {status}" for status, n in counts.items() if status in BAD)
            first = ", ".join(bad[:3]) + (", ..." if bad[3:] else "")
            reasons.append(f"of {len(self.rows)} items {told} ({first})")
        if any(row.status in BAD for row in own):
            reasons.append(f"own pairs: {pairs.reason}")
        if alone:
            reasons.append("the gate itself did not run")
        elif bad or gate.status == "fail":
            named = {"pass": "holds:", "fail": "fails:", "not_evaluated": "is"}[gate.status]
            reasons.append(f"the hard gate {named} {gate.reason}")
        if self.strict and mean.status == "fail":
            reasons.append(f"the mean ratio, under --irgate-strict: {mean.reason}")
        if bad or gate.status == "fail" or (self.strict and mean.status == "fail"):
            return Line(f"irgate: FAIL: {'; '.join(reasons)}", "bad")

        items = f"{counts['passed']} items passed"
        if counts["skipped"]:
            items += f", {counts['skipped']} skipped"
        if counts["xfailed"]:
            items += f", waived: {counts['xfailed']} that fail as expected"
        if own and pairs.status == "not_evaluated":
            reason = pairs.reason.removeprefix("not evaluated ").strip("()")
            gate_too = "the gate itself did not run" if alone else f"the hard gate: {gate.reason}"
            said = f"own pairs: {reason}; {gate_too}"
            return Line(f"irgate: NOT EVALUATED: {said} ({items})", "open")
        if alone:
            said = f"{pairs.reason}; the gate itself did not run"
            return Line(f"irgate: OWN PAIRS PASS: {said}", "good")
        if gate.status == "not_evaluated":
            reason = gate.reason.removeprefix("not evaluated ").strip("()")
            said = f"the hard gate needs all fixtures: {reason}"
            return Line(f"irgate: NOT EVALUATED: {said} ({items})", "open")
        if self.strict and mean.status == "not_evaluated":
            reason = mean.reason.removeprefix("not evaluated ").strip("()")
            said = f"--irgate-strict needs the whole battery: {reason}"
            return Line(f"irgate: NOT EVALUATED: {said} ({items})", "open")
        held = (
            f"{gate.figures['max_rmse']:.4g} <= {gate.figures['limit']:.4g}, "
            f"{gate.figures['ran']} of {gate.figures['expected']} ran"
        )
        beside = f"; own pairs: {pairs.reason}" if own else ""
        return Line(f"irgate: PASS: {items}; the hard gate holds ({held}){beside}", "good")

    def to_dict(self) -> dict[str, Any]:
        """Return JSON schema 1 as builtin types."""
        found = pattern(self.rows)
        return {
            "schema": SCHEMA,
            "irgate": installed_version("pytest-irgate"),
            "battery": BATTERY_VERSION,
            "seed": self.seed,
            "solver": asdict(self.solver),
            "machine": machine(),
            "verdicts": self.verdicts.to_dict(),
            "diagnosis": found.to_dict() if found else None,
            "exit_status": self.exit_status,
            "cases": [row.to_dict() for row in self.rows],
        }

    def to_json(self) -> str:
        """Return JSON schema 1 as text; a figure that does not exist is null."""
        return json.dumps(self.to_dict(), indent=1, allow_nan=False) + "\n"

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
