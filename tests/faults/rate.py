"""Measure how many faults of the collection the gate catches, by layer, and how many it names.

    python tests/faults/rate.py [--jobs N] [--only NAME ...] [--quick] [--json F] [--markdown F]

Each solver is judged by `irgate_battery.check_solver` in a process of its own with one thread; one
that crashes or hangs loses the items after it and nothing else.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
for folder in ("solver", "battery", "fixtures", ".", "tests"):
    # Whatever is installed, this checkout is what is measured.
    sys.path.insert(0, str(ROOT / folder))

import numpy as np  # noqa: E402

from faults import detection, page  # noqa: E402
from faults.collection import COLLECTION  # noqa: E402
from faults.controls import CONTROLS  # noqa: E402
from faults.good import Good  # noqa: E402
from faults.outcome import Outcome, outcome_of  # noqa: E402
from faults.recording import digests_of_cases, displacements, distances_px, recorded  # noqa: E402
from irgate_battery import SUITES, Plan, Row, Solver, check_solver  # noqa: E402
from irgate_battery.check import completed, conclude  # noqa: E402

SOLVE_SECONDS = 30.0
"""For one call: some hundred times what a good solver takes."""

PROCESS_SECONDS = 600.0
"""For one solver's whole run."""

DERIVATIVE_SUITES = ("contract", "base", "gradient")
"""What is run over a solver whose fault no array shows."""

QUICK = tuple(suite for suite in SUITES if suite != "recovery")


def main() -> int:
    arguments = parsed()
    if arguments.worker:
        work(arguments.worker, Path(arguments.folder), tuple(arguments.suites))
        return 0
    if arguments.again:
        measured = detection.Measured.from_dict(json.loads(arguments.again.read_text("utf-8")))
    else:
        measured = measure(arguments)
    print(detection.text(measured))
    if arguments.json:
        arguments.json.write_text(json.dumps(measured.to_dict(), indent=1) + "\n", "utf-8")
    if arguments.markdown:
        arguments.markdown.write_text(page.markdown(measured), "utf-8")
    return int(bool(detection.broken_promises(measured)))


def measure(arguments: argparse.Namespace) -> detection.Measured:
    """Run the gate over the good solvers, then over the faults that were chosen."""
    suites = QUICK if arguments.quick else SUITES
    unknown = [n for n in arguments.only if n not in COLLECTION and n not in known_controls()]
    if unknown:
        names = ", ".join([*COLLECTION, *known_controls()])
        sys.exit(f"rate.py: --only {' '.join(unknown)}: no such fault; there are {names}")
    chosen = [name for name in COLLECTION if not arguments.only or name in arguments.only]
    controls = [
        name
        for name in known_controls()
        if not arguments.only or name in arguments.only or name in ("good", "bundled")
    ]
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        # The good solvers first: what the faults are compared with.
        for_control = run_all(controls, Path(folder), suites, arguments.jobs)
        measure_noise(controls, Path(folder))
        outcomes = run_all(chosen, Path(folder), suites, arguments.jobs)
    return detection.Measured(
        faults=tuple(outcomes),
        controls=tuple(for_control),
        suites=suites,
        seconds=time.perf_counter() - start,
    )


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, default=2, help="processes at a time")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="these faults alone")
    parser.add_argument("--quick", action="store_true", help="leave the recovery suite out")
    parser.add_argument("--json", type=Path, metavar="FILE", help="keep all that was measured")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write docs/detection.md")
    parser.add_argument("--again", type=Path, metavar="FILE", help="tell of a kept run once more")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    parser.add_argument("--suites", nargs="+", default=SUITES, help=argparse.SUPPRESS)
    return parser.parse_args()


def known_controls() -> list[str]:
    return [control.name for control in CONTROLS]


def built(name: str):
    if name in COLLECTION:
        return COLLECTION[name].build()
    return next(control for control in CONTROLS if control.name == name).build()


def counterpart(solver) -> str:
    """Return the good solver that a faulty one was made of."""
    return "good" if isinstance(solver, Good) else "bundled"


def run_all(names: list[str], folder: Path, suites: tuple[str, ...], jobs: int) -> list[Outcome]:
    """Run workers, a few at a time, and tell each as it ends."""
    with ThreadPoolExecutor(jobs) as pool:
        outcomes = []
        for done in pool.map(lambda name: run(name, folder, suites), names):
            print(detection.line(done), file=sys.stderr, flush=True)
            outcomes.append(done)
    return outcomes


