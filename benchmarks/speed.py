"""Measure what the solver's compiled kernel brings: solves beside peers, looks, batches, memory.

    python benchmarks/speed.py [--quick] [--rounds 5] [--only solves] [--output speed.json]

One run, in turns: each round measures every cell three times in a row, and the least processor time
counts; the first of the three finds the caches full of another cell's data. All work in one thread. Scenes are sums of plane waves with periods of 6 to 60 px, evaluated exactly, turned
by 2 degrees, shifted by (1.7, -2.3) px and, for affine maps, stretched by 1 %; noise is in parts of
the range, on both images. The last two pairs of the solves are the MRI fixture: with default arguments, and with the intensity
that it has.
The truths of the FFDs are FFDs of the same grid, its control points moved by 1 px at random. Peers
are set up by their adapters. Tables go to the standard output, with the load of the machine, and at
the end the peak memory at 1024 px. `--quick` leaves out what is larger than 256 px.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parent))
import peers

import irgate_fixtures
from irgate_solver import _sampling, _warps, kernel, register
from irgate_solver._lucas_kanade import Forward, level_basis
from irgate_solver._metrics import squared_differences
from irgate_solver._native import VARIABLE
from irgate_solver._pyramid import Level
from irgate_solver._template import Inverse

SIDES = (128, 200, 256, 512, 1024)
QUICK = (128, 200, 256)
NOISE = (0.0, 0.01)
COLUMNS = ("bundled", "bundled cubic", "OpenCV ECC", "pystackreg")
IN_A_ROW = 3
"""Runs of a cell before the next one's turn."""
TORCH = "by torch"
"""What stands beside a column's name where the kernel is off."""
BATCHES = ((64, 64), (16, 256))
GRIDS = (4, 8, 12, 16)
"""Control points on each side of the FFDs, on images of 256 px."""
FREE_FORMS: dict[str, dict[str, Any]] = {
    "linear": {"sampling": "linear"},
    "cubic": {"sampling": "cubic"},
    "cubic, bending": {"sampling": "cubic", "bending": "auto"},
}
FIXTURE = "brain_mri_real"
Array = NDArray[np.float64]


def scene(x: Array, y: Array, seed: int) -> Array:
    """Return plane waves at points, about [0, 1]."""
    draw = np.random.default_rng(seed)
    total = np.zeros_like(x)
    for _ in range(24):
        angle, phase = draw.uniform(0, 2 * np.pi, 2)
        period = np.exp(draw.uniform(np.log(6), np.log(60)))
        along = np.cos(angle) * x + np.sin(angle) * y
        total += period**0.5 * np.cos(2 * np.pi * along / period + phase)
    return 0.5 + total / 100


