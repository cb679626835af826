"""The oracle's recipe: the numbers that decide its result, and why they are these.

Lengths are px, sigmas too. `RECIPE` is all of it as JSON-able values; it enters the digest under
which a result is stored, and so does `ORACLE_VERSION`, for all that the code decides.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from irgate_battery.judge.limits import LEAST_OVERLAP

ORACLE_VERSION = "1"
"""Changes whenever the code changes what the same settings give; enters the digest."""


@dataclass(frozen=True)
class Search:
    """A start value without a guess: each rotation in turn, and all translations at once by FFT."""

    sigma: float = 2.0
    shrink: int = 4
    """For the FFT: 4 px is a fifth of the structures in these images, and fast."""
    angle_step: int = 15
    """Degrees. 30 loses a turn of 15 on smooth scenes, finer ones find nothing more."""
    overlap: float = float(LEAST_OVERLAP)
    """Least fraction of the largest overlap: lower, and slivers of sky match best."""
    refine_sigma: float = 1.0
    refine_shrink: int = 2
    """All rotations are refined on half-size images, and the metric at full size, without a
    blur, then chooses: half a head, blurred, matches its other half upside down best."""
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
    """In effect off: the length of the step ends the descent, and the gradient's length never does.
    """


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

    differences: tuple[float, ...] = (1e-2, 1e-3, 1e-4, 1e-5)
    """px that the most moved pixel moves in a finite difference of the metric. The metric has a
    kink wherever a pixel crosses a grid line of the moving image, 1e-4 px apart or so, and on a
    noisy image hundreds of tiny minima between them. The wide differences see over these, the
    narrow ones end within 1e-9 (intensity) of the least-squares minimum where the image is
    smooth; at 1e-6 px rounding would show."""
    gain: float = 1e-11
    """A step counts if it lowers the metric by this fraction: 1e-9 between the two warped images
    of the FFD pair, for the mean squares grow with the square of that."""
    steps: int = 20
    """Newton steps at most with one difference; smooth pairs take three."""
    cycles: int = 10
    """Largest number of rounds through all the differences. Two are usual: the second finds nothing
    lower."""
    halvings: int = 12
    """Halvings of one step that does not lower the metric; after them this difference has no lower
    point."""
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
    "polish": {**asdict(POLISH), "differences": list(POLISH.differences)},
}
