"""pystackreg (TurboReg; Thevenaz, Ruttimann & Unser 1998), under the gate's protocol.

Convention: `StackReg.register` returns `(3, 3)` on `(x, y)` pixels about the pixel origin, from the
reference (fixed) to the moving image: the protocol's own, unchanged. It takes no mask, no start and
no kind of intensity.
"""

from typing import Any

import numpy as np
from pystackreg import StackReg, __version__

from pytest_irgate.adapters.sizes import require_one_size

KINDS = {
    "translation": StackReg.TRANSLATION,
    "rigid": StackReg.RIGID_BODY,
    "similarity": StackReg.SCALED_ROTATION,
    "affine": StackReg.AFFINE,
}


def register(fixed: Any, moving: Any, model: str) -> Any:
    """Register by TurboReg's pyramid of cubic splines; return `(3, 3)`, fixed to moving, px.

    Raises: ValueError for images of two sizes.
    """
    require_one_size(fixed, moving, "pystackreg")
    return StackReg(KINDS[model]).register(fixed.astype(np.float64), moving.astype(np.float64))


register.name = "pystackreg"  # type: ignore[attr-defined]
register.version = __version__  # type: ignore[attr-defined]
register.models = tuple(KINDS)  # type: ignore[attr-defined]
# Measured: from the identity it finds turns to 20 degrees (but for one of 15 on a smooth scene,
# which counts as failed) and shifts to 16 px; beyond 30 degrees and 45 px some or all are lost.
register.reach = {"degrees": 25, "px": 30}  # type: ignore[attr-defined]
