"""SIREN: a displacement field as a small network of sines, fitted by Adam.

(1)  u(x) = scale (W3 s2 + b3),    s1 = sin(omega (W1 z + b1)),    s2 = sin(omega (W2 s1 + b2)),

z the pixel's coordinates, centred and divided by half the longer side. Sitzmann et al. 2020,
"Implicit neural representations with periodic activation functions", section 3.2: W1 is uniform in
+-1 / n_in and W2 in +-sqrt(6 / n_in) / omega, so that s1 and s2 have one distribution at any depth.
W3 and b3 start at zero, and with them u does.

The loss on one level of the pyramid is

(2)  sum_V (m(x + u) - f)^2 / sum_V (f - mean f)^2    where brightness is the same, else
     1 - mean_V of the squared local correlation (Gaussian window),
     + SMOOTHNESS mean |change of the Jacobian of u from node to node, per px|^2

The linear families take the member nearest to u (least squares; Procrustes for a rotation) and have
no smoothness term. Random numbers come from a generator of its own: the same seed gives the same
network, and the global random state is neither read nor changed.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from irgate_solver import _sampling, _start, _warps
from irgate_solver._lucas_kanade import level_basis, valid_on
from irgate_solver._normal_equations import basis_of
from irgate_solver._precision import SOLVE
from irgate_solver._pyramid import Level
from irgate_solver._warps import FreeForm, LinearWarp, Warp

WIDTH = 32
"""Number of sines in each of the two layers."""
OMEGA = 10.0
"""The first layer's sines have wavelengths of three fifths of the image's side and more. The paper
takes 30 for pictures and other values for other signals; deformations are smoother than pictures.
With 30 the distance to the truth on the FFD fixture is 0.096 px and the RMSE 1.14 times the
oracle's, with 10 they are 0.026 px and 1.05 times (measured)."""
SCALE = 0.1
"""Scale of (1) over half the longer side of the image (heuristic)."""
RATE = 2e-3
"""Adam's step at the start of each level; it falls to a hundredth along half a cosine."""
LEAST_RATE = 0.01
STEPS = (300, 300, 300, 400)
"""Steps of Adam on each level, coarsest first."""
SPACING = 4
"""Distance, px of the level, of the nodes at which the network is evaluated for an FFD; u is
interpolated between them. The shortest wavelength of the first layer is thirty times as long."""
LINEAR_NODES = 9
"""Nodes along each axis for a linear family, whose member is fitted to them."""
SMOOTHNESS = 1e-3
"""Weight of the last term of (2), px^2 (as a bending energy's)."""
WINDOW = 4.0
"""Standard deviation of the local correlation's window, px of the level."""


@dataclass(frozen=True, eq=False)
class Network:
    """The weights of (1), each with a leading batch axis: one network a pair.

    Attributes:
        weights, biases: of the three layers, `(B, n_out, n_in)` and `(B, n_out, 1)`.

    """

    weights: tuple[Tensor, Tensor, Tensor]
    biases: tuple[Tensor, Tensor, Tensor]

    @classmethod
    def drawn(cls, batch: int, seed: int, dtype: torch.dtype, device: torch.device) -> "Network":
        """Draw a network by the paper's scheme; every pair of a batch gets the same one."""
        generator = torch.Generator().manual_seed(seed)

        def uniform(rows: int, columns: int, limit: float) -> Tensor:
            drawn = torch.rand(rows, columns, generator=generator, dtype=torch.float64)
            plane = ((2.0 * drawn - 1.0) * limit).to(device, dtype)
            return plane.expand(batch, rows, columns).clone()

        inner = (6.0 / WIDTH) ** 0.5 / OMEGA
        weights = (
            uniform(WIDTH, 2, 1.0 / 2.0),
            uniform(WIDTH, WIDTH, inner),
            torch.zeros(batch, 2, WIDTH, dtype=dtype, device=device),
        )
        biases = (
            uniform(WIDTH, 1, (1.0 / 2.0) ** 0.5),
            uniform(WIDTH, 1, (1.0 / WIDTH) ** 0.5),
            torch.zeros(batch, 2, 1, dtype=dtype, device=device),
        )
        return cls(weights, biases)

    def parameters(self) -> list[Tensor]:
        """Return all weights and biases as leaves that require grad."""
        return [tensor.requires_grad_(True) for tensor in (*self.weights, *self.biases)]

    def field(self, y: Tensor, x: Tensor) -> Tensor:
        """Return (1) over `scale` on the product grid of `y` `(h,)` and `x` `(w,)`: `(B, 2, h, w)`.

        The first layer's argument is a sum of a row's and a column's part, so it costs no product
        for each pixel.
        """
        weight, bias = self.weights[0], self.biases[0]
        down = (weight[:, :, 1:] * y + bias).unsqueeze(-1)
        across = (weight[:, :, :1] * x).unsqueeze(-2)
        first = torch.sin(OMEGA * (down + across)).flatten(2)
        second = torch.sin(OMEGA * torch.baddbmm(self.biases[1], self.weights[1], first))
        found = torch.baddbmm(self.biases[2], self.weights[2], second)
        return found.view(len(found), 2, len(y), len(x))


