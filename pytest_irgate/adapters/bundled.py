"""The bundled solver, `irgate_solver`, under the gate's protocol."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from irgate_solver import register as _register
from pytest_irgate import __version__


def register(
    fixed: Any,
    moving: Any,
    model: str = "affine",
    mask: Any = None,
    init: Any = None,
    intensity: str = "same",
) -> Any:
    """Register with the bundled solver, see `irgate_solver.register`.

    Arrays are sampled linearly, which is the objective that SimpleITK minimises by default. Tensors
    come from whoever wants gradients: they are sampled with cubic splines, because an answer under
    linear sampling has no derivative wherever a sample crosses a pixel's border.
    """
    sampling = "cubic" if isinstance(fixed, torch.Tensor) else "linear"
    with _one_thread():
        return _register(
            torch.as_tensor(fixed),
            torch.as_tensor(moving),
            model=model,
            mask=None if mask is None else torch.as_tensor(mask),
            init=init,
            intensity=intensity,
            sampling=sampling,
        )


@contextmanager
def _one_thread() -> Iterator[None]:
    """Let torch work in one thread, and put its number of threads back.

    At 200 px a second thread costs more than it brings. On a machine that is busy, or under
    `pytest -n`, threads that wait for each other take a hundred times as long; and sums must not
    depend on how many there were.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


register.name = "irgate_solver"  # type: ignore[attr-defined]
register.version = __version__  # type: ignore[attr-defined]
register.differentiable = True  # type: ignore[attr-defined]
