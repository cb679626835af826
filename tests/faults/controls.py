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


BIASED = (
    (
        "brain_mri_real-bias30",
        "correlates whole images, which a 30 % bias spoils (the oracle itself is 0.11 px off)",
    ),
)
SQUARES = tuple(
    (part, "minimises squared differences, and is asked for a pair of unlike brightness")
    for part in ("brain_mri_real-noise10", "test_case[gamma]")
)
SHORT_BASIN = (
    (
        "synth_translate_2d-rot15",
        "loses one turn that it finds on other scenes, on a smooth one with a small basin",
    ),
)
ONE_SIZE = (("test_case[moving_", "registers images of one size only, and says so"),)
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
        Control("simpleitk.py", "simpleitk.py:register", None, BIASED),
        Control("simpleitk", "simpleitk", None, FREE_FORM_START),
        Control("opencv-ecc", "opencv-ecc", "cv2"),
        Control("pystackreg", "pystackreg", "pystackreg", SQUARES + SHORT_BASIN + ONE_SIZE),
    )
    if control.library is None or find_spec(control.library)
)
"""Those that can be had here."""
