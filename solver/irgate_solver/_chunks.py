"""A batch in chunks whose images fit the processor's cache.

A pair's answer does not depend on the rest of its batch, so a batch may be solved part by part. On
the CPU that is quicker from images of some size on: an operation on the whole batch would read each
image from memory again. Small images are solved many at once, because there an operation costs as
much as its arithmetic.
"""

from collections.abc import Callable
from typing import Any

import torch

from irgate_solver import _native, _start
from irgate_solver._homography import AnyWarp
from irgate_solver._objective import Settings
from irgate_solver._pair import Pair
from irgate_solver._rows import joined, taken
from irgate_solver._schedule import Schedule
from irgate_solver._solution import Solution

PIXELS = 2**18
"""Most pixels of the fixed images of one chunk, of more than one pair: four pairs of 256 x 256
pixels, 64 of 64 x 64. With a quarter or four times as many a batch of 16 pairs of 256 x 256 took a
third longer."""


def solve(
    stages: Callable[[Pair, Settings], Schedule],
    pair: Pair,
    settings: Settings,
    warp: AnyWarp,
    init: Any,
) -> Solution:
    """Solve a batch by `stages`, in chunks where that is quicker."""
    batch, height, width = pair.fixed.shape
    most = max(1, PIXELS // (pair.channels * height * width))
    if batch <= most or not _is_quicker(stages, pair, settings):
        return stages(pair, settings).run(warp, init)
    start = None if init is None else _start.read(init, warp, batch, pair.fixed.device)
    found = []
    for first in range(0, batch, most):
        rows = range(first, min(first + most, batch))
        given = None if start is None else _start.Parameters(start[rows.start : rows.stop])
        part = stages(taken(pair, rows, batch), taken(settings, rows, batch))
        found.append(part.run(warp, given))
    # Outside of inference mode, whose tensors autograd would refuse in the images' masks and units.
    with torch.inference_mode(False), torch.no_grad():
        return joined(found)


def _is_quicker(
    stages: Callable[[Pair, Settings], Schedule], pair: Pair, settings: Settings
) -> bool:
    """Return whether this is a plain solve by torch on the CPU.

    The compiled kernel looks at one pair after another anyway.
    """
    by_kernel = isinstance(settings.metric, str) and _native.library() is not None
    return stages is Schedule and pair.fixed.device.type == "cpu" and not by_kernel
