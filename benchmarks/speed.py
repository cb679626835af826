"""Measure the bundled solver beside its peers: time, distance, time to a distance, memory.

    python benchmarks/speed.py [--quick] [--rounds 2] [--only PART,PART] [--output speed.json]
    python benchmarks/speed_tables.py benchmarks/results/speed.json [docs/solver.md]

Parts: solves, free forms, reach (the least time to a mean distance of 0.05 and of 0.005 px, over
each peer's settings), looks, batches, memory. One run, in turns: each round measures every cell
three times in a row, once where it takes more than a third of a second, and the least processor
time counts; the first of the three finds the caches full of another cell's data. All work in one
thread. Times and distances are means over five scenes, two from 1024 px on. Peers are set up by
their adapters; ECC stops at 1e-6 where nothing else is said. A peer that is not installed, or that
gives no answer for a pair, is left out and named. `--quick` leaves out what is larger than 256 px,
and much else: it takes less than a minute.
"""

import argparse
import ctypes
import importlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parent))
import peers
import speed_pairs
import speed_tables
from speed_pairs import Array, Known

from irgate_solver import _sampling, _warps, kernel, register
from irgate_solver._lucas_kanade import Forward, level_basis
from irgate_solver._metrics import squared_differences
from irgate_solver._native import VARIABLE
from irgate_solver._pyramid import Level
from irgate_solver._template import Inverse

NOISE = {128: (0.0, 0.01, 0.03), 1024: (0.0, 0.01), 2048: (0.01,)}
"""In parts of the range; that of the largest size that is not larger."""
SIDES = (128, 200, 256, 512, 1024, 2048)
QUICK = 256
"""Largest side of a quick run, px."""
SCENES, FEWER, LARGE = 5, 2, 1024
"""Scenes of a row, and those of a row of images from this side on, px."""
IN_A_ROW, LONG = 3, 0.3
"""Runs of a cell before the next one's turn; only one where it takes longer than this, s."""
Solve = Callable[[peers.Case], Array]
COLUMNS: dict[str, Solve] = {
    "bundled": peers.bundled,
    "bundled, smoothing auto": partial(peers.bundled, smoothing="auto"),
    "bundled cubic": peers.bundled_cubic,
    "OpenCV ECC": partial(peers.ecc, stop=1e-6),
    "pystackreg": peers.stackreg,
}
BOTH = ("bundled", "bundled cubic")
"""Columns that are measured with the kernel off too."""
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
TOLERANCES = (1.0, 0.3, 0.1, 0.03, 0.01, None)
STOPS = (1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7)
SETTINGS: dict[str, dict[str, Solve]] = {
    "bundled": {str(t): partial(peers.bundled, tolerance=t) for t in TOLERANCES},
    "bundled cubic": {str(t): partial(peers.bundled_cubic, tolerance=t) for t in TOLERANCES},
    "OpenCV ECC": {f"{stop:g}": partial(peers.ecc, stop=stop) for stop in STOPS},
    "OpenCV SIFT": {"": peers.sift},
    "pystackreg": {"": peers.stackreg},
    "SimpleITK as used": {"": peers.simpleitk_as_used},
}
"""Of each peer, from the roughest to what its adapter asks for."""
MEMORY = {
    "bundled": "bundled",
    "bundled cubic": "bundled",
    "OpenCV ECC": "opencv",
    "pystackreg": "pystackreg",
    "SimpleITK as used": "simpleitk",
}
"""Adapters whose memory is measured; the solver's own with its sampling."""
Cells = dict[tuple[str, str], Callable[[], Any]]
"""What is measured, by row and column."""


def seconds(run: Callable[[], object]) -> float:
    """Return the processor time of one run."""
    start = time.process_time()
    run()
    return time.process_time() - start


def measured(cells: Cells, rounds: int) -> dict[tuple[str, str], float]:
    """Return the least processor time of each cell, ms, measured in turns."""
    times = {name: 1e3 * seconds(run) for name, run in cells.items()}
    for _ in range(rounds):
        for name, run in cells.items():
            for _ in range(IN_A_ROW if times[name] < 1e3 * LONG else 1):
                times[name] = min(times[name], 1e3 * seconds(run))
    return times


def by_torch(run: Callable[[], Any]) -> Callable[[], Any]:
    """Return what runs without the kernel."""

    def without() -> Any:
        os.environ[VARIABLE] = "0"
        try:
            return run()
        finally:
            del os.environ[VARIABLE]

    return without


def distance(found: Array, known: Known) -> float:
    """Return the mean distance of a displacement from the truth, px."""
    return float(np.linalg.norm(found - known[1], axis=-1).mean())


