"""The panels of a case's figure. Orange is the fixed image and nothing else; blue the moving."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from irgate_battery.judge.measure import Warped
from irgate_fixtures import pixel_grid

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

ORANGE = (1.0, 0.5, 0.0)
BLUE = (0.0, 0.5, 1.0)
"""They add up to white, so that what is equal is grey; and every kind of colour blindness tells
them apart."""

REFERENCE = (0.1, 0.1, 0.1)
"""Lines of the truth."""

DIFFERENCE_MAP = "PRGn"
DISTANCE_MAP = "viridis"
HATCHED = {"facecolor": "0.9", "edgecolor": "0.55", "hatch": "////"}
"""What shows where nothing is measured: masked, or mapped out of the moving image."""

NOT_MEASURED = "hatched: not measured"

PITCH_PX = 16
"""Between two lines of the grid, px."""

ROOM = 0.8
"""How far beyond the image a moved grid is followed, as a part of the image's size."""

TAIL = 99.5
"""Percentile of the absolute difference at which the colour scale ends, so that one pixel cannot
make all others pale."""

LEAST_END = 1e-12
"""Of that scale, where two images are the same."""

NEAREST_PX, FARTHEST_PX = 1e-4, 1.0
"""What the scale of distances spans at least; a picture is read beside others."""


def _plain(axes: Any, title: str) -> None:
    axes.set_title(title, fontsize=11)
    # Panels of a row begin at one height, whatever their image's shape is.
    axes.set_anchor("N")
    axes.set_xticks([])
    axes.set_yticks([])


def image(axes: Any, pixels: Array, title: str, mask: Mask | None) -> None:
    """Show an image, what must not be trusted hatched."""
    axes.imshow(pixels, cmap="gray", vmin=0, vmax=max(1.0, float(pixels.max())))
    _plain(axes, title)
    if mask is not None:
        axes.contourf(mask, levels=[-0.5, 0.5], colors="none", hatches=["///"])
        axes.contour(mask, levels=[0.5], colors=["white"], linewidths=1.5)
        axes.set_xlabel("hatched: masked, not to be trusted", fontsize=10)


def overlay(axes: Any, fixed: Array, warped: Warped, title: str) -> None:
    """Lay the fixed image in orange over the warped one in blue; hatched where that is unknown."""
    inside = np.where(warped.valid, np.clip(warped.image, 0, 1), 0.0)
    mixed = np.clip(fixed, 0, 1)[..., None] * ORANGE + inside[..., None] * BLUE
    axes.patch.set(**HATCHED)
    axes.imshow(np.dstack([np.clip(mixed, 0, 1), warped.valid.astype(float)]))
    _plain(axes, title)
    axes.set_xlabel("orange: fixed, blue: moving, grey: both", fontsize=10)


def differences(
    figure: Figure,
    shown_on: Sequence[Any],
    bar: Any,
    fixed: Array,
    named: Sequence[tuple[str, Warped]],
) -> None:
    """Show moving(T(x)) - fixed(x) of several on one scale, symmetric about zero."""
    maps = [np.ma.masked_where(~warped.valid, warped.image - fixed) for _, warped in named]
    absolute = np.concatenate([np.abs(each.compressed()) for each in maps])
    end = max(float(np.percentile(absolute, TAIL)) if absolute.size else 1.0, LEAST_END)
    for axes, difference, (when, _) in zip(shown_on, maps, named, strict=True):
        axes.patch.set(**HATCHED)
        drawn = axes.imshow(difference, cmap=DIFFERENCE_MAP, vmin=-end, vmax=end)
        largest = f"\nlargest {np.abs(difference).max():.3g}" if difference.count() else ""
        _plain(axes, f"difference {when}{largest}")
    figure.colorbar(
        drawn,
        cax=bar,
        orientation="horizontal",
        label="moving(T(x)) - fixed(x)",
        extend="both",
        ticks=MaxNLocator(4 * len(named) + 1, symmetric=True),
    )


