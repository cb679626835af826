"""The oracle's recipe: every number that decides its result, and why it is that one.

Lengths are px, sigmas too. `RECIPE` is all of it as JSON-able values; it enters the digest under
which a result is stored.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

ORACLE_VERSION = "1"
"""Changes whenever the code changes what the same settings give; enters the digest."""


@dataclass(frozen=True)
class Search:
    """A start value from nothing: rotations by hand, all translations at once by FFT."""

    sigma: float = 2.0
    shrink: int = 4
    """Blur for the shrink; 4 px is a fifth of the structures in these images, and fast."""
    angle_step: int = 15
    """Degrees. 30 loses a turn of 15 on smooth scenes, finer ones find nothing more."""
    overlap: float = 0.25
    """Least fraction of the largest overlap: lower, and slivers of sky match best."""
    candidates: int = 3
    """How many rotations are refined before one is chosen; the grid's best may be a neighbour."""
    refine_iterations: int = 60
    refine_step: float = 1e-2


@dataclass(frozen=True)
class Linear:
    """Regular-step descent of the correlation, coarse to fine, for matrices."""

    shrink: tuple[int, ...] = (4, 2, 1)
    sigma: tuple[float, ...] = (2.0, 1.0, 0.0)
    first_step: float = 0.25
    """The search ends a few px off. A first step of 1 px threw six parameters out of the basin
    on smooth scenes."""
    least_step: float = 1e-6
    """RegularStep halves its step until here; 1e-6 px is under what it can reach on noise."""
    rough_step: float = 1e-2
    """For a stage that only starts the next one."""
    iterations: int = 300
    gradient_tolerance: float = 1e-14
    """Off in effect: the length of the step decides, not that of the gradient."""


@dataclass(frozen=True)
class Deformable:
    """Quasi-Newton descent of the mean squares for the 4x4 B-spline.

    LBFGS2 first, then LBFGSB, whose line search goes on where LBFGS2's gives up: metric and
    derivative in ITK disagree by the interpolation error, and each stops where that shows.
    """

    shrink: tuple[int, ...] = (4, 2)
    sigma: tuple[float, ...] = (2.0, 1.0)
    iterations: int = 500
    accuracy: float = 1e-9
    corrections: int = 20
    """LBFGSB's memory; the Hessian's condition is 1e9."""
    convergence_factor: float = 1e2
    """LBFGSB stops at a relative decrease of this many machine epsilons."""
    restarts: int = 2


@dataclass(frozen=True)
class Polish:
    """Newton steps to the stationary point of the metric's values, on a frozen region."""

    difference: float = 1e-5
    """px that the most moved pixel moves in a finite difference of the metric. The metric has a
    kink wherever a pixel crosses a grid line of the moving image, 1e-4 px apart or so: smaller
    steps leave the result 2e-8 (MRI) to 2e-9 (FFD) from the least-squares minimum in intensity,
    1e-3 px leaves 2e-6; at 1e-6 px rounding shows."""
    converged: float = 1e-9
    """px: stop where a step moves no pixel by more."""
    iterations: int = 40
    halvings: int = 12
    """Of one step that does not lower the metric; then the stationary point is reached, up to the
    kinks of linear interpolation."""
    rounds: int = 5
    """How often the region may be frozen anew."""


SEARCH, LINEAR, DEFORMABLE, POLISH = Search(), Linear(), Deformable(), Polish()

RECIPE: Mapping[str, Any] = {
    "interpolator": "linear",
    "sampling": "all",
    "gradient_filters": False,
    "metric": {"same": "mean squares", "varying": "correlation"},
    "search": asdict(SEARCH),
    "linear": {**asdict(LINEAR), "shrink": list(LINEAR.shrink), "sigma": list(LINEAR.sigma)},
    "deformable": {
        **asdict(DEFORMABLE),
        "shrink": list(DEFORMABLE.shrink),
        "sigma": list(DEFORMABLE.sigma),
    },
    "polish": asdict(POLISH),
}
