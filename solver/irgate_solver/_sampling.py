"""Image values, gradients and curvatures between pixels.

Two samplers. `linear` interpolates bilinearly and clamps to the edge sample, as ITK's does: the
default, because the oracle's objective is made of it; its gradient jumps at pixel borders.
`cubic` is the interpolating cubic B-spline with mirrored border (Unser 1999): its value, gradient
and curvature come from one evaluator and are continuous, which the implicit gradient likes.

Points are `(B, 2, h, w)`, `(x, y)` first, float64, in pixels of the image that is sampled, pixel
centres at whole numbers. The one conversion to torch's normalised coordinates stands in
`normalised`; `align_corners` is False everywhere.
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional

from irgate_solver import _spline


@dataclass(frozen=True)
class Jet:
    """An image around mapped points, each `(B, h, w)` in the image type.

    Attributes:
        value: intensity.
        dx, dy: derivatives by the point's x and y, intensity per px.
        dxx, dxy, dyy: second derivatives, intensity per px^2; None unless asked for. Bilinear
            pieces have no dxx and dyy (None).

    """

    value: Tensor
    dx: Tensor
    dy: Tensor
    dxx: Tensor | None = None
    dxy: Tensor | None = None
    dyy: Tensor | None = None

    def per(self, scale: float) -> "Jet":
        """Return the same jet by a coordinate that is `scale` times as fine."""
        first, second = 1.0 / scale, 1.0 / scale**2
        return Jet(
            self.value,
            self.dx * first,
            self.dy * first,
            None if self.dxx is None else self.dxx * second,
            None if self.dxy is None else self.dxy * second,
            None if self.dyy is None else self.dyy * second,
        )


@dataclass(frozen=True)
class Linear:
    """Bilinear sampling of `image` `(B, H, W)`, clamped to the edge samples."""

    image: Tensor

    def jet(self, points: Tensor, *, curvature: bool = False) -> Jet:
        """Return value and exact piecewise derivatives at `points`; differentiable by `image`.

        With (s, t) the place in the cell and a, b / c, d its corners, upper row first:
        value = (1-t)((1-s) a + s b) + t((1-s) c + s d). On a border the right-hand (lower) cell
        counts; where a coordinate is clamped its derivative is zero.
        """
        height, width = self.image.shape[-2:]
        column, s, inside_x = _cell(points[:, 0], width, self.image.dtype)
        row, t, inside_y = _cell(points[:, 1], height, self.image.dtype)
        flat = self.image.flatten(1)
        index = (row * width + column).flatten(1)
        # On an axis of one sample the next sample is the sample itself.
        right, down = (1 if width > 1 else 0), (width if height > 1 else 0)
        shape = points[:, 0].shape
        a = flat.gather(1, index).view(shape)
        b = flat.gather(1, index + right).view(shape)
        c = flat.gather(1, index + down).view(shape)
        d = flat.gather(1, index + (right + down)).view(shape)
        top, bottom, left = b - a, d - c, c - a
        twist = bottom - top
        slope = top + t * twist
        return Jet(
            value=a + s * slope + t * left,
            dx=slope * inside_x,
            dy=(left + s * twist) * inside_y,
            dxy=twist * inside_x * inside_y if curvature else None,
        )

    def value(self, points: Tensor) -> Tensor:
        """Return intensities at `points`, `(B, h, w)`; differentiable by image and points."""
        height, width = self.image.shape[-2:]
        return sample_normalised(self.image, normalised(points, height, width))


@dataclass(frozen=True)
class LinearOnAverage:
    """Bilinear sampling whose curvature counts the kinks that a step across many cells meets.

    The second derivative of a linear interpolant is a row of spikes at the pixels, each as large as
    the second difference there; over steps of more than a pixel's fraction the sum of many such
    rows acts like the second differences themselves, interpolated.
    """

    image: Tensor

    def jet(self, points: Tensor, *, curvature: bool = False) -> Jet:
        """Return the bilinear jet, with second differences as `dxx` and `dyy` where asked for."""
        jet = Linear(self.image).jet(points, curvature=curvature)
        if not curvature:
            return jet
        framed = functional.pad(self.image.unsqueeze(1), (1, 1, 1, 1), mode="replicate").squeeze(1)
        middle = 2.0 * self.image
        across = framed[:, 1:-1, 2:] + framed[:, 1:-1, :-2] - middle
        down = framed[:, 2:, 1:-1] + framed[:, :-2, 1:-1] - middle
        dxx, dyy = (Linear(second).jet(points).value for second in (across, down))
        return replace(jet, dxx=dxx, dyy=dyy)

    def value(self, points: Tensor) -> Tensor:
        """Return intensities at `points`."""
        return Linear(self.image).value(points)


@dataclass(frozen=True)
class Cubic:
    """Cubic B-spline interpolation of `image` `(B, H, W)`, mirrored about the edge samples."""

    image: Tensor
    coefficients: Tensor

    @classmethod
    def of(cls, image: Tensor) -> "Cubic":
        """Prefilter `image`; differentiable by it."""
        return cls(image, _spline.interpolating_coefficients(image))

    def jet(self, points: Tensor, *, curvature: bool = False) -> Jet:
        """Return value and derivatives of the spline at `points`; differentiable by `image`."""
        height, width = self.image.shape[-2:]
        dtype = self.image.dtype
        column, row = points[:, 0].floor(), points[:, 1].floor()
        wx = _spline.weights((points[:, 0] - column).to(dtype))
        wy = _spline.weights((points[:, 1] - row).to(dtype))
        reach = torch.arange(-1, 3, device=points.device)
        columns = _spline.mirror(column.long().unsqueeze(-1) + reach, width)
        rows = _spline.mirror(row.long().unsqueeze(-1) + reach, height)
        flat = self.coefficients.flatten(1)
        orders = ((0, 0), (1, 0), (0, 1)) + (((2, 0), (1, 1), (0, 2)) if curvature else ())
        sums: list[Tensor] = [torch.zeros_like(points[:, 0], dtype=dtype) for _ in orders]
        for k in range(_spline.SUPPORT):
            index = (rows[..., k : k + 1] * width + columns).flatten(1)
            line = flat.gather(1, index).view(columns.shape)
            along = [(line * wx[order]).sum(-1) for order in range(3 if curvature else 2)]
            sums = [
                total + along[x] * wy[y][..., k] for total, (x, y) in zip(sums, orders, strict=True)
            ]
        return Jet(*sums)

    def value(self, points: Tensor) -> Tensor:
        """Return intensities at `points`, `(B, h, w)`; differentiable by image and points."""
        jet = self.jet(points.detach())
        # First order in the points: exact value, and the derivative that autograd then passes on.
        moved = points - points.detach()
        return jet.value + (jet.dx * moved[:, 0] + jet.dy * moved[:, 1]).to(jet.value.dtype)


Sampler = Linear | LinearOnAverage | Cubic


def make_sampler(kind: str, image: Tensor) -> Sampler:
    """Return the sampler named `kind` ("linear" or "cubic") of `image` `(B, H, W)`."""
    return Linear(image) if kind == "linear" else Cubic.of(image)


def _cell(coordinate: Tensor, size: int, dtype: torch.dtype) -> tuple[Tensor, Tensor, Tensor]:
    """Split a coordinate into cell, place in the cell, and 1 where it was not clamped."""
    clamped = coordinate.clamp(0, size - 1)
    cell = clamped.floor().clamp(max=max(size - 2, 0))
    inside = (clamped == coordinate).to(dtype)
    return cell.long(), (clamped - cell).to(dtype), inside


def normalised(points: Tensor, height: int, width: int) -> Tensor:
    """Convert pixels `(B, 2, h, w)` to torch's coordinates, where -1 and 1 are the outer edges."""
    size = points.new_tensor([width, height]).view(2, 1, 1)
    return (2.0 * points + 1.0) / size - 1.0


def sample_normalised(image: Tensor, grid: Tensor) -> Tensor:
    """Sample `(B, H, W)` bilinearly at normalised points `(B, 2, h, w)`; the fast path.

    Coordinates are rounded to the image type first (7e-6 px at 240 px in float32): good enough to
    approach a minimum, while `Linear.jet` is what settles it.
    """
    place = grid.to(image.dtype).permute(0, 2, 3, 1)
    return functional.grid_sample(
        image.unsqueeze(1), place, mode="bilinear", padding_mode="border", align_corners=False
    ).squeeze(1)
