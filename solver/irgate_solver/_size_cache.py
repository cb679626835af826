"""Tensors that depend on sizes alone, made once and kept: grids, bases, kernels, selections.

At 200 px a call spends as long on making them as on the images. What is kept is a few rows and
columns for each size, and for cubic sampling a square of each axis; nobody writes into it.
"""

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import ParamSpec, TypeVar, cast

import torch

KEPT = 64
"""How many results of one function are kept; the oldest goes."""

P = ParamSpec("P")
R = TypeVar("R")


def cached_by_size(make: Callable[P, R]) -> Callable[P, R]:
    """Keep what `make` returns for each set of its (hashable) arguments.

    Made outside of any inference mode that the first caller may be in: a later one may want
    gradients.
    """

    @lru_cache(maxsize=KEPT)
    @wraps(make)
    def made(*arguments: P.args, **options: P.kwargs) -> R:
        with torch.inference_mode(False), torch.no_grad():
            return make(*arguments, **options)

    return cast(Callable[P, R], made)
