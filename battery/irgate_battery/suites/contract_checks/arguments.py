"""The checks on what a solver does with its arguments: the family and the kind of intensities."""

import math
from functools import cache

import numpy as np
from numpy.typing import NDArray

import irgate_fixtures
from irgate_battery.interface.protocol import Solver
from irgate_battery.judge.limits import BRIGHTNESS_PX, FAMILY_PX
from irgate_battery.suites.contract_checks.contract_check import first_model, shifted_pair
from irgate_battery.suites.evaluation import ItemFailed, NotAsked
from irgate_fixtures import Pair, affine

SHEAR = ((1.01, 0.02), (0.005, 0.99))
"""The linear part of the pair that is shown. It is not rigid, and yet so near to a rigid motion
that every descent ends at the nearest one."""

GAIN, OFFSET = 0.5, 0.3
"""moving becomes GAIN moving + OFFSET: a change as large as that of an exposure, within [0, 1]."""


def family(solver: Solver, timeout: float | None) -> None:
    """A matrix lies in the family that was asked for: a rigid one does not scale or shear."""
    if "model" not in solver.accepts:
        raise NotAsked(f"solver {solver.name!r} takes no model, so no family was asked for")
    smaller = [model for model in ("translation", "rigid") if model in solver.models]
    if not smaller:
        raise NotAsked(
            f"solver {solver.name!r} has neither a translation nor a rigid model, which alone are "
            f"narrower than a matrix (it declares {list(solver.models)})"
        )
    pair = sheared_pair()
    for model in smaller:
        answer, _ = solver.solve(pair.fixed, pair.moving, model=model, timeout=timeout)
        if answer.matrix is None:
            # A field belongs to no smaller family, and the protocol promises none.
            continue
        nearest = _nearest(answer.matrix[:2, :2], model)
        shape = pair.shape
        rest = affine(np.eye(2) + answer.matrix[:2, :2] - nearest, 0.0, 0.0, shape)
        off = float(np.linalg.norm(rest.displacement(shape), axis=-1).max())
        if off > FAMILY_PX:
            raise ItemFailed(
                f"solver {solver.name!r} was asked for a {model} and returned a matrix that is "
                f"none: {np.round(answer.matrix[:2, :2], 5).tolist()} is up to {off:.3g} px from "
                f"the nearest one, expected {FAMILY_PX:g} px at most. Estimate the parameters of "
                f"the model that was asked for; {list(solver.models)} are declared."
            )


def brightness(solver: Solver, timeout: float | None) -> None:
    """Under intensity="varying" a gain and an offset on one image change nothing."""
    if "intensity" not in solver.accepts:
        raise NotAsked(f"solver {solver.name!r} takes no intensity, so it was not told")
    pair = shifted_pair()
    answers = [
        solver.solve(
            pair.fixed,
            moving,
            model=first_model(solver),
            intensity="varying",
            timeout=timeout,
        )[0].displacement
        for moving in (pair.moving, GAIN * pair.moving + OFFSET)
    ]
    off = float(np.linalg.norm(answers[0] - answers[1], axis=-1).mean())
    if off > BRIGHTNESS_PX:
        raise ItemFailed(
            f'solver {solver.name!r} was told intensity="varying", and moved its answer by '
            f"{off:.3g} px where moving became {GAIN:g} moving + {OFFSET:g}; expected "
            f"{BRIGHTNESS_PX:g} px at most. Correlate, or normalise each image, instead of taking "
            "differences; or leave intensity out of the signature."
        )


@cache
def sheared_pair() -> Pair:
    """Return a photograph and its image under a small affine map. No check writes into it."""
    size = irgate_fixtures.RECIPES["lena_affine_2d"]["size"]
    return irgate_fixtures.render("lena_affine_2d", affine(SHEAR, 1.3, -0.8, size))


def _nearest(linear: NDArray[np.float64], model: str) -> NDArray[np.float64]:
    """Return the identity, or the rotation that is nearest in the Frobenius norm."""
    if model == "translation":
        return np.eye(2)
    angle = math.atan2(linear[1, 0] - linear[0, 1], linear[0, 0] + linear[1, 1])
    c, s = math.cos(angle), math.sin(angle)
    return np.array([[c, -s], [s, c]])
