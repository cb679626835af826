"""`irgate check --protocol SPEC`: does a program speak the protocol, whatever its accuracy?"""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from irgate_battery.interface.call import Call
from irgate_battery.interface.declaration import OPTIONAL_ARGUMENTS, NotASolver
from irgate_battery.interface.launch import launched, process_of
from irgate_battery.interface.process import STARTS_IN
from irgate_battery.interface.protocol import Solver, SolverFault
from irgate_battery.interface.start import Start
from pytest_irgate.command.usage import UsageError
from pytest_irgate.termination import Termination

SIZE = (48, 64)
"""Height and width of the images: a program that swaps them is seen."""

SHIFT = 2.0
"""px. The images are one smooth scene, this far apart along x."""


def run(spec: str, timeout: float | None) -> int:
    """Ask each thing that the protocol has, and say what was answered. Raises: UsageError.

    Args:
        spec: what is asked.
        timeout: seconds for each answer; `None` for no limit.
    """
    wait = min(timeout or STARTS_IN, STARTS_IN)
    with Termination(), ExitStack() as stack:
        try:
            process = process_of(spec, Path.cwd(), prints_to="stderr", starts_in=wait)
            stack.callback(process.close)
            solver = launched(process)
        except NotASolver as error:
            raise UsageError(str(error)) from None
        return _asked(solver, timeout)


def _asked(solver: Solver, timeout: float | None) -> int:
    declaration = solver.declaration
    takes = [name for name in OPTIONAL_ARGUMENTS if name in declaration.accepts]
    print(
        f"hello: {declaration.name}, models {', '.join(declaration.models)}; takes "
        f"{', '.join(takes) or 'fixed and moving alone'}"
        + (f"; claims {declaration.reach}" if str(declaration.reach) else "")
    )
    wrong = 0
    for what, call in _calls(declaration.models, declaration.accepts):
        try:
            outcome, seconds = solver.call(call, timeout)
            answer = solver.read(outcome, call, seconds)
        except SolverFault as fault:
            wrong += 1
            print(f"{what}: WRONG: {fault}")
        else:
            form = "a displacement" if answer.matrix is None else "a matrix"
            print(f"{what}: {form}, {seconds:.3f} s")
    print(f"irgate: {wrong} answers are wrong" if wrong else "irgate: every answer can be read")
    return min(wrong, 1)


def _calls(models: tuple[str, ...], accepts: frozenset[str]) -> Iterator[tuple[str, Call]]:
    """Yield what is asked, in words, and the call: each model, then each optional argument."""
    fixed, moving = _scene(SHIFT), _scene(0.0)
    for model in models:
        yield f"register, {model}", Call(fixed, moving, model)
    first = models[0]
    trusted = np.ones(SIZE, bool)
    matrix = np.array([[1.0, 0.0, SHIFT], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    field = np.broadcast_to(np.array([SHIFT, 0.0]), (*SIZE, 2)).copy()
    with_argument = {
        "mask": Call(fixed, moving, first, mask=trusted),
        "moving_mask": Call(fixed, moving, first, moving_mask=trusted),
        "init": Call(fixed, moving, first, init=Start(matrix, field)),
        "intensity": Call(fixed, moving, first, intensity="varying"),
    }
    for name, call in with_argument.items():
        if name in accepts:
            yield f"register with {name}", call
    wider = np.pad(moving, ((0, 5), (0, 3)), mode="edge")
    yield "register, a moving image of another size", Call(fixed, wider, first)


def _scene(shift: float) -> np.ndarray:
    """Return a smooth image, seen from a place this far to the right, `(H, W)` float32."""
    height, width = SIZE
    y, x = np.mgrid[:height, :width].astype(np.float64)
    x = x + shift
    waves = np.sin(x / 5) + np.cos(y / 6 + x / 11) + np.sin(x / 17 - y / 9)
    return np.asarray(0.5 + waves / 8, dtype=np.float32)
