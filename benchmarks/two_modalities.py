"""Two modalities: one image's contrast is a non-monotone function of the other's.

    python benchmarks/two_modalities.py [--docs docs/modalities.md] [--starts 20] [--json FILE]

The fixed image of a base fixture is replaced by a function of itself that rises and falls, so that
no gain, no offset and no order of grey values is shared, and the true transform stays. Every solve
starts 10 degrees and 10 px from the truth, in seeded directions. It succeeds where the mean
distance to the truth is at most 0.15 px.
"""

import argparse
import json
import sys
import time
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parent))
import page
import pairs

SOLVED_PX = 0.15
DEGREES, SHIFT_PX = 10.0, 10.0
CHOICES: dict[str, dict[str, Any]] = {
    "mind-mi": {"recipe": "mind-mi"},
    "ssd": {"metric": "ssd", "sampling": "cubic"},
    "ncc": {"metric": "ncc", "sampling": "cubic"},
    "lncc": {"metric": "lncc", "sampling": "cubic"},
    "mind": {"metric": "mind", "sampling": "cubic"},
}


def contrast(image: pairs.Array) -> pairs.Array:
    """Return another modality's contrast: a wave over the grey values, which rises and falls.

    Dark and bright become alike, and mid grey the opposite of both. Bright is the 95th percentile
    of what is no background: a scan has few brighter pixels, and most of it would only rise.
    """
    low = image.min()
    bright = np.percentile(image[image > low + 0.1 * np.ptp(image)], 95)
    unit = (image - low) / (bright - low)
    return 0.5 - 0.5 * np.cos(2 * np.pi * unit) + 0.15 * unit


def biased(image: pairs.Array) -> pairs.Array:
    """Return the image under a smooth multiplicative field of +-30 %, a period over the image."""
    height, width = image.shape
    y, x = np.mgrid[:height, :width]
    return image * (1 + 0.3 * np.cos(2 * np.pi * (x / width + 0.6 * y / height) + 0.4))


def modalities() -> dict[str, Any]:
    """Return the four pairs, by name."""
    found = {}
    for name in ("brain_mri_real", "lena_affine_2d"):
        plain = pairs.CASES[name].pair()
        pair = replace(plain, intensity="varying", fixed=contrast(plain.fixed))
        found[name] = pair
        found[f"{name}, bias"] = replace(pair, moving=biased(pair.moving))
    return found


def start(pair: Any, seed: int) -> pairs.Array:
    """Return the truth turned by 10 degrees about the centre and shifted by 10 px."""
    draw = np.random.default_rng(seed)
    sign, angle = draw.choice([-1, 1]), draw.uniform(0, 2 * np.pi)
    turn = sign * np.deg2rad(DEGREES)
    height, width = pair.fixed.shape
    centre = np.array([(width - 1) / 2, (height - 1) / 2])
    motion = np.eye(3)
    motion[:2, :2] = [[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]
    motion[:2, 2] = centre - motion[:2, :2] @ centre
    motion[:2, 2] += SHIFT_PX * np.array([np.cos(angle), np.sin(angle)])
    return pair.truth.matrix @ motion


def measure(starts: int) -> list[dict[str, Any]]:
    """Solve every pair from every start by every choice."""
    rows = []
    for name, pair in modalities().items():
        for choice, options in CHOICES.items():
            begin = time.perf_counter()
            errors = [
                pairs.distance(pairs.solve(pair, **options, init=start(pair, seed)), pair)
                for seed in range(starts)
            ]
            rows.append(
                {
                    "pair": name,
                    "by": choice,
                    "solved": sum(error <= SOLVED_PX for error in errors),
                    "starts": starts,
                    "median_px": float(np.median(errors)),
                    "seconds": (time.perf_counter() - begin) / starts,
                }
            )
            print(rows[-1], file=sys.stderr, flush=True)
    return rows


def table(rows: list[dict[str, Any]]) -> str:
    """Return the rows as Markdown."""
    lines = ["| pair | by | solved | median distance, px | s a solve |", "|---|---|---|---|---|"]
    for row in rows:
        lines.append(
            f"| {row['pair']} | `{row['by']}` | {row['solved']} of {row['starts']} | "
            f"{row['median_px']:.3f} | {row['seconds']:.2f} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--docs", type=Path, help="page whose table is replaced")
    parser.add_argument("--json", type=Path, help="where to write the figures")
    parser.add_argument("--starts", type=int, default=20)
    options = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    rows = measure(options.starts)
    print(table(rows))
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    if options.docs:
        page.replace(options.docs, table(rows))


if __name__ == "__main__":
    main()
