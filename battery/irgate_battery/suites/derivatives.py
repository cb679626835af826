"""Autograd through a solver, against central differences of the solver itself.

    L(f, m) = mean over the grid of w(x) . u(x; f, m),    w smooth, u the solver's displacement
    dL/df [d]  against  (L(f + h d) - L(f - h d)) / 2 h   along drawn smooth directions d

and the same for the moving image, each alone: a sum over both would hide an input that is detached.
The solver differentiates where it lives; what it finds is compared here, in numpy.
"""

import functools
import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from irgate_battery.cases.catalogue import Case
from irgate_battery.interface.answer import Answer
from irgate_battery.interface.call import Call, Derivative, Gradient
from irgate_battery.interface.protocol import Solver, SolverFault
from irgate_battery.judge.limits import GRADIENT_DIRECTIONS, GRADIENT_ERROR, REGISTERED_PX
from irgate_battery.suites.evaluation import ItemFailed
from irgate_fixtures import pixel_grid

DIRECTIONS = int(GRADIENT_DIRECTIONS)

STEP = 1e-4
"""h, in intensities. A direction of RMS 1 moves the answer by about 1 px per unit, so by 1e-4 px
here: 1e4 times what a float64 solver leaves, and far below the pixel where linear sampling has its
kinks."""

SHORT_STEP = 1e-5
"""h for answers that jump within `STEP`, as where a pixel enters the region that a solver counts:
the derivative beside a jump is right, and the difference over it is not."""

SMOOTH_PX = 6.0
"""Standard deviation of the blur that makes a direction smooth: structure that images have."""

BORDER_PX = 2.0
"""A pixel counts only where the truth maps it this far inside the moving image, px. No answer in
the course of the check is so far from the truth."""


COLLINEAR = 1e-3
"""A gradient is a multiple of the true one where no more than this part of it is left beside that
multiple: as much as a right gradient may be off."""

SCALED = 0.05
"""A factor nearer to 1 than this is not named: damping and early stops leave a few percent, which
along two directions may look like a factor."""


@dataclass(frozen=True, eq=False)
class DerivativePair:
    """Autograd beside central differences, for one of the two images.

    Attributes:
        image: `"fixed"` or `"moving"`.
        analytic, differences: the derivatives along the drawn directions, `(DIRECTIONS,)`.

    """

    image: str
    analytic: NDArray[np.float64]
    differences: NDArray[np.float64]

    @property
    def error(self) -> float:
        """Return |AD - FD| / |FD|; infinite where a sum of the gradient is no number."""
        # Scaled inside: a gradient of 1e200 has no square.
        error = math.dist(self.analytic, self.differences) / math.hypot(*self.differences)
        return math.inf if math.isnan(error) else error

    @property
    def factor(self) -> float | None:
        """Return s where AD = s FD and s is not 1, or `None` where there is no such number."""
        with np.errstate(all="ignore"):
            s = float(self.analytic @ self.differences / (self.differences @ self.differences))
        if not math.isfinite(s):
            return None
        rest = math.dist(self.analytic, s * self.differences)
        clean = rest <= COLLINEAR * math.hypot(*self.analytic) and abs(s - 1) > SCALED
        return s if clean else None


def compare_gradients(
    case: Case, solver: Solver, timeout: float | None
) -> tuple[DerivativePair, ...]:
    """Compare the derivatives with respect to the fixed and to the moving image, each alone.

    Args:
        case: what is registered, in float64.
        solver: one that says it is differentiable.
        timeout: seconds for each call.
    Raises: ItemFailed where a gradient is missing, not finite or zero; SolverFault from calls.
    """
    pair = case.pair()
    images = {"fixed": pair.fixed, "moving": pair.moving}
    return tuple(_compare(name, images, case, solver, timeout) for name in images)


def gradient_fault(compared: Sequence[DerivativePair]) -> tuple[str, str]:
    """Return the name of what is wrong with a gradient, and its words."""
    factors = [pair.factor for pair in compared]
    first = factors[0]
    if first is not None and all(
        factor is not None and abs(factor - first) <= COLLINEAR * abs(first) for factor in factors
    ):
        if abs(first + 1) <= COLLINEAR:
            return (
                "negated gradient",
                "it has the opposite sign; the implicit function theorem's minus sign is lost",
            )
        return "scaled gradient", (
            f"it is {first:.4g} times what it should be, for both images: a mean for a sum, a step "
            "size, or the scale of the intensities is left in"
        )
    wrong = [pair.image for pair in compared if pair.error > GRADIENT_ERROR]
    if len(wrong) < len(compared):
        return "inexact gradient", (
            f"it is wrong for the {wrong[0]} image only, and right for the other: a path from that "
            "image to the answer is detached (its own gradient in the Jacobian, say)"
        )
    return "inexact gradient", (
        "it is not the derivative of what the solver computes (an approximate Hessian, damping "
        "left in, an input detached in part, or a solve that stops early)"
    )


