"""Faults of the derivative: the answer is right, and what autograd says of it is not."""

import torch

import irgate_solver

from .attached import Attached
from .fault import fault


@fault(
    origin="optiland #720: a detour through NumPy cuts the graph and says nothing",
    layers="gradient",
    names="detached input",
    item="gradient brain_mri_real",
    spoils="derivatives",
)
class FixedDetached(Attached):
    """The fixed image is not on the graph."""

    def differentiated(self, fixed, moving):
        return fixed.detach(), moving


@fault(
    origin="optiland PR 724: full_like detached a parameter, and gradients were 89 % off",
    layers="gradient",
    names="detached input",
    item="gradient brain_mri_real",
    spoils="derivatives",
)
class MovingDetached(Attached):
    """The moving image is not on the graph."""

    def differentiated(self, fixed, moving):
        return fixed, moving.detach()


@fault(
    origin="Theseus PR 81: the last step's damping stayed in the matrix of the backward pass",
    layers="gradient",
    names="inexact gradient",
    item="gradient brain_mri_real",
    spoils="derivatives",
)
class DampingLeftIn(Attached):
    """A hundredth of the diagonal is added to the Hessian."""

    def hessian(self, metric, points, fixed, coefficients):
        A = super().hessian(metric, points, fixed, coefficients)
        return A + 0.01 * torch.diag(A.diagonal())


@fault(
    origin="Theseus's implicit mode: one Gauss-Newton step, since full Newton is hard to implement",
    layers="gradient",
    names="inexact gradient",
    item="gradient brain_mri_real",
    spoils="derivatives",
)
class GaussNewtonHessian(Attached):
    """The residual's second derivatives are left out: exact for images without noise alone."""

    def hessian(self, metric, points, fixed, coefficients):
        # Against itself the warped image leaves no residual, and Gauss-Newton is exact.
        itself = self.warped(coefficients, points, points.zero)
        return super().hessian(metric, points, itself, coefficients)


@fault(
    origin="Theseus #39: gradients scaled by the solver's step size",
    layers="gradient",
    names="scaled gradient, inexact gradient",
    item="gradient brain_mri_real",
    spoils="derivatives",
)
class ScaledByTheStepSize(Attached):
    """The attached step is half as long."""

    def step(self, A, g):
        return 0.5 * super().step(A, g)


@fault(
    origin="a sum on one side and a mean on the other",
    layers="gradient",
    names="scaled gradient, inexact gradient",
    item="gradient brain_mri_real",
    spoils="derivatives",
)
class MeanAgainstSum(Attached):
    """The Hessian is that of the mean over pixels, the gradient that of the sum."""

    def step(self, A, g):
        return 1e4 * super().step(A, g)


@fault(
    origin="phantom gradients: one plain gradient step instead of the inverse Hessian",
    layers="gradient",
    names="inexact gradient",
    item="gradient brain_mri_real",
    spoils="derivatives",
)
class IdentityForTheHessian(Attached):
    """The inverse Hessian is replaced by a number."""

    def step(self, A, g):
        return -g / A.diagonal().mean()


@fault(
    origin="image gradients computed under no_grad because they are 'only' the Jacobian",
    layers="gradient",
    names="inexact gradient",
    item="gradient brain_mri_real",
    spoils="derivatives",
)
class SlopeDetached(Attached):
    """The moving image's slope is held constant in the gradient: right where nothing is left
    over."""

    def warped(self, coefficients, points, d):
        held = coefficients.detach()
        here = super().warped(held, points, points.zero)
        return super().warped(coefficients, points, points.zero) + (
            super().warped(held, points, d) - here
        )


@fault(
    origin="spline coefficients made by SciPy, with the image's own graph put back around them",
    layers="gradient",
    names="inexact gradient, detached input",
    item="gradient brain_mri_real",
    spoils="derivatives",
)
class PrefilterLeftOut(Attached):
    """Forward the image is prefiltered, backward it is taken for its own coefficients."""

    def prefiltered(self, moving):
        coefficients = super().prefiltered(moving)
        return moving + (coefficients - moving).detach()


@fault(
    origin="a tolerance meant for answers, used for derivatives",
    layers="gradient",
    names="inexact gradient, stops early",
    spoils="derivatives",
)
class AnswerNotConverged(Attached):
    """The solve is given two iterations, and the derivative is that of a point it did not reach."""

    def found(self, fixed, moving, model, mask, init, intensity):
        return irgate_solver.register(
            fixed,
            moving,
            model=model,
            mask=mask,
            init=init,
            intensity=intensity,
            sampling="cubic",
            iterations=2,
        )


@fault(
    origin="Theseus #645 and PyPose: a Cholesky factorisation whose failure is not looked at",
    layers="gradient",
    names="inexact gradient",
    spoils="derivatives",
)
class CholeskyFailureSwallowedBackward(Attached):
    """The Hessian is factorised in single precision and the info thrown away."""

    def step(self, A, g):
        factor, _ = torch.linalg.cholesky_ex(A.float())
        return -torch.cholesky_solve(g[:, None], factor.double())[:, 0]


@fault(
    origin="unrolling a few iterations and calling it differentiable",
    layers="gradient",
    names="detached input",
    item="gradient brain_mri_real",
    spoils="derivatives",
)
class AnswerDetached(Attached):
    """Says that it is differentiable, and returns numbers."""

    def __call__(self, fixed, moving, model="affine", mask=None, init=None, intensity="same"):
        found = super().__call__(fixed, moving, model, mask, init, intensity)
        return found.detach() if isinstance(found, torch.Tensor) else found