def run(name: str, folder: Path, suites: tuple[str, ...]) -> Outcome:
    """Judge one solver in a process of its own."""
    if name in COLLECTION and COLLECTION[name].spoils == "derivatives":
        # For arrays these are the bundled solver, line by line.
        suites = tuple(suite for suite in suites if suite in DERIVATIVE_SUITES)
    command = [sys.executable, __file__, "--worker", name, "--folder", str(folder)]
    start, ended, trouble = time.perf_counter(), "whole", ""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}
    with open(folder / f"{name}.log", "w+") as log:
        try:
            process = subprocess.run(
                [*command, "--suites", *suites],
                stdout=log,
                stderr=subprocess.STDOUT,
                timeout=PROCESS_SECONDS,
                env=environment,
            )
            if process.returncode:
                ended = "crashed"
        except subprocess.TimeoutExpired:
            ended = "hung"
        log.seek(0)
        trouble = log.read().strip()[-300:]
    rows = []
    kept = folder / f"{name}.rows"
    for text in kept.read_text("utf-8").splitlines() if kept.exists() else ():
        rows.append(Row.from_dict(json.loads(text)))
    if not rows:
        sys.exit(f"rate.py: {name} did not begin: {trouble or ended}")
    plan = Plan()
    told = Solver(
        function=print,
        name=name,
        version=None,
        models=(),
        differentiable=False,
        accepts=frozenset(),
    )
    outcome = outcome_of(name, conclude(completed(rows, plan, suites), told, plan))
    outcome.ended, outcome.seconds = ended, time.perf_counter() - start
    change = folder / f"{name}.change"
    if change.exists():
        for field, value in json.loads(change.read_text("utf-8")).items():
            setattr(outcome, field, value)
    return outcome


def work(name: str, folder: Path, suites: tuple[str, ...]) -> None:
    """Judge one solver here; each row is written as soon as it is there."""
    solver = built(name)
    kept, answers = recorded(solver)
    passed, tolerances = set(), {}
    with open(folder / f"{name}.rows", "w", encoding="utf-8") as rows:

        def keep(done):
            if done.row.status == "passed" and done.row.suite in ("base", "battery"):
                passed.add(done.row.case)
            if done.row.tolerance_px is not None:
                tolerances[done.row.case] = done.row.tolerance_px
            print(json.dumps(done.row.to_dict()), file=rows, flush=True)

        check_solver(kept, suites=suites, timeout=SOLVE_SECONDS, on_row=keep)
    if name in known_controls():
        names = digests_of_cases()
        good = {digest for digest, case in names.items() if case in passed}
        np.savez(folder / f"{name}.npz", **displacements(answers, good))
        (folder / "cases").write_text(json.dumps(names), "utf-8")
    elif COLLECTION[name].spoils != "derivatives":
        change = change_of(answers, folder, counterpart(solver), tolerances)
        (folder / f"{name}.change").write_text(json.dumps(change), "utf-8")


def change_of(
    answers, folder: Path, good: str, tolerances: dict[str, float]
) -> dict[str, float | str | None]:
    """Return how far answers are from a good solver's: in px, in units of each case's noise and in
    units of its tolerance, at most."""
    reference = loaded(folder / f"{good}.npz")
    off = distances_px(displacements(answers, reference), reference)
    noise = json.loads((folder / "noise").read_text("utf-8"))
    names = json.loads((folder / "cases").read_text("utf-8"))
    beyond = {digest: off[digest] / noise[digest] for digest in off}
    where = max(beyond, key=beyond.__getitem__)
    loosely = [
        off[digest] / tolerances[names[digest]] for digest in off if names[digest] in tolerances
    ]
    return {
        "change_px": finite(off[where]),
        "beyond_noise": finite(beyond[where]),
        "beyond_tolerance": finite(max(loosely, default=np.inf)),
        "changed_case": names[where],
    }


def finite(number: float) -> float | str:
    """Return a number as JSON can hold it."""
    return number if np.isfinite(number) else "inf"


def measure_noise(controls: list[str], folder: Path) -> None:
    """Write for each case how far two good solvers are apart that both pass it, px."""
    mine = loaded(folder / "good.npz")
    noise = dict.fromkeys(mine, detection.NOISE_PX)
    for other in controls:
        kept = folder / f"{other}.npz"
        theirs = loaded(kept) if kept.exists() else {}
        for digest, off in distances_px(theirs, mine).items():
            if np.isfinite(off):
                noise[digest] = max(noise[digest], off)
    (folder / "noise").write_text(json.dumps(noise), "utf-8")


def loaded(path: Path) -> dict[str, np.ndarray]:
    with np.load(path) as kept:
        return dict(kept)


if __name__ == "__main__":
    sys.exit(main())
