"""The contract checks: does a callable speak the protocol, whatever its accuracy?

Each check is a function of a solver and a time limit. It raises `Violation` with a message for
the solver's author, or `SolverFault` from the call itself.
"""

import os
import pickle
import random
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache

import numpy as np

import irgate_fixtures
from irgate_battery.answer import Answer
from irgate_battery.diagnosis import Explanation, explain
from irgate_battery.diagnosis.view import View
from irgate_battery.protocol import Solver
from irgate_fixtures import Pair

CONVENTION_PX = 0.5
"""A convention is known as right only where the answer is this near: half a pixel off could be a
convention of its own."""

IDENTITY_PX = 0.01
"""What a solver may move an image against itself: a tenth of what a good solver leaves on a noisy
pair, and far over what any stopping rule leaves on this one."""

REPEAT_PX = 1e-6
"""What two calls with the same images may differ by: sums in another thread order, no more."""


class Violation(Exception):
    """The solver breaks the contract; the message says what came and what was expected.

    Attributes:
        reason: the fault that explains it, or `None` where the check's own name says it all.
    """

    def __init__(self, message: str, reason: Explanation | None = None) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True)
class Check:
    """One check of the contract: its name in ids, what it asks, and the function."""

    name: str
    about: str
    run: Callable[[Solver, float | None], None]


def output_form(solver: Solver, timeout: float | None) -> None:
    """What comes back is a finite transform of a form that the protocol knows."""
    _answer(solver, _pair(), timeout)


def direction(solver: Solver, timeout: float | None) -> None:
    """The transform maps points of the fixed image to points of the moving image."""
    pair = _pair()
    answer = _answer(solver, pair, timeout)
    view = View(pair, answer.displacement, answer.matrix)
    right = min(view.off(mapped) for mapped in (view.answer, view.swapped()))
    wrong = min(view.back(mapped) for mapped in (view.answer, view.swapped()))
    _judge_convention(pair, answer, right, wrong, "direction")


def axis_order(solver: Solver, timeout: float | None) -> None:
    """Points are (x, y): the column first. The pair is not square, its shift not symmetric."""
    pair = _pair()
    answer = _answer(solver, pair, timeout)
    view = View(pair, answer.displacement, answer.matrix)
    right = min(view.off(view.answer), view.back(view.answer))
    wrong = min(view.off(view.swapped()), view.back(view.swapped()))
    _judge_convention(pair, answer, right, wrong, "axis order")


def input_unchanged(solver: Solver, timeout: float | None) -> None:
    """The images and the mask that the solver is handed are the same afterwards, to the bit."""
    pair = _pair()
    given = {
        "fixed": pair.fixed.astype(np.float32),
        "moving": pair.moving.astype(np.float32),
        "mask": np.ones(pair.fixed.shape, dtype=bool),
    }
    before = {name: image.copy() for name, image in given.items()}
    solver.call(
        given["fixed"],
        given["moving"],
        model=_model(solver),
        mask=given["mask"],
        init=None,
        intensity=pair.intensity,
        timeout=timeout,
    )
    for name, image in given.items():
        changed = int(np.count_nonzero(image != before[name]))
        if changed:
            raise Violation(
                f"solver {solver.name!r} wrote into its input: {changed} of {image.size} pixels of "
                f"{name} changed; work on a copy ({name} = {name}.copy())."
            )


def repeatable(solver: Solver, timeout: float | None) -> None:
    """Two calls with the same images give the same transform."""
    pair = _pair()
    first, second = (_answer(solver, pair, timeout).displacement for _ in range(2))
    off = float(np.linalg.norm(first - second, axis=-1).max())
    if off > REPEAT_PX:
        raise Violation(
            f"solver {solver.name!r} gave a different answer on each call: up to {off:.3g} px "
            f"apart on the same images; at most {REPEAT_PX:g} px is rounding. Fix the seed of "
            "whatever it draws, and keep no state between calls."
        )


def identity(solver: Solver, timeout: float | None) -> None:
    """An image registered to itself stays where it is."""
    pair = _pair()
    answer, _ = solver.solve(
        pair.fixed,
        pair.fixed,
        model=_model(solver),
        intensity=pair.intensity,
        timeout=timeout,
    )
    moved = float(np.linalg.norm(answer.displacement, axis=-1).max())
    if moved > IDENTITY_PX:
        raise Violation(
            f"solver {solver.name!r} moved an image against itself by up to {moved:.3g} px; "
            f"expected the identity to {IDENTITY_PX:g} px. A half pixel or a wrong centre in the "
            "sampler shows here first."
        )


