"""The forward-additive problem of any metric: its derivatives by automatic differentiation.

With E(w) what a metric says of the warped image w (`_dissimilarity`), w = m(T(x; p)), psi = dE/dw
and the steepest-descent images w_k = grad m . dT/dp_k,

(1)  dE/dp_k          = sum psi w_k
(2)  d2E/dp_k dp_l    = sum w_k (H w_l) + sum psi d2w/dp_k dp_l,    H = d2E/dw2.

Where there is a residual r with R = dr/dw the Gauss-Newton matrix stands for (2),

(3)  N_kl = 2 / n  sum (R w_k) W (R w_l).

Products with H and R come from a second backward pass: one for each parameter, or for a metric that
is local, where H (b m_x) = b (H m_x) for a basis function b that changes little over the metric's
neighbourhood, one for each slope of the image, whatever the number of parameters. The local form
only steers the descent: (1) is exact, and the implicit gradient takes (2) as it stands.

(2) need not be positive where there is a value only; a descent then takes the matrix with the same
eigenvectors and the eigenvalues' sizes (Dauphin et al. 2014, "saddle-free Newton").
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor

from irgate_solver import _sampling
from irgate_solver._dissimilarity import Dissimilarity, Evaluation
from irgate_solver._levenberg import Linearisation
from irgate_solver._lucas_kanade import Additive
from irgate_solver._metrics import total
from irgate_solver._normal_equations import pull_gradient, pull_normal
from irgate_solver._precision import SOLVE, rounding_of_square_sum

FEW = 8
"""Most parameters for which Newton's method takes a product for each, though the metric is local:
steps are then fewer than they cost."""
AMPLIFIED = 8.0
"""How many times the rounding of an intensity a residual's is, at most: that of a descriptor."""


class Variation:
    """A metric around one warped image: value, psi, and products with H and R.

    Attributes:
        evaluation: what the metric says, attached to `warped`.
        warped: `(B, h, w)`, a leaf.
        psi: `(B, h, w)`, attached to `warped`.

    """

    def __init__(self, metric: Dissimilarity, fixed: Tensor, warped: Tensor, valid: Tensor) -> None:
        with torch.enable_grad():
            self.warped = warped.detach().requires_grad_(True)
            self.evaluation = metric.evaluate(fixed, self.warped, valid)
            self.psi = self._gradient(self.evaluation.value.sum())

    def curved(self, field: Tensor) -> Tensor:
        """Return H `field`, `(B, h, w)`."""
        with torch.enable_grad():
            return self._product((self.psi * field).sum())

    def squared(self, field: Tensor) -> Tensor:
        """Return 2 / n R^T W R `field`, `(B, h, w)`."""
        evaluation = self.evaluation
        assert evaluation.residual is not None
        pushed = self.pushed(field)
        weighed = 2.0 * _spread(evaluation.share, pushed) * evaluation.weights.detach() * pushed
        with torch.enable_grad():
            (found,) = torch.autograd.grad(
                evaluation.residual, self.warped, weighed, retain_graph=True, allow_unused=True
            )
        return torch.zeros_like(self.warped) if found is None else found.detach()

    def pushed(self, field: Tensor) -> Tensor:
        """Return R `field`, `(B, C, h, w)`."""
        cotangent, pulled = self._pulled_back
        with torch.enable_grad():
            (found,) = torch.autograd.grad(
                (pulled * field).sum(), cotangent, retain_graph=True, allow_unused=True
            )
        return torch.zeros_like(cotangent) if found is None else found.detach()

    @cached_property
    def _pulled_back(self) -> tuple[Tensor, Tensor]:
        """A cotangent c of the residual and R^T c, attached to it: linear in c, hence R."""
        residual = self.evaluation.residual
        assert residual is not None
        with torch.enable_grad():
            cotangent = torch.zeros_like(residual).requires_grad_(True)
            (pulled,) = torch.autograd.grad(
                residual, self.warped, cotangent, create_graph=True, allow_unused=True
            )
            if pulled is None:
                pulled = torch.zeros_like(self.warped)
        return cotangent, pulled

    def _gradient(self, value: Tensor) -> Tensor:
        if not value.requires_grad:
            return torch.zeros_like(self.warped)
        (found,) = torch.autograd.grad(value, self.warped, create_graph=True, allow_unused=True)
        return torch.zeros_like(self.warped) if found is None else found

    def _product(self, value: Tensor) -> Tensor:
        if not value.requires_grad:
            return torch.zeros_like(self.warped)
        (found,) = torch.autograd.grad(value, self.warped, retain_graph=True, allow_unused=True)
        return torch.zeros_like(self.warped) if found is None else found.detach()


