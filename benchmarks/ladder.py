"""Run every metric, sampler and prior weight on each class of pair; choose for `metric-ladder`.

    python benchmarks/ladder.py [--rows benchmarks/results/ladder.json] [--docs docs/ladder.md]
                                [--recipe solver/irgate_solver/_ladder.json] [--only CLASS,...]
                                [--from-rows]

A class is one of same, varying, same_ffd and varying_ffd: whether brightness is constant, and
whether the model is an FFD. The pairs are the base fixtures and the stressors. Total variation is
tried with the linear families, where the bias fields decide about its weight; bending with the FFD,
where low overlap does (the low-overlap pairs are solved with an FFD too, whose truth is a linear
map). With `--from-rows` nothing is measured: choice and table are made again from the rows.
"""

import argparse
import itertools
import json
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parent))
import page
import pairs

from irgate_battery.judge import measure as judge
from irgate_battery.oracle import store

METRICS = ("ssd", "huber", "ncc", "lncc", "mind", "nmi")
SAMPLERS = ("linear", "catmull-rom", "cubic")
WEIGHTS = {"total_variation": (0.0, 1e-6, 1e-4), "bending": (0.0, 1e-4, 1e-3, 1e-2)}
CLASSES: dict[str, tuple[str, ...]] = {
    "same": (
        "synth_translate_2d",
        "synth_rotate_2d",
        "lena_affine_2d",
        "lena_affine_2d-overlap40",
        "lena_affine_2d-occlusion25",
    ),
    "varying": (
        "brain_mri_real",
        "brain_mri_real-overlap40",
        "brain_mri_real-bias30",
        "lena_affine_2d-bias30",
    ),
    "same_ffd": ("bspline_random_2d", "lena_affine_2d-overlap40"),
    "varying_ffd": ("brain_mri_real", "brain_mri_real-overlap40", "lena_affine_2d-bias30"),
}
FFD_METRICS = tuple(metric for metric in METRICS if metric != "nmi")
"""Mutual information takes 8 s for an FFD, thirty times as long as the others, and is left out."""
STARTS, FFD_STARTS = 3, 1
"""Seeded starts, 5 px off the own optimum, of which the recovery rate counts."""
RECOVERED_PX = 0.01
"""Mean distance to the own optimum at which a start has come back: a hundredth of a pixel, because
kinks of linear sampling stop some of them at a thousandth."""
RATIO = 1.1
"""A winner's RMSE over the oracle's may be this on each pair that has an oracle of its model."""
RESOLUTION_PX = 1e-3
"""Distances under this are taken for this: images of 8 bits and float32 say no more."""
HEAD = "distance, px (mean, largest) | largest ratio | recovery | s, all pairs | qualifies"
Row = dict[str, Any]


def row_of(class_name: str, name: str, metric: str, sampling: str, weight: float) -> Row:
    """Measure one combination on one pair."""
    case = pairs.CASES[name]
    pair = case.pair()
    ffd = class_name.endswith("ffd")
    model = "ffd" if ffd else case.model
    prior = "bending" if ffd else "total_variation"
    options: dict[str, Any] = {"metric": metric, "sampling": sampling, prior: weight}
    options |= {"model": model, "mask": pair.mask, "intensity": case.intensity}
    begin = time.perf_counter()
    found = pairs.solve(pair, **options)
    seconds = time.perf_counter() - begin
    field = found.displacement().numpy()
    ratio = None
    if model == case.model:
        theirs, _ = store.OracleStore("stored").get(case, pair)
        measured = judge.measure(pair, field, theirs.transform.displacement(pair.fixed.shape))
        ratio = measured.ratio
    starts = FFD_STARTS if ffd else STARTS
    recovered = sum(_comes_back(pair, found, options, seed) for seed in range(starts))
    return {
        "class": class_name,
        "pair": name,
        "metric": metric,
        "sampling": sampling,
        "weight": weight,
        "ratio": ratio,
        "distance_px": pairs.distance(found, pair),
        "recovery": recovered / starts,
        "seconds": seconds,
    }


class _Moved:
    """A start: a result's displacement, moved."""

    matrix = None

    def __init__(self, field: np.ndarray, shift: np.ndarray) -> None:
        self._field = field + shift

    def displacement(self, shape: tuple[int, int]) -> np.ndarray:
        """Return the displacement on the fixed grid."""
        return self._field


def _comes_back(pair: Any, found: Any, options: dict[str, Any], seed: int) -> bool:
    field = found.displacement().numpy()
    angle = np.random.default_rng(seed).uniform(0, 2 * np.pi)
    start = _Moved(field, 5 * np.array([np.cos(angle), np.sin(angle)]))
    again = pairs.solve(pair, **options, init=start).displacement().numpy()
    return bool(np.linalg.norm(again - field, axis=-1).mean() <= RECOVERED_PX)


def measure(class_name: str) -> list[Row]:
    """Measure all combinations of one class."""
    ffd = class_name.endswith("ffd")
    metrics, prior = (FFD_METRICS, "bending") if ffd else (METRICS, "total_variation")
    rows = []
    for metric, sampling, weight in itertools.product(metrics, SAMPLERS, WEIGHTS[prior]):
        for name in CLASSES[class_name]:
            rows.append(row_of(class_name, name, metric, sampling, weight))
        print(f"{class_name} {metric} {sampling} {weight:g}", file=sys.stderr, flush=True)
    return rows