def prints_nothing(solver: Solver, timeout: float | None) -> None:
    """The solver leaves standard output to its caller (standard error is free for warnings)."""
    with _captured_output() as read:
        _answer(solver, _pair(), timeout)
    printed = read()
    if printed:
        first = printed.strip().splitlines()[0] if printed.strip() else printed
        raise Violation(
            f"solver {solver.name!r} printed {len(printed)} characters to standard output, "
            f"beginning {first[:60]!r}; expected none. Use logging, or standard error."
        )


def global_state_unchanged(solver: Solver, timeout: float | None) -> None:
    """Global random generators and torch's default dtype are left as they were found."""
    torch_came_with_the_call = "torch" not in sys.modules
    changed = _changed_by_a_call(solver, timeout)
    if torch_came_with_the_call and "torch" in sys.modules:
        changed = _changed_by_a_call(solver, timeout)
    if changed:
        raise Violation(
            f"solver {solver.name!r} changed global state: {', '.join(changed)}; expected all as "
            "before. Use a generator of your own (numpy.random.default_rng, torch.Generator) and "
            "pass the dtype to each call."
        )


CHECKS = tuple(
    Check(function.__name__, (function.__doc__ or "").splitlines()[0], function)
    for function in (
        output_form,
        direction,
        axis_order,
        input_unchanged,
        repeatable,
        identity,
        prints_nothing,
        global_state_unchanged,
    )
)


@cache
def _pair() -> Pair:
    """A pure shift of a smooth scene: it lies in every model, and is no multiple of anything.

    Made once: no check hands a solver these arrays themselves.
    """
    return irgate_fixtures.pair("synth_translate_2d")


def _model(solver: Solver) -> str:
    return solver.models[0]


def _answer(solver: Solver, pair: Pair, timeout: float | None) -> Answer:
    answer, _ = solver.solve(
        pair.fixed,
        pair.moving,
        model=_model(solver),
        mask=pair.mask,
        intensity=pair.intensity,
        timeout=timeout,
    )
    return answer


def _judge_convention(pair: Pair, answer: Answer, right: float, wrong: float, what: str) -> None:
    """Pass where the answer stands at the truth, up to the conventions that are not asked here.

    An answer that stands nowhere cannot show its convention, and must not pass for one that does.
    """
    if right <= CONVENTION_PX and right <= wrong:
        return
    reason = explain(pair, answer.displacement, answer.matrix)
    said = (
        reason.sentence
        if reason
        else f"no simple fault explains it: {right:.2f} px off, {wrong:.2f} with the other {what}"
    )
    raise Violation(
        f"the {what} cannot be confirmed on a known shift of (3.5, -2.23) px: {said}; expected an "
        f"answer within {CONVENTION_PX} px.",
        reason,
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
            raise Violation(
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


def _changed_by_a_call(solver: Solver, timeout: float | None) -> list[str]:
    """Set what solvers are known to change to values that none would choose; call; compare.

    Comparing with whatever was there would miss a solver whose earlier calls had changed it.
    """
    torch = sys.modules.get("torch")
    numpy_state = np.random.get_state(legacy=True)
    python_state = random.getstate()
    torch_state = torch and (torch.get_rng_state(), torch.get_default_dtype())
    try:
        np.random.seed(_UNLIKELY_SEED)
        random.seed(_UNLIKELY_SEED)
        if torch:
            torch.manual_seed(_UNLIKELY_SEED)
            torch.set_default_dtype(torch.float32)
        before = _global_state()
        _answer(solver, _pair(), timeout)
        after = _global_state()
    finally:
        np.random.set_state(numpy_state)
        random.setstate(python_state)
        if torch and torch_state:
            torch.set_rng_state(torch_state[0])
            torch.set_default_dtype(torch_state[1])
    return [name for name, value in before.items() if after[name] != value]


def _global_state() -> dict[str, object]:
    state: dict[str, object] = {
        "numpy's global random generator": pickle.dumps(np.random.get_state(legacy=False)),
        "Python's global random generator": random.getstate(),
    }
    torch = sys.modules.get("torch")
    if torch:
        state["torch's global random generator"] = torch.get_rng_state().numpy().tobytes()
        state["torch's default dtype"] = str(torch.get_default_dtype())
    return state


_UNLIKELY_SEED = 0x1A7E
