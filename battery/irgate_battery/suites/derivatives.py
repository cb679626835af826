"""Autograd through a solver, against central differences of the solver itself.

    L(f, m) = mean over the grid of w(x) . u(x; f, m),    w smooth, u the solver's displacement
    dL/df [d]  against  (L(f + h d) - L(f - h d)) / 2 h   along drawn smooth directions d

and the same for the moving image, each alone: a sum over both would hide an input that is detached.
torch is imported here and nowhere else in this package, and only when the check runs.
"""

import functools
import math
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from irgate_battery.cases.catalogue import Case
from irgate_battery.interface.protocol import Solver, SolverFault
from irgate_battery.judge.limits import GRADIENT_DIRECTIONS, GRADIENT_ERROR, REGISTERED_PX
from irgate_battery.suites.evaluation import ItemFailed
from irgate_fixtures import pixel_grid

DIRECTIONS = int(GRADIENT_DIRECTIONS)

STEP = 1e-4
"""h, in intensities. A direction of RMS 1 moves the answer by about 1 px per unit, so by 1e-4 px
here: 1e4 times what a float64 solver leaves, and far below the pixel where linear sampling has its
kinks."""

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
    with _one_torch_thread():
        return tuple(_compare(name, images, case, solver, timeout) for name in images)


@contextmanager
def _one_torch_thread() -> Iterator[None]:
    """Let the derivative's sums be the same on any machine, and in any worker of a parallel run.

    autograd runs the solver's backward in the thread that asks for it, which is ours.
    """
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


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
    import torch

    directions = [
        _direction(images[name].shape, f"{case.id} {name} {number}") for number in range(DIRECTIONS)
    ]
    loss = functools.partial(_loss, case, solver, timeout)

    tensors = {key: torch.tensor(image, dtype=torch.float64) for key, image in images.items()}
    tensors[name].requires_grad_(True)
    value = loss(tensors["fixed"], tensors["moving"])
    if not value.requires_grad:
        raise ItemFailed(
            f"solver {solver.name!r} says that it is differentiable, but its answer is not on the "
            f"graph of {name}: a .detach(), .numpy() or torch.no_grad() cuts it off, or a copy was "
            "made with torch.tensor.",
            "detached input",
        )
    try:
        (gradient,) = torch.autograd.grad(value, tensors[name], allow_unused=True)
    except Exception as error:
        said = " ".join(str(error).split())
        raise ItemFailed(
            f"torch.autograd.grad with respect to {name} raised {type(error).__name__}: {said}"
        ) from None
    if gradient is None:
        raise ItemFailed(
            f"no gradient reaches {name}: the graph does not hold it.", "detached input"
        )
    found = gradient.detach().numpy()
    bad = int(np.count_nonzero(~np.isfinite(found)))
    if bad:
        raise ItemFailed(f"{bad} of {found.size} entries of the gradient to {name} are not finite.")
    if not found.any():
        raise ItemFailed(
            f"the gradient to {name} is zero everywhere; the answer depends on it.",
            "detached input",
        )

    with np.errstate(over="ignore", invalid="ignore"):
        analytic = np.array([float(np.sum(found * direction)) for direction in directions])
    differences = []
    for direction in directions:
        sides = []
        for sign in (1, -1):
            moved = dict(images)
            moved[name] = images[name] + sign * STEP * direction
            with torch.no_grad():
                arguments = [torch.tensor(image, dtype=torch.float64) for image in moved.values()]
                sides.append(float(loss(*arguments)))
        differences.append((sides[0] - sides[1]) / (2 * STEP))
    if not any(differences):
        raise ItemFailed(f"the answer does not move when {name} does: it ignores the image.")
    return DerivativePair(name, analytic, np.array(differences))


def _loss(case: Case, solver: Solver, timeout: float | None, fixed: Any, moving: Any) -> Any:
    """Return L, attached to the graph where the answer is."""
    import torch

    raw, _ = solver.call(
        fixed,
        moving,
        model=case.model,
        mask=torch.from_numpy(_interior(case).copy()),
        init=None,
        intensity=case.intensity,
        timeout=timeout,
    )
    shape = (int(fixed.shape[0]), int(fixed.shape[1]))
    # The reader that the other suites use says what is wrong with its form.
    answer = solver.read(raw, shape)
    off = float(np.linalg.norm(answer.displacement - _truth(case), axis=-1).mean())
    if off > REGISTERED_PX:
        raise ItemFailed(
            f"the answer to float64 tensors stands {off:.3g} px from the truth; expected at most "
            f"{REGISTERED_PX:g} px: the derivative of something else is worth nothing."
        )
    return (_weights(shape) * _displacement(raw, shape, solver)).sum(-1).mean()


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


def _displacement(raw: Any, shape: tuple[int, int], solver: Solver) -> Any:
    """Return the answer as an attached `(H, W, 2)` tensor, float64."""
    import torch

    matrix = getattr(raw, "matrix", None)
    field = getattr(raw, "displacement", None)
    if matrix is not None and not callable(matrix):
        raw = matrix
    elif field is not None:
        raw = field(shape) if callable(field) else field
    if not isinstance(raw, torch.Tensor):
        raise SolverFault(
            f"solver {solver.name!r} says that it is differentiable, but returned a "
            f"{type(raw).__name__} for tensors; expected a torch tensor on the graph."
        )
    if raw.ndim == 3:
        return raw.double()
    height, width = shape
    y, x = torch.meshgrid(
        torch.arange(height, dtype=torch.float64),
        torch.arange(width, dtype=torch.float64),
        indexing="ij",
    )
    points = torch.stack([x, y, torch.ones_like(x)], -1)
    return points @ raw.double()[:2].T - points[..., :2]


def _weights(shape: tuple[int, int]) -> Any:
    """Return w, `(H, W, 2)`: half a period of a cosine along each diagonal.

    Whole periods are orthogonal to what is linear in x or y: a turn, a shear or a stretch about
    the centre would hardly count, and a wrong derivative of it would not be seen.
    """
    import torch

    height, width = shape
    y = np.linspace(0, math.pi, height)[:, None]
    x = np.linspace(0, math.pi, width)[None, :]
    waves = [1 + np.cos(x + y - math.pi / 4), 1 + np.cos(x - y + math.pi / 4)]
    return torch.tensor(np.stack(waves, -1))


def _direction(shape: tuple[int, ...], name: str) -> NDArray[np.float64]:
    """Draw a smooth direction of RMS 1."""
    seed = random.Random(f"irgate gradient {name}").getrandbits(31)
    noise = np.random.RandomState(seed).normal(size=shape)
    smooth = gaussian_filter(noise, SMOOTH_PX)
    return np.asarray(smooth / np.sqrt(np.mean(smooth**2)))