def summaries(rows: list[Row], class_name: str) -> list[Row]:
    """Return one line a combination, best first: those that qualify, then by distance."""
    found: dict[tuple[str, str, float], list[Row]] = {}
    for row in rows:
        if row["class"] == class_name:
            found.setdefault((row["metric"], row["sampling"], row["weight"]), []).append(row)
    lines = []
    for (metric, sampling, weight), group in found.items():
        ratios = [row["ratio"] for row in group if row["ratio"] is not None]
        distances = [row["distance_px"] for row in group]
        recovery = float(np.mean([row["recovery"] for row in group]))
        lines.append(
            {
                "metric": metric,
                "sampling": sampling,
                "weight": weight,
                "ratio": max(ratios) if ratios else None,
                "distance_px": pairs.geometric_mean([max(d, RESOLUTION_PX) for d in distances]),
                "largest_px": max(distances),
                "recovery": recovery,
                "seconds": sum(row["seconds"] for row in group),
                "qualifies": (not ratios or max(ratios) <= RATIO) and recovery >= 0.9,
            }
        )

    def rank(line: Row) -> tuple[bool, float, float, float]:
        mean, largest = (round(line[key], 4) for key in ("distance_px", "largest_px"))
        return not line["qualifies"], mean, largest, line["weight"]

    return sorted(lines, key=rank)


def choice(rows: list[Row]) -> dict[str, Row]:
    """Return the winner's parts for each class, as `metric-ladder` reads them."""
    chosen = {}
    for class_name in CLASSES:
        best = summaries(rows, class_name)[0]
        parts: Row = {"metric": best["metric"], "sampling": best["sampling"]}
        if best["weight"]:
            prior = "bending" if class_name.endswith("ffd") else "total_variation"
            parts[prior] = best["weight"]
        chosen[class_name] = parts
    return chosen


def best_weights(rows: list[Row]) -> list[str]:
    """Return what the pairs that are there for a weight say of it, one line each."""
    lines = []
    for class_name, ending, prior in (
        ("same_ffd", "overlap40", "bending"),
        ("varying_ffd", "overlap40", "bending"),
        ("varying", "bias30", "total_variation"),
    ):
        errors: dict[float, list[float]] = {}
        for row in rows:
            wanted = row["class"] == class_name and row["pair"].endswith(ending)
            if wanted and row["metric"] in ("ssd", "ncc", "lncc", "mind"):
                errors.setdefault(row["weight"], []).append(max(row["distance_px"], RESOLUTION_PX))
        means = {weight: pairs.geometric_mean(values) for weight, values in errors.items()}
        figures = ", ".join(f"{weight:g}: {mean:.4f} px" for weight, mean in means.items())
        lines.append(f"- {prior} on {ending} ({class_name}): {figures}")
    return lines


def table(rows: list[Row], most: int = 8) -> str:
    """Return the best combinations of each class, and the best of each metric, as Markdown."""
    lines = []
    for class_name in CLASSES:
        ranked = summaries(rows, class_name)
        shown = ranked[:most]
        first = {line["metric"]: line for line in reversed(ranked)}
        shown += [line for line in ranked[most:] if line is first[line["metric"]]]
        prior = "bending" if class_name.endswith("ffd") else "total variation"
        lines += [
            f"### {class_name}",
            "",
            f"{', '.join(CLASSES[class_name])}",
            "",
            f"| metric | sampling | {prior} | {HEAD} |",
            "|---|---|---|---|---|---|---|---|",
        ]
        for line in shown:
            ratio = "-" if line["ratio"] is None else f"{line['ratio']:.3f}"
            lines.append(
                f"| {line['metric']} | {line['sampling']} | {line['weight']:g} | "
                f"{line['distance_px']:.4f}, {line['largest_px']:.4f} | {ratio} | "
                f"{line['recovery']:.0%} | {line['seconds']:.2f} | "
                f"{'yes' if line['qualifies'] else 'no'} |"
            )
        lines.append("")
    lines += ["What the pairs that decide about a weight say:", "", *best_weights(rows)]
    return "\n".join(lines)


def main() -> None:
    """Measure, choose, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=Path, default=Path("benchmarks/results/ladder.json"))
    parser.add_argument("--docs", type=Path)
    parser.add_argument("--recipe", type=Path)
    parser.add_argument("--only", default=",".join(CLASSES), help="classes that are measured anew")
    parser.add_argument("--from-rows", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    rows: list[Row] = []
    if options.rows.is_file():
        rows = json.loads(options.rows.read_text(encoding="utf-8"))
    if not options.from_rows:
        for class_name in options.only.split(","):
            rows = [row for row in rows if row["class"] != class_name] + measure(class_name)
            text = ",\n".join(json.dumps(row) for row in rows)
            options.rows.write_text(f"[\n{text}\n]\n", encoding="utf-8")
    if {row["class"] for row in rows} != set(CLASSES):
        print("not all classes are measured: nothing is chosen", file=sys.stderr)
        return
    if options.recipe:
        lines = ",\n".join(f'  "{k}": {json.dumps(v)}' for k, v in choice(rows).items())
        options.recipe.write_text(f"{{\n{lines}\n}}\n", encoding="utf-8")
    if options.docs:
        page.replace(options.docs, table(rows))
    print(table(rows))


if __name__ == "__main__":
    main()
