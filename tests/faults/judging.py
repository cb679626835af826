"""One solver before the gate, in a process of its own: rows and answers go to files."""

import json
import os
import pickle
from pathlib import Path

import numpy as np

from irgate_battery.cases.catalogue import Case, all_cases
from irgate_battery.run import check_solver

from . import detection
from .collection import EVERY
from .controls import CONTROLS
from .good import Good
from .recording import digests_of_cases, displacements, distances_px, recorded

SOLVE_SECONDS = 30.0
"""For one call: some hundred times what a good solver takes."""

DERIVATIVE_SUITES = ("contract", "base", "gradient")
"""What is run over a solver whose fault no array shows: for arrays it is the bundled one."""


def built(name: str):
    if name in EVERY:
        return EVERY[name].build()
    return next(control for control in CONTROLS if control.name == name).build()


def counterpart(solver) -> str:
    """Return the good solver that a faulty one was made of."""
    return "good" if isinstance(solver, Good) else "bundled"


def hold_images(folder: Path) -> None:
    """Make the images of all cases once, for every process."""
    with open(folder / "images", "wb") as file:
        pickle.dump({case.id: case.pair() for case in all_cases()}, file)
    (folder / "cases").write_text(json.dumps(digests_of_cases()), "utf-8")


def use_images(folder: Path) -> None:
    """Let cases give out the images that are held, to the bit those that they would make."""
    with open(folder / "images", "rb") as file:
        held = pickle.load(file)
    Case.pair = lambda case: held[case.id]


def work(name: str, folder: Path, suites: tuple[str, ...], patient: bool) -> None:
    """Judge one solver; each row is written as soon as it is there.

    Args:
        name: of a fault or a control.
        folder: where everything is kept.
        suites: what it is put to; recovery comes last.
        patient: whether recovery is asked even where base or battery have caught it already.
    """
    log = os.open(folder / f"{name}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    use_images(folder)
    solver = built(name)
    if name in EVERY and EVERY[name].spoils == "derivatives":
        suites = tuple(suite for suite in suites if suite in DERIVATIVE_SUITES)
    kept, answers = recorded(solver)
    passed, tolerances, caught = set(), {}, []
    with open(folder / f"{name}.rows", "a", encoding="utf-8") as rows:

        def keep(done):
            row = done.row
            if row.suite in ("base", "battery", "conditions"):
                passed.update([row.case] if row.status == "passed" else [])
                caught.extend([row.case] if row.status == "failed" else [])
            if row.tolerance_px is not None:
                tolerances[row.case] = row.tolerance_px
            print(json.dumps(row.to_dict()), file=rows, flush=True)

        def put_to(some):
            if some:
                check_solver(kept, suites=some, timeout=SOLVE_SECONDS, on_row=keep)

        put_to([suite for suite in suites if suite != "recovery"])
        keep_answers(name, folder, counterpart(solver), answers, passed, tolerances)
        if "recovery" in suites and (patient or not caught):
            put_to(["recovery"])


def keep_answers(name, folder: Path, good: str, answers, passed, tolerances) -> None:
    """Write a good solver's answers where it passes, or how far a fault's are from those."""
    if name not in EVERY:
        if passed:
            names = json.loads((folder / "cases").read_text("utf-8"))
            digests = [digest for digest, case in names.items() if case in passed]
            np.savez(folder / f"{name}.npz", **displacements(answers, digests))
    elif EVERY[name].spoils != "derivatives":
        change = change_of(answers, folder, good, tolerances)
        (folder / f"{name}.change").write_text(json.dumps(change), "utf-8")


def change_of(
    answers, folder: Path, good: str, tolerances: dict[str, float]
) -> dict[str, float | str | None]:
    """Return how far answers are from a good solver's: in px, in units of each case's noise and in
    units of its tolerance, at most."""
    reference = loaded(folder / f"{good}.npz")
    off = distances_px(displacements(answers, reference), reference, answers)
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
    # One solver may be asked a case that another cannot be, a moving mask.
    every = json.loads((folder / "cases").read_text("utf-8"))
    noise = dict.fromkeys(every, detection.NOISE_PX)
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
