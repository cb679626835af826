"""What a result keeps of its inputs: their values at the call, whatever becomes of them later."""

import torch
from torch import Tensor

from irgate_solver._objective import Objective


def kept(image: Tensor, given: object) -> Tensor:
    """Return `image` detached, in other memory than the caller's, who may reuse it."""
    image = image.detach()
    if not isinstance(given, Tensor):
        return image
    shared = image.untyped_storage().data_ptr() == given.untyped_storage().data_ptr()
    return image.clone() if shared else image


def held(objective: Objective) -> Objective:
    """Return the objective with the values that its weights have now, detached."""
    weights = [
        weight.detach().clone() if isinstance(weight, Tensor) else torch.tensor(weight)
        for weight in objective.settings.weights
    ]
    if not any(isinstance(weight, Tensor) for weight in objective.settings.weights):
        return objective
    return objective.weighted(*weights)