def grid(axes: Any, fixed: Array, truth: Array, answer: Array | None, whose: str) -> None:
    """Draw where the transforms put a regular grid of the fixed image."""
    axes.imshow(fixed, cmap="gray", vmin=-0.6, vmax=1.4)
    _lines(axes, truth, REFERENCE, 1.0 if answer is None else 1.8)
    drawn = [truth]
    if answer is not None:
        _lines(axes, answer, BLUE, 0.9)
        drawn.append(answer)
    moved = np.concatenate([(pixel_grid(fixed.shape) + u).reshape(-1, 2) for u in drawn])
    _frame(axes, moved, (fixed.shape[0], fixed.shape[1]))
    _plain(axes, f"grid moved by {np.linalg.norm(drawn[-1], axis=-1).mean():.3g} px on average")
    key = f"black: {whose}" + ("" if answer is None else ", blue: the answer")
    axes.set_xlabel(key, fontsize=10)


def _frame(axes: Any, points: Array, shape: tuple[int, int]) -> None:
    """Zoom out until the image and, within reason, these points are seen, in the image's aspect."""
    size = np.array([shape[1], shape[0]])
    low = np.clip(points.min(axis=0), -ROOM * size, 0)
    high = np.clip(points.max(axis=0), size - 1, (1 + ROOM) * size)
    middle, half = (low + high) / 2, size * float(((high - low) / size).max()) / 2 + 2
    axes.set_xlim(middle[0] - half[0], middle[0] + half[0])
    axes.set_ylim(middle[1] + half[1], middle[1] - half[1])


def _lines(axes: Any, displacement: Array, colour: Any, thickness: float) -> None:
    height, width = displacement.shape[:2]
    moved = pixel_grid((height, width)) + displacement
    # The last row and column close the grid, wherever the pitch ends.
    for row in dict.fromkeys([*range(0, height, PITCH_PX), height - 1]):
        axes.plot(moved[row, :, 0], moved[row, :, 1], color=colour, linewidth=thickness)
    for column in dict.fromkeys([*range(0, width, PITCH_PX), width - 1]):
        axes.plot(moved[:, column, 0], moved[:, column, 1], color=colour, linewidth=thickness)


def valid_region(axes: Any, fixed: Array, after: Warped) -> None:
    """Show the region over which all is measured."""
    axes.patch.set(**HATCHED)
    axes.imshow(np.ma.masked_where(~after.valid, fixed), cmap="gray", vmin=0, vmax=1)
    _plain(axes, f"valid region\n{after.coverage:.0%} of what is trusted")
    axes.set_xlabel(NOT_MEASURED, fontsize=10)


def distance(
    figure: Figure,
    axes: Any,
    bar: Any,
    off: Array,
    valid: Mask,
    tolerance_px: float | None,
    whose: str,
) -> None:
    """Show how far the answer is from the reference, pixel by pixel, on a logarithmic scale.

    A linear one would show the farthest pixels and nothing else. Where a tolerance holds the mean
    of these distances, it is marked on the scale and drawn as a contour.
    """
    seen = np.ma.masked_where(~valid, off)
    largest = float(seen.max()) if seen.count() else 0.0
    scale = LogNorm(NEAREST_PX, max(FARTHEST_PX, largest))
    axes.patch.set(**HATCHED)
    shown = axes.imshow(np.ma.clip(seen, NEAREST_PX, None), cmap=DISTANCE_MAP, norm=scale)
    title = f"distance to {whose}" + (f"\nlargest {largest:.3g} px" if seen.count() else "")
    _plain(axes, title)
    figure.colorbar(shown, cax=bar, orientation="horizontal", label="px", extend="min")
    axes.set_xlabel(NOT_MEASURED, fontsize=10)
    if tolerance_px is None:
        return
    bar.axvline(tolerance_px, color="white", linewidth=4)
    bar.axvline(tolerance_px, color="black", linewidth=1.5)
    bar.set_xlabel(f"px; line: tolerance {tolerance_px:.3g} px")
    if seen.count() and float(seen.min()) < tolerance_px < largest:
        axes.contour(seen, levels=[tolerance_px], colors=["white"], linewidths=1.2)
