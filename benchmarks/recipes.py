"""Judge every recipe of the bundled solver, and write one table into docs/recipes.md.

    python benchmarks/recipes.py REPORTS [--docs docs/recipes.md] [--only NAME,...]
                                 [--quick NAME,...]

Each recipe runs the gate in a process and an empty folder of its own, one after the other, and its
report is written to REPORTS/NAME.json. With `--only` these are renewed and the others kept; with an
empty `--only ""` the table alone is made again. `--quick` names recipes that run the contract, the
base and the battery suite only. Peak memory is that of torch's allocations in one solve of the FFD
fixture; times are compared with the default's and the oracle's in one process.
"""

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch

sys.path.insert(0, str(Path(__file__).parent))
import claim_cost
import page
import pairs

from irgate_battery.oracle import solve
from irgate_solver import recipes

QUICK = "contract,base,battery"
TURNS = 5
LONG = 2.0
"""Processor seconds of a solve that is measured once: its noise is small beside it."""
DEFAULT = next(iter(recipes()))


def judge(name: str, reports: Path, quick: bool) -> None:
    """Run the gate on one recipe."""
    report = reports / f"{name}.json"
    report.unlink(missing_ok=True)
    suites = ["--irgate-suite", QUICK] if quick else []
    with tempfile.TemporaryDirectory() as empty:
        # An ini file of its own: pytest would look for one above this folder.
        (Path(empty) / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
        command = [sys.executable, "-m", "pytest", "-q", "--irgate"]
        command += ["--irgate-solver", f"bundled:{name}", *suites]
        run = subprocess.run(
            [*command, "--irgate-json", str(report.resolve())],
            cwd=empty,
            capture_output=True,
            text=True,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
        )
    (reports / f"{name}.log").write_text(run.stdout + run.stderr, encoding="utf-8")


def peak_mebibytes(name: str) -> float:
    """Return the peak of torch's allocations in one solve of the FFD fixture, MiB."""
    pair = pairs.CASES["bspline_random_2d"].pair()
    pairs.solve(pair, recipe=name)
    return claim_cost.peak(lambda: pairs.solve(pair, recipe=name)) / 2**20


def times(names: Sequence[str]) -> dict[str, dict[str, float]]:
    """Return each recipe's processor time over the default's and the oracle's, medians.

    On each fixture the recipes take turns, so that all of them meet the same machine. The least of
    the turns counts: what else runs can only add. What takes longer than `LONG` has one turn.
    """
    ratios: dict[str, dict[str, list[float]]] = {n: {DEFAULT: [], "oracle": []} for n in names}
    for fixture in pairs.FIXTURES:
        pair = pairs.CASES[fixture].pair()
        runs = {name: partial(pairs.solve, pair, recipe=name) for name in (DEFAULT, *names)}
        least = dict.fromkeys(runs, math.inf)
        for _ in range(TURNS):
            for name, run in runs.items():
                if LONG < least[name] < math.inf:
                    continue
                least[name] = min(least[name], processor_seconds(run))
        least["oracle"] = processor_seconds(
            partial(solve, pair.fixed, pair.moving, pair.model, pair.intensity, pair.mask)
        )
        for name, of in ratios.items():
            for other, values in of.items():
                values.append(least[name] / least[other])
    return {
        name: {other: statistics.median(values) for other, values in of.items()}
        for name, of in ratios.items()
    }


def processor_seconds(run: Callable[[], object]) -> float:
    """Return the processor time of one call, seconds, of all its threads."""
    began = time.process_time()
    run()
    return time.process_time() - began


def figures(report: dict[str, Any]) -> dict[str, Any]:
    """Return one recipe's figures from its report."""
    cases, verdicts = report["cases"], report["verdicts"]
    judged = [row for row in cases if row.get("tre_px") is not None]
    base = [row for row in cases if row["suite"] == "base"]
    battery = [row for row in judged if row["suite"] == "battery"]
    recovery, gradient = verdicts["recovery"], verdicts["gradient"]
    return {
        "passed": sum(row["status"] == "passed" for row in cases),
        "items": sum(row["status"] != "skipped" for row in cases),
        "failed": [row["id"] for row in cases if row["status"] in ("failed", "error", "missing")],
        "base": {row["case"]: (row["ratio"], row["tre_px"]) for row in base},
        "mean_ratio": verdicts["mean_ratio"]["mean"],
        "median_px": statistics.median(row["tre_px"] for row in battery) if battery else None,
        "largest_px": max((row["tre_px"] for row in battery), default=None),
        "recovered": recovery.get("recovered"),
        "tried": recovery.get("tried"),
        "gradient": gradient.get("max_relative_error"),
        "hard_gate": verdicts["hard_gate"]["status"],
    }


def shown(value: float | None, form: str) -> str:
    """Return a figure, or a dash where it does not exist."""
    return "-" if value is None else format(value, form)


def table(
    found: dict[str, dict[str, Any]],
    memory: dict[str, float],
    time_over: dict[str, dict[str, float]],
) -> str:
    """Return the table, and what failed, as Markdown."""
    names = pairs.FIXTURES
    heads = [
        "recipe",
        "passed",
        "hard gate",
        *(f"{name}: ratio / px" for name in names),
        "mean ratio",
        "battery px, median / largest",
        "recovery",
        "gradient error",
        "time / default",
        "time / oracle",
        "peak MiB",
    ]
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    for recipe, row in found.items():
        base = []
        for name in names:
            ratio, px = row["base"].get(name, (None, None))
            base.append(f"{shown(ratio, '.4f')} / {shown(px, '.5f')}")
        tried = row["tried"]
        cells = [
            f"`{recipe}`",
            f"{row['passed']} of {row['items']}",
            row["hard_gate"],
            *base,
            shown(row["mean_ratio"], ".4f"),
            f"{shown(row['median_px'], '.4f')} / {shown(row['largest_px'], '.3f')}",
            f"{row['recovered']} of {tried}" if tried else "-",
            shown(row["gradient"], ".1e"),
            shown(time_over[recipe][DEFAULT], ".2f"),
            shown(time_over[recipe]["oracle"], ".4f"),
            shown(memory.get(recipe), ".1f"),
        ]
        lines.append("| " + " | ".join(cells) + " |")
    for recipe, row in found.items():
        if row["failed"]:
            ids = ", ".join(f"`{item.split('::')[-1]}`" for item in row["failed"])
            lines += ["", f"`{recipe}` fails {len(row['failed'])}: {ids}."]
    return "\n".join([*lines, "", *better(found, time_over)])


def better(found: dict[str, dict[str, Any]], time_over: dict[str, dict[str, float]]) -> list[str]:
    """Return which recipes beat the default on the battery without being slower."""
    default = found.get(DEFAULT)
    if default is None:
        return []
    winners = [
        name
        for name, row in found.items()
        if name != DEFAULT
        and not row["failed"]
        and row["median_px"] is not None
        and row["median_px"] < default["median_px"]
        and row["largest_px"] <= default["largest_px"]
        and row["mean_ratio"] <= default["mean_ratio"]
        and time_over[name][DEFAULT] <= 1
    ]
    if not winners:
        of = "median and largest distance, mean ratio, nothing failed"
        return [f"No recipe beats `{DEFAULT}` on the battery ({of}) and is no slower: it stays."]
    return [f"Better than `{DEFAULT}` on the battery and no slower: {', '.join(winners)}."]


def main() -> None:
    """Judge, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("reports", type=Path, help="folder for the JSON reports and logs")
    parser.add_argument("--docs", type=Path, help="page whose table is replaced")
    parser.add_argument("--only", help="recipes that are judged anew; all if not given")
    parser.add_argument(
        "--quick",
        default="",
        help=f"recipes that run {QUICK} only",
    )
    options = parser.parse_args()
    options.reports.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    only = list(recipes()) if options.only is None else [n for n in options.only.split(",") if n]
    for name in only:
        judge(name, options.reports, name in options.quick.split(","))
        print(f"{name}: judged", file=sys.stderr, flush=True)
    found = {}
    for name in recipes():
        report = options.reports / f"{name}.json"
        if report.is_file():
            found[name] = figures(json.loads(report.read_text(encoding="utf-8")))
    memory = {name: peak_mebibytes(name) for name in found}
    text = table(found, memory, times(list(found)))
    print(text)
    if options.docs:
        page.replace(options.docs, text)


if __name__ == "__main__":
    main()
