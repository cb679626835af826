"""Measure the distance to the truth under noise, beside peers set up as their adapters are.

    python benchmarks/noise.py [--seeds 2]

Noise is on both images, in parts of the range. Each figure is the median over the scenes and seeds
of the mean distance, px, over the pixels that both images show. SimpleITK's FFD takes minutes for
all rows and is left out with `--quick`.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parent))
import peers
import scenes

SOURCES = ("waves", "cells", "retina", "grass")
NOISE = (0.0, 0.01, 0.03)
SIDES = (128, 256)
MODELS = ("translation", "rigid", "affine", "ffd")
COLUMNS = (
    "bundled",
    "bundled cubic",
    "bundled cubic, smoothing auto",
    "OpenCV ECC",
    "pystackreg",
    "SimpleITK as used",
    "OpenCV DIS",
)


def deformed(name: str, seed: int, noise: float, size: tuple[int, int]) -> scenes.Pair:
    """Return a pair that an FFD of 4 x 4 control points made, up to some 4 px."""
    from irgate_solver._warps import FreeForm, displacement

    draw = np.random.default_rng([seed, scenes.NAMES.index(name), 91])
    warp = FreeForm(*size)
    p = torch.tensor(draw.uniform(-5, 5, (1, warp.size)))
    y, x = (torch.arange(side, dtype=torch.float64) for side in size)
    truth = displacement(warp, p, y, x)[0].permute(1, 2, 0).numpy()
    image = scenes.source(name, seed)
    fixed, moving = (scenes.look_up(image, u) for u in (truth, np.zeros_like(truth)))
    fixed, moving = (
        (part + noise * draw.standard_normal(size)).astype(np.float32) for part in (fixed, moving)
    )
    overlap = float(scenes.inside(truth, size).mean())
    return scenes.Pair(f"{name}-ffd-{seed}", fixed, moving, truth, "ffd", "same", overlap)


def distance(peer: str, pair: scenes.Pair) -> float:
    """Return the mean distance to the truth, px; infinite where the peer gave up."""
    case = peers.Case(pair.fixed, pair.moving, pair.model, pair.intensity)
    try:
        field = peers.PEERS[peer](case)
    except peers.NotSupported:
        raise
    except Exception:  # a peer that gives up has no distance
        return float("inf")
    away = np.linalg.norm(field - pair.truth, axis=-1)
    return float(away[scenes.inside(pair.truth, pair.moving.shape)].mean())


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--quick", action="store_true", help="without SimpleITK's FFD")
    options = parser.parse_args()
    peers.one_thread()
    names = [name for name in SOURCES if name in scenes.sources()]
    print(f"Scenes: {', '.join(names)}; {options.seeds} seeds.\n")
    print("| side, model, noise | " + " | ".join(COLUMNS) + " |")
    print("|---" * (len(COLUMNS) + 1) + "|")
    for side in SIDES:
        for model in MODELS:
            for noise in NOISE:
                size = (side, side)
                pairs = [
                    deformed(name, seed, noise, size)
                    if model == "ffd"
                    else scenes.pair(name, "small", model, seed, noise=noise, size=size)
                    for name in names
                    for seed in range(options.seeds)
                ]
                cells = []
                for peer in COLUMNS:
                    if options.quick and (peer, model) == ("SimpleITK as used", "ffd"):
                        cells.append("")
                        continue
                    try:
                        found = [distance(peer, pair) for pair in pairs]
                        cells.append(f"{np.median(found):.4f}")
                    except peers.NotSupported:
                        cells.append("")
                print(f"| {side}, {model}, {noise:g} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
