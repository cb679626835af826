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
from irgate_fixtures import Pair, affine, pixel_grid

Field = NDArray[np.float64]

SHEAR = ((1.01, 0.02), (0.005, 0.99))
"""The linear part of the pair that is shown. It is not rigid, and yet so near to a rigid motion
that every descent ends at the nearest one."""

GAIN, OFFSET = 0.5, 0.3
"""moving becomes GAIN moving + OFFSET: a change as large as that of an exposure, within [0, 1]."""


def family(solver: Solver, timeout: float | None) -> None:
    """The answer lies in the family that was asked for: a rigid one does not scale or shear."""
    if "model" not in solver.accepts:
        raise NotAsked(f"solver {solver.name!r} takes no model, so no family was asked for")
    pair = sheared_pair()
    as_matrix, held = False, 0
    for model in ("translation", "rigid", "similarity", "affine"):
        if model not in solver.models or (model == "affine" and as_matrix):
            continue
        answer, _ = solver.solve(pair.fixed, pair.moving, model=model, timeout=timeout)
        as_matrix = answer.matrix is not None
        if model == "affine" and as_matrix:
            # Every matrix is affine.
            continue
        held += 1
        off = _from_family(answer.displacement, model)
        if off > FAMILY_PX:
            came = "field that is none: it"
            if answer.matrix is not None:
                came = f"matrix that is none: {np.round(answer.matrix[:2, :2], 5).tolist()}"
            raise ItemFailed(
                f"solver {solver.name!r} was asked for a {model} and returned a {came} is up to "
                f"{off:.3g} px from the nearest one, expected {FAMILY_PX:g} px at most. Estimate "
                f"the parameters of the model that was asked for; {list(solver.models)} are "
                "declared."
            )
    if not held:
        raise NotAsked(
            f"solver {solver.name!r} has no translation, rigid or similarity, which alone are "
            f"narrower than a matrix, nor an affine one as a field (it declares "
            f"{list(solver.models)})"
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


def _from_family(displacement: Field, model: str) -> float:
    """Return the largest distance of a field to the nearest member of a family, px.

    The nearest is that of least squares over the pixels p, q = T(p), both centred: for a rotation
    by a, tan a = sum(p x q) / sum(p . q) (Arun, Huang & Blostein 1987, in the plane), and a scale
    is |(sum(p . q), sum(p x q))| / sum(p . p) (Umeyama 1991).

    Args:
        displacement: `(H, W, 2)`, px.
        model: translation, rigid, similarity or affine.
    """
    p = pixel_grid(displacement.shape[:2]).reshape(-1, 2)
    q = p + displacement.reshape(-1, 2)
    p, q = p - p.mean(0), q - q.mean(0)
    match model:
        case "translation":
            nearest = p
        case "rigid" | "similarity":
            cross, dot = np.sum(p[:, 0] * q[:, 1] - p[:, 1] * q[:, 0]), np.sum(p * q)
            angle = math.atan2(cross, dot)
            c, s = math.cos(angle), math.sin(angle)
            scale = math.hypot(cross, dot) / np.sum(p * p) if model == "similarity" else 1.0
            nearest = scale * p @ np.array([[c, s], [-s, c]])
        case _:
            nearest = p @ np.linalg.lstsq(p, q, rcond=None)[0]
    return float(np.linalg.norm(q - nearest, axis=-1).max())
