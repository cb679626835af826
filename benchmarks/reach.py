"""Measure how far solvers reach on pairs that no test uses, and whether the solver knows.

    python benchmarks/reach.py [--seeds 4] [--first 100] [--quick]

Sources, motions and what is done to the images stand in `scenes.py`. For each solver and motion:
how many answers are within 0.5 px of the truth (mean over the pixels that both images show), their
median and 95th percentile. For each status of the bundled solver: how often the answer was right,
and how many of the wrong answers (off by more than 1 px) were doubtful or not settled, and how many
of the right ones (under 0.5 px). The last table asks for 40 pairs of unrelated images what the
status says. Peers are set up as their adapters are. With scikit-image its CC0 photographs are
sources too.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from irgate_solver import Status, register

sys.path.insert(0, str(Path(__file__).parent))
import peers
import scenes

RIGHT, WRONG = 0.5, 1.0
"""Mean distance to the truth, px, under which an answer is right, and over which it is wrong."""
MODELS = ("translation", "rigid", "affine")
OURS: dict[str, dict[str, str]] = {
    "bundled linear": {"sampling": "linear"},
    "bundled cubic": {"sampling": "cubic"},
    "bundled cubic, smoothing auto": {"sampling": "cubic", "smoothing": "auto"},
}
REACHING = ("OpenCV ECC", "OpenCV SIFT", "pystackreg", "SimpleITK as used")


def pairs(seeds: range) -> Iterator[tuple[str, scenes.Pair, dict[str, Any]]]:
    """Yield the group of each pair, the pair, and what `register` is told besides."""
    for seed in seeds:
        for name in scenes.sources():
            for place, kind in enumerate(scenes.MOTIONS):
                model = MODELS[(seed + place) % len(MODELS)]
                for noise in (0.0, 0.02, 0.05):
                    pair = scenes.pair(name, kind, model, seed, noise=noise)
                    yield kind, pair, {}
                    if noise != 0.02 or kind == "large":
                        continue
                    share = 0.1 + 0.02 * (seed % 6)
                    spoilt = scenes.with_foreign_block(pair, share, seed)
                    yield "foreign block", spoilt, {"metric": "huber"}
                    yield "bias", scenes.with_bias(pair, 0.3, seed), {}
                    inverted = scenes.with_bias(scenes.inverted(pair), 0.3, seed)
                    yield "inverted, bias", inverted, {}


def distance(field: Any, pair: scenes.Pair) -> float:
    """Return the mean distance to the truth over the pixels that both images show, px."""
    away = np.linalg.norm(np.asarray(field) - pair.truth, axis=-1)
    found = float(away[scenes.inside(pair.truth, pair.moving.shape)].mean())
    return found if np.isfinite(found) else float("inf")


def measured(seeds: range, quick: bool) -> list[dict[str, Any]]:
    """Return a row for each pair and solver."""
    rows = []
    for group, pair, told in pairs(seeds):
        for solver, chosen in OURS.items():
            options: dict[str, Any] = {"model": pair.model, "intensity": pair.intensity, **chosen}
            result = register(pair.fixed, pair.moving, **options, **told)
            rows.append(
                {
                    "group": group,
                    "solver": solver,
                    "px": distance(result.displacement().numpy(), pair),
                    "status": result.status,
                    "pair": pair.name,
                }
            )
        case = peers.Case(pair.fixed, pair.moving, pair.model, pair.intensity)
        for name in () if quick else REACHING:
            function: Callable[[peers.Case], Any] = peers.PEERS[name]
            try:
                px = distance(function(case), pair)
            except peers.NotSupported:
                continue
            except Exception:  # a peer that gives up has not solved the pair
                px = float("inf")
            rows.append({"group": group, "solver": name, "px": px, "status": None})
    return rows


def reach(rows: list[dict[str, Any]]) -> str:
    """Return the first table."""
    groups = list(dict.fromkeys(row["group"] for row in rows))
    lines = ["| |" + "|".join(f" {group} " for group in groups) + "|"]
    lines.append("|---" * (len(groups) + 1) + "|")
    for solver in dict.fromkeys(row["solver"] for row in rows):
        cells = []
        for group in groups:
            found = [r["px"] for r in rows if r["solver"] == solver and r["group"] == group]
            right = sum(px < RIGHT for px in found)
            middle, most = np.median(found), np.percentile(found, 95, method="higher")
            cells.append(f"{100 * right / len(found):.0f} %, {middle:.3f}, {most:.3g}")
        lines.append(f"| {solver} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def known(rows: list[dict[str, Any]]) -> str:
    """Return what the statuses said of right and of wrong answers."""
    lines = ["| status | right | between | wrong |", "|---|---|---|---|"]
    own = [row for row in rows if row["status"] is not None]
    for status in Status:
        found = [row["px"] for row in own if row["status"] is status]
        right, wrong = sum(px < RIGHT for px in found), sum(px > WRONG for px in found)
        if found:
            between = len(found) - right - wrong
            lines.append(f"| {status.name} | {right} | {between} | {wrong} |")
    for solver in dict.fromkeys(row["solver"] for row in own):
        chosen = [row for row in own if row["solver"] == solver]
        wrong = [not row["status"].settled for row in chosen if row["px"] > WRONG]
        right = [not row["status"].settled for row in chosen if row["px"] < RIGHT]
        caught, alarms = (f"{sum(some)} of {len(some)}" for some in (wrong, right))
        lines.append(
            f"\n{solver}: doubtful or not settled on {caught} wrong answers "
            f"({100 * np.mean(wrong):.1f} %) and on {alarms} right ones "
            f"({100 * np.mean(right):.1f} %)."
        )
    return "\n".join(lines)


def unrelated() -> str:
    """Return what the statuses say of 40 pairs of unrelated images."""
    lines = []
    for options in ({}, {"sampling": "cubic"}, {"intensity": "varying"}, {"metric": "huber"}):
        found: Counter[str] = Counter()
        for index in range(40):
            pair = scenes.unrelated(index)
            result = register(pair.fixed, pair.moving, model=pair.model, **options)
            found[result.status.name] += 1
        said = ", ".join(f"{count} {name}" for name, count in found.most_common())
        lines.append(f"Unrelated images, {options or 'default'}: {said}.")
    return "\n".join(lines)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=4, help="pairs of each kind and source")
    parser.add_argument("--first", type=int, default=100, help="the first seed")
    parser.add_argument("--quick", action="store_true", help="the bundled solver alone")
    options = parser.parse_args()
    torch.set_num_threads(1)
    seeds = range(options.first, options.first + options.seeds)
    rows = measured(seeds, options.quick)
    print(f"Sources: {', '.join(scenes.sources())}. Seeds {seeds.start} to {seeds.stop - 1}.\n")
    print("Within 0.5 px of the truth, median and 95th percentile, px:\n")
    print(reach(rows), known(rows), unrelated(), sep="\n\n")
    missed = [
        f"{r['pair']} ({r['solver']}, {r['px']:.1f} px, {r['status'].name})"
        for r in rows
        if r["status"] is not None and r["px"] > WRONG and r["status"].settled
    ]
    print("\nWrong and settled:", "; ".join(missed) or "none", end=".\n")


if __name__ == "__main__":
    main()
