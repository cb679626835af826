"""Measure the bundled solver beside its peers, in one run on one machine.

    python benchmarks/run.py [--rounds 5] [--json FILE] [--quick]

Wants `pip install opencv-python-headless pystackreg` besides the project; a peer that is missing is
left out and named. Peers take turns within a round, and a time is the median over the rounds, so
that a busy machine slows all of them alike; compare ratios, not seconds. Beside it stands the least
processor time of a round, which a busy machine disturbs less. Everything runs in one thread. FFDs
by SimpleITK take half a minute and more and are measured once.
"""

import argparse
import json
import platform
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

import irgate_fixtures
from irgate_solver import (
    _levenberg,
    _lucas_kanade,
    _metrics,
    _normal_equations,
    _pyramid,
    _sampling,
    _template,
    _warps,
)

sys.path.insert(0, str(Path(__file__).parent))
import peers

SIZES = (256, 512, 1024)
SLOW = 5.0
"""A peer that takes longer than this, s, is timed once."""
LOST_PX = 1.0
"""A mean distance to the truth from which on a pair counts as not solved."""


def waves(x: np.ndarray, y: np.ndarray, size: int) -> np.ndarray:
    """Return a smooth scene of plane waves with periods of a 10th to a 40th of the size."""
    draw = np.random.default_rng(7)
    total = np.zeros_like(x)
    for _ in range(30):
        period, angle = size / draw.uniform(3, 25), draw.uniform(0, np.pi)
        phase = draw.uniform(0, 2 * np.pi)
        along = x * np.cos(angle) + y * np.sin(angle)
        total += draw.uniform(0.2, 1) * np.sin(2 * np.pi * along / period + phase)
    return 0.5 + total / 20


def sized_case(size: int) -> tuple[peers.Case, np.ndarray]:
    """Return an affine pair of `size` x `size` pixels, exactly evaluated, and its displacement."""
    y, x = np.mgrid[:size, :size].astype(float)
    centre = (size - 1) / 2
    linear = np.array([[1.03, 0.05], [-0.04, 0.98]])
    matrix = np.eye(3)
    matrix[:2, :2] = linear
    matrix[:2, 2] = centre - linear @ (centre, centre) + np.array([0.012, -0.009]) * size
    field = peers.field_of(matrix, (size, size))
    fixed = waves(x + field[..., 0], y + field[..., 1], size).astype(np.float32)
    return peers.Case(fixed, waves(x, y, size).astype(np.float32), "affine", "same"), field


def fixture_case(name: str) -> tuple[peers.Case, np.ndarray]:
    """Return a base fixture and its true displacement."""
    pair = irgate_fixtures.pair(name)
    fixed, moving = pair.fixed.astype(np.float32), pair.moving.astype(np.float32)
    case = peers.Case(fixed, moving, pair.model, pair.intensity)
    return case, pair.truth.displacement(case.shape)


def residual(case: peers.Case, field: np.ndarray) -> float:
    """Return the RMSE over the pixels that map between the outermost samples.

    Where the gain varies, after the best gain and offset.
    """
    points = torch.tensor(field).permute(2, 0, 1)[None].clone()
    y, x = torch.meshgrid(
        *(torch.arange(n, dtype=torch.float64) for n in case.shape), indexing="ij"
    )
    points[:, 0] += x
    points[:, 1] += y
    moving = torch.tensor(case.moving, dtype=torch.float64)[None]
    inside = _lucas_kanade.valid_points(points, case.moving.shape, torch.ones(1, *case.shape)) > 0
    m = _sampling.Linear(moving).jet(points).value[inside].numpy()
    f = case.fixed.astype(np.float64)[inside[0].numpy()]
    if not len(f):
        return float("nan")
    if case.intensity == "varying":
        gain, offset = np.polyfit(m, f, 1)
        m = gain * m + offset
    return float(np.sqrt(np.mean((m - f) ** 2)))


