"""A good differentiable solver whose derivative can be broken by itself.

The bundled solver finds the answer p without a graph; one Newton step from there, which moves
nothing because the gradient g of the metric is zero, puts it on the graph of both images:

    p - A^-1 g(fixed, moving),    A = dg/dp,    so that dp/d(image) = -A^-1 dg/d(image)

(implicit function theorem). Images are sampled with cubic B-splines, as the bundled adapter does
for tensors. A fault overrides one of the parts.
"""

import torch

from pytest_irgate.adapters import bundled

from .warps import FreeForm


class Attached:
    """The solver; an instance is a callable of the protocol."""

    name = "attached"
    differentiable = True

    def __call__(self, fixed, moving, model="affine", mask=None, init=None, intensity="same"):
        if not isinstance(fixed, torch.Tensor):
            return bundled.register(fixed, moving, model, mask, init, intensity)
        with torch.no_grad():
            found = self.found(fixed.detach(), moving.detach(), model, mask, init, intensity)
        points = Points(model, found, fixed.shape)
        valid = inside(points.at(points.zero), moving.shape)
        if mask is not None:
            valid = valid & mask
        fixed, moving = self.differentiated(fixed, moving)
        coefficients = self.prefiltered(moving)

        def metric(d, fixed=fixed, coefficients=coefficients):
            m = self.warped(coefficients, points, d)
            return self.value(fixed[valid], m[valid], intensity)

        d = points.zero.clone().requires_grad_(True)
        with torch.enable_grad():
            (g,) = torch.autograd.grad(metric(d), d, create_graph=True)
            A = self.hessian(metric, points, fixed.detach(), coefficients.detach())
            step = self.step(A, g)
            u = points.at(step - (step.detach() - points.zero))
        return (u - points.at_rest).permute(1, 2, 0)

    def found(self, fixed, moving, model, mask, init, intensity):
        """Return the answer, off the graph."""
        return bundled.register(fixed, moving, model, mask, init, intensity)

    def differentiated(self, fixed, moving):
        """Return the images that the graph holds."""
        return fixed, moving

    def prefiltered(self, moving):
        """Return the cubic spline coefficients of the moving image."""
        rows, columns = (prefilter(size, moving.dtype) for size in moving.shape)
        return rows @ moving @ columns.T

    def warped(self, coefficients, points, d):
        """Return the moving image at T(x; d)."""
        return sampled(coefficients, points.at(d))

    def value(self, f, m, intensity):
        """Return half the mean squared difference, or one minus the correlation."""
        if intensity == "same":
            return ((m - f) ** 2).mean() / 2
        f, m = f - f.mean(), m - m.mean()
        return 1 - (f * m).sum() / (f.norm() * m.norm())

    def hessian(self, metric, points, fixed, coefficients):
        """Return A, the second derivatives of the metric by the parameters."""
        A = torch.autograd.functional.hessian(lambda d: metric(d, fixed, coefficients), points.zero)
        return A.detach()

    def step(self, A, g):
        return -torch.linalg.solve(A, g)


class Points:
    """T(x; d) of a family about a solution, `(2, H, W)`, as a torch function of the increment d."""

    def __init__(self, model, found, shape):
        height, width = shape
        self.model = model
        y, x = torch.meshgrid(
            torch.arange(height, dtype=torch.float64),
            torch.arange(width, dtype=torch.float64),
            indexing="ij",
        )
        self.at_rest = torch.stack([x, y])
        self.found = (found.control_points if model == "ffd" else found.matrix).detach()
        self.centre = torch.tensor([(width - 1) / 2, (height - 1) / 2], dtype=torch.float64)
        if model == "ffd":
            basis = FreeForm().basis
            self.bx = torch.as_tensor(basis(x[0].numpy(), width))
            self.by = torch.as_tensor(basis(y[:, 0].numpy(), height))
        count = {"translation": 2, "rigid": 3, "affine": 6, "ffd": 32}[model]
        self.zero = torch.zeros(count, dtype=torch.float64)

    def at(self, d):
        """Return T(E(x; d)) for a linear family, x + B (c + d) for a free form."""
        if self.model == "ffd":
            return self.at_rest + self.by @ (self.found + d.view(2, 4, 4)) @ self.bx.T
        z = self.at_rest - self.centre[:, None, None]
        # Parameters other than shifts per half the image, so that all are pixels.
        reach = self.centre.max()
        if self.model == "rigid":
            c, s = torch.cos(d[2] / reach), torch.sin(d[2] / reach)
            z = torch.stack([c * z[0] - s * z[1], s * z[0] + c * z[1]])
        elif self.model == "affine":
            z = z + torch.einsum("ab,bij->aij", d[2:].view(2, 2) / reach, z)
        z = z + (self.centre + d[:2])[:, None, None]
        return torch.einsum("ab,bij->aij", self.found[:2, :2], z) + self.found[:2, 2, None, None]


def inside(points, shape):
    """Return which points lie between the pixel centres of an image of this shape."""
    height, width = shape
    x, y = points
    return (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)


def prefilter(size, dtype):
    """Return the matrix that takes samples to cubic B-spline coefficients, mirrored at the ends."""
    spline = torch.zeros(size, size, dtype=torch.float64)
    index = torch.arange(size)
    for offset, weight in ((-1, 1 / 6), (0, 4 / 6), (1, 1 / 6)):
        spline[index, mirrored(index + offset, size)] += weight
    return torch.linalg.inv(spline).to(dtype)


def mirrored(index, size):
    """Return indices reflected about the first and the last pixel centre."""
    index = index.abs()
    return torch.where(index > size - 1, 2 * (size - 1) - index, index)


def sampled(coefficients, points):
    """Return the cubic spline of these coefficients at points `(2, H, W)`."""
    height, width = coefficients.shape
    x, y = points
    left, top = x.detach().floor().long(), y.detach().floor().long()
    total = torch.zeros_like(x)
    across, down = cubic(x - left), cubic(y - top)
    flat = coefficients.reshape(-1)
    for i, down_i in enumerate(down):
        row = mirrored(top + i - 1, height).clamp(0, height - 1)
        for j, across_j in enumerate(across):
            column = mirrored(left + j - 1, width).clamp(0, width - 1)
            total = total + down_i * across_j * flat[row * width + column]
    return total


def cubic(t):
    """Return the four weights of the cubic B-spline at a fraction of a pixel."""
    s = 1 - t
    return (
        s**3 / 6,
        (3 * t**3 - 6 * t**2 + 4) / 6,
        (3 * s**3 - 6 * s**2 + 4) / 6,
        t**3 / 6,
    )


register = Attached()
