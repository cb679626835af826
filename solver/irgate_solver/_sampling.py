"""Image values, gradients and curvatures between pixels.

There are three samplers. `linear` interpolates bilinearly and clamps to the edge sample, as ITK's
does. It is the default, because SimpleITK's objective uses it. Its gradient jumps at pixel borders.
`cubic` is the interpolating cubic B-spline with mirrored border (Unser 1999). Its value, gradient
and curvature come from one evaluator and are continuous, as the implicit gradient needs.
`catmull-rom` is cubic convolution (Keys 1981). It needs no prefilter. Its gradient is continuous,
and its curvature jumps at pixel borders.

Points are `(B, 2, h, w)`, `(x, y)` first, float64, in pixels of the sampled image, pixel centres at
whole numbers. `normalised` converts them to torch's coordinates; `align_corners` is False
everywhere.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor
from torch.nn import functional

from irgate_solver import _native, _spline


@dataclass(frozen=True)
class Jet:
    """An image around mapped points, in the image type.

    Attributes:
        value: intensity, `(B, h, w)`.
        slopes: derivatives by the point's x and y, intensity per px, `(B, 2, h, w)`.
        seconds: second derivatives by xx, xy, yy, intensity per px^2, `(B, 3, h, w)`; None unless
            asked for.
        smooth: whether the slopes are a spline's, which are no exact zeros along a stripe.

    """

    value: Tensor
    slopes: Tensor
    seconds: Tensor | None = None
    smooth: bool = False

    def per(self, scale: float) -> "Jet":
        """Return the derivatives by a coordinate of which `scale` units make one pixel."""
        seconds = None if self.seconds is None else self.seconds / scale**2
        return replace(self, slopes=self.slopes / scale, seconds=seconds)


@dataclass(frozen=True)
class Linear:
    """Bilinear sampling of `image` `(B, H, W)`, clamped to the edge samples."""

    image: Tensor

    margin = 0.0

    @cached_property
    def cells(self) -> Tensor:
        """The four numbers of each cell, by its upper left sample, `(4, B H W)`.

        (1)  value = c0 + s c1 + t (c2 + s c3),    (s, t) the place in the cell, x first
        """
        right = functional.pad(self.image[:, :, 1:] - self.image[:, :, :-1], (0, 1))
        down = functional.pad(self.image[:, 1:] - self.image[:, :-1], (0, 0, 0, 1))
        twist = functional.pad(down[:, :, 1:] - down[:, :, :-1], (0, 1))
        return torch.stack((self.image, right, down, twist)).flatten(1)

    def jet(self, points: Tensor, *, curvature: bool = False) -> Jet:
        """Return value and exact piecewise derivatives at `points`; differentiable by `image`.

        On the border between two cells the right-hand (lower) one counts. Where a coordinate is
        clamped, the slope is that of the outermost cell and not zero: with a frozen region a metric
        counts such points while a step takes them over the border. The only second derivative of a
        bilinear piece is the mixed one.
        """
        batch, (height, width) = len(self.image), self.image.shape[1:]
        # y before x, as (1) wants t beside c1 and s beside c2.
        clamped = torch.empty_like(points)
        torch.clamp(points[:, 1], 0, height - 1, out=clamped[:, 0])
        torch.clamp(points[:, 0], 0, width - 1, out=clamped[:, 1])
        cell = clamped.floor()
        # The last sample belongs to the cell before it. An axis with one sample has one cell.
        row = cell[:, 0].clamp_(max=max(height - 2, 0))
        column = cell[:, 1].clamp_(max=max(width - 2, 0))
        place = clamped.sub_(cell).to(self.image.dtype)
        index = torch.add(column, row, alpha=width).long()
        if batch > 1:
            first = torch.arange(batch, device=index.device) * (height * width)
            index = index + first.view(-1, 1, 1)
        found = self.cells.index_select(1, index.flatten()).view(4, *index.shape)
        slopes = torch.addcmul(found[1:3].transpose(0, 1), place, found[3].unsqueeze(1))
        value = torch.addcmul(found[0], place[:, 1], found[1])
        value = torch.addcmul(value, place[:, 0], slopes[:, 1])
        seconds = None
        if curvature:
            zero = torch.zeros_like(value)
            seconds = torch.stack((zero, found[3], zero), 1)
        return Jet(value, slopes, seconds)

    def value(self, points: Tensor) -> Tensor:
        """Return intensities at `points`, `(B, h, w)`; differentiable by image and points."""
        height, width = self.image.shape[-2:]
        return sample_normalised(self.image, normalised(points, height, width))


@dataclass(frozen=True)
class LinearOnAverage:
    """Bilinear sampling whose curvature includes the kinks, on average.

    The second derivative of a linear interpolant is zero between pixels and a spike at each pixel,
    as large as the second difference there. The points of an image lie everywhere between pixels,
    so the sum of many spikes is nearly the sum of the interpolated second differences.
    """

    image: Tensor

    margin = 0.0

    def jet(self, points: Tensor, *, curvature: bool = False) -> Jet:
        """Return the bilinear jet, with second differences as xx and yy where asked for."""
        jet = Linear(self.image).jet(points, curvature=curvature)
        if jet.seconds is None:
            return jet
        framed = functional.pad(self.image.unsqueeze(1), (1, 1, 1, 1), mode="replicate").squeeze(1)
        middle = 2.0 * self.image
        across = framed[:, 1:-1, 2:] + framed[:, 1:-1, :-2] - middle
        down = framed[:, 2:, 1:-1] + framed[:, :-2, 1:-1] - middle
        dxx, dyy = (Linear(second).jet(points).value for second in (across, down))
        return replace(jet, seconds=torch.stack((dxx, jet.seconds[:, 1], dyy), 1))

    def value(self, points: Tensor) -> Tensor:
        """Return intensities at `points`."""
        return Linear(self.image).value(points)


@dataclass(frozen=True)
class Cubic:
    """Cubic B-spline interpolation of `image` `(B, H, W)`, mirrored about the edge samples.

    A mirrored spline has zero slope at the border whatever the scene's slope is. This error falls
    to a quarter with each pixel inwards. `margin` is the width, px, of the band along the border
    that a metric should not count. With 2 px the distance to the truth falls by nine tenths on the
    smooth fixtures, and the noisy one loses nothing (measured).
    """

    image: Tensor

    margin = 2.0

    pieces = _spline.B_SPLINE

    @cached_property
    def framed(self) -> Tensor:
        """The spline's coefficients, in a frame of two mirrored ones, `(B, H + 4, W + 4)`."""
        if _native.serves(self.image):
            return _native.framed_spline(self.image)
        coefficients = _spline.interpolating_coefficients(self.image)
        return functional.pad(coefficients, (2, 2, 2, 2), mode="reflect")

    @cached_property
    def cells(self) -> Tensor:
        """The sixteen numbers of each cell; the first cell lies before the first sample.

        (2)  value = sum_ab c_ab t^a s^b,    (s, t) the place in the cell, x first

        Returns: c, `(16, B (H + 1) (W + 1))`, b fastest.
        """
        return _spline.cell_polynomials(self.framed, self.pieces).flatten(1)

    def jet(self, points: Tensor, *, curvature: bool = False) -> Jet:
        """Return value and derivatives of the spline at `points`; differentiable by `image`.

        Points that lie more than a pixel beyond the outermost samples are clamped to one pixel
        beyond.
        """
        batch, (height, width) = len(self.image), self.image.shape[1:]
        clamped = torch.empty_like(points)
        torch.clamp(points[:, 0], -1, width, out=clamped[:, 0])
        torch.clamp(points[:, 1], -1, height, out=clamped[:, 1])
        cell = clamped.floor()
        column = cell[:, 0].clamp_(max=width - 1)
        row = cell[:, 1].clamp_(max=height - 1)
        s, t = clamped.sub_(cell).to(self.image.dtype).unbind(1)
        # The cell before the first sample is number 0.
        index = torch.add(column, row, alpha=width + 1).add_(width + 2).long()
        if batch > 1:
            first = torch.arange(batch, device=index.device) * ((height + 1) * (width + 1))
            index = index + first.view(-1, 1, 1)
        found = self.cells.index_select(1, index.flatten()).view(4, 4, *index.shape)
        # Polynomials in s for each power of t, then polynomials in t.
        along = _spline.horner(found.unbind(1), s, 2 if curvature else 1)
        value, dy, *rest = _spline.horner(along[0].unbind(0), t, 2 if curvature else 1)
        dx, *mixed = _spline.horner(along[1].unbind(0), t, 1 if curvature else 0)
        seconds = None
        if curvature:
            (dxx,) = _spline.horner(along[2].unbind(0), t, 0)
            seconds = torch.stack((dxx, mixed[0], rest[0]), 1)
        return Jet(value, torch.stack((dx, dy), 1), seconds, smooth=True)

    def value(self, points: Tensor) -> Tensor:
        """Return intensities at `points`, `(B, h, w)`; differentiable by image and points."""
        jet = self.jet(points.detach())
        # Exact value, and linear in the points, so that autograd passes on the exact slope.
        moved = points - points.detach()
        return jet.value + (jet.slopes * moved).sum(1).to(jet.value.dtype)


