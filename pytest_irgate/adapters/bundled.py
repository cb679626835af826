"""The bundled solver, `irgate_solver`, under the gate's protocol."""

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
    """Register with the bundled solver; numpy or torch images, see `irgate_solver.register`."""
    return _register(
        torch.as_tensor(fixed),
        torch.as_tensor(moving),
        model=model,
        mask=None if mask is None else torch.as_tensor(mask),
        init=init,
        intensity=intensity,
    )


register.name = "irgate_solver"  # type: ignore[attr-defined]
register.version = __version__  # type: ignore[attr-defined]
register.differentiable = True  # type: ignore[attr-defined]
