"""The checks on what a solver does to its caller's data and screen."""

from dataclasses import replace

import numpy as np

from irgate_battery.interface.protocol import Solver
from irgate_battery.suites.contract_checks.contract_check import (
    require_shared,
    shifted_call,
    shifted_pair,
)
from irgate_battery.suites.evaluation import ItemFailed
from irgate_fixtures import Pair

SIZE = (128, 160)
"""Height and width that a Fourier transform takes as they are. Images of other sizes are padded on
the way in, and what is then written over is a copy: so OpenCV's `phaseCorrelate` went unseen."""


def unpadded_pair() -> Pair:
    """The shifted pair, cropped to a size that nobody needs to pad, with masks that trust all."""
    pair = shifted_pair()
    height, width = SIZE
    fixed, moving = (image[:height, :width] for image in (pair.fixed, pair.moving))
    trusted = np.ones(SIZE, dtype=bool)
    return replace(pair, fixed=fixed, moving=moving, mask=trusted, moving_mask=trusted)


def input_unchanged(solver: Solver, timeout: float | None) -> None:
    """The images and the masks that the solver is handed are the same afterwards, to the bit."""
    require_shared(solver)
    pair = unpadded_pair()
    for name, changed in solver.watched(shifted_call(solver, "input", pair), timeout).items():
        if changed:
            raise ItemFailed(
                f"solver {solver.name!r} wrote into its input: {changed} of {pair.fixed.size} "
                f"pixels of {name} changed; work on a copy ({name} = {name}.copy())."
            )


def prints_nothing(solver: Solver, timeout: float | None) -> None:
    """The solver leaves standard output to its caller (standard error is free for warnings)."""
    require_shared(solver)
    seen = solver.watched(shifted_call(solver, "output"), timeout)
    if seen.get("closed"):
        raise ItemFailed(
            "standard output is closed here, so whether the solver prints cannot be seen; run the "
            "check where file descriptor 1 is open."
        )
    if seen["count"]:
        raise ItemFailed(
            f"solver {solver.name!r} printed {seen['count']} characters to standard output, "
            f"beginning {seen['first']!r}; expected none. Use logging, or standard error."
        )