def _compare(
    name: str,
    images: dict[str, NDArray[np.float64]],
    case: Case,
    solver: Solver,
    timeout: float | None,
) -> DerivativePair:
    directions = [
        _direction(images[name].shape, f"{case.id} {name} {number}") for number in range(DIRECTIONS)
    ]
    weights = _weights(case.pair().shape)
    call = _call(case, images)
    outcome, _ = solver.call(replace(call, derivative=Derivative(name, weights)), timeout)
    # The reader that the other suites use says what is wrong with its form.
    _require_registered(case, solver.read(outcome, call))
    found = _found(solver, name, outcome.gradient)

    with np.errstate(over="ignore", invalid="ignore"):
        analytic = np.array([float(np.sum(found * direction)) for direction in directions])

    def weighed(change: NDArray[np.float64]) -> float:
        call = _call(case, {**images, name: images[name] + change})
        outcome, _ = solver.call(call, timeout)
        answer = solver.read(outcome, call)
        _require_registered(case, answer)
        return float((weights * answer.displacement).sum(-1).mean())

    compared: list[DerivativePair] = []
    for step in (STEP, SHORT_STEP):
        differences = [
            (weighed(step * direction) - weighed(-step * direction)) / (2 * step)
            for direction in directions
        ]
        if not any(differences):
            if compared:
                # Too short a step for the solver's own rounding.
                break
            raise ItemFailed(f"the answer does not move when {name} does: it ignores the image.")
        compared.append(DerivativePair(name, analytic, np.array(differences)))
        if compared[-1].error <= GRADIENT_ERROR:
            return compared[-1]
    # A wrong one is told by the step that a solver's own rounding disturbs least.
    return compared[0]


def _call(case: Case, images: dict[str, NDArray[np.float64]]) -> Call:
    """Return a call with these images as float64 tensors."""
    return Call(
        images["fixed"],
        images["moving"],
        case.model,
        mask=_interior(case),
        intensity=case.intensity,
        tensors=True,
    )


def _require_registered(case: Case, answer: Answer) -> None:
    """See that an answer is a registration. Raises: ItemFailed."""
    off = float(np.linalg.norm(answer.displacement - _truth(case), axis=-1).mean())
    if off > REGISTERED_PX:
        raise ItemFailed(
            f"the answer to float64 tensors stands {off:.3g} px from the truth; expected at most "
            f"{REGISTERED_PX:g} px: the derivative of something else is worth nothing."
        )


def _found(solver: Solver, name: str, gradient: Gradient | None) -> NDArray[np.float64]:
    """Return the gradient to an image. Raises: SolverFault; ItemFailed, where it says nothing."""
    if gradient is None or gradient.lost == "tensor":
        kind = gradient.said if gradient else "transform alone"
        raise SolverFault(
            f"solver {solver.name!r} says that it is differentiable, but returned a {kind} for "
            "tensors; expected a torch tensor on the graph."
        )
    if gradient.lost == "graph":
        raise ItemFailed(
            f"solver {solver.name!r} says that it is differentiable, but its answer is not on the "
            f"graph of {name}: a .detach(), .numpy() or torch.no_grad() cuts it off, or a copy was "
            "made with torch.tensor.",
            "detached input",
        )
    if gradient.lost == "raised":
        raise ItemFailed(f"torch.autograd.grad with respect to {name} raised {gradient.said}")
    if gradient.values is None:
        raise ItemFailed(
            f"no gradient reaches {name}: the graph does not hold it.", "detached input"
        )
    found = gradient.values
    bad = int(np.count_nonzero(~np.isfinite(found)))
    if bad:
        raise ItemFailed(f"{bad} of {found.size} entries of the gradient to {name} are not finite.")
    if not found.any():
        raise ItemFailed(
            f"the gradient to {name} is zero everywhere; the answer depends on it.",
            "detached input",
        )
    return found


@functools.cache
def _truth(case: Case) -> NDArray[np.float64]:
    pair = case.pair()
    return pair.truth.displacement(pair.shape)


@functools.cache
def _interior(case: Case) -> NDArray[np.bool_]:
    """Return the fixed pixels that the truth maps well inside the moving image.

    A pixel that enters or leaves the valid region makes the answer jump, which no derivative has;
    so those that might are masked, for solvers that take a mask.
    """
    pair = case.pair()
    height, width = pair.moving.shape
    points = pair.truth(pixel_grid(pair.shape))
    room = np.minimum(points, (width - 1, height - 1) - points).min(-1)
    return np.asarray(room > BORDER_PX)


def _weights(shape: tuple[int, int]) -> NDArray[np.float64]:
    """Return w, `(H, W, 2)`: half a period of a cosine along each diagonal.

    Whole periods are orthogonal to what is linear in x or y: a turn, a shear or a stretch about
    the centre would hardly count, and a wrong derivative of it would not be seen.
    """
    height, width = shape
    y = np.linspace(0, math.pi, height)[:, None]
    x = np.linspace(0, math.pi, width)[None, :]
    waves = [1 + np.cos(x + y - math.pi / 4), 1 + np.cos(x - y + math.pi / 4)]
    return np.stack(waves, -1)


def _direction(shape: tuple[int, ...], name: str) -> NDArray[np.float64]:
    """Draw a smooth direction of RMS 1."""
    seed = random.Random(f"irgate gradient {name}").getrandbits(31)
    noise = np.random.RandomState(seed).normal(size=shape)
    smooth = gaussian_filter(noise, SMOOTH_PX)
    return np.asarray(smooth / np.sqrt(np.mean(smooth**2)))