@dataclass(frozen=True)
class CatmullRom(Cubic):
    """Cubic convolution of `image` `(B, H, W)`, mirrored about the edge samples.

    It reads no more than two samples to each side, so that the mirror image beyond the border
    reaches one pixel inwards, and `margin` leaves that pixel out.
    """

    margin = 1.0
    pieces = _spline.CATMULL_ROM

    @cached_property
    def framed(self) -> Tensor:
        """The image, in a frame of two mirrored samples, `(B, H + 4, W + 4)`."""
        return functional.pad(self.image, (2, 2, 2, 2), mode="reflect")


Sampler = Linear | LinearOnAverage | Cubic
SAMPLERS: dict[str, type[Linear] | type[Cubic]] = {
    "linear": Linear,
    "cubic": Cubic,
    "catmull-rom": CatmullRom,
}
"""By the names that `register` takes."""


def make_sampler(kind: str, image: Tensor) -> Sampler:
    """Return the sampler named `kind` of `image` `(B, H, W)`."""
    return SAMPLERS[kind](image)


def normalised(points: Tensor, height: int, width: int) -> Tensor:
    """Convert pixels `(B, 2, h, w)` to torch's coordinates, where -1 and 1 are the outer edges."""
    size = points.new_tensor([width, height]).view(2, 1, 1)
    return (2.0 * points + 1.0) / size - 1.0


def sample_normalised(image: Tensor, grid: Tensor) -> Tensor:
    """Sample `(B, H, W)` bilinearly at normalised points `(B, 2, h, w)`; the fast path.

    Coordinates are rounded to the image type first, to 7e-6 px at 240 px in float32. That suffices
    to approach a minimum; `Linear.jet`, which is exact, then finds it.
    """
    place = grid.to(image.dtype).permute(0, 2, 3, 1)
    return functional.grid_sample(
        image.unsqueeze(1), place, mode="bilinear", padding_mode="border", align_corners=False
    ).squeeze(1)