class Siren:
    """The fit of one network to a pyramid of images.

    Attributes:
        warp: the family.
        levels: full images first.
        extent: the full moving image's (height, width).
        local: whether to compare by local correlation instead of squared differences.
        start: parameters of the family that the network's displacement is added to, `(B, n)`.

    """

    def __init__(
        self,
        warp: Warp,
        levels: Sequence[Level],
        extent: tuple[int, int],
        *,
        local: bool,
        start: Tensor,
        seed: int = 0,
    ) -> None:
        self.warp, self.levels, self.extent, self.local = warp, levels, extent, local
        self.start = start
        full = levels[0].fixed
        self.network = Network.drawn(len(full), seed, full.dtype, full.device)
        self.radius = max(warp.height, warp.width) / 2.0

    def run(self, steps: Sequence[int] = STEPS) -> "Siren":
        """Fit, coarsest level first, the last of `steps` on the finest level."""
        for level, count in zip(reversed(self.levels), steps[-len(self.levels) :], strict=True):
            self._fit(level, count)
        return self

    def parameters(self) -> Tensor:
        """Return the family's member nearest to the displacement, `(B, n)`, float64."""
        with torch.no_grad():
            if isinstance(self.warp, FreeForm):
                return self.start + self.warp.fit(self._full())
            return self._member(self.network)

    def displacement(self) -> Tensor:
        """Return u on the full fixed grid, `(B, 2, H, W)`, px, float64."""
        with torch.no_grad():
            shape = (self.warp.height, self.warp.width)
            basis = basis_of(self.warp, shape, 1, self.start.device)
            if not isinstance(self.warp, FreeForm):
                c = self.warp.coefficients(self._member(self.network))
                return basis.rows @ (c @ basis.columns.mT)
            started = basis.rows @ (self.warp.coefficients(self.start) @ basis.columns.mT)
            return started + self._full()

    def _full(self) -> Tensor:
        """Return the network's own displacement on the full grid, `(B, 2, H, W)`, px."""
        shape = (self.warp.height, self.warp.width)
        nodes = self._evaluate(self.network, *self._nodes(shape, 1)).to(SOLVE)
        return _interpolated(nodes, shape, SPACING)

    @torch.enable_grad()
    def _fit(self, level: Level, steps: int) -> None:
        leaves = self.network.parameters()
        optimiser = torch.optim.Adam(leaves, lr=RATE)
        for step in range(steps):
            falling = 0.5 + 0.5 * torch.cos(torch.tensor(torch.pi * step / steps)).item()
            for group in optimiser.param_groups:
                group["lr"] = RATE * (LEAST_RATE + (1.0 - LEAST_RATE) * falling)
            optimiser.zero_grad(set_to_none=True)
            torch.autograd.backward(self.loss(level).sum())
            optimiser.step()
        for leaf in leaves:
            leaf.requires_grad_(False)

    def loss(self, level: Level) -> Tensor:
        """Return (2) on one level, `(B,)`."""
        basis = level_basis(self.warp, level)
        smoothness: Tensor | float = 0.0
        if isinstance(self.warp, FreeForm):
            rows, columns = self._nodes(level.fixed.shape[1:], level.scale)
            nodes = self._evaluate(self.network, rows, columns)
            field = _interpolated(nodes, level.fixed.shape[1:], SPACING)
            points = basis.positions(self.warp.coefficients(self.start)) + field
            smoothness = SMOOTHNESS * _roughness(nodes, SPACING * level.scale)
        else:
            points = basis.positions(self.warp.coefficients(self._member(self.network)))
        valid = valid_on(level, points.detach(), self.extent)
        grid = _sampling.normalised(points / level.scale, *level.moving.shape[1:])
        moved = _sampling.sample_normalised(level.moving, grid)
        compare = _local_correlation if self.local else _relative_differences
        return compare(level.fixed, moved, valid) + smoothness

    def _member(self, network: Network) -> Tensor:
        """Return the linear family's member nearest to start and network, `(B, n)`, float64."""
        assert isinstance(self.warp, LinearWarp)
        height, width = self.warp.height, self.warp.width
        device = self.start.device
        y = torch.linspace(0, height - 1, LINEAR_NODES, dtype=SOLVE, device=device)
        x = torch.linspace(0, width - 1, LINEAR_NODES, dtype=SOLVE, device=device)
        nodes = self._evaluate(network, y, x).to(SOLVE)
        affine = _warps.Affine(height, width)
        c = torch.linalg.pinv(affine.rows(y)) @ nodes @ torch.linalg.pinv(affine.columns(x)).mT
        order = (c[:, 0, 0, 0], c[:, 1, 0, 0], c[:, 0, 0, 1], c[:, 0, 1, 0], c[:, 1, 0, 1])
        free = torch.stack((*order, c[:, 1, 1, 0]), -1)
        started = _start.between_linear(self.warp, self.start, affine)
        return _start.between_linear(affine, started + free, self.warp)

    def _nodes(self, shape: Sequence[int], scale: int) -> tuple[Tensor, Tensor]:
        """Return the nodes' rows and columns, px of the full image; the last may lie beyond.

        Args:
            shape: (height, width) of a grid of pixels.
            scale: px of the full image between two of its pixels.

        """
        counts = (-(-(side - 1) // SPACING) + 1 for side in shape)
        y, x = (
            torch.arange(count, dtype=SOLVE, device=self.start.device) * SPACING * scale
            for count in counts
        )
        return y, x

    def _evaluate(self, network: Network, y: Tensor, x: Tensor) -> Tensor:
        """Return (1) at rows `y` and columns `x`, px: `(B, 2, h, w)`."""
        dtype = network.weights[0].dtype
        eta = ((y - (self.warp.height - 1) / 2.0) / self.radius).to(dtype)
        xi = ((x - (self.warp.width - 1) / 2.0) / self.radius).to(dtype)
        return SCALE * self.radius * network.field(eta, xi)


def _interpolated(nodes: Tensor, shape: Sequence[int], spacing: int) -> Tensor:
    """Interpolate `nodes` `(B, 2, h, w)`, `spacing` pixels apart, to `shape` by Catmull-Rom."""
    height, width = shape
    size = ((nodes.shape[2] - 1) * spacing + 1, (nodes.shape[3] - 1) * spacing + 1)
    fine = functional.interpolate(nodes, size=size, mode="bicubic", align_corners=True)
    return fine[:, :, :height, :width]


def _roughness(nodes: Tensor, spacing: int) -> Tensor:
    """Return the mean squared second derivative of the field, px^-2, `(B,)`."""
    xx = nodes[..., 2:] - 2.0 * nodes[..., 1:-1] + nodes[..., :-2]
    yy = nodes[..., 2:, :] - 2.0 * nodes[..., 1:-1, :] + nodes[..., :-2, :]
    xy = (nodes[..., 1:, 1:] - nodes[..., 1:, :-1]) - (nodes[..., :-1, 1:] - nodes[..., :-1, :-1])
    sums = [part.square().mean((2, 3)).sum(1) for part in (xx, yy, xy)]
    return (sums[0] + sums[1] + 2.0 * sums[2]) / float(spacing) ** 4


def _relative_differences(fixed: Tensor, moved: Tensor, valid: Tensor) -> Tensor:
    """Return the first line of (2), `(B,)`."""
    count = valid.sum((1, 2)).clamp(min=1)
    mean = (fixed * valid).sum((1, 2)) / count
    spread = ((fixed - mean.view(-1, 1, 1)).square() * valid).sum((1, 2))
    tiny = torch.finfo(fixed.dtype).tiny
    return ((moved - fixed).square() * valid).sum((1, 2)) / spread.clamp(min=tiny)


def _local_correlation(fixed: Tensor, moved: Tensor, valid: Tensor) -> Tensor:
    """Return the second line of (2), `(B,)`."""
    radius = round(2.5 * WINDOW)
    taps = torch.arange(-radius, radius + 1, dtype=fixed.dtype, device=fixed.device)
    kernel = torch.exp(-0.5 * (taps / WINDOW) ** 2)
    kernel = kernel / kernel.sum()

    def blur(planes: Tensor) -> Tensor:
        flat = planes.flatten(0, 1).unsqueeze(1)
        down = functional.conv2d(flat, kernel.view(1, 1, -1, 1), padding=(radius, 0))
        both = functional.conv2d(down, kernel.view(1, 1, 1, -1), padding=(0, radius))
        return both.view_as(planes)

    f, m = fixed * valid, moved * valid
    sums = blur(torch.stack((valid, f, m, f * f, m * m, f * m), 1)).unbind(1)
    weight = sums[0].clamp(min=1e-3)
    mean_f, mean_m, ff, mm, fm = (plane / weight for plane in sums[1:])
    floor = 1e-4 * (fixed.amax((1, 2), keepdim=True) - fixed.amin((1, 2), keepdim=True)).square()
    var_f = (ff - mean_f * mean_f).clamp(min=0) + floor
    var_m = (mm - mean_m * mean_m).clamp(min=0) + floor
    rho = (fm - mean_f * mean_m).square() / (var_f * var_m)
    return 1.0 - (rho * valid).sum((1, 2)) / valid.sum((1, 2)).clamp(min=1)