def pair(
    side: int, model: str, noise: float, seed: int = 0, degrees: float = 2.0
) -> tuple[peers.Case, Array]:
    """Return a pair and its true displacement, px."""
    angle = np.deg2rad(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    linear = turn @ np.diag([1.01, 0.99]) if model == "affine" else turn
    y, x = np.mgrid[:side, :side].astype(np.float64)
    centred = np.stack((x, y), -1) - (side - 1) / 2
    mapped = centred @ linear.T + (side - 1) / 2 + (1.7, -2.3)
    draw = np.random.default_rng(seed + 99)
    fixed = scene(mapped[..., 0], mapped[..., 1], seed) + noise * draw.standard_normal(x.shape)
    moving = scene(x, y, seed) + noise * draw.standard_normal(x.shape)
    case = peers.Case(fixed.astype(np.float32), moving.astype(np.float32), model, "same")
    return case, mapped - np.stack((x, y), -1)


def fixture(intensity: str | None = None) -> tuple[peers.Case, Array]:
    """Return the MRI fixture and its true displacement, px.

    Args:
        intensity: what solvers are told of it; its own where not given.

    """
    one = irgate_fixtures.pair(FIXTURE)
    fixed, moving = one.fixed.astype(np.float32), one.moving.astype(np.float32)
    case = peers.Case(fixed, moving, one.model, intensity or one.intensity)
    return case, one.truth.displacement(case.shape)


def free_form_pair(control: int, noise: float, side: int = 256) -> tuple[peers.Case, Array]:
    """Return a pair whose truth is an FFD, and its displacement, px."""
    warp = _warps.FreeForm(side, side, (control, control))
    draw = np.random.default_rng(control)
    p = torch.tensor(draw.standard_normal((1, warp.size)))
    axis = torch.arange(side, dtype=torch.float64)
    field = np.moveaxis(_warps.displacement(warp, p, axis, axis)[0].numpy(), 0, -1)
    y, x = np.mgrid[:side, :side].astype(np.float64)
    fixed, moving = scene(x + field[..., 0], y + field[..., 1], 0), scene(x, y, 0)
    both = [
        (image + noise * draw.standard_normal(x.shape)).astype(np.float32)
        for image in (fixed, moving)
    ]
    return peers.Case(both[0], both[1], "ffd", "same"), field


def seconds(run: Callable[[], object]) -> float:
    """Return the processor time of one run."""
    start = time.process_time()
    run()
    return time.process_time() - start


def by_torch(run: Callable[[], Any]) -> Callable[[], Any]:
    """Return what runs without the kernel."""

    def without() -> Any:
        os.environ[VARIABLE] = "0"
        try:
            return run()
        finally:
            del os.environ[VARIABLE]

    return without


Solves = dict[tuple[str, ...], tuple[Callable[[], Array], Array]]
"""What solves each pair with each column, and the true displacement."""


def solves(sides: tuple[int, ...]) -> Solves:
    """Return the pairs of linear families, with each column."""
    rows: Solves = {}
    pairs = {
        f"{side}, {model}, {noise:g}": pair(side, model, noise)
        for side in sides
        for model in ("affine", "rigid")
        for noise in NOISE
    }
    pairs["MRI, rigid"] = fixture("same")
    pairs["MRI, rigid, varying"] = fixture()
    for row, (case, truth) in pairs.items():
        for name in COLUMNS:

            def run(name: str = name, case: peers.Case = case) -> Array:
                return peers.PEERS[name](case)

            rows[row, name] = run, truth
            if name.startswith("bundled"):
                rows[row, f"{name} {TORCH}"] = by_torch(run), truth
    return rows


def free_forms() -> Solves:
    """Return the FFDs, with the solver's columns."""
    rows: Solves = {}
    for noise in NOISE:
        for control in GRIDS:
            case, truth = free_form_pair(control, noise)
            for name, options in FREE_FORMS.items():

                def run(
                    case: peers.Case = case, control: int = control, options: Any = options
                ) -> Array:
                    grid = (control, control)
                    result = register(case.fixed, case.moving, model="ffd", control=grid, **options)
                    return np.asarray(result.displacement())

                row = f"{control} x {control}, {noise:g}"
                rows[row, name] = run, truth
                rows[row, f"{name} {TORCH}"] = by_torch(run), truth
    return rows


def looks(sides: tuple[int, ...]) -> dict[tuple[str, ...], Callable[[], object]]:
    """Return one look of each kind, and what they are measured by."""
    import cv2

    cv2.setNumThreads(1)
    rows: dict[tuple[str, ...], Callable[[], object]] = {}
    for side in (side for side in sides if side in (200, 512, 1024)):
        case, truth = pair(side, "affine", 0.0)
        fixed, moving = torch.tensor(case.fixed)[None], torch.tensor(case.moving)[None]
        level = Level(fixed, torch.ones_like(fixed), moving, 1, whole=True)
        warp = _warps.Affine(side, side)
        p = torch.tensor([[1.7, -2.3, 0.5, -1.5, 1.5, -0.5]], dtype=torch.float64)
        points = np.moveaxis(truth + np.stack(np.mgrid[:side, :side][::-1], -1), -1, 0)
        maps = [np.ascontiguousarray(plane, dtype=np.float32) for plane in points]
        grid = _sampling.normalised(torch.tensor(points)[None], side, side)
        row = f"{side} px"
        for kind in ("linear", "cubic"):
            sampler = _sampling.make_sampler(kind, moving)
            basis, extent = level_basis(warp, level), (side, side)
            problem = Forward(warp, basis, level, sampler, extent, squared_differences)
            rows[row, f"{kind} look"] = lambda problem=problem, p=p: problem.linearise(p).equations
        rows[row, "cv2.remap"] = lambda image=case.moving, maps=maps: cv2.remap(
            image, *maps, cv2.INTER_LINEAR
        )
        inverse = Inverse(warp, level, squared_differences)
        rows[row, "inverse-compositional look"] = lambda one=inverse, p=p: one.linearise(p)
        single = grid.float()
        rows[row, "grid_sample"] = lambda moving=moving, grid=single: _sampling.sample_normalised(
            moving, grid
        )
    return rows


def batches(sides: tuple[int, ...]) -> dict[tuple[str, ...], Callable[[], object]]:
    """Return batches beside loops, and one hard pair among easy ones."""
    rows: dict[tuple[str, ...], Callable[[], object]] = {}
    for count, side in BATCHES:
        cases = [pair(side, "affine", 0.0, seed)[0] for seed in range(count)]
        fixed, moving = (
            torch.tensor(np.stack([getattr(case, name) for case in cases]))
            for name in ("fixed", "moving")
        )
        row = f"{count} pairs of {side} px"
        rows[row, "batch"] = lambda f=fixed, m=moving: register(f, m)
        rows[row, "loop"] = lambda f=fixed, m=moving: [
            register(*each) for each in zip(f, m, strict=True)
        ]
    cases = [pair(64, "affine", 0.0, seed)[0] for seed in range(16)]
    hard, _ = pair(64, "affine", 0.03, 3, degrees=170.0)
    row = "16 pairs of 64 px, one hard"
    for name, some in (("easy batch", cases), ("with a hard pair", [*cases[:15], hard])):
        images = [
            torch.tensor(np.stack([getattr(c, n) for c in some])) for n in ("fixed", "moving")
        ]
        rows[row, name] = lambda images=images: register(*images)
    rows[row, "the hard pair"] = lambda: register(hard.fixed, hard.moving)
    return rows


def memory(sampling: str) -> float:
    """Return the peak of a solve at 1024 px beyond the images and the libraries, MiB."""
    case, _ = pair(1024, "affine", 0.0)
    small, _ = pair(64, "affine", 0.0)
    register(small.fixed, small.moving, sampling=sampling)
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    now = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    register(case.fixed, case.moving, sampling=sampling)
    peak = Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]
    return int(peak) / 1024 - now / 2**20


