"""The derivative of a solver's answer, where the solver lives: tensors in, autograd through it.

    L = mean over the grid of w(x) . u(x),    dL/d image by torch.autograd

torch is imported here and nowhere else in this package, and only when a derivative is asked for.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from irgate_battery.interface.call import Call, Derivative, Gradient
from irgate_battery.interface.outside_text import said_by


def tensors(call: Call) -> dict[str, Any]:
    """Return the images of a call as float64 tensors, and its masks; each is a copy.

    The image that is differentiated to requires grad.
    """
    handed: dict[str, Any] = {
        name: torch.tensor(getattr(call, name), dtype=torch.float64) for name in ("fixed", "moving")
    }
    if call.derivative is not None:
        handed[call.derivative.image].requires_grad_(True)
    for name in ("mask", "moving_mask"):
        mask = getattr(call, name)
        handed[name] = None if mask is None else torch.tensor(mask)
    return handed


@contextmanager
def one_thread() -> Iterator[None]:
    """Let the derivative's sums be the same on any machine, and in any worker of a parallel run.

    autograd runs the solver's backward in the thread that asks for it, which is this one.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def differentiated(
    content: Any, shape: tuple[int, int], derivative: Derivative, image: torch.Tensor
) -> Gradient:
    """Return dL/d image, or why there is none.

    Args:
        content: the matrix or displacement that the solver returned.
        shape: `(H, W)` of the fixed image.
        derivative: what is asked for.
        image: the tensor that the solver was handed.
    """
    if not isinstance(content, torch.Tensor):
        return Gradient(lost="tensor", said=type(content).__name__)
    weights = torch.tensor(derivative.weights)
    value = (weights * _displacement(content, shape)).sum(-1).mean()
    if not value.requires_grad:
        return Gradient(lost="graph")
    try:
        (found,) = torch.autograd.grad(value, image, allow_unused=True)
    except Exception as error:
        return Gradient(lost="raised", said=f"{type(error).__name__}: {said_by(error)}")
    if found is None:
        return Gradient(lost="image")
    return Gradient(found.detach().numpy())


def _displacement(content: torch.Tensor, shape: tuple[int, int]) -> torch.Tensor:
    """Return an answer as an attached `(H, W, 2)` tensor, float64."""
    if content.ndim == 3:
        return content.double()
    height, width = shape
    y, x = torch.meshgrid(
        torch.arange(height, dtype=torch.float64),
        torch.arange(width, dtype=torch.float64),
        indexing="ij",
    )
    points = torch.stack([x, y, torch.ones_like(x)], -1)
    return points @ content.double()[:2].T - points[..., :2]
