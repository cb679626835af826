"""Some pairs of a batch, and batches put together again, in whatever holds them.

What belongs to the pairs of a batch has them along its first axis, each channel of a pair beside
the next. Numbers, names and families belong to all pairs alike.
"""

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any, TypeVar, cast

import torch
from torch import Tensor

from irgate_solver._objective import Objective, Settings
from irgate_solver._pair import Pair
from irgate_solver._precision import Units
from irgate_solver._pyramid import Level
from irgate_solver._smoothing import Smoothing
from irgate_solver._solution import Solution

T = TypeVar("T")
HOLDERS = (Level, Objective, Pair, Settings, Smoothing, Solution, Units)
"""The dataclasses whose tensors are of the pairs; a tensor without an axis is of all of them."""


def taken(held: T, rows: Sequence[int], batch: int) -> T:
    """Return what `held` has of the pairs `rows` of `batch`, in this order."""

    def some(value: Any) -> Any:
        if isinstance(value, Tensor) and value.dim() > 0:
            index = torch.tensor(rows, device=value.device)
            each = value.reshape(batch, -1, *value.shape[1:])
            return each.index_select(0, index).flatten(0, 1)
        if isinstance(value, list | tuple):
            return type(value)(some(each) for each in value)
        if isinstance(value, HOLDERS):
            return replace(
                value, **{part.name: some(getattr(value, part.name)) for part in fields(value)}
            )
        return value

    return cast(T, some(held))


def joined(parts: Sequence[T]) -> T:
    """Return the batch that `parts` are, one after another."""
    first: Any = parts[0]
    if isinstance(first, Tensor) and first.dim() > 0:
        return cast(T, torch.cat(cast(list[Tensor], list(parts))))
    if isinstance(first, tuple) and not isinstance(first[0], Tensor):
        return cast(T, tuple(entry for part in cast(Any, parts) for entry in part))
    if isinstance(first, list | tuple):
        return cast(T, type(first)(joined(each) for each in zip(*cast(Any, parts), strict=True)))
    if isinstance(first, HOLDERS):
        names = [part.name for part in fields(first)]
        whole = {name: joined([getattr(part, name) for part in parts]) for name in names}
        return cast(T, replace(first, **whole))
    return parts[0]
