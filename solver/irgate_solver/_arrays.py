"""Arrays in, arrays out: what a caller gave, as a tensor, and the way back to its own form."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True)
class Form:
    """How a caller holds numbers.

    Attributes:
        array: whether as something other than a tensor.
        dtype: the type in which they came.

    """

    array: bool
    dtype: torch.dtype

    def give(self, tensor: Tensor) -> Any:
        """Return `tensor` as an array where an array came."""
        return tensor.detach().cpu().numpy() if self.array else tensor

    def give_image(self, tensor: Tensor) -> Any:
        """Return an image in the type that came: whole numbers are rounded and kept in range."""
        if tensor.dtype == self.dtype:
            return self.give(tensor)
        if self.dtype == torch.bool:
            tensor = tensor > 0.5
        elif not self.dtype.is_floating_point:
            limits = torch.iinfo(self.dtype)
            # The ends of 64-bit numbers are no doubles; nothing interpolated comes near them.
            tensor = tensor.round().clamp(limits.min, limits.max).to(self.dtype)
        else:
            tensor = tensor.to(self.dtype)
        return self.give(tensor)


def read(who: str, value: Any) -> tuple[Tensor, Form]:
    """Return `value` as a tensor of its own type, and its form.

    Raises:
        TypeError: it is no array of real numbers.

    """
    if isinstance(value, Tensor):
        # Autograd takes no tensor that was made in inference mode.
        tensor, array = value.clone() if value.is_inference() else value, False
    else:
        import numpy  # only where the caller brings arrays

        given = numpy.asarray(value)
        if given.dtype.kind not in "buif":
            raise TypeError(
                f"{who}: {type(value).__name__} of type {given.dtype} came; expected real numbers: "
                "pass a tensor or an array of floats, integers or bools"
            )
        given = given.astype(given.dtype.newbyteorder("="), copy=True)
        tensor, array = torch.from_numpy(given), True
    if tensor.is_complex():
        raise TypeError(f"{who}: complex numbers came; expected real ones: pass the magnitude")
    return tensor, Form(array, tensor.dtype)


def read_points(who: str, points: Any) -> tuple[Tensor, Form]:
    """Return points `(m, 2)` as a float64 tensor, and the form in which they came.

    Raises:
        TypeError, ValueError: they are none.

    """
    tensor, form = read(who, points)
    if tensor.dim() != 2 or tensor.shape[1] != 2:
        raise ValueError(
            f"{who}: points have shape {tuple(tensor.shape)}; expected (m, 2), (x, y) in pixels"
        )
    return tensor.double(), form
