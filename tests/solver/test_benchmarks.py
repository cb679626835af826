"""The benchmarks of the recipes: the file that `metric-ladder` reads is what the ladder found."""

import importlib
import json
import sys
import warnings
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
# Rows were measured on one machine; another's float32 sums move a minimum by this, px. On the
# clean pairs below a metric's minimum is sharp.
SAME_PX = 2e-3
RECOMPUTED = [
    ("same", "synth_translate_2d", "ssd", "cubic", 0.0),
    ("same", "lena_affine_2d-occlusion25", "huber", "linear", 1e-6),
    ("varying", "lena_affine_2d-bias30", "ncc", "catmull-rom", 0.0),
    ("same_ffd", "bspline_random_2d", "ncc", "cubic", 1e-4),
]


@pytest.fixture(scope="module")
def ladder() -> Iterator[ModuleType]:
    names = {path.stem for path in BENCHMARKS.glob("*.py")}
    sys.path.insert(0, str(BENCHMARKS))
    try:
        yield importlib.import_module("ladder")
    finally:
        sys.path.remove(str(BENCHMARKS))
        for name in names:
            sys.modules.pop(name, None)


@pytest.fixture(scope="module")
def rows() -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads((BENCHMARKS / "results/ladder.json").read_text())
    return found


def test_recipe_file_is_the_choice_of_the_rows(
    ladder: ModuleType, rows: list[dict[str, object]]
) -> None:
    stored = json.loads(files("irgate_solver").joinpath("_ladder.json").read_text())
    assert stored == ladder.choice(rows)


def test_rows_are_complete(ladder: ModuleType, rows: list[dict[str, object]]) -> None:
    """Every pair of a class with every metric, sampler and weight, once."""
    keys = {(r["class"], r["pair"], r["metric"], r["sampling"], r["weight"]) for r in rows}
    assert len(keys) == len(rows)
    expected = 0
    for name, names in ladder.CLASSES.items():
        ffd = name.endswith("ffd")
        metrics = ladder.FFD_METRICS if ffd else ladder.METRICS
        weights = ladder.WEIGHTS["bending" if ffd else "total_variation"]
        expected += len(names) * len(metrics) * len(ladder.SAMPLERS) * len(weights)
    assert len(rows) == expected


@pytest.mark.parametrize("combination", RECOMPUTED, ids=lambda c: "-".join(map(str, c)))
def test_a_row_is_what_the_command_measures(
    ladder: ModuleType, rows: list[dict[str, object]], combination: tuple[str, str, str, str, float]
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        again = ladder.row_of(*combination)
    (stored,) = (
        row
        for row in rows
        if (row["class"], row["pair"], row["metric"], row["sampling"], row["weight"]) == combination
    )
    assert again["distance_px"] == pytest.approx(stored["distance_px"], abs=SAME_PX)
    assert again["recovery"] == stored["recovery"]
    assert (again["ratio"] is None) == (stored["ratio"] is None)
    if again["ratio"] is not None:
        assert again["ratio"] == pytest.approx(stored["ratio"], rel=1e-3)


def test_choice_prefers_what_qualifies_and_then_the_nearest(ladder: ModuleType) -> None:
    def row(metric: str, distance: float, recovery: float) -> list[dict[str, object]]:
        return [
            {
                "class": name,
                "pair": "p",
                "metric": metric,
                "sampling": "cubic",
                "weight": 0.0,
                "ratio": 1.0,
                "distance_px": distance,
                "recovery": recovery,
                "seconds": 1.0,
            }
            for name in ladder.CLASSES
        ]

    rows = row("far", 0.2, 1.0) + row("near", 0.1, 1.0) + row("nearest", 0.01, 0.5)
    assert {parts["metric"] for parts in ladder.choice(rows).values()} == {"near"}


def test_another_modality_shares_no_order_of_grey_values(ladder: ModuleType) -> None:
    """A straight line explains little of the new contrast, on both images."""
    modalities = importlib.import_module("two_modalities")
    for name in ("brain_mri_real", "lena_affine_2d"):
        image = importlib.import_module("pairs").CASES[name].pair().fixed
        correlation = np.corrcoef(image.ravel(), modalities.contrast(image).ravel())[0, 1]
        unit = np.argsort(np.argsort(image.ravel()))
        ranks = np.argsort(np.argsort(modalities.contrast(image).ravel()))
        assert abs(correlation) < 0.75
        assert abs(np.corrcoef(unit, ranks)[0, 1]) < 0.9


@pytest.fixture(scope="module")
def speed_tables() -> Iterator[ModuleType]:
    sys.path.insert(0, str(BENCHMARKS))
    try:
        yield importlib.import_module("speed_tables")
    finally:
        sys.path.remove(str(BENCHMARKS))
        sys.modules.pop("speed_tables", None)


def test_the_page_s_tables_are_what_was_measured(speed_tables: ModuleType) -> None:
    page = (BENCHMARKS.parent / "docs/solver.md").read_text(encoding="utf-8")
    found = json.loads((BENCHMARKS / "results/speed.json").read_text(encoding="utf-8"))
    assert set(speed_tables.BLOCK.findall(page)) == set(found["parts"])
    assert speed_tables.written(page, found) == page


def test_a_time_to_a_distance_is_that_of_a_setting_that_comes_as_near(
    speed_tables: ModuleType,
) -> None:
    """The quickest of those; none where all stay farther away."""
    each = {
        "ms": {"one": {"rough": 1.0, "fine": 3.0, "finer": 2.5}, "other": {"": 9.0}},
        "px": {"one": {"rough": 0.04, "fine": 0.004, "finer": 0.003}, "other": {"": 0.006}},
    }
    found = {
        "kernel": "native",
        "rounds": 3,
        "parts": {"reach": {"256, affine, 0": each, "load": [0.1, 0.2]}},
    }
    lines = speed_tables.table("reach", found).splitlines()
    assert lines[2:4] == [
        "| 256, affine, 0 | 0.05 px | 1.00 | 9.00 |",
        "| 256, affine, 0 | 0.005 px | 2.50 | - |",
    ]
    assert lines[-1] == "(native, 3 rounds, load of the machine 0.1 before and 0.2 after.)"