@dataclass(frozen=True)
class AnyMetric(Additive):
    """The forward-additive problem of one level for a metric that is known by its function.

    Attributes:
        metric: the objective.
        columns: take a product for each parameter, even if the metric is local.
        signed: take (2) as it stands, even if it is not positive.

    """

    metric: Dissimilarity
    columns: bool = False
    signed: bool = False

    def newton(self) -> "AnyMetric":
        """Return the problem whose matrix Newton's method steers by."""
        return replace(self, exact=True, columns=self.warp.size <= FEW)

    def complete(self) -> "AnyMetric":
        """Return the problem whose matrix is the Hessian (2) itself."""
        return replace(self, exact=True, columns=True, signed=True)

    def linearise(self, p: Tensor, active: Sequence[bool] | None = None) -> Linearisation:
        """Return objective, gradient and matrix at `p`."""
        points = self.points(p)
        valid = self.valid(points)
        jet = self.jet(points, curvature=self.exact)
        variation = Variation(self.metric, self.level.fixed, jet.value, valid)
        count = total(valid)
        evaluation = variation.evaluation
        value = torch.where(count > 0, evaluation.value.detach(), torch.inf)
        rounding = _rounding(evaluation, value, count, jet.value.dtype)
        prior = self.priors.at(self.warp, p)

        def slope() -> tuple[Tensor, Tensor]:
            psi = variation.psi.detach()
            by_coefficients = self.basis.projections(psi.unsqueeze(1), jet.slopes)[:, 0]
            gradient = pull_gradient(self.warp.jacobian(p), by_coefficients)
            return by_coefficients, gradient if prior is None else gradient + prior.gradient

        def equations() -> tuple[Tensor, Tensor]:
            by_coefficients, gradient = slope()
            normal = self._matrix(p, variation, jet, by_coefficients)
            if prior is not None:
                normal = normal + prior.hessian
            return gradient, normal if self.signed else _positive(normal)

        overlap = count / self.level.count.clamp(min=1)
        value = value.nan_to_num(nan=torch.inf, posinf=torch.inf)
        if prior is not None:
            value = value + prior.energy
        return Linearisation(value, rounding, overlap, equations, lambda: slope()[1])

    def along(self, p: Tensor, direction: Tensor) -> Tensor:
        """Return sum_B lambda^T dE/dp, differentiable by the images and the priors' weights."""
        points = self.points(p)
        jet = self.jet(points)
        warped = jet.value if jet.value.requires_grad else jet.value.requires_grad_(True)
        value = self.metric.evaluate(self.level.fixed, warped, self.valid(points)).value
        (psi,) = torch.autograd.grad(value.sum(), warped, create_graph=True)
        change = self.change(jet, p, direction)
        return (psi * change).sum(dtype=SOLVE) + self.prior_along(p, direction)

    def _matrix(
        self, p: Tensor, variation: Variation, jet: _sampling.Jet, by_coefficients: Tensor
    ) -> Tensor:
        """Return (2) or (3), without the priors, `(B, n, n)`."""
        second_order = self.exact or variation.evaluation.residual is None
        product = variation.curved if second_order else variation.squared
        jacobian = self.warp.jacobian(p)
        if self.metric.local and not self.columns:
            by_x, by_y = (product(jet.slopes[:, axis]) for axis in (0, 1))
            dx, dy = jet.slopes.unbind(1)
            field = torch.stack((dx * by_x, 0.5 * (dx * by_y + dy * by_x), dy * by_y), 1)
            normal = pull_normal(jacobian, self.basis.normal(field))
        else:
            normal = self._columns(p, product, jet)
        if self.exact and jet.seconds is not None:
            psi = variation.psi.detach()
            bent = self.basis.normal(psi.unsqueeze(1) * jet.seconds)
            normal = normal + pull_normal(jacobian, bent)
            second = self.warp.second_order(p, by_coefficients)
            if second is not None:
                normal = normal + second
        return 0.5 * (normal + normal.mT)

    def _columns(
        self, p: Tensor, product: Callable[[Tensor], Tensor], jet: _sampling.Jet
    ) -> Tensor:
        """Return sum w_k (M w_l), a product with M for each parameter."""
        jacobian = self.warp.jacobian(p)
        rows = []
        for direction in torch.eye(self.warp.size, dtype=SOLVE, device=p.device):
            image = self.change(jet, p, direction.expand(len(p), -1))
            moved = product(image.detach())
            projected = self.basis.projections(moved.unsqueeze(1), jet.slopes)[:, 0]
            rows.append(pull_gradient(jacobian, projected))
        return torch.stack(rows, 1)


def _spread(per_pair: Tensor | None, like: Tensor) -> Tensor:
    """Shape `(B,)` to multiply residuals `(B, C, h, w)`, in their type."""
    assert per_pair is not None
    return per_pair.to(like.dtype).view(-1, 1, 1, 1)


def _rounding(evaluation: Evaluation, value: Tensor, count: Tensor, dtype: torch.dtype) -> Tensor:
    """Return how far rounding may move the value, `(B,)`: its own, and that of the images."""
    if evaluation.residual is None:
        size = value.abs().nan_to_num(posinf=0.0).clamp(min=1.0)
        images = torch.finfo(dtype).eps / count.clamp(min=1).sqrt()
        return AMPLIFIED * size * (evaluation.eps + images)
    channels = evaluation.residual.shape[1]
    count = (count * channels).clamp(min=1)
    finite = value.nan_to_num(posinf=0.0)
    return AMPLIFIED * rounding_of_square_sum(finite * count, count, dtype) / count


def _positive(normal: Tensor) -> Tensor:
    """Return the matrix of the same eigenvectors with the eigenvalues' sizes."""
    if not bool(normal.isfinite().all()):
        return normal
    values, vectors = torch.linalg.eigh(normal)
    positive: Tensor = (vectors * values.abs().unsqueeze(1)) @ vectors.mT
    return positive
