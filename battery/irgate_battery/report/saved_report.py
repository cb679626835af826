"""A saved report: a run as its JSON report, schema 1, tells it, read back and checked."""

import json
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, fields
from types import NoneType
from typing import Any, get_args

from irgate_battery.cases.battery_table import MOST_CASES
from irgate_battery.interface.outside_text import one_line, said_by
from irgate_battery.report.own_tests import OwnTest
from irgate_battery.report.provenance import Provenance
from irgate_battery.report.report import SCHEMA
from irgate_battery.results.compared import SavedVerdict, SavedVerdicts
from irgate_battery.results.result_row import NEEDED, ResultRow
from irgate_battery.results.solver_identity import SolverIdentity
from irgate_battery.results.systematic import Systematic
from irgate_battery.results.verdict import Verdict, VerdictStatus
from irgate_battery.suites.registry import suites

WANTED = "expected a report that --irgate-json or `irgate check --json` wrote"

_BUILTIN = (str, float, int, bool, NoneType)

LONGEST_NUMBER = 40
"""Characters of a number that a message repeats."""

LARGEST_WHOLE = 2**63
"""Whole numbers of this size and beyond stand in no report."""


class SavedReportError(Exception):
    """A text is no report that can be read; the message is one line that begins with its name."""

    def __init__(self, message: str) -> None:
        super().__init__(one_line(message))


@dataclass(frozen=True)
class Asked:
    """What was asked for, as a report tells it.

    Attributes:
        suites: names.
        count, examples: of the battery and the fuzz suite.
        pairs: a user's own, as `own_pairs` reads them.
        packs: their folders.
        strict, require_verdict: as the options.
    """

    suites: tuple[str, ...]
    count: int
    examples: int
    pairs: tuple[str, ...]
    strict: bool
    require_verdict: bool
    packs: tuple[str, ...] = ()

    def __str__(self) -> str:
        told = [f"{self.count} cases", f"{self.examples} examples", f"{len(self.pairs)} pairs"]
        told += [f"{len(self.packs)} packs"] if self.packs else []
        told += [name for name in ("strict", "require_verdict") if getattr(self, name)]
        return f"{', '.join(self.suites) or 'no suite'} ({', '.join(told)})"


@dataclass(frozen=True)
class SavedReport:
    """One run, as its JSON report tells it.

    Attributes:
        source: where it was read, `"opencv.json"`.
        irgate, battery: the versions that wrote it and drew its cases.
        seed: what its battery was drawn with.
        solver: who was result.
        platform, cpu_count: what the times were measured on.
        provenance: when it began, and on what commit.
        asked: what decides which items a complete run has; `None` in the reports of an earlier
            version.
        exit_status: of the run; `None` where it does not say.
        verdicts: those that this version knows, by name.
        rows: the items.
        unknown: keys of rows that this version does not know; they are left out.
        own_tests: what tests of the user's own measured beside them.

    """

    source: str
    irgate: str | None
    battery: str
    seed: int
    solver: SolverIdentity
    platform: str | None
    cpu_count: int | None
    provenance: Provenance
    asked: Asked | None
    exit_status: int | None
    verdicts: SavedVerdicts
    rows: tuple[ResultRow, ...]
    unknown: tuple[str, ...]
    own_tests: tuple[OwnTest, ...] = ()

    @classmethod
    def read(cls, text: str, source: str) -> "SavedReport":
        """Read a JSON report.

        Keys that a later version has added to schema 1 are left out and named in `unknown`: they
        add figures and change none. Another schema is refused.

        Args:
            text: the file's content.
            source: its name, for messages.
        Raises: SavedReportError.

        """
        try:
            data = json.loads(
                text, parse_constant=_refuse, parse_int=_whole_number, parse_float=_number
            )
        except (ValueError, RecursionError) as error:
            raise SavedReportError(f"{source}: not JSON ({said_by(error)}); {WANTED}") from None
        if not isinstance(data, dict) or "schema" not in data:
            raise SavedReportError(f"{source}: JSON without a schema; {WANTED}")
        if data["schema"] != SCHEMA or isinstance(data["schema"], bool):
            raise SavedReportError(
                f"{source}: schema {data['schema']!r}; this version reads schema {SCHEMA}: run the "
                "gate again, or read it with the version that wrote it"
            )
        try:
            return cls._of(data, source)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            said = f"no {error}" if isinstance(error, KeyError) else said_by(error)
            raise SavedReportError(f"{source}: a damaged report: {said}; {WANTED}") from None

    @classmethod
    def _of(cls, data: dict[str, Any], source: str) -> "SavedReport":
        known = {field.name for field in fields(ResultRow)}
        rows = [_row(values, known) for values in _typed(data, "cases", list)]
        # Reports of an earlier version have none.
        own = [_own_test(values, known) for values in data.get("own_tests") or []]
        ids = Counter(row.id for row in (*rows, *(test.row for test in own)))
        twice = [name for name, count in ids.items() if count > 1]
        if twice:
            raise ValueError(f"{twice[0]} stands there twice")
        verdicts = _typed(data, "verdicts", dict)
        machine = _typed(data, "machine", dict)
        told = (data.get("irgate"), machine.get("platform"), machine.get("cpu_count"))
        if not all(type(value) in _BUILTIN for value in told):
            raise TypeError("irgate, platform or cpu_count is no plain value")
        return cls(
            source=one_line(source),
            irgate=_printable(data.get("irgate")),
            battery=one_line(_typed(data, "battery", str)),
            seed=_typed(data, "seed", int),
            solver=_identity(_typed(data, "solver", dict), data.get("isolation")),
            platform=_printable(machine.get("platform")),
            cpu_count=machine.get("cpu_count"),
            provenance=_provenance(data),
            asked=_asked(data.get("asked")),
            exit_status=_plain(data, "exit_status", int),
            verdicts={
                kind.name: _verdict(kind.name, _typed(verdicts, kind.name, dict))
                for kind in _verdict_types()
                if kind.since_first or kind.name in verdicts
            },
            rows=tuple(rows),
            unknown=tuple(
                sorted({one_line(key) for values in data["cases"] for key in values} - known)
            ),
            own_tests=tuple(own),
        )


