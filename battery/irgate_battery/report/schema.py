"""The JSON schema of a report, made from the classes that a report is made of.

    python -m irgate_battery.report.schema      prints it, as in report-1.schema.json

JSON Schema, draft 2020-12. Further keys are allowed everywhere: later versions add some.
"""

import json
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from importlib import resources
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from irgate_battery.diagnosis.pattern import Pattern
from irgate_battery.judge.measure import Measurement
from irgate_battery.report.provenance import Provenance
from irgate_battery.report.report import SCHEMA, machine
from irgate_battery.results.result_row import NEEDED, ResultRow
from irgate_battery.results.solver_identity import SolverIdentity
from irgate_battery.results.stored_transform import StoredGrid, StoredMatrix
from irgate_battery.results.systematic import Systematic
from irgate_battery.results.verdict import Verdict
from irgate_battery.suites.registry import suites

FILE = f"report-{SCHEMA}.schema.json"
"""In this package."""

_PLAIN = {str: "string", float: "number", int: "integer", bool: "boolean", NoneType: "null"}

_NAMES = re.compile(r"^(?P<names>\w+(?:, \w+)*): (?P<said>.*)")


def verdict_types() -> tuple[type[Verdict], ...]:
    """Return every kind of verdict that a report may hold."""
    return (*(kind for suite in suites() for kind in suite.verdict_types), Systematic)


def schema() -> dict[str, Any]:
    """Return the schema as builtin types."""
    kinds = verdict_types()
    systematic = _properties(Systematic)
    del systematic["status"], systematic["reason"]
    diagnosis = _properties(Pattern)
    diagnosis["reason"] = diagnosis.pop("sentence")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"pytest-irgate, report of a run, schema {SCHEMA}",
        "description": "A figure that does not exist is null, never 0 and never NaN.",
        **_object(
            {
                "schema": {"const": SCHEMA},
                "irgate": {**_kind(str | None), "description": "the version that wrote it"},
                "battery": {"type": "string", "description": "the version of the cases"},
                "seed": {"type": "integer"},
                "solver": _object(_told(SolverIdentity, ("spec", "name", "version"))),
                "machine": _object(
                    {
                        name: _kind(int | None if name == "cpu_count" else str | None)
                        for name in machine()
                    }
                ),
                **_told(Provenance, [field.name for field in fields(Provenance)]),
                **_told(SolverIdentity, ("isolation",)),
                "asked": _object(
                    {
                        "suites": _kind(list[str]),
                        "count": _kind(int),
                        "examples": _kind(int),
                        "pairs": _kind(list[str]),
                        "packs": _kind(list[str]),
                        "strict": _kind(bool),
                        "require_verdict": _kind(bool),
                    }
                ),
                **{kind.headline: _kind(float | None) for kind in kinds if kind.headline},
                "systematic": {"oneOf": [_object(systematic), {"type": "null"}]},
                "verdicts": _object(
                    {kind.name: _object(_properties(kind)) for kind in kinds},
                    [kind.name for kind in kinds if kind.since_first],
                ),
                "diagnosis": {"oneOf": [_object(diagnosis), {"type": "null"}]},
                "exit_status": {"type": "integer"},
                "deselected": {"type": "integer", "minimum": 0},
                "cases": {"type": "array", "items": _object(_properties(ResultRow), NEEDED)},
                "own_tests": {
                    "type": "array",
                    "items": _object(
                        {"solver": _object(_properties(SolverIdentity)), **_properties(ResultRow)},
                        ("solver", *NEEDED),
                    ),
                    "description": "rows of tests of the user's own; no verdict counts them",
                },
            },
            ("schema", "battery", "seed", "solver", "machine", "verdicts", "cases"),
        ),
        "$defs": {
            "matrix": _object(
                {**_properties(StoredMatrix), "matrix": _array(_array({"type": "number"}, 3), 3)}
            ),
            "grid": _object(
                {
                    **_properties(StoredGrid),
                    "size": _array({"type": "integer"}, 2),
                    "grid": _array({"type": "integer"}, 2),
                    "displacement": _array({"type": "number"}),
                }
            ),
        },
    }


def text() -> str:
    """Return the schema as the file of the package holds it."""
    return json.dumps(schema(), indent=1) + "\n"


def stored_text() -> str:
    """Return the file of the package."""
    return resources.files(__package__).joinpath(FILE).read_text("utf-8")


def _object(properties: Mapping[str, Any], required: Iterable[str] | None = None) -> dict[str, Any]:
    needed = list(properties if required is None else required)
    return {"type": "object", "required": needed, "properties": dict(properties)}


def _array(items: Mapping[str, Any], count: int | None = None) -> dict[str, Any]:
    size = {} if count is None else {"minItems": count, "maxItems": count}
    return {"type": "array", "items": dict(items), **size}


def _properties(kind: type) -> dict[str, Any]:
    """Return the properties of a class's fields, with what its docstring says of each."""
    return _told(kind, [field.name for field in fields(kind)])


def _told(kind: type, names: Sequence[str]) -> dict[str, Any]:
    words = _words(kind)
    types = {field.name: field.type for field in fields(kind)}
    told = {name: _kind(types[name]) for name in names}
    for name in told.keys() & words.keys():
        told[name]["description"] = words[name].replace("`None`", "null")
    return told


def _words(kind: type) -> dict[str, str]:
    """Return what the docstrings of a class, and of those it refers to, say of its fields."""
    found: dict[str, str] = {}
    for each in (*(base for base in reversed(kind.__mro__) if base is not object), kind):
        sources = (Measurement, each) if each is ResultRow else (each,)
        for source in sources:
            found |= _attributes(source.__doc__ or "")
    return found


def _attributes(docstring: str) -> dict[str, str]:
    """Read the section `Attributes:` of a docstring: `name, other: what they are`."""
    _, _, section = docstring.partition("Attributes:\n")
    found: dict[str, str] = {}
    current: list[str] = []
    for line in section.splitlines():
        if line.strip() and not line.startswith("    "):
            break
        if not line.strip():
            if current:
                break
            continue
        indented = len(line) - len(line.lstrip()) > 8
        match = None if indented else _NAMES.match(line.strip())
        if match:
            current = match["names"].split(", ")
            found |= dict.fromkeys(current, match["said"])
        elif indented:
            for name in current:
                found[name] = f"{found[name]} {line.strip()}"
        else:
            break
    return found


def _kind(said: Any) -> dict[str, Any]:
    """Return the schema of a type."""
    if said in (StoredMatrix, StoredGrid):
        return {"$ref": f"#/$defs/{'matrix' if said is StoredMatrix else 'grid'}"}
    origin, inner = get_origin(said), get_args(said)
    if origin in (Union, UnionType):
        if all(each in _PLAIN for each in inner):
            return {"type": [_PLAIN[each] for each in inner]}
        return {"oneOf": [_kind(each) for each in inner]}
    if origin is Literal:
        return {"enum": list(inner)}
    if origin in (list, tuple):
        return {"type": "array", "items": _kind(inner[0])}
    if origin is dict:
        return {"type": "object", "additionalProperties": _kind(inner[1])}
    return {"type": _PLAIN[said]}


if __name__ == "__main__":
    sys.stdout.write(text())
