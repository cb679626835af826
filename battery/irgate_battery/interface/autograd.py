"""The derivative of a solver's answer, where the solver lives: tensors in, autograd through it.

    L = mean over the grid of w(x) . u(x),    dL/d image by torch.autograd

torch is imported here and nowhere else in this package, and only when a derivative is asked for.
"""

from typing import Any

import torch

from irgate_battery.interface.call import Call, Derivative, Gradient


def tensors(call: Call) -> tuple[tuple[Any, Any], dict[str, Any]]:
    """Return the images of a call as float64 tensors, and its masks; each is a copy.

    The image that is differentiated to requires grad.
    """
    images = [torch.tensor(image, dtype=torch.float64) for image in (call.fixed, call.moving)]
    if call.derivative is not None:
        images[call.derivative.image == "moving"].requires_grad_(True)
    masks = {"mask": call.mask, "moving_mask": call.moving_mask}
    return (images[0], images[1]), {
        name: None if mask is None else torch.tensor(mask) for name, mask in masks.items()
    }


def differentiated(
    content: Any, shape: tuple[int, int], derivative: Derivative, images: tuple[Any, Any]
) -> Gradient:
    """Return dL/d image, or why there is none.

    Args:
        content: the matrix or displacement that the solver returned.
        shape: `(H, W)` of the fixed image.
        derivative: what is asked for.
        images: the tensors that the solver was handed.
    """
    if not isinstance(content, torch.Tensor):
        return Gradient(lost="tensor", said=type(content).__name__)
    weights = torch.tensor(derivative.weights)
    value = (weights * _displacement(content, shape)).sum(-1).mean()
    if not value.requires_grad:
        return Gradient(lost="graph")
    image = images[derivative.image == "moving"]
    try:
        (found,) = torch.autograd.grad(value, image, allow_unused=True)
    except Exception as error:
        said = " ".join(str(error).split())
        return Gradient(lost="raised", said=f"{type(error).__name__}: {said}")
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