class Table:
    """Solves by row and column: means over the pairs of a row, of times and of distances."""

    def __init__(self) -> None:
        self.cells: dict[tuple[str, str], list[Callable[[], Any]]] = {}
        self.away: dict[tuple[str, str], float] = {}

    def add(
        self, row: str, column: str, solve: Callable[[Known], Array], pairs: list[Known]
    ) -> None:
        """Add one cell, by the kernel."""
        try:
            found = [distance(solve(one), one) for one in pairs]
        except (peers.NotSupported, RuntimeError) as error:
            print(f"{row}, {column}: {error}", file=sys.stderr)
            return
        self.cells[row, column] = [partial(solve, one) for one in pairs]
        self.away[row, column] = float(np.mean(found))

    def add_both(
        self, row: str, column: str, solve: Callable[[Known], Array], pairs: list[Known]
    ) -> None:
        """Add one cell by the kernel and one by torch."""
        self.add(row, column, solve, pairs)
        self.cells[row, f"{column} {TORCH}"] = [by_torch(partial(solve, one)) for one in pairs]

    def measure(self, rounds: int) -> dict[str, Any]:
        """Return times and distances, by row and column."""
        each = {
            (f"{row}\t{place}", column): run
            for (row, column), runs in self.cells.items()
            for place, run in enumerate(runs)
        }
        found = measured(each, rounds)
        times = {
            (row, column): float(
                np.mean([found[f"{row}\t{place}", column] for place in range(len(runs))])
            )
            for (row, column), runs in self.cells.items()
        }
        return {"ms": nested(times), "px": nested(self.away)}


def nested(values: dict[tuple[str, str], Any]) -> dict[str, dict[str, Any]]:
    """Return values by row, and then by column."""
    found: dict[str, dict[str, Any]] = {}
    for (row, column), value in values.items():
        found.setdefault(row, {})[column] = value
    return found


def scenes(side: int, model: str, noise: float) -> list[Known]:
    """Return pairs of one kind."""
    count = FEWER if side >= LARGE else SCENES
    return [speed_pairs.pair(side, model, noise, seed) for seed in range(count)]


def solves(quick: bool, rounds: int) -> dict[str, Any]:
    """Measure linear families, each column on each pair."""
    rows = {
        f"{side}, {model}, {noise:g}": scenes(side, model, noise)
        for side in SIDES
        if side <= QUICK or not quick
        for model in ("affine", "rigid")
        for noise in NOISE[max(least for least in NOISE if least <= side)]
    }
    rows["MRI, rigid"] = [speed_pairs.fixture("same")]
    rows["MRI, rigid, varying"] = [speed_pairs.fixture()]
    table = Table()
    for row, pairs in rows.items():
        small = max(pairs[0][0].shape) <= LARGE
        for name, solve in COLUMNS.items():
            add = table.add_both if name in BOTH and small and not quick else table.add
            add(row, name, lambda known, solve=solve: solve(known[0]), pairs)
    return table.measure(rounds)


def free_forms(quick: bool, rounds: int) -> dict[str, Any]:
    """Measure FFDs by the solver's columns."""
    table = Table()
    for noise in (0.0, 0.01):
        for control in GRIDS[:2] if quick else GRIDS:
            pairs = [speed_pairs.free_form_pair(control, noise)]
            for name, options in FREE_FORMS.items():

                def solve(known: Known, control: int = control, options: Any = options) -> Array:
                    fixed, moving = known[0].fixed, known[0].moving
                    grid = (control, control)
                    result = register(fixed, moving, model="ffd", control=grid, **options)
                    return np.asarray(result.displacement())

                add = table.add if quick else table.add_both
                add(f"{control} x {control}, {noise:g}", name, solve, pairs)
    return table.measure(rounds)


def reach(quick: bool, rounds: int) -> dict[str, Any]:
    """Measure the time of each setting of each peer, and how far from the truth it ends."""
    found: dict[str, Any] = {}
    for model in ("affine", "rigid"):
        for noise in NOISE[128]:
            table = Table()
            pairs = scenes(QUICK, model, noise)
            for name, settings in SETTINGS.items():
                if quick and name == "SimpleITK as used":
                    continue
                for setting, solve in settings.items():
                    run = partial(lambda solve, known: solve(known[0]), solve)
                    table.add(name, setting, run, pairs)
            found[f"{QUICK}, {model}, {noise:g}"] = table.measure(1 if quick else rounds)
    return found


def looks(quick: bool, rounds: int) -> dict[str, Any]:
    """Measure one look of each kind, and what they are compared with."""
    import cv2

    cv2.setNumThreads(1)
    cells: Cells = {}
    for side in (200,) if quick else (200, 512, 1024):
        case, truth = speed_pairs.pair(side, "affine", 0.0)
        fixed, moving = torch.tensor(case.fixed)[None], torch.tensor(case.moving)[None]
        level = Level(fixed, torch.ones_like(fixed), moving, 1, whole=True)
        warp = _warps.Affine(side, side)
        p = torch.tensor([[1.7, -2.3, 0.5, -1.5, 1.5, -0.5]], dtype=torch.float64)
        points = np.moveaxis(truth + np.stack(np.mgrid[:side, :side][::-1], -1), -1, 0)
        maps = [np.ascontiguousarray(plane, dtype=np.float32) for plane in points]
        grid = _sampling.normalised(torch.tensor(points)[None], side, side).float()
        row = f"{side} px"
        for kind in ("linear", "cubic"):
            sampler = _sampling.make_sampler(kind, moving)
            basis, extent = level_basis(warp, level), (side, side)
            problem = Forward(warp, basis, level, sampler, extent, squared_differences)
            cells[row, f"{kind} look"] = lambda problem=problem, p=p: problem.linearise(p).equations
        cells[row, "cv2.remap"] = partial(cv2.remap, case.moving, *maps, cv2.INTER_LINEAR)
        inverse = Inverse(warp, level, squared_differences)
        cells[row, "inverse-compositional look"] = partial(inverse.linearise, p)
        cells[row, "grid_sample"] = partial(_sampling.sample_normalised, moving, grid)
    return {"ms": nested(measured(cells, rounds))}


