"""The bundled solver, `irgate_solver`, under the gate's protocol."""

from typing import Any

import torch

from irgate_solver import register as _register
from pytest_irgate import __version__
from pytest_irgate.adapters.torch_thread import one_thread


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
    with one_thread():
        return _register(
            torch.as_tensor(fixed),
            torch.as_tensor(moving),
            model=model,
            mask=None if mask is None else torch.as_tensor(mask),
            init=init,
            intensity=intensity,
            sampling=sampling,
        )


register.name = "irgate_solver"  # type: ignore[attr-defined]
register.version = __version__  # type: ignore[attr-defined]
register.differentiable = True  # type: ignore[attr-defined]
