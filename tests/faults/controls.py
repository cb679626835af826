"""The good solvers: what must not be called broken, and what each is known not to do."""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pytest_irgate.spec import resolve

from .attached import Attached
from .good import Good

SOLVERS = Path(__file__).parents[1] / "solvers"


@dataclass(frozen=True)
class Control:
    """A solver that is right within what it claims.

    Attributes:
        name: in the report.
        spec: how it is resolved; None for one of this folder's own.
        library: what it imports, where that is optional.
        beyond: items (parts of their names) that such a solver honestly cannot do, and why.
    """

    name: str
    spec: str | None = None
    library: str | None = None
    beyond: tuple[tuple[str, str], ...] = ()

    def build(self) -> Any:
        if self.spec is None:
            return {"good": Good, "attached": Attached}[self.name]()
        return resolve(self.spec, SOLVERS)


NO_SEARCH = "starts at the identity, and a motion this large is beyond its basin"
FAR = tuple((part, NO_SEARCH) for part in ("rot15", "rot45", "rot75", "overlap40"))
BIASED = (
    (
        "brain_mri_real-bias30",
        "correlates whole images, which a 30 % bias spoils (the oracle itself is 0.11 px off)",
    ),
)
SQUARES = (
    (
        "brain_mri_real-noise10",
        "minimises squared differences, and is asked for a pair of uneven gain under noise",
    ),
)

FREE_FORM_START = (
    (
        "test_recovers[bspline_random_2d",
        "optimises a free form by L-BFGS, whose line search ends where the start decides",
    ),
)

CONTROLS = tuple(
    control
    for control in (
        Control("good"),
        Control("bundled", "bundled"),
        Control("attached"),
        Control("simpleitk.py", "simpleitk.py:register", None, FAR + BIASED),
        Control("simpleitk", "simpleitk", None, FAR + BIASED + FREE_FORM_START),
        Control("opencv-ecc", "opencv-ecc", "cv2", FAR + BIASED),
        Control("pystackreg", "pystackreg", "pystackreg", FAR + SQUARES),
    )
    if control.library is None or find_spec(control.library)
)
"""Those that can be had here."""
