"""Measure what two modalities cost each metric: pairs whose contrasts are no monotone function.

    python benchmarks/modalities.py [--starts 20] [--json FILE]

The moving image of a fixture, the MRI pair or the photograph, is given the contrast

(1)  0.5 + 0.5 cos(2 pi k v),    k = 1 or 1.5

of its own values v, so that dark and bright become alike; and, once more, a smooth gain of 15 or
30 % up and down besides. The true transform turns by 10 degrees and shifts by 10 px in a seeded
direction, and the solver starts from the identity. A start is solved where the mean distance to the
truth is 0.15 px or less.
"""

import argparse
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import torch

import irgate_fixtures
from irgate_solver import register

DEGREES, SHIFT = 10.0, 10.0
SOLVED_PX = 0.15
FIXTURES = ("brain_mri_real", "lena_affine_2d")
CONTRASTS = (1.0, 1.5)
GAINS = (0.0, 0.15, 0.3)
WAYS: dict[str, dict[str, Any]] = {
    "mind-mi": {"recipe": "mind-mi"},
    "mind": {"metric": "mind", "sampling": "cubic"},
    "ssd": {"metric": "ssd"},
    "ncc": {"metric": "ncc"},
}


def pair_of(name: str, start: int, contrast: float, gain: float) -> irgate_fixtures.Pair:
    """Return the fixture under the true transform of one seeded start, its moving image altered."""
    draw = np.random.default_rng(start)
    angle, sign = draw.uniform(0, 2 * math.pi), 1 if draw.random() < 0.5 else -1
    size = irgate_fixtures.RECIPES[name]["size"]
    dx, dy = SHIFT * math.cos(angle), SHIFT * math.sin(angle)
    truth = irgate_fixtures.rigid(sign * math.radians(DEGREES), dx, dy, size)
    pair = irgate_fixtures.render(name, truth, "rigid")
    y, x = (np.arange(side) / side for side in pair.moving.shape)
    field = 1 + gain * np.sin(np.pi * x) * np.cos(np.pi * y)[:, None]
    moving = field * (0.5 + 0.5 * np.cos(2 * np.pi * contrast * pair.moving.clip(0, 1)))
    return irgate_fixtures.Pair(name, pair.fixed, moving, None, truth, "rigid", "varying")


def distance(pair: irgate_fixtures.Pair, options: dict[str, Any]) -> float:
    """Return the mean distance to the truth, px."""
    images = pair.fixed.astype(np.float32), pair.moving.astype(np.float32)
    result = register(*images, model="rigid", intensity="varying", **options)
    truth = pair.truth.displacement(pair.fixed.shape)
    return float(np.linalg.norm(result.displacement().numpy() - truth, axis=-1).mean())


def main() -> None:
    """Print a row for each fixture, contrast, gain and way."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--starts", type=int, default=20, metavar="N")
    parser.add_argument("--json", type=Path, metavar="FILE")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    rows = []
    print("| fixture | contrast k | gain | way | solved | median px | largest px |")
    print("|---|---|---|---|---|---|---|")
    for name in FIXTURES:
        for contrast in CONTRASTS:
            for gain in GAINS:
                starts = range(arguments.starts)
                pairs = [pair_of(name, start, contrast, gain) for start in starts]
                for way, options in WAYS.items():
                    away = [distance(pair, options) for pair in pairs]
                    solved = sum(px <= SOLVED_PX for px in away)
                    middle, most = float(np.median(away)), max(away)
                    print(
                        f"| {name} | {contrast:g} | {gain:g} | {way} "
                        f"| {solved} of {len(away)} | {middle:.3f} | {most:.3f} |",
                        flush=True,
                    )
                    rows.append([name, contrast, gain, way, solved, len(away), middle, most])
    if arguments.json is not None:
        keys = ("fixture", "contrast", "gain", "way", "solved", "starts", "median_px", "largest_px")
        table = [dict(zip(keys, row, strict=True)) for row in rows]
        arguments.json.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
