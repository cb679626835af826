"""Transforms on disk: JSON that a person can read and any language can."""

import json
from pathlib import Path
from typing import Any

import torch

from irgate_solver._free_form import FreeForm
from irgate_solver._maps import Dense, Inverse, Map, Matrix, Spline
from irgate_solver._precision import SOLVE

FORMAT = "irgate_solver transform"
VERSION = 1


def write(path: str | Path, shape: tuple[int, int], maps: tuple[Map, ...]) -> None:
    """Write a chain of maps of an image of `shape`. Python prints floats to their last digit."""
    content = {
        "format": FORMAT,
        "version": VERSION,
        "convention": "pixels (x, y) of the fixed image to pixels of the moving image",
        "shape": list(shape),
        "maps": [_record(each) for each in maps],
    }
    Path(path).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def read(path: str | Path) -> tuple[tuple[int, int], tuple[Map, ...]]:
    """Return the shape and the maps that `write` wrote.

    Raises:
        ValueError: the file holds no transform, or one of a later version.

    """
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
        if content["format"] != FORMAT or content["version"] > VERSION:
            raise ValueError(f"format {content['format']!r}, version {content['version']!r}")
        height, width = (int(number) for number in content["shape"])
        return (height, width), tuple(_map(record) for record in content["maps"])
    except (KeyError, TypeError, ValueError) as cause:
        raise ValueError(
            f"load: {path} holds no transform ({cause}); expected a file that Result.save or "
            f"Transform.save wrote, of version {VERSION} or earlier"
        ) from cause


def _record(each: Map) -> dict[str, Any]:
    if isinstance(each, Matrix):
        return {"kind": "matrix", "matrix": each.matrix.tolist()}
    if isinstance(each, Spline):
        return {
            "kind": "control points",
            "shape": [each.family.height, each.family.width],
            "displacements": each.control_points.tolist(),
        }
    if isinstance(each, Inverse):
        return {"kind": "inverse", "of": _record(each.map)}
    assert isinstance(each, Dense)
    return {"kind": "displacement", "field": each.field.tolist()}


def _map(record: dict[str, Any]) -> Map:
    kind = record["kind"]
    if kind == "matrix":
        return Matrix.read("load", record["matrix"])
    if kind == "control points":
        points = torch.tensor(record["displacements"], dtype=SOLVE)
        height, width = record["shape"]
        rows, columns = points.shape[1:]
        return Spline(FreeForm(int(height), int(width), (rows, columns)), points)
    if kind == "displacement":
        return Dense(torch.tensor(record["field"], dtype=SOLVE))
    if kind == "inverse":
        return _map(record["of"]).inverse()
    raise ValueError(f"a map of kind {kind!r}")
