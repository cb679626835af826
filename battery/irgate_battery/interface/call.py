"""One call of a solver: what it is handed, what may be watched meanwhile, and what came of it.

Both sides of a process read this file: the judge's, and the one that the solver lives in.
"""

from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from irgate_battery.interface.returned import Returned

Watch = Literal["input", "output", "state"]
"""What may be watched: whether the images are written into, what is printed, global state."""


class Init(Protocol):
    """What a solver may be handed to start from."""

    @property
    def matrix(self) -> NDArray[np.float64] | None:
        """Return `(3, 3)` about the pixel origin, or `None` where the start is dense."""

    def displacement(self, shape: tuple[int, int]) -> NDArray[np.float64]:
        """Return `u(x) = T(x) - x`, `(H, W, 2)`, px."""


@dataclass(frozen=True, eq=False)
class Derivative:
    """A derivative that is asked for: of L = mean over the grid of w(x) . u(x).

    Attributes:
        image: to which image, `"fixed"` or `"moving"`.
        weights: w, `(H, W, 2)`.
    """

    image: str
    weights: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Call:
    """What one call hands over; nothing that it holds is used again.

    Attributes:
        fixed, moving: `(H, W)`, their sizes may differ.
        model, mask, moving_mask, init, intensity: passed where the signature has them.
        watch: what is watched, or `None`.
        tensors: whether images and masks are handed over as torch tensors.
        derivative: what is asked for besides the answer, of tensors; or `None`.

    """

    fixed: NDArray[Any]
    moving: NDArray[Any]
    model: str
    mask: NDArray[np.bool_] | None = None
    moving_mask: NDArray[np.bool_] | None = None
    init: Init | None = None
    intensity: str = "same"
    watch: Watch | None = None
    tensors: bool = False
    derivative: Derivative | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """`(H, W)` of the fixed image."""
        return int(self.fixed.shape[0]), int(self.fixed.shape[1])


@dataclass(frozen=True)
class Raised:
    """What a solver raised.

    Attributes:
        kind: the exception's type.
        said: its message in one line.
        where: `file:line in function`, where the solver's own code raised; or empty.
        trace: the traceback without our own frames.
        is_error: whether it is an `Exception`, and no exit or interrupt.

    """

    kind: str
    said: str
    where: str
    trace: str
    is_error: bool


@dataclass(frozen=True, eq=False)
class Gradient:
    """A derivative, or why there is none.

    Attributes:
        values: dL/d image, `(H, W)`; `None` where there is none.
        lost: `"tensor"` where the answer is no tensor, `"graph"` where it is on no graph, `"image"`
            where the graph does not hold the image, `"raised"`; or `None`.
        said: the answer's type, or what was raised.

    """

    values: NDArray[np.float64] | None = None
    lost: Literal["tensor", "graph", "image", "raised"] | None = None
    said: str = ""


@dataclass(frozen=True, eq=False)
class Outcome:
    """What came of a call that ended.

    Attributes:
        returned: what came back; `None` where it raised.
        raised: what it raised; `None` where it came back.
        seen: what the watch saw, builtin types: for `"input"` the number of pixels that changed, by
            argument; for `"output"` the `"count"` of characters and the `"first"` line; for
            `"state"` what `"changed"`, in words.
        gradient: of a call that asked for one.

    """

    returned: Returned | None = None
    raised: Raised | None = None
    seen: dict[str, Any] = field(default_factory=dict)
    gradient: Gradient | None = None


class CallTimeout(Exception):
    """The call did not come back within its limit; it was abandoned."""


class ProcessLost(Exception):
    """The solver's process ended, or speaks no protocol.

    Attributes:
        how: in words that follow its name.
    """

    def __init__(self, how: str, advice: str = "") -> None:
        super().__init__(f"{how}{advice}")
        self.how = how


class Caller(Protocol):
    """What makes a solver's calls: in this process, or in one of its own."""

    @property
    def isolation(self) -> Literal["process", "none"]:
        """Where it makes them."""

    def call(self, call: Call, timeout: float | None) -> Outcome:
        """Make one call.

        Args:
            call: what is handed over.
            timeout: seconds, or `None` for no limit.
        Raises: CallTimeout; ProcessLost.
        """

    def close(self) -> None:
        """End what it started; a closed caller may not be asked again."""
