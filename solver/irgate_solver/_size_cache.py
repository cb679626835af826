"""A cache of tensors that depend on sizes alone: grids, bases, kernels, selections.

At 200 px making them takes as long as the arithmetic on the images. For each size the cache holds a
few rows and columns, and for cubic sampling a square matrix for each axis. Nobody may write into a
cached tensor.
"""

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import ParamSpec, TypeVar, cast

import torch

KEPT = 64
"""Number of results kept for one function; the least recently used is dropped."""

P = ParamSpec("P")
R = TypeVar("R")


def cached_by_size(make: Callable[P, R]) -> Callable[P, R]:
    """Cache the results of `make` by its (hashable) arguments.

    `make` runs outside of inference mode, even if the first caller is in it: a later caller may
    need gradients.
    """

    @lru_cache(maxsize=KEPT)
    @wraps(make)
    def made(*arguments: P.args, **options: P.kwargs) -> R:
        with torch.inference_mode(False), torch.no_grad():
            return make(*arguments, **options)

    return cast(Callable[P, R], made)
