"""Differentiable stand-ins for a solver: a smooth answer, and derivatives that are changed."""

import torch

from irgate_battery.interface.protocol import Solver
from irgate_battery.suites.derivatives import compare_gradients

EXACT = 1e-7
"""Central differences with h = 1e-4 of a function whose third derivative is of order 1, and the
rounding of float64 over 2 h."""


def differentiable(register):
    """The solver of a function that says it is differentiable."""
    register.differentiable = True
    return Solver.of(register)


def relative_error(case, register):
    """The larger of the errors of both images' derivatives."""
    compared = compare_gradients(case, differentiable(register), None)
    return max(comparison.error for comparison in compared)


def moments(fixed, moving):
    """A smooth function of both images that happens to stand near the truth."""
    y = torch.linspace(0, 1, fixed.shape[0], dtype=fixed.dtype)[:, None]
    x = torch.linspace(0, 1, fixed.shape[1], dtype=fixed.dtype)[None, :]
    dx = (fixed**2 * x).mean() - (moving**3 * y).mean()
    dy = (fixed * y).mean() * (moving * x).mean()
    one, zero = torch.ones_like(dx), torch.zeros_like(dx)
    # Near the true shift, as the check wants it, and with every entry that may depend on them.
    across = torch.stack([one, 1e-3 * dy, 3.5 + 0.1 * dx])
    return torch.stack([across, torch.stack([zero, one + 1e-3 * dx, 0.1 * dy - 2.23])])


class _Changed(torch.autograd.Function):
    """The identity, whose derivative goes through a function."""

    @staticmethod
    def forward(ctx, tensor, change):
        ctx.change = change
        return tensor.clone()

    @staticmethod
    def backward(ctx, cotangent):
        return ctx.change(cotangent), None


def with_derivative(tensor, change):
    """`tensor`, with its cotangent changed on the way back."""
    return _Changed.apply(tensor, change)
