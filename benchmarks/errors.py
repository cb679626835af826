"""How often the bundled solver's answer lies within two of its standard errors of the truth.

    python benchmarks/errors.py [--draws 50] [--samplings linear cubic] [--models rigid ...]

Six photographs, each with a drawn motion; noise of 2 and 5 % of the range on the fixed image alone
and on both, 50 draws each, float32, arguments as by default but for the sampler. A row holds the
fraction of coordinates (x and y at five points) within two standard errors, and the fraction of
draws of which the result says that its standard errors hold. Gaussian errors lie within two
standard errors 95.4 times in a hundred. Wants scikit-image.
"""

import argparse
import sys
import warnings
from pathlib import Path

import numpy as np
import torch

from irgate_solver import register

sys.path.insert(0, str(Path(__file__).parent))
import photographs

MODELS = ("translation", "rigid", "affine")
NOISE = (0.02, 0.05)
SHAPE = (128, 144)
STEP = 2.0
"""Pixels of the source to one of the images, which then hold little that interpolation errs on."""


def coverage(
    name: str, model: str, sampling: str, noise: float, both: bool, draws: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return errors over predicted standard errors, `(draws, 5, 2)`, what is said, and errors."""
    seed = sum(map(ord, name + model))
    fixed, moving, truth = photographs.pair(name, model, SHAPE, seed, STEP)
    draw = np.random.default_rng(seed + 1)
    first = fixed + noise * draw.standard_normal((draws, *SHAPE))
    second = moving + both * noise * draw.standard_normal((draws, *SHAPE))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = register(
            first.astype(np.float32), second.astype(np.float32), model=model, sampling=sampling
        )
        height, width = SHAPE
        points = torch.tensor(
            [[x, y] for x, y in ((8, 8), (width - 9, 8), (8, height - 9), (width - 9, height - 9))]
            + [[width // 2, height // 2]],
        )
        predicted = result.standard_error(points.double()).numpy()
        holds = getattr(result, "errors_hold", torch.ones(draws, dtype=torch.bool)).numpy()
    x, y = points.T.numpy()
    away = (result.displacement().numpy() - truth)[:, y, x]
    return away / predicted, holds, away


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=50)
    parser.add_argument("--samplings", nargs="+", default=["linear", "cubic"])
    parser.add_argument("--models", nargs="+", default=list(MODELS))
    parser.add_argument("--names", nargs="+", default=list(photographs.SOURCES))
    options = parser.parse_args()
    torch.set_num_threads(1)
    print("sampling model        noise on     within 2 s.e.  said to hold  within, where it holds")
    for sampling in options.samplings:
        for model in options.models:
            for noise in NOISE:
                for both in (False, True):
                    found = [
                        coverage(name, model, sampling, noise, both, options.draws)
                        for name in options.names
                    ]
                    ratio = np.concatenate([one[0] for one in found])
                    holds = np.concatenate([one[1] for one in found])
                    within = np.abs(ratio) <= 2
                    where = f"{within[holds].mean():.3f}" if holds.any() else "-"
                    each = " ".join(f"{(np.abs(one[0]) <= 2).mean():.2f}" for one in found)
                    print(
                        f"{sampling:8s} {model:12s} {noise:5.2f} {'both' if both else 'fixed':6s} "
                        f"{within.mean():10.3f} {holds.mean():14.2f} {where:>14s}    {each}",
                        flush=True,
                    )


if __name__ == "__main__":
    main()