def compare(name: str, case: peers.Case, truth: np.ndarray, rounds: int) -> list[dict[str, Any]]:
    """Measure all peers on one pair, in turns."""
    times: dict[str, list[float]] = {peer: [] for peer in peers.PEERS}
    works: dict[str, list[float]] = {peer: [] for peer in peers.PEERS}
    fields: dict[str, np.ndarray] = {}
    notes: dict[str, str] = {}
    for turn in range(rounds + 1):
        for peer, function in peers.PEERS.items():
            if peer in notes or (times[peer] and times[peer][0] > SLOW):
                continue
            start, before = time.perf_counter(), time.process_time()
            try:
                fields[peer] = function(case)
            except peers.NotSupported as reason:
                notes[peer] = str(reason)
            except Exception as error:  # a peer that fails is a result, whatever it raises
                notes[peer] = f"failed: {type(error).__name__}: {' '.join(str(error).split())[:80]}"
            elapsed, work = time.perf_counter() - start, time.process_time() - before
            # The first turn warms up, but for those that are too slow to run again.
            if peer not in notes and (turn or elapsed > SLOW):
                times[peer].append(elapsed)
                works[peer].append(work)
    rows = []
    oracle_time = statistics.median(times["SimpleITK oracle"] or [float("nan")])
    for peer in peers.PEERS:
        row: dict[str, Any] = {"case": name, "peer": peer, "note": notes.get(peer)}
        if peer in fields and peer not in notes:
            distance = np.linalg.norm(fields[peer] - truth, axis=-1)
            seconds = statistics.median(times[peer])
            row |= {
                "rmse": residual(case, fields[peer]),
                "distance_px": float(distance.mean()),
                "seconds": seconds,
                "cpu_seconds": min(works[peer]),
                "ratio_to_oracle": seconds / oracle_time,
                "solved": bool(distance.mean() < LOST_PX),
            }
        rows.append(row)
    return rows


def iteration_over_grid_sample(size: int, rounds: int) -> dict[str, float]:
    """Time one inverse-compositional iteration beside one bare grid_sample of the same image."""
    case, _ = sized_case(size)
    fixed, moving = (torch.tensor(image)[None] for image in (case.fixed, case.moving))
    level = _pyramid.Level(fixed, torch.ones_like(fixed), moving, 1)
    warp = _warps.Affine(size, size)
    metric = _metrics.squared_differences
    problem = _template.Inverse(warp, level, metric)
    p = torch.tensor([[1.3, -0.7, 2.0, 1.0, -1.0, 0.5]], dtype=torch.float64)
    y, x = torch.arange(size, dtype=torch.float64), torch.arange(size, dtype=torch.float64)
    points = _normal_equations.Basis.of(warp, y, x).positions(warp.coefficients(p))
    grid = _sampling.normalised(points, size, size).float()
    place = grid.permute(0, 2, 3, 1).contiguous()
    options = {"padding_mode": "border", "align_corners": False}
    bare, whole = [], []
    at = problem.linearise(p)
    for _ in range(4 * rounds):
        start = time.perf_counter()
        torch.nn.functional.grid_sample(moving[None], place, **options)
        middle = time.perf_counter()
        step, _ = _levenberg.damped_step(at, [1e-3])
        _ = problem.linearise(problem.retract(p, step)).equations
        bare.append(middle - start)
        whole.append(time.perf_counter() - middle)
    one, other = statistics.median(bare), statistics.median(whole)
    return {"size": size, "grid_sample": one, "iteration": other, "ratio": other / one}


def table(rows: list[dict[str, Any]]) -> str:
    """Return the rows as text."""
    head = f"{'case':20} {'peer':20} {'rmse':>10} {'to truth':>11}"
    head += f" {'ms':>9} {'cpu ms':>9} {'/oracle':>9}"
    lines = [head, "-" * len(head)]
    for row in rows:
        start = f"{row['case']:20} {row['peer']:20}"
        if row["note"]:
            lines.append(f"{start} {row['note']}")
            continue
        lost = "" if row["solved"] else "  not solved"
        lines.append(
            f"{start} {row['rmse']:10.3e} {row['distance_px']:8.5f} px {1e3 * row['seconds']:9.1f}"
            f" {1e3 * row['cpu_seconds']:9.1f}"
            f" {row['ratio_to_oracle']:9.4f}{lost}"
        )
    return "\n".join(lines)


def main() -> None:
    """Run all, print the tables, write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5, help="timed turns per pair")
    parser.add_argument("--json", type=Path, help="where to write the figures")
    parser.add_argument("--quick", action="store_true", help="the five fixtures only")
    options = parser.parse_args()
    peers.one_thread()
    cases = {name: fixture_case(name) for name in irgate_fixtures.NAMES}
    if not options.quick:
        cases |= {f"affine {size}": sized_case(size) for size in SIZES}
    rows = []
    for name, (case, truth) in cases.items():
        rows += compare(name, case, truth, options.rounds)
        print(table(rows[-len(peers.PEERS) :]), flush=True)
    iterations = [iteration_over_grid_sample(size, options.rounds) for size in SIZES]
    print("\none inverse-compositional iteration over one bare grid_sample, same image")
    for row in iterations:
        print(
            f"{row['size']:5} px  {1e3 * row['iteration']:8.2f} ms / "
            f"{1e3 * row['grid_sample']:8.2f} ms = {row['ratio']:.2f}"
        )
    if options.json:
        machine = {"platform": platform.platform(), "torch": torch.__version__, "threads": 1}
        document = {"machine": machine, "rows": rows, "iterations": iterations}
        options.json.write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
