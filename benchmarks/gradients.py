"""The gradient through the bundled solver against differences of the whole solve.

    python benchmarks/gradients.py [--sampling linear] [--quick] [--json FILE]

Four photographs, every model, the metrics of single pixels, noise 0, 0.001 and 0.05 of the range on
both images, each image alone, default arguments: a photograph's gradient along a drawn direction,
against the five-point difference of the answer. A row passes where the two agree to 1e-3, and is
told where an `InexactGradientWarning` came; what is neither is silent. Wants scikit-image.
"""

import argparse
import json
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from irgate_solver import InexactGradientWarning, register

sys.path.insert(0, str(Path(__file__).parent))
import photographs

NAMES = ("camera", "brick", "gravel", "retina")
MODELS = ("translation", "rigid", "similarity", "affine", "homography", "ffd")
METRICS = ("ssd", "ncc", "huber", "huber 0.1")
"""The last one with a width that is given."""
NOISE = (0.0, 0.001, 0.05)
SHAPE = (96, 112)
AGREES = 1e-3
"""Largest relative error of a directional derivative that counts as exact."""
STEPS = (2e-7, 1e-7, 5e-8)
"""Of the difference, in the images' range: an answer moves by some 1e-6 px, over no kink of a
smooth sampler, and its last step of 1e-9 px leaves 1e-4 of that at most. The smaller ones are for
where noise has another minimum so near that one of the ends falls into it."""
SMOOTH = 0.01
"""The slopes on both sides of a difference agree to this part where no jump lies between them."""

TOLERANCE_PX = 1e-9
"""Last step of both ends of a difference: register's own for float64 where there is no noise."""


def row(
    name: str, model: str, metric: str, noise: float, which: int, sampling: str | None
) -> dict[str, Any]:
    """Return the relative error of one directional derivative, and whether a warning came."""
    seed = sum(map(ord, name + model))
    fixed, moving, _ = photographs.pair(name, model, SHAPE, seed)
    draw = np.random.default_rng(seed + 1)
    images = [
        torch.tensor(image + noise * draw.standard_normal(SHAPE)) for image in (fixed, moving)
    ]
    direction = torch.tensor(draw.standard_normal(SHAPE))
    weights = torch.tensor(draw.standard_normal((*SHAPE, 2)))
    kind, _, width = metric.partition(" ")
    options: dict[str, Any] = {"model": model, "metric": kind, "sampling": sampling}
    if width:
        options["huber_width"] = float(width)

    def value(change: torch.Tensor | float) -> torch.Tensor:
        moved = [image + (k == which) * change for k, image in enumerate(images)]
        return (register(*moved, **options).displacement() * weights).sum()

    along = torch.zeros((), dtype=torch.float64, requires_grad=True)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        (exact,) = torch.autograd.grad(value(along * direction), along)
    # The differences are of the same solve: where an input requires grad a sampler is chosen, and
    # the minimum is gone to, whatever noise would make of the last steps.
    options |= {"sampling": sampling or "cubic", "tolerance": TOLERANCE_PX}
    difference = derivative(lambda h: float(value(h * direction)))
    return {
        "photograph": name,
        "model": model,
        "metric": metric,
        "noise": noise,
        "image": ("fixed", "moving")[which],
        "error": abs(float(exact) - difference) / abs(difference),
        "warned": any(issubclass(w.category, InexactGradientWarning) for w in caught),
    }


def derivative(value: Callable[[float], float]) -> float:
    """Return the five-point difference at 0 of the first step that spans no jump, or the last."""
    for step in STEPS:
        ends = [value(k * step) for k in (-2, -1, 1, 2)]
        left, right = (ends[1] - ends[0]) / step, (ends[3] - ends[2]) / step
        if abs(left - right) <= SMOOTH * max(abs(left), abs(right)):
            break
    return (8 * (ends[2] - ends[1]) - (ends[3] - ends[0])) / (12 * step)


def measure(sampling: str | None, quick: bool) -> list[dict[str, Any]]:
    """Return a row for each combination; a few of them if `quick`."""
    names, noises = (NAMES[:1], NOISE[2:]) if quick else (NAMES, NOISE)
    return [
        row(name, model, metric, noise, which, sampling)
        for name in names
        for model in MODELS
        for metric in METRICS
        for noise in noises
        for which in (0, 1)
    ]


def silent(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows that are wrong and came without a warning."""
    return [one for one in rows if not one["error"] <= AGREES and not one["warned"]]


def lines(rows: list[dict[str, Any]]) -> list[str]:
    """Return a table: for each metric and noise, the exact, the warned of, the silent rows."""
    found = ["metric      noise   rows  exact  warned  silent  largest silent-free error"]
    for metric in METRICS:
        for noise in NOISE:
            here = [r for r in rows if r["metric"] == metric and r["noise"] == noise]
            if not here:
                continue
            exact = sum(r["error"] <= AGREES for r in here)
            warned = sum(r["warned"] for r in here)
            quiet = [r["error"] for r in here if not r["warned"]]
            worst = f"{max(quiet):.1e}" if quiet else "-"
            found.append(
                f"{metric:10s} {noise:6g} {len(here):6d} {exact:6d} {warned:7d} "
                f"{len(silent(here)):7d}  {worst}"
            )
    found.append(f"silent: {len(silent(rows))} of {len(rows)}")
    return found


def main() -> int:
    """Measure, print, and return 1 if a wrong gradient came without a warning."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sampling", help="register's; its default where not given")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    rows = measure(options.sampling, options.quick)
    print("\n".join(lines(rows)))
    for one in silent(rows):
        print(one)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1))
    return 1 if silent(rows) else 0


if __name__ == "__main__":
    raise SystemExit(main())
