"""The checks on what a solver does to its caller's data and screen."""

import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np

from irgate_battery.interface.protocol import Solver
from irgate_battery.suites.contract_checks.contract_check import (
    answer_of,
    first_model,
    shifted_pair,
)
from irgate_battery.suites.evaluation import ItemFailed
from irgate_fixtures import Pair

SIZE = (128, 160)
"""Height and width that a Fourier transform takes as they are. Images of other sizes are padded on
the way in, and what is then written over is a copy: so OpenCV's `phaseCorrelate` went unseen."""


def unpadded_pair() -> Pair:
    """The shifted pair, cropped to a size that nobody needs to pad."""
    pair = shifted_pair()
    height, width = SIZE
    fixed, moving = (image[:height, :width] for image in (pair.fixed, pair.moving))
    return replace(pair, fixed=fixed, moving=moving)


def input_unchanged(solver: Solver, timeout: float | None) -> None:
    """The images and the masks that the solver is handed are the same afterwards, to the bit."""
    pair = unpadded_pair()
    given = {
        "fixed": np.array(pair.fixed, np.float32),
        "moving": np.array(pair.moving, np.float32),
        "mask": np.ones(SIZE, dtype=bool),
        "moving_mask": np.ones(SIZE, dtype=bool),
    }
    before = {name: image.copy() for name, image in given.items()}
    solver.call(
        given["fixed"],
        given["moving"],
        model=first_model(solver),
        mask=given["mask"],
        moving_mask=given["moving_mask"],
        init=None,
        intensity=pair.intensity,
        timeout=timeout,
    )
    for name, image in given.items():
        changed = int(np.count_nonzero(image != before[name]))
        if changed:
            raise ItemFailed(
                f"solver {solver.name!r} wrote into its input: {changed} of {image.size} pixels of "
                f"{name} changed; work on a copy ({name} = {name}.copy())."
            )


def prints_nothing(solver: Solver, timeout: float | None) -> None:
    """The solver leaves standard output to its caller (standard error is free for warnings)."""
    with _captured_output() as read:
        answer_of(solver, shifted_pair(), timeout)
    printed = read()
    if printed:
        first = printed.strip().splitlines()[0] if printed.strip() else printed
        raise ItemFailed(
            f"solver {solver.name!r} printed {len(printed)} characters to standard output, "
            f"beginning {first[:60]!r}; expected none. Use logging, or standard error."
        )


@contextmanager
def _captured_output() -> Iterator[Callable[[], str]]:
    """Catch what is written to standard output, by Python and by compiled code alike."""
    captured: list[str] = []
    with tempfile.TemporaryFile() as file:
        stream = sys.stdout
        try:
            stream.flush()
            saved = os.dup(1)
        except (OSError, ValueError):
            raise ItemFailed(
                "standard output is closed here, so whether the solver prints cannot be seen; run "
                "the check where file descriptor 1 is open."
            ) from None
        try:
            os.dup2(file.fileno(), 1)
            with open(os.dup(1), "w", encoding="utf-8", errors="replace") as text:
                sys.stdout = text
                try:
                    yield lambda: "".join(captured)
                finally:
                    sys.stdout = stream
        finally:
            os.dup2(saved, 1)
            os.close(saved)
            file.seek(0)
            captured.append(file.read().decode("utf-8", errors="replace"))
