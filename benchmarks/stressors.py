"""The stressors, one thing changed at a time: bias, low overlap, occlusion.

    python benchmarks/stressors.py [--docs docs/stressors.md]

A bias field should tell SSD from the metrics that do not compare brightness; low overlap, a mean
over the valid pixels from a sum over all; an occluder, a solve with its mask from one without. Each
line is the mean distance to the truth over the pixels that count; from the identity, and for the
overlap from ten starts 16 px off the truth (then the median). For the overlap the criteria are also
compared without a descent: how far from the truth is the shift that each likes best?
"""

import argparse
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.ndimage import map_coordinates
from torch import Tensor

sys.path.insert(0, str(Path(__file__).parent))
import page
import pairs

Criterion = Callable[[pairs.Array, pairs.Array, pairs.Array], float]
"""Fixed image, warped image and valid pixels, `(H, W)` each, to a figure."""


def mean_over_valid(fixed: Tensor, warped: Tensor, valid: Tensor) -> Tensor:
    """Squared differences over the number of valid pixels: SSD as the solver has it."""
    return ((warped - fixed).square() * valid).sum((1, 2)) / valid.sum((1, 2)).clamp(min=1)


def sum_over_all(fixed: Tensor, warped: Tensor, valid: Tensor) -> Tensor:
    """The same over the number of all pixels: fewer valid pixels make it smaller."""
    return ((warped - fixed).square() * valid).sum((1, 2)) / valid[0].numel()


def _mean_square(fixed: pairs.Array, warped: pairs.Array, valid: pairs.Array) -> float:
    return float(((warped - fixed)[valid] ** 2).mean())


def _correlation(fixed: pairs.Array, warped: pairs.Array, valid: pairs.Array) -> float:
    return -float(np.corrcoef(warped[valid], fixed[valid])[0, 1])


def _over_all(criterion: Criterion) -> Criterion:
    """Return the criterion with all pixels counted, zero where the moving image has none."""
    return lambda fixed, warped, valid: criterion(
        fixed, np.where(valid, warped, 0.0), np.ones_like(valid)
    )


CRITERIA: dict[str, Criterion] = {
    "best shift: mean square over the valid pixels": _mean_square,
    "best shift: mean square over all, zeros beyond": _over_all(_mean_square),
    "best shift: correlation over the valid pixels": _correlation,
    "best shift: correlation over all, zeros beyond": _over_all(_correlation),
}
"""Less is better in each."""
SHIFT_STEP_PX, LEAST_OVERLAP = 4, 0.1

Row = tuple[str, str, str, float, int, int]
"""Stressor, pair, choice, median distance in px, solves within `SOLVED_PX`, solves."""
STARTS, SHIFT_PX, SOLVED_PX = 10, 16.0, 0.5
"""Where the region is frozen, a mean and a sum have one minimum. What overlap does to a descent
shows on the way, so these solves start at the truth shifted by this many px, in as many directions.
"""
CHOICES: dict[str, dict[str, dict[str, Any]]] = {
    "bias30": {
        "ssd": {"metric": "ssd"},
        "ncc": {"metric": "ncc"},
        "lncc": {"metric": "lncc"},
        "mind": {"metric": "mind"},
    },
    "overlap40": {
        "mean over the valid pixels": {"metric": mean_over_valid},
        "sum over the valid pixels, over all": {"metric": sum_over_all},
        "ncc (normalised)": {"metric": "ncc"},
    },
    "occlusion25": {
        "with the mask": {},
        "without": {"mask": None},
        "without, Huber": {"mask": None, "metric": "huber"},
    },
}


def measure() -> list[Row]:
    """Return the rows, sorted by stressor and pair."""
    rows = []
    for name in pairs.STRESSORS:
        stressor = name.rpartition("-")[2]
        pair = pairs.CASES[name].pair()
        for choice, options in CHOICES[stressor].items():
            if stressor == "overlap40":
                errors = [
                    pairs.distance(pairs.solve(pair, **options, init=start), pair)
                    for start in starts(pair)
                ]
            else:
                errors = [pairs.distance(pairs.solve(pair, sampling="cubic", **options), pair)]
            solved = sum(error <= SOLVED_PX for error in errors)
            rows.append((stressor, name, choice, float(np.median(errors)), solved, len(errors)))
        if stressor == "overlap40":
            for choice, error in best_shifts(pair).items():
                rows.append((stressor, name, choice, error, int(error <= SOLVED_PX), 1))
    return sorted(rows, key=lambda row: (list(CHOICES).index(row[0]), row[1]))


def best_shifts(pair: Any) -> dict[str, float]:
    """Return how far from the truth, px, each criterion is least.

    The truth is shifted over a grid of half the image to each side. Shifts with fewer valid pixels
    than `LEAST_OVERLAP` are left out: on a few pixels any criterion may be small.
    """
    fixed, moving = np.asarray(pair.fixed), np.asarray(pair.moving)
    height, width = fixed.shape
    y, x = np.mgrid[:height, :width] + np.moveaxis(pairs.truth_of(pair)[..., ::-1], -1, 0)
    least = dict.fromkeys(CRITERIA, (np.inf, np.nan))
    for across in range(-(width // 2 // SHIFT_STEP_PX), width // 2 // SHIFT_STEP_PX + 1):
        for down in range(-(height // 2 // SHIFT_STEP_PX), height // 2 // SHIFT_STEP_PX + 1):
            px, py = x + across * SHIFT_STEP_PX, y + down * SHIFT_STEP_PX
            valid = (
                (px >= 0) & (px <= moving.shape[1] - 1) & (py >= 0) & (py <= moving.shape[0] - 1)
            )
            if valid.mean() < LEAST_OVERLAP:
                continue
            warped = map_coordinates(moving, [py, px], order=1)
            shift = SHIFT_STEP_PX * float(np.hypot(across, down))
            for name, criterion in CRITERIA.items():
                least[name] = min(least[name], (criterion(fixed, warped, valid), shift))
    return {name: shift for name, (_, shift) in least.items()}


def starts(pair: Any) -> list[pairs.Array]:
    """Return the truth, shifted in ten seeded directions."""
    found = []
    for seed in range(STARTS):
        angle = np.random.default_rng(seed).uniform(0, 2 * np.pi)
        matrix = pair.truth.matrix.copy()
        matrix[:2, 2] += SHIFT_PX * np.array([np.cos(angle), np.sin(angle)])
        found.append(matrix)
    return found


def table(rows: list[Row]) -> str:
    """Return the rows as Markdown."""
    lines = ["| stressor | pair | by | distance, px | within 0.5 px |", "|---|---|---|---|---|"]
    for stressor, name, choice, error, solved, tried in rows:
        lines.append(f"| {stressor} | {name} | {choice} | {error:.4f} | {solved} of {tried} |")
    return "\n".join(lines)


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--docs", type=Path, help="page whose table is replaced")
    options = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    text = table(measure())
    print(text)
    if options.docs:
        page.replace(options.docs, text)


if __name__ == "__main__":
    main()
