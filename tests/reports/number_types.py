"""Reports of what becomes of other kinds of numbers than floats from 0 to 1."""

import numpy as np
from faults.conventions import solve
from faults.fault import fault


def answer(fixed, moving, model, mask, init, intensity):
    M, u = solve(fixed, moving, model, mask, init, intensity)
    return u if M is None else M


@fault(origin="MouseLand/suite2p #1254", layers="contract", names="units")
def bright_pixels_wrap_around(fixed, moving, model, mask, init, intensity):
    """Frames are kept as int16, and values over 32767 come back negative."""
    if max(np.max(fixed), np.max(moving)) > 32767:
        fixed, moving = (
            np.asarray(image).astype(np.int64).astype(np.int16) for image in (fixed, moving)
        )
    return answer(np.float32(fixed), np.float32(moving), model, mask, init, intensity)


@fault(origin="spinalcordtoolbox/spinalcordtoolbox #1259", layers="contract", names="units")
def integers_overflow_in_a_difference(fixed, moving, model, mask, init, intensity):
    """Images of integers are subtracted as integers, so that what should be negative is large."""
    if np.asarray(fixed).dtype.kind in "ui":
        low = np.asarray(fixed).dtype.type(np.median(fixed))
        fixed, moving = fixed - low, moving - low
    return answer(np.float32(fixed), np.float32(moving), model, mask, init, intensity)