def _typed(data: Mapping[str, Any], key: str, kind: type) -> Any:
    value = data[key]
    if type(value) is not kind:
        raise TypeError(f"{key} is {type(value).__name__}, not {kind.__name__}")
    return value


def _plain(data: Mapping[str, Any], key: str, kind: type) -> Any:
    """Return a value of this kind, or `None` where there is none. Raises: TypeError."""
    return None if data.get(key) is None else _typed(data, key, kind)


def _provenance(data: Mapping[str, Any]) -> Provenance:
    return Provenance(
        started=_plain(data, "started", str),
        commit=_plain(data, "commit", str),
        branch=_plain(data, "branch", str),
        modified=_plain(data, "modified", bool),
    )


def _asked(data: Any) -> Asked | None:
    if data is None:
        return None
    if not isinstance(data, dict):
        raise TypeError("asked is no object")
    lists = {name: _typed(data, name, list) for name in ("suites", "pairs")}
    # Reports of an earlier version have none.
    lists["packs"] = _typed(data, "packs", list) if "packs" in data else []
    if not all(isinstance(each, str) for texts in lists.values() for each in texts):
        raise TypeError("asked holds something else than text")
    count, examples = (_typed(data, name, int) for name in ("count", "examples"))
    if not (0 <= count <= MOST_CASES and 0 <= examples <= MOST_CASES):
        raise ValueError(f"asked for {count} cases; a run has 0 to {MOST_CASES}")
    return Asked(
        suites=tuple(map(one_line, lists["suites"])),
        count=count,
        examples=examples,
        pairs=tuple(lists["pairs"]),
        packs=tuple(lists["packs"]),
        strict=_typed(data, "strict", bool),
        require_verdict=_typed(data, "require_verdict", bool),
    )


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON number")


def _whole_number(digits: str) -> int:
    # Python reads no more than 4300 digits, and no float holds more than 309.
    if len(digits) > len(str(LARGEST_WHOLE)) or abs(int(digits)) >= LARGEST_WHOLE:
        raise ValueError(f"a whole number of {len(digits.lstrip('-'))} digits")
    return int(digits)


def _number(digits: str) -> float:
    if not math.isfinite(float(digits)):
        raise ValueError(f"{one_line(digits, LONGEST_NUMBER)} is too large a number")
    return float(digits)


def _printable(value: Any) -> Any:
    return one_line(value) if isinstance(value, str) else value


def _verdict_types() -> list[type[Verdict]]:
    return [*(kind for suite in suites() for kind in suite.verdict_types), Systematic]


def _verdict(name: str, verdict: Mapping[str, Any]) -> SavedVerdict:
    statuses: tuple[VerdictStatus, ...] = get_args(VerdictStatus)
    status = next((known for known in statuses if known == verdict.get("status")), None)
    if status is None:
        raise ValueError(f"verdict {name} has no status of {', '.join(get_args(VerdictStatus))}")
    ran, expected, mean = (verdict.get(key) for key in ("ran", "expected", "mean"))
    for count in (ran, expected):
        if type(count) not in (int, NoneType):
            raise TypeError(f"verdict {name} holds a count that is no whole number")
        if count is not None and not 0 <= count <= MOST_CASES:
            raise ValueError(f"verdict {name} counts {count}; a run has 0 to {MOST_CASES} cases")
    if type(mean) not in (float, int, NoneType):
        raise TypeError(f"verdict {name} holds a mean that is no number")
    return SavedVerdict(status, ran, expected, mean)


def _identity(said: Mapping[str, Any], isolation: object) -> SolverIdentity:
    values: list[Any] = [said.get(name) for name in ("spec", "name", "version")]
    values.append(isolation)
    if not all(value is None or isinstance(value, str) for value in values):
        raise TypeError("solver holds something else than text")
    return SolverIdentity(*values)


def _own_test(values: Any, known: set[str]) -> OwnTest:
    if not isinstance(values, dict):
        raise TypeError(f"a test of one's own is {type(values).__name__}, not dict")
    solver = _typed(values, "solver", dict)
    return OwnTest(_identity(solver, solver.get("isolation")), _row(values, known))


def _row(values: Any, known: set[str]) -> ResultRow:
    if not isinstance(values, dict):
        raise TypeError(f"a case is {type(values).__name__}, not dict")
    for key in NEEDED:
        if not isinstance(values.get(key), str):
            raise ValueError(f"a case has no {key}")
    row = ResultRow.from_dict({key: value for key, value in values.items() if key in known})
    for field in fields(ResultRow):
        kinds = get_args(field.type) or (field.type,)
        kind = type(getattr(row, field.name))
        # JSON may write a float without its point.
        fits = kind in kinds or (kind is int and float in kinds)
        if not fits and all(each in _BUILTIN for each in kinds):
            raise TypeError(f"{field.name} of {row.id} is {kind.__name__}")
    return row