def measured(rows: dict[Any, Callable[[], object]], rounds: int) -> dict[Any, float]:
    """Return the least processor time of each cell, ms, measured in turns."""
    for run in rows.values():
        run()
    times = {name: float("inf") for name in rows}
    for _ in range(rounds):
        for name, run in rows.items():
            each = [1e3 * seconds(run) for _ in range(IN_A_ROW)]
            times[name] = min(times[name], *each)
    return times


def table(times: dict[tuple[str, ...], float], away: dict[tuple[str, ...], float]) -> None:
    """Print times, ms, with distances where there are some."""
    columns = list(dict.fromkeys(column for _, column in times))
    print("| | " + " | ".join(columns) + " |\n" + "|---" * (len(columns) + 1) + "|")
    for row in dict.fromkeys(row for row, _ in times):
        cells = []
        for column in columns:
            value = times.get((row, column))
            cell = "" if value is None else f"{value:.2f}"
            if (row, column) in away:
                cell += f" ({away[row, column]:.4f})"
            cells.append(cell)
        print(f"| {row} | " + " | ".join(cells) + " |", flush=True)
    print()


PARTS = ("solves", "free forms", "looks", "batches", "memory")
"""What can be measured alone."""


def solved(rows: Solves, rounds: int, found: dict[str, Any], title: str) -> None:
    """Measure solves and their distances to the truth, print them, and keep them in `found`."""
    away = {
        name: float(np.linalg.norm(run() - truth, axis=-1).mean())
        for name, (run, truth) in rows.items()
    }
    times = measured({name: run for name, (run, _) in rows.items()}, rounds)
    print(f"{title}: ms (mean distance to the truth, px)\n")
    table(times, away)
    found[title] = {" | ".join(name): value for name, value in times.items()}
    distances = {" | ".join(name): value for name, value in away.items()}
    found["distances"] = found.get("distances", {}) | distances


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="nothing larger than 256 px")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", choices=PARTS, help="one part alone")
    parser.add_argument("--output", type=Path, help="a JSON file")
    parser.add_argument("--memory", choices=("linear", "cubic"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.memory:
        print(memory(options.memory))
        return
    peers.one_thread()
    sides = QUICK if options.quick else SIDES
    chosen = (options.only,) if options.only else PARTS
    found: dict[str, Any] = {"kernel": kernel(), "load before": os.getloadavg()}
    print(f"{kernel()}; load {os.getloadavg()}; {options.rounds} rounds\n")
    if "solves" in chosen:
        solved(solves(sides), options.rounds, found, "solves")
    if "free forms" in chosen:
        solved(free_forms(), options.rounds, found, "free forms")
    for title, make in (("looks", looks), ("batches", batches)):
        if title in chosen:
            times = measured(make(sides), options.rounds)
            found[title] = {" | ".join(name): value for name, value in times.items()}
            print(f"{title}: ms\n")
            table(times, {})
    if "memory" in chosen and not options.quick and Path("/proc/self/clear_refs").exists():
        for sampling in ("linear", "cubic"):
            line = [sys.executable, __file__, "--memory", sampling]
            ran = subprocess.run(line, capture_output=True, text=True, check=True)
            found[f"memory {sampling}"] = float(ran.stdout)
            print(
                f"Peak memory at 1024 px beyond the images, {sampling}: {float(ran.stdout):.0f} MiB"
            )
    found["load after"] = os.getloadavg()
    print(f"\nload {os.getloadavg()}")
    if options.output:
        options.output.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