def batches(quick: bool, rounds: int) -> dict[str, Any]:
    """Measure batches beside loops, and one hard pair among easy ones."""
    del quick
    cells: Cells = {}
    for count, side in BATCHES:
        cases = [speed_pairs.pair(side, "affine", 0.0, seed)[0] for seed in range(count)]
        fixed, moving = stacked(cases)
        row = f"{count} pairs of {side} px"
        cells[row, "batch"] = partial(register, fixed, moving)
        cells[row, "loop"] = lambda f=fixed, m=moving: [
            register(*each) for each in zip(f, m, strict=True)
        ]
    cases = [speed_pairs.pair(64, "affine", 0.0, seed)[0] for seed in range(16)]
    hard, _ = speed_pairs.pair(64, "affine", 0.03, 3, degrees=170.0)
    row = "16 pairs of 64 px, one hard"
    cells[row, "easy batch"] = partial(register, *stacked(cases))
    cells[row, "with a hard pair"] = partial(register, *stacked([*cases[:15], hard]))
    cells[row, "the hard pair"] = partial(register, hard.fixed, hard.moving)
    return {"ms": nested(measured(cells, rounds))}


def stacked(cases: list[peers.Case]) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the pairs as a batch."""
    fixed, moving = ([getattr(one, name) for one in cases] for name in ("fixed", "moving"))
    return torch.tensor(np.stack(fixed)), torch.tensor(np.stack(moving))


def memory(quick: bool, rounds: int) -> dict[str, Any]:
    """Measure the peak of a solve at 1024 px, each in a process of its own, MiB."""
    del rounds
    found: dict[str, float] = {}
    for name in () if quick or not Path("/proc/self/clear_refs").exists() else MEMORY:
        for column, kernel_off in ((name, False), (f"{name} {TORCH}", True)):
            if kernel_off and name not in BOTH:
                continue
            environment = {**os.environ, VARIABLE: "0"} if kernel_off else dict(os.environ)
            line = [sys.executable, __file__, "--memory", name]
            ran = subprocess.run(line, capture_output=True, text=True, check=False, env=environment)
            if ran.returncode == 0:
                found[column] = float(ran.stdout)
            else:
                print(f"memory, {name}: {ran.stderr.strip()[-200:]}", file=sys.stderr)
    return {"MiB": {"1024 px, affine": found}}


def peak(name: str) -> float:
    """Return the peak of one solve at 1024 px beyond the images and the libraries, MiB."""
    case, _ = speed_pairs.pair(1024, "affine", 0.0)
    small, _ = speed_pairs.pair(64, "affine", 0.0)

    def solve(one: peers.Case) -> None:
        """Solve for the answer as the library gives it: a field is the benchmark's."""
        if name in BOTH:
            sampling = name.partition(" ")[2] or "linear"
            register(one.fixed, one.moving, sampling=sampling)
        else:
            adapter = importlib.import_module(f"pytest_irgate.adapters.{MEMORY[name]}")
            adapter.register(one.fixed, one.moving, one.model)

    solve(small)
    # What making the images has left free would hide what a solve takes.
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    now = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    solve(case)
    most = Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]
    return int(most) / 1024 - now / 2**20


PARTS: dict[str, Callable[[bool, int], dict[str, Any]]] = {
    "solves": solves,
    "free forms": free_forms,
    "reach": reach,
    "looks": looks,
    "batches": batches,
    "memory": memory,
}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small images, under a minute")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--only", default=",".join(PARTS), help="parts, with commas between")
    parser.add_argument("--output", type=Path, help="a JSON file")
    parser.add_argument("--memory", help=argparse.SUPPRESS)
    options = parser.parse_args()
    peers.one_thread()
    if options.memory:
        print(peak(options.memory))
        return
    rounds = 1 if options.quick else options.rounds
    found: dict[str, Any] = {"kernel": kernel(), "rounds": rounds, "parts": {}}
    for name in options.only.split(","):
        before = os.getloadavg()[0]
        figures = PARTS[name](options.quick, rounds)
        figures["load"] = [round(before, 1), round(os.getloadavg()[0], 1)]
        found["parts"][name] = figures
        print(f"{name}\n\n{speed_tables.table(name, found)}\n", flush=True)
        if options.output:
            options.output.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
