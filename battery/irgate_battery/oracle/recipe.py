"""The oracle's recipe: the numbers that decide its result, and why they are these.

Lengths are px, sigmas too. `RECIPE` is all of it as JSON-able values; it enters the digest under
which a result is stored, and so does `ORACLE_VERSION`, for all that the code decides.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from irgate_battery.judge.limits import LEAST_OVERLAP

ORACLE_VERSION = "2"
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
    keep: int = 4
    """All rotations are refined on quarter-size images; the metric at full size, without a blur,
    ranks them (half a head, blurred, matches its other half upside down best), and these many are
    refined on half-size images and ranked again."""
    refine_sigma: float = 1.0
    refine_shrink: int = 2
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
    """Quasi-Newton descent of the mean squares for the 4x4 B-spline, by LBFGS2, on coarse levels.

    It brings the polish into the basin. On the full images metric and derivative in ITK disagree
    by the interpolation error: its line searches stop short of the minimum, wherever they start.
    """

    shrink: tuple[int, ...] = (4, 2)
    sigma: tuple[float, ...] = (2.0, 1.0)
    iterations: int = 500
    accuracy: float = 1e-9


@dataclass(frozen=True)
class Polish:
    """Newton steps to the stationary point of the metric's values, on a frozen region."""

    differences: tuple[float, ...] = (1e-2, 1e-3, 1e-4, 1e-5)
    """px that the most moved pixel moves in a finite difference of the metric. The metric has a
    kink wherever a pixel crosses a grid line of the moving image, 1e-4 px apart or so, and on a
    noisy image hundreds of tiny minima between them. The wide differences see over these, the
    narrow ones end within 1e-9 (intensity) of the least-squares minimum where the image is
    smooth; at 1e-6 px rounding would show."""
    free_form_differences: tuple[float, ...] = (
        1e-1,
        5e-2,
        2e-2,
        1e-2,
        5e-3,
        2e-3,
        1e-3,
        5e-4,
        1e-4,
        1e-5,
    )
    """px, for the slope of an FFD's moving image. Its 32 numbers find more of the tiny minima: with
    the four above the noisiest FFD pair ended 7e-4 of the metric higher than L-BFGS and the four
    did before, and with these 1.3e-3 lower."""
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
    "polish": {
        **asdict(POLISH),
        "differences": list(POLISH.differences),
        "free_form_differences": list(POLISH.free_form_differences),
    },
}
