"""Measure how many faults of the collection the gate catches, by layer, and how many it names.

    python tests/faults/rate.py [--jobs N] [--only NAME ...] [--quick | --patient] [--json F] ...

Each solver is judged by `irgate_battery.check_solver` in a process of its own with one thread; one
that crashes or hangs loses the items after it and nothing else.
"""

import argparse
import json
import multiprocessing
import os
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
for inside in ("solver", "battery", "fixtures", ".", "tests", "tests/support"):
    # Whatever is installed, this checkout is what is measured.
    sys.path.insert(0, str(ROOT / inside))
os.environ["OMP_NUM_THREADS"] = "1"

from items import SUITES  # noqa: E402
from reports.collection import REPORTS  # noqa: E402

from faults import detection, judging, page  # noqa: E402
from faults.collection import COLLECTION, EVERY  # noqa: E402
from faults.controls import CONTROLS  # noqa: E402
from faults.outcome import Outcome, outcome_of  # noqa: E402
from irgate_battery.cases.run_spec import RunSpec  # noqa: E402
from irgate_battery.report.conclusion import completed, conclude  # noqa: E402
from irgate_battery.results.result_row import ResultRow  # noqa: E402
from irgate_battery.results.solver_identity import SolverIdentity  # noqa: E402

PROCESS_SECONDS = 900.0
"""For one solver's whole run."""

QUICK = tuple(suite for suite in SUITES if suite != "recovery")


def main() -> int:
    arguments = parsed()
    if arguments.again:
        measured = detection.Measured.from_dict(json.loads(arguments.again.read_text("utf-8")))
    else:
        measured = measure(arguments)
    print(detection.text(measured))
    if arguments.json:
        keep(measured, arguments.json)
    if arguments.markdown:
        written = page.reported if arguments.reports else page.markdown
        arguments.markdown.write_text(written(measured), "utf-8")
    return int(bool(detection.broken_promises(measured)))


def measure(arguments: argparse.Namespace) -> detection.Measured:
    """Run the gate over the good solvers, then over the faults that were chosen."""
    suites = QUICK if arguments.quick else SUITES
    unknown = [n for n in arguments.only if n not in EVERY and n not in known_controls()]
    if unknown:
        names = ", ".join([*EVERY, *known_controls()])
        sys.exit(f"rate.py: --only {' '.join(unknown)}: no such fault; there are {names}")
    among = REPORTS if arguments.reports else COLLECTION
    chosen = [name for name in among if not arguments.only or name in arguments.only]
    controls = [
        name
        for name in known_controls()
        if not arguments.only or name in arguments.only or name in ("good", "bundled")
    ]
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor(arguments.jobs) as pool:
        folder = Path(name)
        judging.hold_images(folder)

        def run_all(names, asked, patient=False):
            # Told in order, as soon as they are there.
            for done in pool.map(lambda one: run(one, folder, asked, suites, patient), names):
                print(detection.line(done), file=sys.stderr, flush=True)
                yield done

        # The good solvers' answers first: what the faults are compared with.
        list(run_all(controls, QUICK))
        judging.measure_noise(controls, folder)
        outcomes = []
        for outcome in run_all(chosen, suites, arguments.patient):
            outcomes.append(outcome)
            if arguments.json:
                keep(detection.Measured(tuple(outcomes), (), suites, 0.0), arguments.json)
        again = tuple(suite for suite in suites if suite not in QUICK)
        for_control = list(run_all(controls, again, True))
    return detection.Measured(
        faults=tuple(outcomes),
        controls=tuple(for_control),
        suites=suites,
        seconds=time.perf_counter() - start,
    )


def keep(measured: detection.Measured, path: Path) -> None:
    path.write_text(json.dumps(measured.to_dict(), indent=1) + "\n", "utf-8")


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, default=2, help="processes at a time")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="these faults alone")
    parser.add_argument(
        "--reports", action="store_true", help="the reproductions of public reports instead"
    )
    parser.add_argument("--quick", action="store_true", help="leave the recovery suite out")
    parser.add_argument("--json", type=Path, metavar="FILE", help="keep all that was measured")
    parser.add_argument(
        "--markdown", type=Path, metavar="FILE", help="write the page of what was measured"
    )
    parser.add_argument("--again", type=Path, metavar="FILE", help="tell of a kept run once more")
    parser.add_argument(
        "--patient", action="store_true", help="ask recovery of faults that are caught before, too"
    )
    return parser.parse_args()


def known_controls() -> list[str]:
    return [control.name for control in CONTROLS]


def run(
    name: str, folder: Path, asked: tuple[str, ...], suites: tuple[str, ...], patient: bool
) -> Outcome:
    """Judge one solver on some suites in a process of its own, and say what it came to so far.

    Args:
        name: of a fault or a control.
        folder: where everything is kept.
        asked: what it is put to now.
        suites: what it was put to in all.
        patient: see `judging.work`.
    """
    start, ended = time.perf_counter(), "whole"
    if asked:
        # Forked from a server that has imported everything and has no thread but one.
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["faults.judging"])
        process = context.Process(target=judging.work, args=(name, folder, asked, patient))
        process.start()
        process.join(PROCESS_SECONDS)
        if process.is_alive():
            process.kill()
            process.join()
            ended = "hung"
        elif process.exitcode:
            ended = "crashed"
    kept = folder / f"{name}.rows"
    lines = kept.read_text("utf-8").splitlines() if kept.exists() else []
    rows = [ResultRow.from_dict(json.loads(line)) for line in lines]
    if not rows:
        said = (folder / f"{name}.log").read_text("utf-8").strip()[-300:]
        sys.exit(f"rate.py: {name} did not begin: {said or ended}")
    run_spec = RunSpec()
    if ended != "whole":
        rows = completed(rows, run_spec, asked)
    outcome = outcome_of(name, conclude(rows, SolverIdentity(None, name, None), run_spec))
    outcome.ended, outcome.seconds = ended, time.perf_counter() - start
    change = folder / f"{name}.change"
    if change.exists():
        for field, value in json.loads(change.read_text("utf-8")).items():
            setattr(outcome, field, value)
    return outcome


if __name__ == "__main__":
    sys.exit(main())
