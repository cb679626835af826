"""The check on number types and units: one pair, written in the ways that files come in."""

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from irgate_battery.interface.protocol import Solver, SolverFault
from irgate_battery.judge.limits import UNITS_PX
from irgate_battery.suites.contract_checks.contract_check import first_model
from irgate_battery.suites.evaluation import ItemFailed, NotAsked, refusal
from irgate_battery.suites.fixed_problems import clean, largest_linear
from irgate_battery.suites.problem import Problem

Image = NDArray[Any]
Field = NDArray[np.float64]

LEVELS = 250
"""The pair is rounded to whole numbers k from 0 to this, so that each form holds the same grey
values but for one gain and one offset, and none is rounded again."""


def _every_second(image: Image) -> Image:
    """Return an image that is a view of every second column of a wider one."""
    wide = np.zeros((image.shape[0], 2 * image.shape[1]), image.dtype)
    wide[:, ::2] = image
    return wide[:, ::2]


FORMS: dict[str, Callable[[Image], Image]] = {
    "float32 from 0 to 1": lambda k: (k / LEVELS).astype(np.float32),
    "float64 from 0 to 1": lambda k: k / LEVELS,
    "uint8 from 0 to 250": lambda k: k.astype(np.uint8),
    "uint16 from 0 to 65500": lambda k: (262 * k).astype(np.uint16),
    "float32 from -1 to 1": lambda k: (2 * k / LEVELS - 1).astype(np.float32),
    "int16 from -1000 to 3000": lambda k: (16 * k - 1000).astype(np.int16),
    "float32 in Fortran's order": lambda k: np.asfortranarray((k / LEVELS).astype(np.float32)),
    "float32 that is not contiguous": lambda k: _every_second((k / LEVELS).astype(np.float32)),
}
"""What k becomes; the first is what the protocol hands over, and what the others are held to."""


def units(solver: Solver, timeout: float | None) -> None:
    """One pair in other number types, ranges and memory orders gives the same transform."""
    problem = clean(largest_linear(solver) or first_model(solver))
    forms = written(problem)
    _, first = next(forms)

    def answer(images: tuple[Image, Image]) -> Field:
        found, _ = solver.solve(*images, model=problem.model, timeout=timeout, as_given=True)
        return found.displacement

    reference = answer(first)
    differing: dict[str, float] = {}
    refused: list[NotAsked] = []
    for name, images in forms:
        try:
            found = answer(images)
        except SolverFault as fault:
            refused.append(_refused(solver, name, fault))
        else:
            off = float(np.linalg.norm(found - reference, axis=-1).mean())
            if off > UNITS_PX:
                differing[name] = off
    if differing:
        told = ", ".join(f"{name} ({off:.3g} px)" for name, off in differing.items())
        raise ItemFailed(
            f"solver {solver.name!r} gives another transform to the same pair as {told} than as "
            f"{next(iter(FORMS))}; expected {UNITS_PX:g} px at most. Convert integers to floating "
            "point before subtracting, and take thresholds, steps and damping relative to the "
            "images' own range."
        )
    if refused:
        taken = len(FORMS) - len(refused)
        raise NotAsked(
            f"{refused[0]} (of {len(FORMS)} forms it takes {taken}, and gives one transform to "
            "those)"
        )


def _refused(solver: Solver, name: str, fault: SolverFault) -> NotAsked:
    """Return the skip for a form that the solver refuses. Raises: ItemFailed."""
    try:
        return refusal(solver, f"images as {name}", fault)
    except SolverFault:
        raise ItemFailed(
            f"with images as {name}: {fault}", fault.fault, detail=fault.detail
        ) from None


@cache
def _levels(problem: Problem) -> tuple[Image, Image]:
    """Return fixed and moving as whole numbers."""
    fixed, moving = (np.rint(LEVELS * image) for image in (problem.fixed, problem.moving))
    return fixed, moving


def written(problem: Problem) -> Iterator[tuple[str, tuple[Image, Image]]]:
    """Yield the name of each form, and a problem's images in it, made anew each time."""
    fixed, moving = _levels(problem)
    for name, form in FORMS.items():
        yield name, (form(fixed), form(moving))
